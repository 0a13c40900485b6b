"""Nodes of a cluster that die while a grid runs on it, and a head: the same numbers, nothing done twice."""

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.chaos
LOSSES = 10  # of nodes at random moments, in the long form
SEEN_S = 300.0  # until a stage is under way
GONE_S = 60.0  # for a launch to end once its head is gone
HALF_DONE = 12  # steps of a fine-tune: past its first checkpoint


@pytest.fixture
def make_nodes(cluster: ModuleType) -> Iterator[Callable[[Path], Any]]:
    """Give a function that starts a cluster of two nodes and a head for launches on a storage."""
    made: list[Any] = []

    def make(storage: Path) -> Any:
        made.append(cluster.Nodes(str(storage)))
        return made[-1]

    yield make
    for nodes in made:
        nodes.stop()


def tellings(storage: Path) -> list[dict[str, Any]]:
    """Return what the launches on a storage say of themselves now, the last one last."""
    files = sorted((storage / "runs").glob("*/now.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]  # which are whole at any moment


def worker_of(chaos: ModuleType, launched: Any, kind: str, timeout_s: float = SEEN_S) -> int:
    """Wait until a stage of a kind is under way, a fine-tune half way; return the process that builds it."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and launched.poll() is None:
        running = [stage for told in tellings(launched.storage) for stage in told["running"]]
        steps = [stage["progress"].get("step", 0) for stage in running if stage["kind"] == kind]
        if kind != "finetune" or max(steps, default=0) >= HALF_DONE:
            for process in chaos.processes_of(launched.storage):
                if process.words.startswith(f"ray::{kind} "):
                    return process.pid
        time.sleep(0.02)
    raise AssertionError(f"no {kind} was seen; exit status {launched.poll()}; it said:\n{launched.said()}")


def faults(chaos: ModuleType, watch: Any, storage: Path, expected: dict[str, str]) -> list[str]:
    """Return what is wrong with a grid that is complete and whose cluster is gone."""
    left = [f"left behind: {what}" for what in chaos.left_behind(storage)]
    return watch.faults() + chaos.differences(expected, chaos.fingerprint(storage)) + left


@pytest.mark.parametrize("kind", ["finetune", "features", "classify"])
def test_node_that_dies_in_a_stage_costs_no_more_than_that_stage(
    kind: str,
    chaos: ModuleType,
    watching: ModuleType,
    config: Path,
    undisturbed: Any,
    make_storage: Callable[[str], Path],
    make_nodes: Callable[[Path], Any],
    report: Callable[[str], None],
    is_long: bool,
) -> None:
    if kind != "finetune" and not is_long:
        pytest.skip("one node is lost in the short form")
    storage = make_storage("nodes")
    nodes = make_nodes(storage)
    with watching.Watch(storage) as watch:
        launched = chaos.launch(config, storage, "--address", nodes.address)
        killed = nodes.kill_node_of(worker_of(chaos, launched, kind))
        nodes.ask("add")
        assert launched.end() == 0, launched.said()
    nodes.stop()
    report(f"a node lost in {kind}: {killed}; the fine-tunes went on from {watch.resumed}")
    assert killed.startswith("killed")
    assert faults(chaos, watch, storage, undisturbed.fingerprint) == []


def test_head_that_dies_ends_the_launch_and_the_same_command_on_a_new_one_goes_on(
    chaos: ModuleType,
    watching: ModuleType,
    config: Path,
    undisturbed: Any,
    make_storage: Callable[[str], Path],
    make_nodes: Callable[[Path], Any],
    report: Callable[[str], None],
) -> None:
    storage = make_storage("head")
    first = make_nodes(storage)
    with watching.Watch(storage) as watch:
        launched = chaos.launch(config, storage, "--address", first.address)
        worker_of(chaos, launched, "finetune")
        first.ask("kill head")
        began = time.monotonic()
        assert launched.end(GONE_S) == 1, launched.said()
        report(f"the head died, and the launch {time.monotonic() - began:.1f} s later")
        assert f"the Ray cluster's head at {first.address} is gone" in launched.said()
        assert tellings(storage)[-1]["end"] is not None
        first.stop()
        again = chaos.launch(config, storage, "--address", make_nodes(storage).address)
        assert again.end() == 0, again.said()
    chaos.kill_all(storage)
    assert faults(chaos, watch, storage, undisturbed.fingerprint) == []


def test_nodes_that_die_at_random_moments_change_no_number(
    chaos: ModuleType,
    watching: ModuleType,
    config: Path,
    undisturbed: Any,
    make_storage: Callable[[str], Path],
    make_nodes: Callable[[Path], Any],
    report: Callable[[str], None],
    seed: int,
    is_long: bool,
) -> None:
    if not is_long:
        pytest.skip("the long form: CHAOS=long")
    drawn, found = random.Random(seed), []
    for loss in range(LOSSES):
        storage = make_storage(f"loss-{loss}")
        nodes = make_nodes(storage)
        with watching.Watch(storage) as watch:
            launched = chaos.launch(config, storage, "--address", nodes.address)
            worker_of(chaos, launched, "recordings")
            time.sleep((loss + drawn.random()) / LOSSES * undisturbed.seconds)
            answer = nodes.ask(f"kill {drawn.randrange(2)}")
            nodes.ask("add")
            status = launched.end()
        nodes.stop()
        report(f"loss {loss + 1}: {answer}, exit status {status}; went on from {watch.resumed}")
        found += [f"loss {loss + 1} ended with {status}:\n{launched.said()}"] if status else []
        found += faults(chaos, watch, storage, undisturbed.fingerprint)
    assert found == []
