"""What a launch decides: what is tried again, and what other launches build."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from grid.plan.plan import Cell, make_plan
from grid.run.build import BuildContext, build_alone, build_logged
from grid.run.conductor import Conductor
from grid.screen.progress import Progress
from grid.stage import Context, InputError, Resources, Stage
from grid.store.store import Store, name_of, write_json

CAPACITY = {"CPU": 4.0}
DIED = "The actor is dead because its worker process has died.\n"
NODE_DIED = "The actor died because its node has died. Node Id: 77ab\n"
LOW = "1 worker(s) were killed due to the node running low on memory.\n"


@dataclass(frozen=True)
class Heavy(Stage):
    """Takes less at once when it has to, twice."""

    KIND: ClassVar[str] = "heavy"

    def build(self, folder: Path, context: Context) -> None:
        write_json(folder / "value.json", 1)

    def shrink_batch(self, work: Path) -> str | None:
        size = json.loads((work / "size.json").read_text()) if (work / "size.json").exists() else 4
        if size == 1:
            return None
        write_json(work / "size.json", size // 2)
        return f"goes on with {size // 2} at once"


class Launched:
    """A conductor of some stages, and what it says."""

    def __init__(self, store: Store, *ends: Stage, retries: int = 2) -> None:
        self.store, self.said = store, io.StringIO()
        self.plan = make_plan([Cell({"end": place}, stage) for place, stage in enumerate(ends)], store)
        asked = dict.fromkeys(self.plan.stages, Resources(1, retries=retries))
        self.conductor = Conductor(self.plan, store, asked, Progress(self.plan, self.said, "ray.log"))

    def next(self) -> str | None:
        return self.conductor.next(CAPACITY)

    def build(self, stage: Stage) -> bool:
        """Build a stage as a trial does."""
        return build_alone(stage, self.store, BuildContext(self.store, stage, Resources(1), lambda told: None))


@pytest.fixture
def launched(store: Store) -> Callable[..., Launched]:
    return lambda *ends, **more: Launched(store, *ends, **more)


@pytest.mark.parametrize("died", [DIED, NODE_DIED, LOW])
def test_failed_by_death_is_tried_again_as_often_as_is_said(launched: Callable, toy: ModuleType, died: str) -> None:
    launch, stage = launched(toy.Number(1)), toy.Number(1)
    for _ in range(2):
        assert launch.next() == stage.key
        launch.conductor.failed(stage.key, died)
        assert not launch.conductor.is_done()
    assert launch.next() == stage.key
    launch.conductor.failed(stage.key, died)
    assert launch.conductor.is_done()
    assert launch.conductor.outcome.failures[stage.key].tries == 3
    assert "(retry 1 of 2)" in launch.said.getvalue()
    assert "(retry 2 of 2)" in launch.said.getvalue()


def test_failed_by_death_and_built_then_is_no_failure(launched: Callable, toy: ModuleType) -> None:
    launch, stage = launched(toy.Square(toy.Number(1))), toy.Number(1)
    launch.next()
    launch.conductor.failed(stage.key, DIED)
    assert launch.next() == stage.key
    launch.conductor.built(stage.key)
    assert launch.next() == toy.Square(stage).key
    assert launch.conductor.outcome.failures == {}


def test_own_worker_that_is_not_gone_yet_is_waited_for_and_called_no_other_launch(
    launched: Callable, toy: ModuleType, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grid.run.conductor.LOOK_INTERVAL_S", 0)
    launch, stage = launched(toy.Number(1)), toy.Number(1)
    assert launch.next() == stage.key
    launch.conductor.failed(stage.key, DIED)
    with store.leases.acquire(name_of(stage), "the worker"):
        assert launch.next() is None
    assert launch.next() == stage.key
    assert "works on this storage" not in launch.said.getvalue()


def test_failed_without_retries_is_not_tried_again(launched: Callable, toy: ModuleType) -> None:
    launch = launched(toy.Number(1), retries=0)
    launch.conductor.failed(launch.next(), DIED)
    assert launch.conductor.is_done()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InputError("line 3"), "input"),
        (ValueError("no"), "work"),
        (OSError(28, "No space left on device"), "disk"),
    ],
)
def test_failed_by_an_error_is_not_tried_again(launched: Callable, store: Store, error: Exception, kind: str) -> None:
    stage = Raising(str(error))
    RAISED[str(error)] = error
    launch = launched(stage)
    launch.next()
    with pytest.raises(RuntimeError):
        build_logged(stage, store, BuildContext(store, stage, Resources(1), lambda told: None))
    launch.conductor.failed(stage.key, "RuntimeError")
    assert launch.conductor.is_done()
    assert launch.conductor.outcome.failures[stage.key].kind == kind


RAISED: dict[str, Exception] = {}


@dataclass(frozen=True)
class Raising(Stage):
    """Raises what is known by a name."""

    KIND: ClassVar[str] = "raising"

    name: str

    def build(self, folder: Path, context: Context) -> None:
        raise RAISED[self.name]


def test_failed_for_memory_takes_less_at_once_and_says_so(launched: Callable, store: Store) -> None:
    launch, stage = launched(Heavy()), Heavy()
    for size in (2, 1):
        launch.conductor.failed(launch.next(), LOW)
        assert f"goes on with {size} at once" in launch.said.getvalue()
    assert json.loads((store.work(stage) / "size.json").read_text()) == 1


def test_failed_by_death_alone_takes_no_less(launched: Callable, store: Store) -> None:
    launch = launched(Heavy())
    launch.conductor.failed(launch.next(), DIED)
    assert list(store.work(Heavy()).iterdir()) == []


def test_failed_keeps_the_log_of_each_try(launched: Callable, store: Store, toy: ModuleType) -> None:
    launch, stage = launched(toy.Number(1)), toy.Number(1)
    launch.conductor.failed(launch.next(), DIED)
    assert DIED in store.log(stage).with_suffix(".try1.log").read_text()
    assert not store.log(stage).exists()


def test_next_stage_that_another_builds_is_waited_for(launched: Callable, store: Store, toy: ModuleType) -> None:
    launch, stage = launched(toy.Square(toy.Number(1))), toy.Number(1)
    launch.conductor._looked_at = -10.0
    with store.leases.acquire(name_of(stage), "the other"):
        assert launch.next() is None
        assert not launch.conductor.is_done()
        launch.build(stage)
        with store.draft(stage, {}) as draft:
            write_json(draft / "value.json", 1)
    launch.conductor._looked_at = -10.0
    assert launch.next() == toy.Square(stage).key
    assert launch.conductor.outcome.elsewhere == {stage.key}
    assert "works on this storage, too" in launch.said.getvalue()


def test_next_stage_that_another_gave_up_is_taken(launched: Callable, store: Store, toy: ModuleType) -> None:
    launch, stage = launched(toy.Number(1)), toy.Number(1)
    with store.leases.acquire(name_of(stage), "the other"):
        assert launch.next() is None
    launch.conductor._looked_at = -10.0
    assert launch.next() == stage.key


def test_next_stage_that_another_has_built_is_not_begun(launched: Callable, store: Store, toy: ModuleType) -> None:
    launch, stage = launched(toy.Number(1)), toy.Number(1)
    with store.draft(stage, {}):
        pass
    assert launch.next() is None
    assert launch.conductor.is_done()
    assert launch.conductor.outcome.built == {stage.key}


def test_leave_after_a_trial_found_it_taken_waits(launched: Callable, toy: ModuleType) -> None:
    launch = launched(toy.Number(1))
    launch.conductor.leave(launch.next())
    assert launch.next() is None
    assert not launch.conductor.is_done()


def test_build_alone_does_nothing_where_another_builds(launched: Callable, store: Store, toy: ModuleType) -> None:
    launch, stage = launched(toy.Number(1)), toy.Number(1)
    with store.leases.acquire(name_of(stage), "the other"):
        assert not launch.build(stage)
    assert not store.holds(stage)
    assert launch.build(stage)
    assert store.holds(stage)


def test_next_cluster_without_room_is_told_once(launched: Callable, toy: ModuleType) -> None:
    launch = launched(toy.Number(1))
    assert launch.conductor.next({"CPU": 0}) is None
    launch.conductor._idle_since -= 31
    for _ in range(2):
        assert launch.conductor.next({"CPU": 0}) is None
    assert launch.said.getvalue().count("waiting for nodes") == 1
    assert launch.next() == toy.Number(1).key


def test_failed_after_it_was_done_stands(launched: Callable, store: Store, toy: ModuleType) -> None:
    launch, stage = launched(toy.Number(1)), toy.Number(1)
    launch.next()
    launch.build(stage)
    launch.conductor.failed(stage.key, DIED)
    assert launch.conductor.is_done()
    assert launch.conductor.outcome.built == {stage.key}
    assert launch.conductor.outcome.failures == {}
