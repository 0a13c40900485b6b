"""Why a stage failed, and whether it may go better another time."""

import errno
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from grid.run.failures import (
    Failure,
    forget_failure,
    kind_of,
    last_failure,
    read_failure,
    set_log_aside,
    tell_failure,
    tell_limit,
)
from grid.stage import InputError
from grid.store.manifest import DamagedError
from grid.store.store import Store


class RayActorError(RuntimeError):
    """Called as Ray calls its own."""


class NodeDiedError(RayActorError):
    """Called as Ray calls its own."""


@pytest.mark.parametrize(
    ("error", "kind", "may_pass"),
    [
        (InputError("line 3"), "input", False),
        (KeyError("no"), "work", False),
        (DamagedError(Path("a"), ["b"]), "damaged", False),
        (OSError(errno.ENOSPC, "full"), "disk", False),
        (OSError(errno.EDQUOT, "quota"), "disk", False),
        (OSError(errno.ENOENT, "gone"), "work", False),
        (OSError(errno.ESTALE, "stale"), "lost", True),
        (MemoryError(), "memory", True),
        (NodeDiedError("node 7"), "lost", True),
    ],
)
def test_kind_of_error_tells_whether_it_may_pass(toy: ModuleType, error: Exception, kind: str, may_pass: bool) -> None:
    assert kind_of(error) == kind
    assert Failure(toy.Number(1), "", "", kind_of(error)).may_pass == may_pass


def test_kind_of_rays_errors_by_their_real_names() -> None:
    ray = pytest.importorskip("ray.exceptions")
    died = (ray.RayActorError, partial(ray.NodeDiedError, "x"), partial(ray.ObjectLostError, "00", None, ""))
    assert [kind_of(make()) for make in died] == ["lost"] * 3
    assert kind_of(ray.OutOfMemoryError("low")) == "memory"


def test_tell_failure_full_disk_says_how_much_is_free(store: Store, toy: ModuleType) -> None:
    store.root.mkdir()
    cause = tell_failure(store, toy.Number(1), OSError(errno.ENOSPC, "No space left on device", "a.arrow"))
    assert f"MB are free on {store.root}" in cause
    assert "a.arrow" in cause
    assert cause.endswith("the same command goes on")


@pytest.mark.parametrize("over", ["time", "memory"])
def test_tell_limit_is_read_as_that(store: Store, toy: ModuleType, over: str) -> None:
    tell_limit(store, toy.Number(1), "took longer", over)
    failure = read_failure(store, toy.Number(1), "worker process has died", tries=2)
    assert (failure.kind, failure.cause, failure.tries) == (f"{over}_limit", "took longer", 2)


def test_read_failure_of_a_kernel_kill_is_of_memory(store: Store, toy: ModuleType) -> None:
    failure = read_failure(store, toy.Number(1), "its worker process has died", was_killed_for_memory=True)
    assert failure.kind == "memory"


def test_last_failure_keeps_kind_and_tries(store: Store, toy: ModuleType) -> None:
    read_failure(store, toy.Number(1), "its node has died", tries=3)
    failure = last_failure(store, toy.Number(1))
    assert failure is not None
    assert (failure.kind, failure.tries) == ("lost", 3)


def test_set_log_aside_and_forget_failure_leave_nothing(store: Store, toy: ModuleType) -> None:
    stage = toy.Number(1)
    for tries in (1, 2):
        read_failure(store, stage, "its node has died")
        set_log_aside(store, stage, tries)
    assert last_failure(store, stage) is None
    assert len(list((store.root / "logs").iterdir())) == 2
    forget_failure(store, stage)
    assert list((store.root / "logs").iterdir()) == []


def test_tell_failure_on_a_disk_that_is_full_raises_nothing(
    store: Store, toy: ModuleType, capsys: pytest.CaptureFixture
) -> None:
    (store.root / "logs").parent.mkdir()
    (store.root / "logs").write_text("not a folder, so that nothing can be written into it")
    assert tell_failure(store, toy.Number(1), ValueError("no")) == "ValueError: no"
    assert "could not be written" in capsys.readouterr().out
