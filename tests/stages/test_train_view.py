"""A fine-tune in Ray's record of train runs, which its dashboard serves."""

import os
import subprocess
import sys

import pytest

from grid.stage import Resources
from motor.stages.train_view import in_train_view, run_name

# Under a Ray of its own, in a process of its own; an actor as Tune's trials are.
PROGRAM = """
import ray
from grid.stage import Resources

ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)


@ray.remote(num_cpus=1)
class Trial:
    def build(self, title, fault):
        from motor.stages.train_view import in_train_view

        try:
            with in_train_view(title, Resources(cpus=1)):
                running = self.runs()
                if fault:
                    raise ValueError(fault)
        except ValueError:
            pass
        return running, self.runs()

    def runs(self):
        from ray.train.v2._internal.state.state_actor import get_state_actor

        actor = get_state_actor()
        runs, attempts = (ray.get(of.remote()) for of in (actor.get_train_runs, actor.get_train_run_attempts))
        workers = {key: [worker.pid > 0 for of in attempts[key].values() for worker in of.workers] for key in runs}
        return {run.name: (run.status.value, run.status_detail, workers[key]) for key, run in runs.items()}


trial = Trial.remote()
for title, fault in (("C/Joint/ctx4096", ""), ("A+B/声音/ctx64", "diverged")):
    for runs in ray.get(trial.build.remote(title, fault)):
        print(ascii(runs[title]))
"""


@pytest.mark.ray
@pytest.mark.slow
def test_train_view_shows_a_run_under_its_title_and_how_it_ends():
    environment = os.environ | {"RAY_TRAIN_ENABLE_STATE_TRACKING": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=200)
    assert done.stdout.splitlines() == [
        "('RUNNING', None, [True])",
        "('FINISHED', None, [True])",
        "('RUNNING', None, [True])",
        "('ERRORED', 'ValueError: diverged', [True])",
    ], done.stderr


def test_train_view_without_a_dashboard_needs_no_ray(monkeypatch):
    monkeypatch.setenv("RAY_TRAIN_ENABLE_STATE_TRACKING", "0")
    with in_train_view("C/Joint/ctx4096", Resources()):
        pass


def test_train_view_that_cannot_be_had_is_said_and_the_work_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("RAY_TRAIN_ENABLE_STATE_TRACKING", "1")
    monkeypatch.setitem(sys.modules, "ray.train.v2._internal.state.state_manager", None)
    with in_train_view("C/Joint/ctx4096", Resources()):
        done = True
    assert done
    assert "C/Joint/ctx4096 is not shown in Ray's dashboard" in capsys.readouterr().out


def test_run_name_is_ascii_as_metrics_need_it():
    assert run_name("C/Joint/ctx4096") == "C/Joint/ctx4096"
    assert run_name("A+B/声音/ctx64") == "A+B/u58f0u97f3/ctx64"
