"""Recordings that come later: each delivery an import of its own, and nothing built of those before is built anew."""

import pandas as pd
import pytest
import yaml

from grid.run.run import BuildContext, build_stage
from grid.stage import InputError, Resources, Stage
from grid.store.store import Store, write_text
from motor.commands.looping import deliver, opened
from motor.experiment.cells import make_cells
from motor.experiment.reading import read_experiment
from motor.looping import iterations, retention
from motor.looping.inference import meta_of
from motor.looping.loop import LoopError
from motor.looping.training_data import write_config
from motor.recordings.splits.growing import Growing
from motor.recordings.table import open_recordings
from tests.looping.test_unlabelled import by_number, found, record, recorded, table

__all__ = ("found", "recorded")
LATER = ["m1_1", "n0_0", "n1_0", "n2_0"]


@pytest.fixture
def delivered(found, recorded):
    """Return a function that takes the second delivery into the loop."""
    record(recorded / "later", LATER)
    return lambda: deliver(
        opened(Store(recorded / "storage"), "plant"), recorded / "later", Store(recorded / "storage")
    )


def planned(loop, number, labels, **changes):
    """Return the cells of an iteration over all recordings that the loop has."""
    write_text(loop.label_set(f"set{number}"), table(labels, "ann"))
    config = write_config(loop, number, f"set{number}")
    content = yaml.safe_load(config.read_text(encoding="utf-8")) | changes
    write_text(config, yaml.safe_dump(content))
    return cells_of(config, loop)


def cells_of(config, loop):
    return make_cells(read_experiment(config, (), {}), loop.storage, dry_run=False)


def keys(cells):
    return {(stage.KIND, stage.key) for cell in cells for stage in cell.walk()}


def labels_of(loop):
    return {item: by_number({"item": f"/{item.split('/')[-1]}".replace("/n", "/m")}) for item in loop.sides()}


def test_delivery_changes_no_key_of_what_was_made_of_those_before(found, delivered, recorded):
    first = keys(planned(found.loop, 1, labels_of(found.loop)))
    assert delivered() == len(LATER)
    again = opened(Store(recorded / "storage"), "plant").loop
    assert keys(cells_of(again.config_of(1), again)) == first
    second = keys(planned(again, 2, labels_of(again)))
    assert {key for key in first if key[0] == "recordings"} < second
    computed = {key for key in first if key[0] == "describe"} & second
    assert len(computed) == 1  # what each recording of the first delivery is described by
    assert {kind for kind, _ in second} >= {"deliveries", "describe", "classify"}


def test_no_motor_moves_and_new_ones_get_their_side_by_hash(found, delivered, recorded):
    before = found.loop.sides()
    delivered()
    after = opened(Store(recorded / "storage"), "plant").loop.sides()
    assert {item: after[item] for item in before} == before
    sides = {item.split("/")[-1].split("_")[0]: side for item, side in after.items()}
    assert len(sides) == 15
    assert all(side == Growing(validation=0).side(motor, 123) for motor, side in sides.items())


def test_delivery_twice_is_one_and_a_recording_of_a_taken_name_is_refused(found, delivered, recorded):
    assert [delivered(), delivered()] == [len(LATER), 0]
    loop = opened(Store(recorded / "storage"), "plant").loop
    assert len(loop.facts.recordings) == 2
    assert len(meta_of(loop)) == 12 + len(LATER)
    record(recorded / "more", ["m3_0"])
    with pytest.raises(LoopError, match=r"m3_0\.wav' has the name of one that is there"):
        deliver(opened(Store(recorded / "storage"), "plant"), recorded / "more", Store(recorded / "storage"))
    record(recorded / "same", ["m3_0", "x_0"])
    (recorded / "same/sound/m3_0.wav").rename(recorded / "same/sound/m3_00.wav")
    deliver(opened(Store(recorded / "storage"), "plant"), recorded / "same", Store(recorded / "storage"))


def test_prune_leaves_deliveries_that_no_iteration_knows_yet(found, delivered, recorded):
    delivered()
    loop = opened(Store(recorded / "storage"), "plant").loop
    assert retention.tables(loop.storage) == {one.name.split("-")[-1] for one in loop.tables()}
    assert len(loop.tables()) == 2


def test_deliveries_are_described_as_one_table_would_be(found, delivered, recorded):
    delivered()
    store = Store(recorded / "storage")
    loop = opened(store, "plant").loop
    axes = {"method": ["classical"], "domain": ["sound"], "context_length": [64], "classifier": ["lda"]}
    features = {"classical": {"high_frequencies_hz": [500, 1000]}}
    (cell,) = planned(loop, 1, labels_of(loop), axes=axes, features=features)
    described = cell.stage.features[0].described
    for stage in described.walk():
        build(stage, store)
    table = pd.read_parquet(store.folder(described) / "described.parquet")
    joined = open_recordings(store.folder(described.recordings))
    assert table["item"].tolist() == joined.meta["item"].tolist() == meta_of(loop)["item"].tolist()
    whole = Stage.from_record({name: value for name, value in described.record.items() if name != "parts"})
    assert whole.key != described.key
    build(whole, store)
    pd.testing.assert_frame_equal(pd.read_parquet(store.folder(whole) / "described.parquet"), table)


def test_increments_go_on_from_what_was_trained_before_the_delivery(found, delivered, recorded):
    config = yaml.safe_load(found.loop.config.read_text(encoding="utf-8"))
    config |= {"backbone": {"kind": "bolt", "d_model": 16, "num_layers": 1}, "finetune": {"num_steps": 10}}
    config["axes"] |= {"method": ["C_increment"]}
    write_text(found.loop.config, yaml.safe_dump(config))
    (first,) = planned(found.loop, 1, labels_of(found.loop))
    iterations.open_iteration(found.loop.database, "tests")
    iterations.note_sealed(found.loop.database, 1, "set1", "tests")
    delivered()
    again = opened(Store(recorded / "storage"), "plant").loop
    (second,) = planned(again, 2, labels_of(again))
    trained = second.stage.features[0].finetunes[0]
    assert trained.start.key == first.stage.features[0].finetunes[0].key
    assert len(trained.prepared.recordings.parts) == 2


def test_config_of_a_sealed_iteration_keeps_the_deliveries_that_it_knew(found, delivered, recorded):
    planned(found.loop, 1, labels_of(found.loop))
    iterations.open_iteration(found.loop.database, "tests")
    iterations.note_sealed(found.loop.database, 1, "set1", "tests")
    delivered()
    again = opened(Store(recorded / "storage"), "plant")
    text = again.loop.config_of(1).read_text(encoding="utf-8")
    assert again.manager.prepare_training_data() == "set1"
    assert again.loop.config_of(1).read_text(encoding="utf-8") == text


def test_config_of_two_places_with_one_recording_is_refused(recorded):
    write_text(recorded / "labels.csv", "item,label\n")
    record(recorded / "twice", ["m0_0"])
    config = recorded / "plant.yaml"
    text = yaml.safe_load(PLAIN)
    text["dataset"]["deliveries"] = ["twice"]
    write_text(config, yaml.safe_dump(text))
    store = Store(recorded / "storage")
    (cell, *_) = make_cells(read_experiment(config, (), {}), store.root, dry_run=False)
    joined = cell.stage.features[0].described.recordings
    for stage in joined.inputs:
        build(stage, store)
    with pytest.raises(InputError, match="duplicate item"):
        build(joined, store)


PLAIN = """\
dataset:
  kind: tree
  path: recordings
  pattern: (?P<domain>[^/]+)/(?P<motor>[^/_]+)_(?P<moment>[0-9]+)\\.wav$
  domains: [sound]
  classes: [normal]
  labels_file: labels.csv
split: {kind: growing, validation: 0}
backbone: {kind: linear}
axes: {method: [classical], domain: [sound], context_length: [64], classifier: [lda]}
"""


def build(stage, store):
    if not store.holds(stage):
        build_stage(stage, store, BuildContext(store, stage, Resources(), lambda progress: None))
