"""Plans: what is missing, in which order, and what a force adds."""

import shutil
import time
from types import ModuleType

import pytest

from grid.plan.plan import Cell, Plan, descendants, describe, make_plan
from grid.stage import Resources, Stage
from grid.store.store import Store, StoreError


def build(store: Store, *stages: Stage) -> None:
    for stage in stages:
        with store.draft(stage, {}):
            pass


def cell(stage: Stage) -> Cell:
    return Cell({"end": stage.label()}, stage)


def missing(plan: Plan) -> list[Stage]:
    return list(plan.missing.values())


@pytest.fixture
def chain(toy: ModuleType) -> list[Stage]:
    """A leaf, what is made from it, and the end."""
    leaf = toy.Number(1)
    middle = toy.Sum((leaf,))
    return [leaf, middle, toy.Square(middle)]


def test_plan_empty_store_misses_everything_inputs_first(store: Store, chain: list[Stage]) -> None:
    plan = make_plan([cell(chain[-1])], store)
    assert missing(plan) == chain
    assert plan.kinds() == ["number", "sum", "square"]
    assert plan.forced == frozenset()


def test_plan_shared_stages_are_planned_once(store: Store, toy: ModuleType) -> None:
    shared = toy.Sum((toy.Number(1), toy.Number(2)))
    cells = [cell(toy.Square(shared)), cell(shared), cell(toy.Square(shared))]
    plan = make_plan(cells, store)
    assert len(plan.cells) == 3
    assert [stage.KIND for stage in missing(plan)] == ["number", "number", "sum", "square"]


def test_plan_same_key_with_another_label_is_one_stage(store: Store, toy: ModuleType) -> None:
    first, second = toy.Number(1, seconds=0.0), toy.Number(1, seconds=9.0)
    assert missing(make_plan([cell(first), cell(second)], store))[0] is first
    build(store, first)
    assert make_plan([cell(second)], store).missing == {}


def test_plan_built_stage_hides_its_deleted_inputs(store: Store, chain: list[Stage]) -> None:
    build(store, *chain)
    shutil.rmtree(store.folder(chain[0]))
    shutil.rmtree(store.folder(chain[1]))
    assert make_plan([cell(chain[-1])], store).missing == {}


def test_plan_deleted_input_that_another_stage_needs_is_built_again(store: Store, toy: ModuleType) -> None:
    leaf = toy.Number(1)
    old, new = toy.Sum((leaf,)), toy.Square(leaf)
    build(store, leaf, old)
    shutil.rmtree(store.folder(leaf))
    assert missing(make_plan([cell(old), cell(new)], store)) == [leaf, new]


def test_plan_order_has_inputs_first_whatever_the_order_of_cells(store: Store, toy: ModuleType) -> None:
    layers: list[list[Stage]] = [[toy.Number(value) for value in range(4)]]
    for depth in range(4):
        layers.append([toy.Sum((layers[-1][n], layers[-1][n - 1], toy.Number(9 + depth))) for n in range(4)])
    plan = make_plan([cell(stage) for layer in reversed(layers) for stage in layer], store)
    places = {key: place for place, key in enumerate(plan.missing)}
    assert all(places[i.key] < places[s.key] for s in plan.missing.values() for i in s.inputs)
    assert len(places) == 4 * 5 + 4


def test_plan_force_kind_rebuilds_it_and_what_hangs_on_it(store: Store, chain: list[Stage], toy: ModuleType) -> None:
    other = toy.Faulty("other")
    build(store, *chain, other)
    plan = make_plan([cell(chain[-1]), cell(other)], store, frozenset({"sum"}))
    assert missing(plan) == chain[1:]
    assert plan.forced == {stage.key for stage in chain[1:]}


def test_plan_force_all_rebuilds_all(store: Store, chain: list[Stage]) -> None:
    build(store, *chain)
    assert missing(make_plan([cell(chain[-1])], store, frozenset({"all"}))) == chain


def test_plan_force_needs_a_deleted_input(store: Store, chain: list[Stage]) -> None:
    build(store, *chain[1:])
    plan = make_plan([cell(chain[-1])], store, frozenset({"sum"}))
    assert missing(plan) == chain
    assert plan.forced == {stage.key for stage in chain[1:]}


def test_plan_force_what_never_stood_is_missing_but_not_forced(store: Store, chain: list[Stage]) -> None:
    plan = make_plan([cell(chain[-1])], store, frozenset({"square"}))
    assert missing(plan) == chain
    assert plan.forced == frozenset()


def test_plan_force_unknown_kind_raises_with_the_kinds(store: Store, chain: list[Stage]) -> None:
    with pytest.raises(
        ValueError, match="--force tain: there is no such kind of stage; there are: number, square, sum"
    ):
        make_plan([cell(chain[-1])], store, frozenset({"tain", "sum"}))


def test_plan_damaged_store_raises(store: Store, chain: list[Stage]) -> None:
    build(store, chain[0])
    (store.folder(chain[0]) / "record.json").write_text("{")
    with pytest.raises(StoreError):
        make_plan([cell(chain[-1])], store)


def test_plan_no_cells_is_empty(store: Store) -> None:
    plan = make_plan([], store)
    assert plan.stages == plan.missing == {}


def test_plan_ten_thousand_stages_is_quick(store: Store, toy: ModuleType) -> None:
    leaves = [toy.Number(value) for value in range(100)]
    sums = [toy.Sum((leaves[n % 100], leaves[n // 100])) for n in range(5000)]
    began = time.process_time()
    plan = make_plan([cell(toy.Square(total)) for total in sums], store)
    assert len(plan.missing) > 9_900
    assert time.process_time() - began < 5  # some 0.6 s where nothing else runs


def test_descendants_finds_all_that_hangs_on_a_stage(store: Store, chain: list[Stage], toy: ModuleType) -> None:
    aside = toy.Number(2)
    stages = {stage.key: stage for stage in [aside, *chain]}
    assert descendants(stages, [chain[1].key]) == {chain[1].key, chain[2].key}
    assert descendants(stages, []) == set()


def test_describe_counts_by_kind_and_says_what_each_asks_for(store: Store, chain: list[Stage]) -> None:
    build(store, chain[0])
    plan = make_plan([cell(chain[-1])], store)
    asked = {key: Resources(2, 1) if stage.KIND == "sum" else Resources() for key, stage in plan.stages.items()}
    rows = [line.split() for line in describe(plan, asked).splitlines()]
    assert " ".join(rows[0]) == "1 cells, 3 distinct stages, 2 to build"
    assert rows[3:] == [
        ["number", "1", "1", "0", "1", "CPU"],
        ["sum", "1", "0", "1", "2", "CPU,", "1", "GPU"],
        ["square", "1", "0", "1", "1", "CPU"],
    ]


def test_cell_name_joins_its_axes(toy: ModuleType) -> None:
    assert Cell({"method": "A", "context_length": 4096}, toy.Number(1)).name() == "A/4096"


def test_plan_what_was_set_aside_is_built_again_though_hidden(store: Store, chain: list[Stage]) -> None:
    build(store, *chain)
    store.set_aside(store.folder(chain[0]), ["value.json is truncated"])
    plan = make_plan([cell(chain[-1])], store)
    assert missing(plan) == chain[:1]
    assert plan.forced == frozenset()


def test_plan_what_was_set_aside_and_no_cell_needs_is_left(store: Store, chain: list[Stage], toy: ModuleType) -> None:
    build(store, *chain)
    store.set_aside(store.folder(chain[0]), ["value.json is truncated"])
    assert missing(make_plan([cell(toy.Number(7))], store)) == [toy.Number(7)]
