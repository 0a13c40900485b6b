"""Series whose class nobody knows: trained upon where no label is needed, never scored, on their motor's side."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from motor.recordings.table import open_recordings
from motor.stages.prepare import ASIDE, Prepared

DOMAINS = ("ShengYing", "ZhenDong")


def put(folder, motor, seed, domain="ZhenDong"):
    """Put a series of a motor into the folder of those without a label."""
    file = folder / domain / "unknown" / f"{motor}-09.npy"
    file.parent.mkdir(exist_ok=True)
    np.save(file, np.random.default_rng(seed).normal(size=512).astype(np.float32))


@pytest.fixture(scope="session")
def with_unlabelled(tiny_built, make_tiny, tiny_data, sides_of, tmp_path_factory):
    """The tiny experiment and series without a label: of a motor of each side, and of one that has no others."""

    def make(seed_of_tested=1):
        folder = tmp_path_factory.mktemp("unlabelled")
        shutil.copytree(tiny_data, folder / "data")
        first = {side: motor for motor, side in sorted(sides_of(tiny_built).items(), reverse=True)}
        put(folder / "data", first["train"], 2)
        put(folder / "data", first["validation"], 3)
        put(folder / "data", first["test"], seed_of_tested)
        put(folder / "data", "motor_999", 4)
        return make_tiny(
            folder, f"dataset.path={folder / 'data'}", "dataset.unlabelled=unknown", "axes.method=[A, C_any]"
        )

    return make


@pytest.fixture(scope="session")
def built(with_unlabelled):
    return with_unlabelled().build("A/ZhenDong/64/lda", "C_any/ZhenDong/64/lda")


@pytest.fixture(scope="session")
def prepared(built):
    (stage,) = built.stages("prepare")
    return Prepared.open(built.folder(stage), stage)


def test_unlabelled_series_stand_in_the_table_without_a_label(built):
    meta = open_recordings(built.folder(built.stages("recordings")[0])).meta
    assert sorted(meta.loc[meta["label"].isna(), "domain"]) == ["ZhenDong"] * 4


def test_unlabelled_are_in_no_table_of_what_is_scored(built, prepared):
    assert prepared.meta("0", DOMAINS)["label"].notna().all()
    for cell in ("A", "C_any"):
        stage = built.cell(f"{cell}/ZhenDong/64/lda")
        features = pd.read_parquet(built.folder(stage.features[0]) / "features.parquet")
        assert not features["item"].str.contains("unknown").any()
        for name in ("predictions.csv", "held_out.csv"):
            assert "unknown" not in (built.folder(stage) / name).read_text()


def test_unlabelled_follow_their_motor_and_are_set_aside_where_it_is_tested(prepared, tiny_built, sides_of):
    sides = sides_of(tiny_built)
    meta = prepared.meta_with_unlabelled("0", DOMAINS)
    of_motor = meta[meta["label"].isna()].set_index("motor")["side"].to_dict()
    assert of_motor.pop("motor_999") == "train"
    assert sorted(of_motor.values()) == [ASIDE, "train", "validation"]
    assert of_motor == {motor: sides[motor].replace("test", ASIDE) for motor in of_motor}


def test_unlabelled_move_no_split_no_scaler_and_no_score_of_other_methods(built, tiny_built):
    stage, before = built.cell("A/ZhenDong/64/lda"), tiny_built.cell("A/ZhenDong/64/lda")
    assert (built.folder(stage) / "predictions.csv").read_text() == (
        tiny_built.folder(before) / "predictions.csv"
    ).read_text()
    scalers = [(one.folder(one.stages("prepare")[0]) / "scalers.json").read_text() for one in (built, tiny_built)]
    assert scalers[0] == scalers[1]


def test_unlabelled_train_the_method_that_needs_no_labels(built, prepared):
    tuned = built.cell("C_any/ZhenDong/64/lda").features[0].finetunes[0]
    meta = prepared.meta_with_unlabelled("0", ("ZhenDong",))
    stream = tuned.stream_of(prepared, meta[tuned.is_trained_on(meta) & (meta["side"] == "train")])
    assert sorted(one.motor for one in stream.series if one.label is None)[-1] == "motor_999"
    assert sum(one.label is None for one in stream.series) == 2


def test_unlabelled_series_of_test_motors_touch_no_training(built, with_unlabelled):
    other = with_unlabelled(seed_of_tested=77).build_stages("finetune", labels="any", regime="ZhenDong")
    (tuned,) = (stage for stage in other.stages("finetune") if stage.labels == "any" and stage.regime == "ZhenDong")
    before = built.cell("C_any/ZhenDong/64/lda").features[0].finetunes[0]
    assert tuned.key != before.key
    weights = [one.folder(of) / "predictor" / "model.safetensors" for one, of in ((other, tuned), (built, before))]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_unlabelled_copy_of_a_test_signal_is_found_by_the_audit(
    with_unlabelled, make_tiny, tiny_data, tiny_built, sides_of, tmp_path
):
    tiny = with_unlabelled()
    tested = next(motor for motor, side in sides_of(tiny_built).items() if side == "test")
    original = next(tiny_data.glob(f"ZhenDong/*/{tested}-*.npy"))
    shutil.copy(original, Path(tiny.experiment.base.dataset.path) / "ZhenDong" / "unknown" / "motor_999-10.npy")
    again = make_tiny(tmp_path, f"dataset.path={tiny.experiment.base.dataset.path}", "dataset.unlabelled=unknown")
    again.build_stages("audit")
    (audit,) = again.stages("audit")
    findings = json.loads((again.folder(audit) / "audit.json").read_text())["findings"]
    (copies,) = (finding for finding in findings if finding["name"] == "duplicates")
    assert "ZhenDong/unknown/motor_999-10.npy" in " ".join(copies["evidence"]["pairs"])
