"""What is left of a build: its log, its provenance, its failure."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from grid.run.build import BuildContext, build_logged, build_stage, versions
from grid.run.energy import processor_name
from grid.run.failures import forget_failure, last_failure, read_failure
from grid.stage import Context, Resources, Stage
from grid.store.store import Store

DIED = "Failure # 1\nThe actor is dead because its worker process has died. Some common causes: OOM killer\n"
OUT_OF_MEMORY = "Failure # 1\n1 worker(s) were killed due to the node running low on memory. Memory on the node ...\n"


@dataclass(frozen=True)
class Careless(Stage):
    """Raises what it is told to."""

    KIND: ClassVar[str] = "careless"

    name: str

    def build(self, folder: Path, context: Context) -> None:
        raise {"empty": MemoryError(), "interrupt": KeyboardInterrupt("now")}[self.name]


@pytest.fixture
def context(store: Store) -> Callable[[Stage], BuildContext]:
    return lambda stage: BuildContext(store, stage, Resources(2), lambda progress: None)


def failure_of(stage: Stage, store: Store, context: BuildContext) -> tuple[str, bool]:
    with pytest.raises(RuntimeError) as raised:
        build_logged(stage, store, context)
    failure = read_failure(store, stage, "Ray's words")
    assert str(raised.value) == failure.cause
    return failure.cause, failure.input_fault


def test_build_stage_keeps_provenance(store: Store, toy: ModuleType, context: Callable) -> None:
    build_stage(toy.Number(1), store, context(toy.Number(1)))
    kept = json.loads((store.folder(toy.Number(1)) / "provenance.json").read_text())
    assert kept["asked_for"] == "2 CPU"
    assert kept["versions"] == versions()
    assert 0 <= kept["seconds"] < 60
    assert {"started", "host"} <= kept.keys()
    assert kept["device"] == processor_name()
    assert kept["energy_wh"].keys() == {"gpu", "cpu"}
    assert kept["energy_wh"]["gpu"] is None


def test_context_opens_inputs_alone(store: Store, toy: ModuleType, context: Callable) -> None:
    leaf = toy.Number(1)
    total = toy.Sum((toy.Sum((leaf,)),))
    with store.draft(leaf, {}):
        pass
    assert context(total.inputs[0]).folder(leaf) == store.folder(leaf)
    with pytest.raises(ValueError, match="'sum' reads 'number', which is none of its inputs"):
        context(total).folder(leaf)


def test_versions_names_what_computes(store: Store) -> None:
    assert {"python", "ray", "torch", "scikit-learn", "sktime", "pandas", "scipy"} <= versions().keys()


@pytest.mark.parametrize(
    ("how", "cause", "input_fault"),
    [
        ("data", "motor_07.csv, line 3: [/raw] is 'NaN'", True),
        ("unpicklable", "UnpicklableError: one fault", False),
        ("exit", "SystemExit: leaving", False),
    ],
)
def test_build_logged_failure_says_why_and_leaves_no_folder(
    store: Store, toy: ModuleType, context: Callable, how: str, cause: str, input_fault: bool
) -> None:
    stage = toy.Faulty(how)
    assert failure_of(stage, store, context(stage)) == (cause, input_fault)
    assert not store.folder(stage).exists()
    log = store.log(stage).read_text()
    assert "Traceback (most recent call last)" in log
    assert cause.partition(":")[2] in log


@pytest.mark.parametrize(("name", "cause"), [("empty", "MemoryError"), ("interrupt", "KeyboardInterrupt: now")])
def test_build_logged_unusual_error_has_a_cause(store: Store, context: Callable, name: str, cause: str) -> None:
    assert failure_of(Careless(name), store, context(Careless(name))) == (cause, False)


def test_build_logged_prints_go_to_the_log_also_from_below_python(
    store: Store, toy: ModuleType, context: Callable, capfd: pytest.CaptureFixture
) -> None:
    stage = toy.Square(toy.Number(2))
    build_stage(toy.Number(2), store, context(toy.Number(2)))
    build_logged(stage, store, context(stage))
    assert store.log(stage).read_text() == "squared by Python\nsquared by a child\n"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("log", "died", "cause"),
    [
        ("working\n", DIED, "its worker died without a word: killed (out of memory?), or ended by the stage itself"),
        ("Fatal Python error: Aborted\nStack", DIED, "its worker died: Fatal Python error: Aborted"),
        (
            "",
            OUT_OF_MEMORY,
            "out of memory: Ray killed its worker; let it ask for its memory (resources.*.memory_gb), "
            "so that less runs beside it",
        ),
        ("", "Failure # 1\nTraceback\nModuleNotFoundError: no motor\n\n", "ModuleNotFoundError: no motor"),
    ],
)
def test_read_failure_of_a_dead_worker_is_honest_and_logged(
    store: Store, toy: ModuleType, log: str, died: str, cause: str
) -> None:
    store.log(toy.Number(1)).parent.mkdir(parents=True)
    store.log(toy.Number(1)).write_text(log)
    failure = read_failure(store, toy.Number(1), died)
    assert failure.cause == cause
    assert not failure.input_fault
    assert Path(failure.log).read_text() == f"{log}\n{died}\n"


def test_read_failure_without_a_log_makes_one(store: Store, toy: ModuleType) -> None:
    failure = read_failure(store, toy.Number(1), DIED)
    assert DIED in Path(failure.log).read_text()


def test_forget_failure_drops_old_words(store: Store, context: Callable) -> None:
    stage = Careless("empty")
    failure_of(stage, store, context(stage))
    forget_failure(store, stage)
    forget_failure(store, stage)
    assert read_failure(store, stage, DIED).cause.startswith("its worker died without a word")


def test_last_failure_is_what_was_said_or_how_it_died(store: Store, toy: ModuleType, context: Callable) -> None:
    said, died, never = Careless("empty"), toy.Number(1), toy.Number(2)
    failure_of(said, store, context(said))
    read_failure(store, died, OUT_OF_MEMORY)
    causes = [
        failure and failure.cause.partition(":")[0]
        for failure in map(partial(last_failure, store), (said, died, never))
    ]
    assert causes == ["MemoryError", "out of memory", None]
    forget_failure(store, died)
    assert last_failure(store, died) is None


def test_report_at_most_once_a_second(store: Store, toy: ModuleType) -> None:
    told: list[dict[str, float]] = []
    context = BuildContext(store, toy.Number(1), Resources(), told.append)
    for step in range(1000):
        context.report(step=step)
    assert told == [{"step": 0}]
