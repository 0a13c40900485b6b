"""Read a config and plan its grid, as most commands begin."""

import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from grid.keeping.verify import set_false_records_aside
from grid.plan.plan import Cell, Plan, make_plan
from grid.store.store import Store, StoreError
from motor.experiment.cells import chosen_cells, make_cells, parse_only
from motor.experiment.reading import Experiment, read_experiment
from motor.experiment.tables import check_tables
from motor.report.collector import uncollected
from motor.results.failures import failed_keys, hang_on

if TYPE_CHECKING:
    from motor.results.race import Race


MANY_STAGES = 10_000  # of a plan that is worth setting apart


@dataclass(frozen=True)
class Grid:
    """A planned grid: its config, its cells, and the stages that those asked for need.

    Attributes
    ----------
    experiment : Experiment
        The checked config.
    cells, leaky : list of Cell
        All cells of the config; their twins under a split by series, where these are wanted.
    plan : Plan
        Of the cells that are asked for.
    store : Store
    set_aside : dict of str to list of str
        Stages whose records were found damaged in planning, by folder, and what was wrong with each.
    race : Race or None
        Where recipes that cannot be the best stop early (``search: {kind: racing}``); the plan is without them.
    """

    experiment: Experiment
    cells: list[Cell]
    leaky: list[Cell]
    plan: Plan
    store: Store
    set_aside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    race: "Race | None" = None

    @property
    def root(self) -> Path:
        """The folder of the results."""
        from motor.results.folder import results_folder  # the report, which a plan alone does not draw

        return results_folder(self.experiment, self.store)

    @property
    def shown(self) -> str:
        """The name of the results' place in messages."""
        return self.store.place(self.root)

    @property
    def every_cell(self) -> list[Cell]:
        """Every cell that the report shows, those that were not asked for as well."""
        return [*self.cells, *self.leaky]

    @property
    def n_standing(self) -> int:
        """How many of the cells that were asked for are built."""
        held = self.store.held({cell.stage.key: cell.stage for cell in self.plan.cells}.values())
        return sum(cell.stage.key in held for cell in self.plan.cells)


def set_apart(plan: Plan) -> Plan:
    """Freeze the objects of a large plan, so that the garbage collector passes them over until the process ends."""
    if len(plan.stages) >= MANY_STAGES:
        gc.freeze()
    return plan


@uncollected()
def plan_grid(
    config: Path,
    overrides: Sequence[str],
    environ: Mapping[str, str],
    store: Store,
    *,
    only: Iterable[str] = (),
    leaky: bool = False,
    force: frozenset[str] = frozenset(),
    retry_failed: bool = False,
    is_look: bool = False,
) -> Grid:
    """Read a config and plan its grid.

    Parameters
    ----------
    config : Path
    overrides : sequence of str
        ``KEY=VALUE`` words.
    environ : mapping
        What ``${NAME}`` stands for.
    store : Store
    only : iterable of str
        ``AXIS=VALUE[,VALUE]`` words: the part of the grid that is asked for.
    leaky : bool
        Whether the same cells are wanted under a split by series, too.
    force : frozenset of str
        Kinds of stages to build again, or "all".
    retry_failed : bool
        Whether only cells that hang on a stage that failed are asked for.
    is_look : bool
        Whether nothing is going to be built: data and weights may then be elsewhere, and nothing is set aside.

    Raises
    ------
    ConfigError, ValueError
        If the config, or a word, is at fault.
    InputError
        If the data or the weights are not there.
    StoreError
        If the storage is damaged.
    """
    experiment = read_experiment(config, overrides, environ)
    cells = make_cells(experiment, store.root, is_look)
    twins = make_cells(experiment, store.root, is_look, unit="series") if leaky else []
    chosen = parse_only(only, experiment)
    asked = [*chosen_cells(cells, chosen), *chosen_cells(twins, chosen)]
    race = None
    is_racing = experiment.base.search.kind == "racing" and len(experiment.base.split.fold_names()) > 1
    if is_racing and not (asked[len(cells) :] or len(asked) < len(cells)):  # of a whole grid alone
        from motor.results.race import Race, raced  # the statistics, for a race alone

        cells = asked = raced(cells)
        race = Race(experiment, cells, store)
    plan, aside = _plan(asked, store, force, is_look)
    plan = plan if race is None else race.left(plan)
    if not is_look:
        check_tables(plan.missing.values(), store)
    grid = Grid(experiment, cells, twins, set_apart(plan), store, aside, race)
    return _failed_alone(grid, force) if retry_failed else grid


def _plan(
    cells: list[Cell], store: Store, force: frozenset[str], is_look: bool
) -> tuple[Plan, Mapping[str, Sequence[str]]]:
    """Plan; where a record is damaged, so that nobody knows what its folder holds, set it aside."""
    try:
        return make_plan(cells, store, force), {}
    except StoreError:
        if is_look:
            raise
        aside = set_false_records_aside(store, {stage.key for cell in cells for stage in cell.walk()})
        if not aside:
            raise
    return make_plan(cells, store, force), aside


def _failed_alone(grid: Grid, force: frozenset[str]) -> Grid:
    """Return the grid with the plan of those cells alone that hang on a stage that failed."""
    failed = hang_on(grid.plan.cells, failed_keys(grid.root, grid.plan, grid.store))
    return replace(grid, plan=make_plan(failed, grid.store, force))
