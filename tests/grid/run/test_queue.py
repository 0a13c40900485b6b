"""The queue: what is handed out next, and what must wait."""

import itertools
import random
from types import ModuleType

import pytest

from grid.plan.plan import Cell, Plan, make_plan
from grid.run.queue import FIRST, OF_TRIALS, Queue, amounts, modules_ahead, too_large
from grid.stage import Resources, Stage
from grid.store.store import Store

ONE, TWO, GPU = Resources(1), Resources(2), Resources(1, 1)


def plan_of(store: Store, *ends: Stage) -> Plan:
    return make_plan([Cell({"end": place}, stage) for place, stage in enumerate(ends)], store)


def queue_of(plan: Plan, *special: tuple[Stage, Resources]) -> Queue:
    """Every stage asks for one CPU, but those that are named."""
    return Queue(plan, dict.fromkeys(plan.stages, ONE) | {stage.key: asked for stage, asked in special})


def take(queue: Queue, **capacity: float) -> list[str]:
    """Take all that fits at once."""
    taken = []
    while key := queue.take(capacity):
        taken.append(key)
    return taken


def test_take_inputs_are_built_first(store: Store, toy: ModuleType) -> None:
    leaf, other = toy.Number(1), toy.Number(2)
    total = toy.Sum((leaf, other, leaf))
    queue = queue_of(plan_of(store, total))
    assert take(queue, CPU=8) == [leaf.key, other.key]
    queue.built(leaf.key)
    assert take(queue, CPU=8) == []
    queue.built(other.key)
    assert take(queue, CPU=8) == [total.key]
    assert queue.is_empty()


def test_take_input_that_stands_is_not_waited_for(store: Store, toy: ModuleType) -> None:
    leaf = toy.Number(1)
    with store.draft(leaf, {}):
        pass
    total = toy.Sum((leaf,))
    assert take(queue_of(plan_of(store, total)), CPU=1) == [total.key]


def test_take_longest_chain_first_then_plan_order(store: Store, toy: ModuleType) -> None:
    alone = [toy.Number(value) for value in range(3)]
    deep = toy.Number(9)
    queue = queue_of(plan_of(store, *alone, toy.Square(toy.Sum((deep,)))))
    assert take(queue, CPU=9) == [deep.key, *(stage.key for stage in alone)]


def test_take_no_more_than_fits(store: Store, toy: ModuleType) -> None:
    stages = [toy.Number(value) for value in range(5)]
    queue = queue_of(plan_of(store, *stages))
    assert len(take(queue, CPU=2)) == 2
    queue.built(stages[0].key)
    assert len(take(queue, CPU=2)) == 1


def test_take_fractions_fill_what_there_is(store: Store, toy: ModuleType) -> None:
    stages = [toy.Number(value) for value in range(30)]
    plan = plan_of(store, *stages)
    queue = Queue(plan, dict.fromkeys(plan.stages, Resources(0.1)))
    assert len(take(queue, CPU=2)) == 20


def test_take_busy_gpu_lets_cpu_stages_pass(store: Store, toy: ModuleType) -> None:
    heavy = [toy.Square(toy.Number(value)) for value in (1, 2)]
    light = [toy.Number(value) for value in (3, 4)]
    leaves = [stage.of for stage in heavy]
    queue = queue_of(plan_of(store, *heavy, *light), *((leaf, GPU) for leaf in leaves))
    assert take(queue, CPU=4, GPU=1) == [leaves[0].key, *(stage.key for stage in light)]


def test_take_large_stage_is_not_starved_by_small_ones(store: Store, toy: ModuleType) -> None:
    first, large = toy.Number(0), toy.Number(1)
    small = [toy.Number(value) for value in range(2, 9)]
    queue = queue_of(plan_of(store, *small, toy.Sum((first, large))), (large, TWO))
    assert take(queue, CPU=2) == [first.key]
    queue.built(first.key)
    assert take(queue, CPU=2) == [large.key]


def test_take_actor_of_the_same_size_is_used_again(store: Store, toy: ModuleType) -> None:
    stages = [toy.Number(value) for value in range(6)]
    queue = queue_of(plan_of(store, *stages), *((stage, TWO) for stage in stages[1::2]))
    order: list[str] = []
    while taken := take(queue, CPU=2):
        order += taken
        for key in taken:
            queue.built(key)
    ones, twos = {stage.key for stage in stages[::2]}, {stage.key for stage in stages[1::2]}
    assert {*order} == ones | twos
    is_one = [key in ones for key in order[FIRST:]]  # the first of a pace go before all others, whatever their size
    assert sum(before != after for before, after in itertools.pairwise(is_one)) == 1


def test_take_first_of_each_pace_goes_before_longer_chains(store: Store, toy: ModuleType) -> None:
    ends = [toy.Square(toy.Sum((toy.Number(value),))) for value in range(9)]
    queue = queue_of(plan_of(store, *ends))
    order: list[str] = []
    while taken := take(queue, CPU=1):
        order += taken
        queue.built(taken[0])
    kinds = [queue.missing[key].KIND for key in order]
    assert kinds[:6] == ["number", "sum", "square"] * FIRST
    assert kinds[6:] == ["number"] * 7 + ["sum"] * 7 + ["square"] * 7


def test_failed_drops_what_hangs_on_it_alone(store: Store, toy: ModuleType) -> None:
    bad, good = toy.Number(1), toy.Number(2)
    lost, kept = toy.Square(toy.Sum((bad, good))), toy.Square(good)
    queue = queue_of(plan_of(store, lost, kept))
    take(queue, CPU=8)
    queue.failed(bad.key)
    queue.built(good.key)
    assert queue.lost == {bad.key, lost.of.key, lost.key}
    assert take(queue, CPU=8) == [kept.key]
    assert queue.is_empty()


def test_empty_nothing_missing_is_empty_at_once(store: Store) -> None:
    assert queue_of(plan_of(store)).is_empty()


@pytest.mark.parametrize("seed", range(20))
def test_take_random_graph_ends_with_everything_and_never_too_much(store: Store, toy: ModuleType, seed: int) -> None:
    generator = random.Random(seed)
    stages: list[Stage] = [toy.Number(value) for value in range(5)]
    for _ in range(25):
        stages.append(toy.Sum(tuple(generator.sample(stages, 2))))
    plan = plan_of(store, *stages)
    asked = {key: generator.choice([ONE, TWO, GPU, Resources(0.5), Resources(0.25, 0.5)]) for key in plan.stages}
    queue, running, built = Queue(plan, asked), [], set()
    while not queue.is_empty() or running:
        running += take(queue, CPU=2, GPU=1)
        assert running, "a deadlock"
        assert sum(asked[key].cpus for key in running) <= 2
        assert sum(asked[key].gpus for key in running) <= 1
        ended = running.pop(generator.randrange(len(running)))
        assert {source.key for source in plan.stages[ended].inputs} <= built
        built.add(ended)
        queue.built(ended)
    assert built == set(plan.missing)


def test_amounts_leaves_out_what_is_not_asked_for() -> None:
    assert amounts(Resources(0.5)) == {"CPU": 0.5}
    assert amounts(Resources(1, 2, 3)) == {"CPU": 1, "GPU": 2, "memory": 3e9}


def test_too_large_names_what_no_single_node_holds(store: Store, toy: ModuleType) -> None:
    small, large = toy.Number(1), toy.Sum(())
    plan = plan_of(store, small, large)
    nodes = [{"CPU": 2.0, "memory": 7.04e9}, {"CPU": 1.0, "GPU": 1.0, "memory": 1e9, "node:1": 1.0}]
    asked = {small.key: GPU, large.key: Resources(2, 1)}
    expected = "sum asks for 2 CPU, 1 GPU, but a node has 1 CPU, 1 GPU, 1 GB or 2 CPU, 7 GB; let it ask for less"
    assert too_large(plan.missing, asked, nodes) == {large.key: expected}
    assert too_large(plan.missing, dict.fromkeys(plan.missing, ONE), nodes) == {}


def test_too_large_each_worker_needs_its_place_on_some_node(store: Store, toy: ModuleType) -> None:
    small = toy.Number(1)
    missing, nodes = plan_of(store, small).missing, [{"CPU": 3.0}, {"CPU": 2.0}]
    assert too_large(missing, {small.key: Resources(1, workers=5)}, nodes) == {}
    assert "asks for 3 x (2 CPU)" in too_large(missing, {small.key: Resources(2, workers=3)}, nodes)[small.key]


def test_take_several_workers_count_together(store: Store, toy: ModuleType) -> None:
    wide, small = toy.Number(1), toy.Number(2)
    queue = queue_of(plan_of(store, wide, small), (wide, Resources(1, workers=2)))
    assert len(take(queue, CPU=2)) == 1


def test_later_waves_wait_and_what_is_dropped_never_comes(store: Store, toy: ModuleType) -> None:
    first, second, third = (toy.Number(number) for number in (1, 2, 3))
    plan = plan_of(store, first, second, third)
    queue = Queue(plan, dict.fromkeys(plan.stages, ONE), {second.key: 1, third.key: 1})
    assert take(queue, CPU=8) == [first.key]
    assert not queue.is_wave_done()  # it is under way
    queue.built(first.key)
    assert queue.is_wave_done()
    assert not queue.is_empty()
    queue.drop({third.key})
    queue.open_wave()
    assert take(queue, CPU=8) == [second.key]
    queue.built(second.key)
    assert queue.is_empty()
    assert queue.dropped == {third.key}


def test_modules_ahead_are_of_the_stages_that_come_first_and_none_where_one_has_two_cpus(
    toy: ModuleType, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = toy.Number(1)
    plan = plan_of(store, toy.Sum((leaf,)))
    monkeypatch.setattr(toy.Number, "AHEAD", ("colorsys",))
    monkeypatch.setattr(toy.Sum, "AHEAD", ("torch",))
    asked = dict.fromkeys(plan.stages, ONE)
    assert modules_ahead(plan, asked) == [*OF_TRIALS, toy.__name__, "colorsys"]
    assert modules_ahead(plan, asked | {leaf.key: TWO}) == []
