"""From cells to the distinct stages that are still missing, inputs first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from grid.stage import Resources, Stage
from grid.store.store import Store


@dataclass(frozen=True)
class Cell:
    """One row of the comparison: where it stands on each axis, and the stage that ends it.

    An axis that means nothing for a cell has the value None there.
    """

    axes: dict[str, Any]
    stage: Stage
    checks: tuple[Stage, ...] = ()  # what must stand, too, even where the cell itself does

    def name(self) -> str:
        """Return, say, ``A/Joint/4096/svm``."""
        return "/".join("-" if value is None else str(value) for value in self.axes.values())

    def walk(self) -> Iterator[Stage]:
        """Yield every stage of the cell, inputs first, each once."""
        found: dict[str, Stage] = {}
        self.add_to(found)
        return iter(found.values())

    def add_to(self, stages: dict[str, Stage]) -> None:
        """Add every stage of the cell, by its key, inputs first; what is there already stays where it is."""
        for check in self.checks:
            check.add_to(stages)
        self.stage.add_to(stages)


@dataclass(frozen=True)
class Plan:
    """The stages of some cells, and which of them a launch has to build."""

    cells: list[Cell]
    stages: dict[str, Stage]  # every distinct stage of the cells, inputs first
    missing: dict[str, Stage]  # those that have to be built now, inputs first
    forced: frozenset[str] = field(default_factory=frozenset)  # of the missing, those that stood

    def kinds(self) -> list[str]:
        """Return the kinds of stages in the order in which they first appear."""
        return list(dict.fromkeys(stage.KIND for stage in self.stages.values()))


def make_plan(cells: Iterable[Cell], store: Store, force: frozenset[str] = frozenset()) -> Plan:
    """Find the distinct stages of `cells` and which of them have to be built.

    A built stage hides its inputs: what it was made from may be deleted. What was found damaged is built again, even
    where it is hidden: the next thing that is made from it would have to be made from that.

    Parameters
    ----------
    cells : iterable of Cell
        The comparison.
    store : Store
        What is already built.
    force : frozenset of str
        Kinds of stages to rebuild, with all that hangs on them; ``"all"`` rebuilds everything.

    Raises
    ------
    ValueError
        If `force` names a kind that no stage of the cells has.
    StoreError
        If the store holds another record than a folder's name says.
    """
    cells = list(cells)
    stages: dict[str, Stage] = {}
    for cell in cells:
        cell.add_to(stages)
    forced = _forced(stages, force)
    held = store.held(stages.values())
    damaged = store.set_aside_keys() & stages.keys()
    needed = _needed(cells, stages, forced | damaged, held)
    missing = {key: stage for key, stage in stages.items() if key in needed}
    return Plan(cells, stages, missing, frozenset(forced & held))


def descendants(stages: Mapping[str, Stage], roots: Iterable[str]) -> set[str]:
    """Return the keys of `roots` and of all that waits for them; `stages` has inputs first."""
    return _reached(stages, roots, lambda stage: stage.waits_for)


def _made_from(stages: Mapping[str, Stage], roots: Iterable[str]) -> set[str]:
    """Return the keys of `roots` and of all that is made from them; `stages` has inputs first."""
    return _reached(stages, roots, lambda stage: stage.inputs)


def _reached(
    stages: Mapping[str, Stage], roots: Iterable[str], sources: Callable[[Stage], tuple[Stage, ...]]
) -> set[str]:
    found = set(roots)
    for key, stage in stages.items() if found else ():
        if any(source.key in found for source in sources(stage)):
            found.add(key)
    return found


def _forced(stages: dict[str, Stage], force: frozenset[str]) -> set[str]:
    if not force:
        return set()
    kinds = {stage.KIND for stage in stages.values()}
    unknown = force - {"all"} - kinds
    if unknown:
        there = ", ".join(sorted(kinds))
        raise ValueError(f"--force {min(unknown)}: there is no such kind of stage; there are: {there}")
    return _made_from(stages, [key for key, stage in stages.items() if "all" in force or stage.KIND in force])


def _needed(cells: list[Cell], stages: dict[str, Stage], wanted: set[str], held: set[str]) -> Set[str]:
    if not wanted and not held:
        return stages.keys()
    asked = wanted | {stage.key for cell in cells for stage in (cell.stage, *cell.checks)}
    needed: set[str] = set()
    for key, stage in reversed(stages.items()):  # whoever waits for a stage comes before it here
        if key in asked and (key not in held or key in wanted):
            needed.add(key)
            asked.update([source.key for source in stage.waits_for])
    return needed


def describe(plan: Plan, resources: Mapping[str, Resources]) -> str:
    """Return the plan as a table: cells, the distinct stages of each kind, how many are built, what each asks."""
    lines = [f"{len(plan.cells)} cells, {len(plan.stages)} distinct stages, {len(plan.missing)} to build", ""]
    lines.append(f"{'stage':<12}{'distinct':>10}{'built':>8}{'to build':>10}   each asks for")
    by_kind: dict[str, list[str]] = {}
    for key, stage in plan.stages.items():
        by_kind.setdefault(stage.KIND, []).append(key)
    for kind, of_kind in by_kind.items():
        to_build = sum(key in plan.missing for key in of_kind)
        asks = sorted({asked.describe() for asked in {id(resources[key]): resources[key] for key in of_kind}.values()})
        built = len(of_kind) - sum(key in plan.missing and key not in plan.forced for key in of_kind)
        lines.append(f"{kind:<12}{len(of_kind):>10}{built:>8}{to_build:>10}   {' or '.join(asks)}")
    return "\n".join(lines)
