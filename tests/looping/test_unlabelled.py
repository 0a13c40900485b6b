"""A loop over recordings that nobody has labelled: its test set is asked for, too, blind and by two."""

import wave

import numpy as np
import pandas as pd
import pytest
import yaml

from grid.store.store import Store, write_text
from motor.commands.looping import new_loop, opened
from motor.experiment.cells import make_cells
from motor.experiment.reading import read_experiment
from motor.looping import iterations, label_sets, models, retention
from motor.looping.label_sets import decided_in
from motor.looping.loop import LoopError
from motor.looping.training_data import write_config
from motor.recordings.splits.growing import Growing
from motor.review.database.decisions import Decision, decide
from motor.review.database.queues import LABELS, TEST, next_items, progress

CLASSES = ("spark", "normal")
CONFIG = """\
dataset:
  kind: tree
  path: recordings
  pattern: (?P<domain>[^/]+)/(?P<motor>[^/_]+)_(?P<moment>[0-9]+)\\.wav$
  domains: [sound]
  classes: [normal, spark]
  constants: {speed_rpm: 1500}
split: {kind: growing, validation: 0}
backbone: {kind: linear}
axes: {method: [orders], domain: [sound], context_length: [64], classifier: [lda]}
loop: {first: 6, batch: 2, first_test: 3}
"""


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Return a folder with recordings of twelve motors."""
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "recordings", [f"m{motor}_0" for motor in range(12)])
    return tmp_path


def record(folder, names):
    draws = np.random.default_rng(len(names))
    (folder / "sound").mkdir(parents=True)
    for name in names:
        with wave.open(str(folder / f"sound/{name}.wav"), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8192)
            out.writeframes((draws.normal(size=1024) * 3000).astype("<i2").tobytes())


@pytest.fixture
def found(recorded):
    (recorded / "plant.yaml").write_text(CONFIG, encoding="utf-8")
    new_loop(recorded / "plant.yaml", (), Store(recorded / "storage"), "plant").database.close()
    return opened(Store(recorded / "storage"), "plant")


def answer(found, queue, who, label):
    for one in next_items(found.loop.database, queue, who, 50):
        decision = Decision(f"{who}-{one['item']}", one["item"], one["answer"]["revision"], "label", who, label(one))
        decide(found.loop.database, decision, found.loop.facts.classes)


def by_number(one):
    return ("normal", "spark")[int(one["item"].split("/m")[1].split("_")[0]) % 2]


def test_test_recordings_are_asked_blind_and_count_once_two_agree(found):
    found.manager.create_iteration()
    asked = next_items(found.loop.database, TEST, "ann", 50)
    sides = found.loop.sides()
    assert {sides[one["item"]] for one in asked} == {"test"}
    assert all(one["is_blind"] and not one["suggestion"] for one in asked)
    answer(found, TEST, "ann", by_number)
    assert next_items(found.loop.database, TEST, "ann", 50) == []
    assert not any(one.label for one in decided_in(found.loop).values())
    answer(found, TEST, "bob", by_number)
    assert {decided_in(found.loop)[one["item"]].label for one in asked} == {by_number(one) for one in asked}
    assert next_items(found.loop.database, TEST, "eva", 50) == []
    assert progress(found.loop.database)[TEST]["open"] == 0


def test_first_iteration_whose_conductor_died_before_it_asked_asks_for_test_recordings_once(found):
    iterations.open_iteration(found.loop.database, "loop")
    found.manager.create_iteration()
    asked = progress(found.loop.database)[TEST]
    assert asked == {"asked": 3, "open": 3}
    found.manager.create_iteration()
    assert progress(found.loop.database)[TEST] == asked


def test_sealing_says_what_is_lacking_and_how_to_ask_for_more(found):
    found.manager.create_iteration()
    with pytest.raises(LoopError, match="no training recording has the label 'normal'"):
        found.manager.prepare_training_data()
    answer(found, LABELS, "ann", by_number)
    with pytest.raises(LoopError, match=r"no test recording .* by 2 reviewers who agree.*--test 8"):
        found.manager.prepare_training_data()
    answer(found, TEST, "ann", lambda one: "spark")
    answer(found, TEST, "bob", lambda one: "spark")
    with pytest.raises(LoopError, match="no test recording has the label 'normal'"):
        found.manager.prepare_training_data()
    assert found.loop.config.read_text(encoding="utf-8").count("labels_file") == 0


def test_more_are_asked_for_until_nothing_is_left(found):
    found.manager.create_iteration()
    before = len(next_items(found.loop.database, LABELS, "ann", 50))
    found.manager.create_iteration(more=2)
    assert len(next_items(found.loop.database, LABELS, "ann", 50)) == before + 2
    assert found.loop.facts.test_reviewers == 2


def test_one_training_label_changes_what_saw_it(found):
    found.manager.create_iteration()
    answer(found, LABELS, "ann", by_number)
    sides, asked = found.loop.sides(), next_items(found.loop.database, TEST, "ann", 50)
    labels = {item: by_number({"item": item}) for item, side in sides.items() if side == "train"}
    labels |= {one["item"]: ("normal", "spark")[place % 2] for place, one in enumerate(asked)}
    first = planned(found, labels)
    item = next(iter(labels))
    other = planned(found, labels | {item: "spark" if labels[item] == "normal" else "normal"})
    assert first["recordings"] == other["recordings"]
    assert first["describe"] & other["describe"]  # each recording's features, whatever its label
    assert not any(first[kind] & other[kind] for kind in ("prepare", "heat", "scored", "classify"))
    assert len(first["labels"] & other["labels"]) == 1  # those of test motors
    assert planned(found, labels) == first


def test_label_of_a_test_motor_changes_no_stage_that_is_trained(found):
    sides = found.loop.sides()
    labels = {item: by_number({"item": item}) for item in sides}
    of_test = [item for item, side in sides.items() if side == "test"]
    secret = labels | {item: ("spark", "normal")[place % 2] for place, item in enumerate(of_test)}
    assert any(labels[item] != secret[item] for item in of_test)
    first, other, more = (
        trained(found, one, ["A", "orders"]) for one in (labels, secret, {**labels, of_test[0]: None})
    )
    assert first == other == more
    assert {kind for kind, _ in first} == {
        "recordings",
        "labels",
        "prepare",
        "describe",
        "finetune",
        "features",
        "heat",
    }
    whole = [planned(found, one, methods=["A", "orders"]) for one in (labels, secret)]
    assert not whole[0]["classify"] & whole[1]["classify"]  # scored anew
    assert not whole[0]["scored"] & whole[1]["scored"]


def trained(found, labels, methods):
    """Return kind and key of every stage that a fitted judge is made from, and its own."""
    write_text(found.loop.label_set("draft"), table(labels, "ann"))
    config = write_config(found.loop, 1, "draft")
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    content["axes"]["method"] = methods
    write_text(config, yaml.safe_dump(content))
    experiment = read_experiment(config, (), {})
    cells = make_cells(experiment, found.loop.storage, dry_run=True)
    return {(made.KIND, made.key) for cell in cells for heat in cell.stage.fitted for made in inputs(heat)}


def inputs(stage):
    """Yield a stage and all that decides it."""
    yield stage
    for made in stage.inputs:
        yield from inputs(made)


def test_corrected_test_label_is_in_no_later_set_and_so_trains_nothing(found):
    found.manager.create_iteration()
    answer(found, LABELS, "ann", by_number)
    asked = [one["item"] for one in next_items(found.loop.database, TEST, "ann", 50)]
    said = {item: ("normal", "spark")[place % 2] for place, item in enumerate(asked)}
    for who in ("ann", "bob"):
        answer(found, TEST, who, lambda one: said[one["item"]])
    sealed = found.manager.prepare_training_data()
    for who in ("ann", "bob"):
        decision = Decision(f"again-{who}", asked[0], 1, "label", who, "spark")
        decide(found.loop.database, decision, found.loop.facts.classes)
    data = dict.fromkeys(found.loop.sides())
    assert decided_in(found.loop)[asked[0]].label == "spark"
    assert label_sets.seal(found.loop, data, sealed, "tests", 123) == sealed
    assert label_sets.seal(found.loop, data, None, "tests", 123) != sealed


def test_who_decided_and_when_is_in_no_key(found):
    found.manager.create_iteration()
    answer(found, LABELS, "ann", by_number)
    asked = next_items(found.loop.database, TEST, "ann", 50)
    labels = {item: by_number({"item": item}) for item, side in found.loop.sides().items() if side == "train"}
    labels |= {one["item"]: ("normal", "spark")[place % 2] for place, one in enumerate(asked)}
    assert planned(found, labels, "ann") == planned(found, labels, "bob")


def test_increments_go_on_from_the_fine_tunes_of_all_label_sets_before(found):
    names = ["m0", "m1", "m3", "m5", "m8", "m9"]
    for number in (1, 2, 3):
        labels = {item: by_number({"item": item}) for item in found.loop.sides()}
        some = {item: label for item, label in labels.items() if found.loop.sides()[item] == "test" or number == 3}
        some |= {item: labels[item] for name in names[: 2 * number + 1] for item in labels if f"/{name}_" in item}
        write_text(found.loop.label_set(f"set{number}"), table(dict.fromkeys(labels) | some, "ann"))
        iterations.open_iteration(found.loop.database, "tests")
        iterations.note_sealed(found.loop.database, number, f"set{number}", "tests")
    config = yaml.safe_load(found.loop.config.read_text(encoding="utf-8"))
    config |= {"backbone": {"kind": "bolt", "d_model": 16, "num_layers": 1}, "finetune": {"num_steps": 10}}
    config["axes"] |= {"method": ["C", "C_increment"]}
    write_text(found.loop.config, yaml.safe_dump(config))
    chains = {}
    for number in (1, 2, 3):
        experiment = read_experiment(write_config(found.loop, number, f"set{number}"), (), {})
        for cell in make_cells(experiment, found.loop.storage, dry_run=True):
            chains[number, cell.axes["method"]] = cell.stage.features[0].finetunes[0]
    assert chains[1, "C_increment"] == chains[1, "C"]
    assert chains[2, "C_increment"].start.key == chains[1, "C"].key
    assert chains[3, "C_increment"].start.key == chains[2, "C_increment"].key
    assert [chains[3, name].training.num_steps for name in ("C", "C_increment")] == [10, 6]
    assert chains[3, "C_increment"].before.key == chains[2, "C"].prepared.labels.key
    assert chains[3, "C"].start is None


def test_label_of_a_faulty_series_retrains_nothing_that_saw_normal_ones_alone(found):
    sides = found.loop.sides()
    labels = {item: by_number({"item": item}) for item in sides}
    faulty, normal = (
        next(item for item, label in labels.items() if label == name and sides[item] == "train") for name in CLASSES
    )
    first, again, other = (
        planned(found, labels | changed, methods=["A", "orders"]) for changed in ({}, {faulty: None}, {normal: None})
    )
    assert first["finetune"] == again["finetune"]
    assert not first["classify"] & again["classify"]
    assert not first["features"] & again["features"]
    assert not first["finetune"] & other["finetune"]


def test_whole_weights_are_kept_of_the_newest_iterations_and_of_every_alias(found):
    for number in (1, 2, 3):
        iterations.open_iteration(found.loop.database, "tests")
        write_text(found.loop.label_set("draft"), "item,label\n")
        write_config(found.loop, number, "draft")
        iterations.note_sealed(found.loop.database, number, f"set {number}", "tests")
    storage, of = found.loop.storage, found.loop.config_of
    assert retention.configs(storage) == ([of(1), of(2), of(3)], [])
    config = yaml.safe_load(found.loop.config.read_text(encoding="utf-8"))
    write_text(found.loop.config, yaml.safe_dump({**config, "loop": {"keep_weights": 1}}))
    assert retention.configs(storage) == ([of(3)], [of(1), of(2)])
    iterations.set_alias(found.loop.database, "champion", "k", 1, "tests")
    assert retention.configs(storage) == ([of(1), of(3)], [of(2)])


def test_what_is_made_of_weights_is_not_light(found):
    labels = dict.fromkeys(found.loop.sides())
    first = {"m0": "normal", "m1": "spark"}
    labels |= {item: first.get(item.split("/")[-1].split("_")[0]) for item in labels}
    write_text(found.loop.label_set("draft"), table(labels, "ann"))
    config = write_config(found.loop, 1, "draft")
    experiment = read_experiment(config, ("axes.method=[A, orders]",), {})
    stages = [made for cell in make_cells(experiment, found.loop.storage, dry_run=True) for made in cell.walk()]
    light = {stage.KIND for stage in stages if retention.is_light(stage)}
    assert {stage.KIND for stage in stages if not retention.is_light(stage)} == {
        *("finetune", "features", "heat", "scored", "classify")
    }
    assert light >= {"recordings", "labels", "prepare", "describe", "classify"}


def test_secret_in_test_labels_changes_no_queue_neighbour_or_suggestion(recorded):
    rows = [queued(recorded, name, swapped) for name, swapped in (("told", False), ("secret", True))]
    assert rows[0] == rows[1]
    assert any(suggestion != "{}" for *_, suggestion in rows[0])
    assert {reason for _, _, reason, *_ in rows[0]} > {"random"}


def queued(folder, name, swapped):
    """Return what the second iteration of a loop asks, whose test labels are right, or all wrong."""
    sides = {f"m{n}": Growing(validation=0).side(f"m{n}", 123) for n in range(12)}
    of_test = [motor for motor, side in sides.items() if side == "test"]
    labels = {motor: {"motor": motor, "label": "nobody knows"} for motor in sides}
    for place, motor in enumerate(of_test):
        labels[motor]["label"] = ("normal", "spark")[(place + swapped) % 2]
    config = {**yaml.safe_load(CONFIG), "loop": {"first": 4, "batch": 4, "random_share": 0.25}}
    config["dataset"] |= {"lookup": {"motor": labels}, "unlabelled": "nobody knows"}
    write_text(folder / f"{name}.yaml", yaml.safe_dump(config))
    new_loop(folder / f"{name}.yaml", (), Store(folder / name), "plant").database.close()
    found = opened(Store(folder / name), "plant")
    found.manager.create_iteration()
    answer(found, LABELS, "ann", by_number)
    iterations.note_sealed(found.loop.database, 1, "set", "tests")
    items = sorted(found.loop.sides())
    columns = np.random.default_rng(0).normal(size=(len(items), 3))
    said = pd.DataFrame(columns, columns=[f"feature_{k}" for k in range(3)], index=pd.Index(items, name="item"))
    said = said.assign(label="normal", probability_normal=0.7, probability_spark=0.3, unlike=0.5, domain="sound")
    write_text(found.loop.inferred(1), said.reset_index().to_csv(index=False))
    write_text(found.loop.inferred(1).with_suffix(".json"), models.as_json(models.Model("k", "cell", None)))
    found.manager.create_iteration()
    with found.loop.database.reading() as connection:
        text = "SELECT position, name, reason, chance, is_blind, suggestion FROM asked JOIN item ON id=item_id"
        return list(connection.exec_driver_sql(f"{text} WHERE queue='labels' ORDER BY position").all())


def table(labels, who):
    """Return a label set as it is sealed, of decisions by somebody."""
    rows = (f"{item},{label or ''},label,{who},2026-01-01 of {who},{who}-1\n" for item, label in sorted(labels.items()))
    return "item,label,action,reviewers,decided_at,requests\n" + "".join(rows)


def planned(found, labels, who="ann", methods=("orders",)):
    """Return the keys of an iteration's stages, by kind."""
    text = table(labels, who)
    file = found.loop.label_set("draft")
    write_text(file, text)
    config = write_config(found.loop, 1, "draft")
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    content["axes"]["method"] = list(methods)
    write_text(config, yaml.safe_dump(content))
    keys = {}
    for stage in found.manager.tools.plan(config).plan.stages.values():
        keys.setdefault(stage.KIND, set()).add(stage.key)
    return keys
