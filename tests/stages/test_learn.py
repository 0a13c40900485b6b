"""Learned features: training series are described by models that did not see their motor; others by all of them."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest

from motor.features.base import FittedFeature, FittedModel
from motor.stages.crossing import n_parts
from motor.stages.learn import _Fitting

MOTORS = [f"m{number}" for number in range(6)]


class Seen(FittedFeature):
    """Says which motors a model was fitted on: the bits of their numbers."""

    kind: str = "seen"

    def fit(self, windows_BT, position_B, meta, seed, n_threads):
        return SeenModel(sum(2 ** int(motor[1:]) for motor in set(meta["motor"])))


class Labelled(Seen):
    needs_labels = True


class Unlabelled(Seen):
    needs_labels = False


class SeenModel(FittedModel):
    def __init__(self, motors):
        self.motors = motors

    def transform(self, windows_BT, position_B, meta):
        assert "label" not in meta
        return pd.DataFrame({"motors": float(self.motors)}, index=pd.Index(meta["item"], name="item"))


def meta(n_train):
    sides = ["train"] * n_train + ["test"] * (6 - n_train)
    labels = ["normal", "spark"] * 3
    rows = {"item": [f"i{motor}" for motor in MOTORS], "motor": MOTORS, "domain": "ZhenDong", "label": labels}
    return pd.DataFrame(rows).assign(side=sides)


def described(feature, n_train=4):
    windows_BT, position_B = np.zeros((12, 8), np.float32), np.repeat(np.arange(6), 2)
    fitting = _Fitting(feature, windows_BT, position_B, meta(n_train), seed=0, n_threads=1)
    return fitting, fitting.fit_and_describe()[1]["motors"].astype(int).tolist()


def test_learn_with_labels_no_training_series_is_described_by_a_model_that_saw_its_motor():
    _, models = described(Labelled())
    assert all(not models[number] >> number & 1 for number in range(4))
    assert models[4:] == [0b1111, 0b1111]


def test_learn_without_labels_one_model_of_the_training_motors_describes_all():
    _, models = described(Unlabelled())
    assert models == [0b1111] * 6


def test_learn_with_one_motor_in_a_class_says_that_labels_were_seen():
    assert n_parts(meta(n_train=3)[:3]) == 1
    _, models = described(Labelled(), n_train=3)
    assert models[0] & 1


@pytest.fixture(scope="module")
def learned(make_tiny, tmp_path_factory):
    """The tiny experiment with the plain method `cnn`."""
    axes = ("axes.method=[cnn]", "axes.domain=[ZhenDong]", "features.cnn={n_epochs: 1}")
    return make_tiny(tmp_path_factory.mktemp("learned"), *axes).build("cnn/ZhenDong/64/lda")


def test_learn_writes_the_features_and_the_model(learned):
    folder = learned.folder(learned.cell("cnn/ZhenDong/64/lda").features[0])
    table = pd.read_parquet(folder / "features.parquet")
    assert len(table) == 24
    assert [name for name in table if name.startswith("cnn_logit_")]
    assert isinstance(joblib.load(folder / "cnn.pkl"), FittedModel)
    assert json.loads((folder / "summary.json").read_text())["saw_labels"] is False
