"""Names of stages by the cells that need them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from grid.plan.plan import Cell, make_plan
from grid.plan.titles import titles
from grid.stage import Stage
from grid.store.store import Store


@dataclass(frozen=True)
class Tuned(Stage):
    """Shared by methods."""

    KIND: ClassVar[str] = "tuned"

    rate: float

    def title(self, axes: Mapping[str, tuple[Any, ...]]) -> str:
        return "/".join(["+".join(axes["method"]), *map(str, axes.get("context", ()))])


@dataclass(frozen=True)
class Judged(Stage):
    """The end of a cell."""

    KIND: ClassVar[str] = "judged"

    tuned: Stage
    name: str


def titles_of(cells: list[Cell], store: Store) -> dict[str, str]:
    return titles(make_plan(cells, store))


def test_titles_names_who_shares_a_stage_and_leaves_out_idle_axes(store: Store) -> None:
    shared, own = Tuned(1.0), Tuned(2.0)
    cells = [Cell({"method": name, "context": 64}, Judged(shared, name)) for name in "AB"]
    cells.append(Cell({"method": "C", "context": None}, Judged(own, "C")))
    named = titles_of(cells, store)
    assert (named[shared.key], named[own.key]) == ("A+B/64", "C")


def test_titles_of_two_stages_are_never_the_same(store: Store) -> None:
    tuned = [Tuned(1.0), Tuned(2.0)]
    cells = [Cell({"method": "A", "context": 64, "seed": n}, Judged(of, str(n))) for n, of in enumerate(tuned)]
    named = titles_of(cells, store)
    assert [named[of.key] for of in tuned] == [f"A/64 {of.key[:6]}" for of in tuned]


def test_titles_by_default_is_the_label(store: Store, toy: ModuleType) -> None:
    number = toy.Number(1)
    assert titles_of([Cell({"method": "A"}, number)], store) == {number.key: "number1"}
