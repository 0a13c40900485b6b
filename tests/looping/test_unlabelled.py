"""A loop over recordings that nobody has labelled: its test set is asked for, too, blind and by two."""

import wave

import numpy as np
import pytest

from grid.store.store import Store, write_text
from motor.commands.looping import new_loop, opened
from motor.looping import label_sets
from motor.looping.label_sets import decided_in
from motor.looping.loop import LoopError
from motor.looping.training_data import write_config
from motor.review.database.decisions import Decision, decide
from motor.review.database.queues import LABELS, TEST, next_items, progress

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
def found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    (tmp_path / "recordings" / "sound").mkdir(parents=True)
    for motor in range(12):
        with wave.open(str(tmp_path / f"recordings/sound/m{motor}_0.wav"), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8192)
            out.writeframes((draws.normal(size=1024) * 3000).astype("<i2").tobytes())
    (tmp_path / "plant.yaml").write_text(CONFIG, encoding="utf-8")
    new_loop(tmp_path / "plant.yaml", (), Store(tmp_path / "storage"), "plant").database.close()
    return opened(Store(tmp_path / "storage"), "plant")


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
    assert not any(first[kind] & other[kind] for kind in ("labels", "prepare", "classify"))
    assert planned(found, labels) == first


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


def planned(found, labels):
    """Return the keys of an iteration's stages, by kind."""
    text = "item,label\n" + "".join(f"{item},{label or ''}\n" for item, label in sorted(labels.items()))
    file = found.loop.label_set("draft")
    write_text(file, text)
    config = write_config(found.loop, 1, "draft")
    keys = {}
    for stage in found.manager.tools.plan(config).plan.stages.values():
        keys.setdefault(stage.KIND, set()).add(stage.key)
    return keys
