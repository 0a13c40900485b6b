"""Chronos-2 with both sensors of a moment in one group, from config to features."""

import json

import numpy as np
import pandas as pd
import pytest

from motor.backbones.batch import Batch
from motor.stages.prepare import Prepared
from motor.windows.fixed import FixedWindows

pytestmark = pytest.mark.slow

SIZES = "kind: chronos2, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_heads: 2"
JOINT = ("axes.method=[B]", "axes.domain=[Joint]", "by_method={}", "features.embedding.spread=[]")


@pytest.fixture(scope="module")
def together(make_tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    return make_tiny(folder, f"backbone={{{SIZES}, sensors: together}}", *JOINT).build_stages("features")


def test_features_of_sensors_together_are_those_of_the_group(together):
    (stage,) = together.stages("features")
    tuned = stage.finetunes[0]
    prepared = Prepared.open(together.folder(tuned.prepared), tuned.prepared)
    meta = prepared.meta("0", tuned.domains)
    pair = meta[(meta["motor"] == meta["motor"].iloc[0]) & (meta["moment"] == meta["moment"].iloc[0])]
    series = prepared.series(pair, "0")
    cut = FixedWindows(prepared.recordings, series, tuned.domains, 64, 2, together=True).batch(range(4))
    forecaster = tuned.backbone.load(together.folder(tuned) / "predictor", tuned.domains)
    table = pd.read_parquet(together.folder(stage) / "features.parquet").set_index("item").filter(regex="^embedding")
    seen, alone = (
        forecaster.embed(Batch(cut["window"], None, cut["domain"], group_B=groups)).mean(dim=1).numpy()
        for groups in (cut["group"], None)
    )
    for place, one in enumerate(series):
        rows = cut["item"] == place
        np.testing.assert_allclose(table.loc[one.item], seen[rows].mean(axis=0), atol=2e-6)
        assert np.abs(table.loc[one.item] - alone[rows].mean(axis=0)).max() > 2e-5


def test_predictor_of_sensors_together_says_so(together):
    (tuned,) = together.stages("finetune")
    predictor = together.folder(tuned) / "predictor"
    assert json.loads((predictor / "forecaster.json").read_text())["sensors"] == "together"
    assert "variates of one item" in json.loads((predictor / "domain_mark.json").read_text())["means"]


def test_sensors_together_are_another_fine_tune(together, make_tiny, tmp_path):
    apart = make_tiny(tmp_path, f"backbone={{{SIZES}}}", *JOINT)
    assert apart.stages("finetune")[0].key != together.stages("finetune")[0].key
