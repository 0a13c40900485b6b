"""Stage `prepare`."""

import json

import numpy as np
import pandas as pd
import pytest

from grid.stage import InputError
from motor.recordings.table import open_recordings
from motor.stages.prepare import Prepared


def test_prepare_folder_holds_what_the_docstring_says(tiny_built, files_of):
    (stage,) = tiny_built.stages("prepare")
    folder = tiny_built.folder(stage)
    assert files_of(folder) == {"recordings.arrow", "split.csv", "scalers.json"}
    assert list(pd.read_csv(folder / "split.csv")) == ["fold", "motor", "side"]


def test_prepare_scalers_are_those_of_training_motors_normal_series(tiny_built, sides_of):
    folder = tiny_built.folder(tiny_built.stages("prepare")[0])
    recordings, sides = open_recordings(folder), sides_of(tiny_built)
    meta = recordings.meta.assign(side=recordings.meta["motor"].map(sides))
    scalers = json.loads((folder / "scalers.json").read_text())["by_fold"]["0"]
    for domain in ("ShengYing", "ZhenDong"):
        rows = meta[(meta["side"] == "train") & (meta["label"] == "normal") & (meta["domain"] == domain)]
        heard = np.concatenate([recordings.signal(i) for i in rows.index]).astype(np.float64)
        assert scalers[domain] == pytest.approx({"loc": heard.mean(), "scale": heard.std()}, rel=1e-6)


def test_prepare_every_motor_is_on_one_side_by_both_sensors(tiny_built, sides_of):
    (stage,) = tiny_built.stages("prepare")
    meta = Prepared.open(tiny_built.folder(stage), stage).meta("0", ("ShengYing", "ZhenDong"))
    assert (meta.groupby("motor")["domain"].nunique() == 2).all()
    assert (meta.groupby("motor")["side"].nunique() == 1).all()
    assert sorted(sides_of(tiny_built)) == sorted(meta["motor"].unique())


def test_prepare_series_know_their_motor_and_moment(tiny_built):
    (stage,) = tiny_built.stages("prepare")
    prepared = Prepared.open(tiny_built.folder(stage), stage)
    meta = prepared.meta("0", ("ShengYing", "ZhenDong"))
    meta.loc[meta.index[0], "moment"] = None
    first, *others = prepared.series(meta, "0")
    assert (first.motor, first.moment) == (meta["motor"].iloc[0], None)
    assert [(one.motor, one.moment) for one in others] == list(zip(meta["motor"][1:], meta["moment"][1:], strict=True))
    assert all(isinstance(one.moment, str) for one in others)


def test_prepare_representation_changes_signal_and_rate(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "representation={kind: decimated, factor: 4}", "axes.context_length=[32]")
    tiny.build_stages("prepare")
    recordings = open_recordings(tiny.folder(tiny.stages("prepare")[0]))
    assert set(recordings.meta["n_samples"]) == {128}
    assert set(recordings.meta["sampling_rate_hz"]) == {1024.0}


def test_prepare_scaling_by_item_gives_each_series_unit_deviation(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "by_domain.ZhenDong.scaling.by=item").build_stages("prepare")
    stage = next(stage for stage in tiny.stages("prepare") if stage.scaling["ZhenDong"].by == "item")
    prepared = Prepared.open(tiny.folder(stage), stage)
    for series in prepared.series(prepared.meta("0", ("ZhenDong",)), "0"):
        scaled = series.scaler.apply(prepared.recordings.signal(series.index))
        assert (scaled.mean(), scaled.std()) == pytest.approx((0, 1), abs=1e-4)


def test_prepare_too_few_motors_is_an_input_error_that_names_the_class(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "split={kind: folds, k: 5}")
    with pytest.raises(InputError, match="class 'normal' in domain 'ShengYing' has 4 motors"):
        tiny.build_stages("prepare")
