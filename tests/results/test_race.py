"""The race of a grid, from heats in a store: what stops, what is left of the plan, and the same results at the end."""

import io
import json

import pytest

from grid.plan.plan import make_plan
from grid.run.conductor import Conductor
from grid.screen.progress import Progress
from grid.stage import Resources
from motor.results.race import Race, raced

CHANGES = (
    "split={kind: folds, k: 3, validation: none}",
    "axes.method=[level, spectrum]",
    "axes.classifier=[lda, svm]",
    "axes.domain=[ZhenDong]",
)


@pytest.fixture(scope="module")
def launched(make_tiny, tmp_path_factory):
    """A race of four plain recipes, as a launch runs it, but for Ray; and its stages as they were built."""
    made = make_tiny(tmp_path_factory.mktemp("race"), *CHANGES, "search={kind: racing, error: 0.4}")
    cells = raced(made.plan.cells)
    made = type(made)(made.experiment, make_plan(cells, made.store), made.store)
    race = Race(made.experiment, cells, made.store)
    asked = {key: stage.ASKS or Resources() for key, stage in made.plan.stages.items()}
    progress = Progress(made.plan, io.StringIO(), "log")
    conductor = Conductor(made.plan, made.store, asked, progress, race.waves(made.plan))
    order = []
    while (key := conductor.next({"CPU": 1})) is not None:
        made.build_stage(made.plan.stages[key])
        conductor.built(key)
        order.append(made.plan.stages[key])
    return made, race, conductor, order


@pytest.fixture(scope="module")
def tiny(launched):
    """The grid that was raced."""
    return launched[0]


@pytest.fixture
def race(tiny):
    """A race that nothing is decided of."""
    race = Race(tiny.experiment, tiny.plan.cells, tiny.store)
    race.file.unlink(missing_ok=True)
    return Race(tiny.experiment, tiny.plan.cells, tiny.store)


def test_cells_with_heats_have_the_same_keys_and_bytes(launched, make_tiny, tmp_path):
    made, race = launched[:2]
    name = race.left(made.plan).cells[0].name()
    whole = make_tiny(tmp_path, *CHANGES).build(name)
    one, other = (of.cell(name) for of in (made, whole))
    assert one.key == other.key
    for file in ("metrics.json", "predictions.csv", "held_out.csv"):
        assert (made.folder(one) / file).read_bytes() == (whole.folder(other) / file).read_bytes()
    assert (made.folder(one) / "fold-0" / "clf_model.pkl").is_file()


def test_waves_are_the_folds(tiny, race):
    waves = race.waves(tiny.plan)
    heats = [[waves.of[heat.key] for heat in cell.stage.heats] for cell in tiny.plan.cells]
    assert heats == [[0, 1, 2]] * 4
    assert {waves.of[cell.stage.key] for cell in tiny.plan.cells} == {2}
    assert {waves.of[stage.key] for stage in tiny.stages("prepare")} == {0}
    assert waves.n_waves == 3


def test_launch_goes_fold_by_fold_and_ends_with_what_is_left(launched):
    made, race, conductor, order = launched
    assert conductor.is_done()
    folds = [heat.features[0].of_fold[1] for heat in order if heat.KIND == "heat"]
    assert folds == sorted(folds)
    assert race.n_done == 2
    assert {stage.key for stage in order} | conductor.queue.dropped == made.plan.missing.keys()
    assert all(made.store.holds(cell.stage) for cell in race.left(made.plan).cells)
    assert not any(made.store.holds(cell.stage) for cell in made.plan.cells if cell.stage.key in race.stopped)


def test_what_is_stopped_is_left_out_of_the_plan_with_what_it_alone_needs(tiny, race):
    cell = tiny.plan.cells[0]
    race.stopped.clear()
    race.stopped[cell.stage.key] = {}
    left = race.left(tiny.plan)
    assert cell.stage.key not in left.stages
    assert not {heat.key for heat in cell.stage.heats} & left.stages.keys()
    assert {stage.key for stage in tiny.stages("prepare")} <= left.stages.keys()
    assert [other.name() for other in left.cells] == [other.name() for other in tiny.plan.cells[1:]]


def test_decisions_are_kept_and_not_made_twice(tiny, race):
    race.decide(0)
    kept = json.loads(race.file.read_text(encoding="utf-8"))
    assert kept["n_done"] == 1
    again = Race(tiny.experiment, tiny.plan.cells, tiny.store)
    assert (again.n_done, again.stopped) == (1, race.stopped)


def test_decisions_of_another_grid_do_not_count(tiny, race):
    race.decide(0)
    assert Race(tiny.experiment, tiny.plan.cells[1:], tiny.store).n_done == 0


def test_after_the_last_fold_nothing_is_stopped(race):
    race.decide(2)
    assert race.stopped == {}
    assert race.n_done == 0


def test_cells_that_failed_are_neither_stopped_nor_compared_with(tiny, race):
    lost = {cell.stage.heats[0].key for cell in tiny.plan.cells[1:]}
    race.decide(0, lost)
    assert race.stopped == {}
