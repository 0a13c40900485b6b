"""Stages that others wait for without being made from them: a check stands first, and decides no key."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from grid.plan.plan import Cell, make_plan
from grid.run.queue import Queue
from grid.stage import Context, Resources, Stage, after
from grid.store.store import Store


@dataclass(frozen=True)
class Guarded(Stage):
    """Work that a check must allow."""

    KIND: ClassVar[str] = "guarded"

    value: int
    cleared: tuple[Stage, ...] = after(default=())

    def build(self, folder: Path, context: Context) -> None: ...


@pytest.fixture
def guarded(toy: ModuleType) -> tuple[Stage, Guarded]:
    check = toy.Number(1)
    return check, Guarded(2, (check,))


def hold(store: Store, *stages: Stage) -> None:
    for stage in stages:
        with store.draft(stage, {}):
            pass


def test_after_enters_no_key_and_is_no_input(guarded: tuple[Stage, Guarded]) -> None:
    check, stage = guarded
    assert stage.key == Guarded(2).key
    assert (stage.inputs, stage.waits_for) == ((), (check,))
    assert list(stage.walk()) == [check, stage]


def test_plan_has_the_check_first_and_the_queue_waits_for_it(store: Store, guarded: tuple[Stage, Guarded]) -> None:
    check, stage = guarded
    plan = make_plan([Cell({}, stage)], store)
    assert list(plan.missing.values()) == [check, stage]
    queue = Queue(plan, dict.fromkeys(plan.stages, Resources(1)))
    assert (queue.take({"CPU": 8}), queue.take({"CPU": 8})) == (check.key, None)
    queue.failed(check.key)
    assert queue.is_empty()
    assert queue.lost == {check.key, stage.key}


def test_plan_of_a_cell_that_stands_still_asks_for_its_check(store: Store, guarded: tuple[Stage, Guarded]) -> None:
    check, stage = guarded
    hold(store, stage)
    assert make_plan([Cell({}, stage)], store).missing == {}
    assert list(make_plan([Cell({}, stage, (check,))], store).missing) == [check.key]


def test_plan_force_of_a_check_does_not_rebuild_what_only_waits_for_it(
    store: Store, guarded: tuple[Stage, Guarded]
) -> None:
    check, stage = guarded
    hold(store, check, stage)
    assert list(make_plan([Cell({}, stage)], store, frozenset({"number"})).missing) == [check.key]
