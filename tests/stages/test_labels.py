"""Labels beside the data, and hidden labels: what they change, and what they leave as it is."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from grid.stage import Stage
from motor.recordings.table import open_recordings
from motor.stages.prepare import Prepared

DOMAINS = ("ShengYing", "ZhenDong")
CLASSICAL = ("axes.method=[classical]", "features.classical.high_frequencies_hz=[500, 1000]")


@pytest.fixture(scope="module")
def plain(make_tiny, tmp_path_factory):
    """The experiment with the labels of its data."""
    return make_tiny(tmp_path_factory.mktemp("plain"), *CLASSICAL).build_stages("prepare")


def in_zhendong(tiny, **axes):
    """Return the stage that ends the cell of one domain."""
    wanted = {"domain": "ZhenDong", **axes}
    return next(cell.stage for cell in tiny.plan.cells if wanted.items() <= cell.axes.items())


def test_labels_beside_count_more_than_those_of_the_data_and_read_nothing_again(make_tiny, tmp_path, plain, sides_of):
    changed, withdrawn = [motor for motor, side in sorted(sides_of(plain).items()) if side == "train"][:2]
    file = tmp_path / "labels.csv"
    file.write_text(f"motor,label\n{changed},spark\n{withdrawn},\n")
    tiny = make_tiny(tmp_path, *CLASSICAL, f"dataset.labels_file={file}").build_stages("describe")
    (prepare,) = tiny.stages("prepare")
    meta = open_recordings(tiny.folder(prepare)).meta.set_index("motor")["label"]
    assert set(meta[changed]) == {"spark"}
    assert meta[withdrawn].isna().all()
    features = pd.read_parquet(tiny.folder(in_zhendong(tiny).features[0]) / "features.parquet")
    assert withdrawn not in set(features["motor"])
    file.write_text(f"motor,label\n{changed},vibrate\n")
    again = make_tiny(tmp_path, *CLASSICAL, f"dataset.labels_file={file}")
    held = {stage.KIND for stage in again.plan.stages.values() if again.store.holds(stage)}
    assert "recordings" in held
    assert not again.store.holds(again.stages("prepare")[0])


def test_series_are_represented_once_for_all_label_sets(make_tiny, tmp_path, sides_of, plain):
    motor = min(motor for motor, side in sides_of(plain).items() if side == "train")
    file = tmp_path / "labels.csv"
    file.write_text(f"motor,label\n{motor},spark\n")
    settings = (*CLASSICAL, f"dataset.labels_file={file}", "representation={kind: envelope}")
    tiny = make_tiny(tmp_path, *settings).build_stages("prepare")
    (represent,), (prepare,) = tiny.stages("represent"), tiny.stages("prepare")
    files = [tiny.folder(stage) / "recordings.arrow" for stage in (represent, prepare)]
    assert files[0].stat().st_ino == files[1].stat().st_ino
    file.write_text(f"motor,label\n{motor},vibrate\n")
    again = make_tiny(tmp_path, *settings)
    unshared = replace(again.stages("prepare")[0], shared=None)
    held = {stage.KIND for stage in again.plan.stages.values() if again.store.holds(stage)}
    assert held == {"recordings", "represent"}
    assert unshared.key == again.stages("prepare")[0].key != prepare.key
    again.build_stages("labels").build_stage(unshared)
    assert (again.folder(unshared) / "recordings.arrow").read_bytes() == files[0].read_bytes()


def test_labels_hidden_of_training_motors_move_no_side_and_train_nothing(make_tiny, tmp_path, plain):
    tiny = make_tiny(tmp_path, *CLASSICAL, "axes.labelled_share=[0.5, 1.0]").build_stages("prepare")
    half, whole = (in_zhendong(tiny, labelled_share=share).features[0].prepared for share in (0.5, 1.0))
    assert whole == plain.stages("prepare")[0]
    prepared = Prepared.open(tiny.folder(half), half)
    split = (plain.folder(plain.stages("prepare")[0]) / "split.csv").read_text()
    assert (tiny.folder(half) / "split.csv").read_text() == split
    hidden = prepared.hidden["0"]
    assert len(hidden) == 3
    known, everything = prepared.meta("0", DOMAINS), prepared.meta_with_unlabelled("0", DOMAINS)
    assert not hidden & set(known["motor"])
    assert set(everything.loc[everything["label"].isna(), "motor"]) == set(hidden)
    assert set(everything.loc[everything["label"].isna(), "side"]) == {"train"}


@pytest.mark.parametrize(("motors", "labels"), [("training", "any"), ("all", "any_of_all")])
def test_unlabelled_of_all_motors_is_another_fine_tune(make_tiny, tmp_path, motors, labels):
    tiny = make_tiny(tmp_path, "axes.method=[C_any]", f"unlabelled.motors={motors}")
    assert {stage.labels for stage in tiny.stages("finetune")} == {labels}


def test_labels_by_life_are_a_stage_that_reads_nothing_again_and_say_their_rule(make_tiny, tmp_path, sides_of):
    data = tmp_path / "data"
    random = np.random.default_rng(0)
    for motor in range(8):
        for number in range(1, 12):
            for domain in DOMAINS:
                put = data / domain / f"M{motor}" / f"{number}.npy"
                put.parent.mkdir(parents=True, exist_ok=True)
                np.save(put, random.normal(size=512))
    settings = [*CLASSICAL, f"dataset.path={data}", r"dataset.pattern='(?P<motor>M\d)/'"]
    rule = "dataset.labels={by: life, normal: [0, 0.3], spark: [0.5, 0.8], vibrate: [%s, 1]}"
    tiny = make_tiny(tmp_path, *settings, rule % 0.9).build_stages("prepare")
    (prepare,) = tiny.stages("prepare")
    meta = open_recordings(tiny.folder(prepare)).meta
    assert meta["label"].value_counts(dropna=False).tolist() == [8 * 2 * n for n in (4, 4, 2, 1)]
    assert set(sides_of(tiny).values()) == {"train", "validation", "test"}
    summary = json.loads((tiny.folder(prepare.labels) / "summary.json").read_text())
    assert summary["assumed_labels"] == {"by": "life", "normal": [0, 0.3], "spark": [0.5, 0.8], "vibrate": [0.9, 1]}
    assert Stage.from_record(prepare.record).key == prepare.key
    again = make_tiny(tmp_path, *settings, rule % 0.95)
    assert {stage.KIND for stage in again.plan.stages.values() if again.store.holds(stage)} == {"recordings"}
