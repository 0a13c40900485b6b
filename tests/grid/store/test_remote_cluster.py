"""A store in a bucket under a cluster whose nodes share no folder: each node has a mirror of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grid.plan.plan import make_plan
from grid.store.opening import open_store

# The toy stages, of `__main__`, so that Ray pickles them by value; then a cluster, and a grid on it.
PROGRAM = """
import os, sys
_, toy_grid, location, caches = sys.argv
source, _, _ = open(toy_grid).read().partition('if __name__ == "__main__"')
exec(compile(source, toy_grid, "exec"))

from ray.cluster_utils import Cluster
from grid.store.opening import open_store

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
for name in ("node1", "node2"):
    cluster.add_node(num_cpus=1, env_vars={"MOTOR_GRID_CACHE": os.path.join(caches, name)})
store = open_store(location)
plan = make_plan(chains(), store)
outcome = run(plan, store, {key: Resources(1) for key in plan.stages}, address=cluster.address)
told = {"built": len(outcome.built), "failures": [failure.cause for failure in outcome.failures.values()]}
print(json.dumps(told), flush=True)
cluster.shutdown()
"""


@pytest.mark.slow
@pytest.mark.ray
def test_nodes_that_share_no_folder_build_one_grid_in_a_bucket(location, toy, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTOR_GRID_CACHE", str(tmp_path / "driver"))
    words = [sys.executable, "-c", PROGRAM, str(toy.__file__), location, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"built": 20, "failures": []}
    built = [
        {path.parent.name for path in Path(tmp_path, name).glob("*/*/*/record.json")} for name in ("node1", "node2")
    ]
    assert all(built)
    assert len(built[0] | built[1]) == 20
    monkeypatch.setenv("MOTOR_GRID_CACHE", str(tmp_path / "another"))
    store = open_store(location)
    assert not make_plan(toy.chains(), store).missing
    assert [toy.read(store.folder(cell.stage)) for cell in toy.chains()] == [(n + 10 + n) ** 2 for n in range(4)]
