"""Every method that there is predicts, fold by fold, what its cell said when it was built."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from motor.predicting import PredictingError, Predictor
from motor.predicting.parts import PartError, stage_of
from motor.registry import plugins

SMALL = (
    "split={kind: folds, k: 2, validation: none}",
    "axes.domain=[Joint]",
    "finetune.num_steps=1",
    "dataset.constants={speed_rpm: 6000}",
    'dataset.machines={"*": {bearing: 6205-2RS JEM SKF, blades: 4}}',
    "features.minirocket.n_columns=84",
    "features.cnn.n_epochs=1",
    "features.orders={revolutions: 2, highest_order: 1, n_harmonics: 1, bands: [[0.02, 0.977]]}",
    "features.classical={psd_highest_hz: 500, high_frequencies_hz: [1000]}",
)
GATED = (
    "backbone={kind: ptft_vssm, branches: {tft: {settings: {kind: tft, patch: 16, width: 8}},"
    " vssm: {settings: {kind: vssm, patch: 16, width: 8}}}}"
)


def assert_as_built(tiny: Any, data: Path, name: str, **options: Any) -> None:
    """Compare each fold's own models with what the cell stored of its test series."""
    stored = pd.read_csv(tiny.folder(tiny.cell(name)) / "predictions.csv", dtype={"fold": str}).set_index("item")
    columns = [column for column in stored if column.startswith("probability_")]
    for fold, rows in stored.groupby("fold"):
        predictor = Predictor.load(tiny.store.root, tiny.cell(name).key, folds=[fold])
        found = predictor.predict([data / item for item in rows.index], **options)
        items = [Path(item).relative_to(data).as_posix() for item in found["item"]]
        found = found.assign(item=items).set_index("item").loc[rows.index]
        np.testing.assert_allclose(found[columns], rows[columns], atol=1e-5)  # a batch of another size rounds otherwise
        assert list(found["alarm"]) == list(rows["alarm"])


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(plugins("motor.methods")))
def test_method_each_fold_predicts_as_when_it_was_built(
    make_tiny: Callable[..., Any], tiny_data: Path, tmp_path: Path, method: str
) -> None:
    features: Any = plugins("motor.features")
    needs = {
        need for name in plugins("motor.methods")[method]().features for need in getattr(features[name], "needs", ())
    }
    backbone = [GATED] if needs & {"regimes", "gate"} else []
    tiny = make_tiny(tmp_path, f"axes.method=[{method}]", *SMALL, *backbone)
    name = tiny.plan.cells[0].name()
    assert_as_built(tiny.build(name), tiny_data, name)


@pytest.mark.slow
def test_method_sensors_heard_together_predicts_as_when_it_was_built(
    make_tiny: Callable[..., Any], tiny_data: Path, tmp_path: Path
) -> None:
    backbone = "backbone={kind: chronos2, sensors: together, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1}"
    tiny = make_tiny(tmp_path, "axes.method=[C_both]", backbone, "augmentation={}", *SMALL)
    assert_as_built(tiny.build("C_both/Joint/64/lda"), tiny_data, "C_both/Joint/64/lda")


def test_methods_unknown_plugin_of_a_record_named(tiny_built: Any) -> None:
    record = json.loads(json.dumps(tiny_built.cell("A/Joint/64/lda").record))
    record["features"][0]["features"][0]["kind"] = "gone"
    with pytest.raises(PartError, match=r"motor\.features has no plug-in 'gone'; there are: "):
        stage_of(record)


def test_methods_record_of_an_unknown_kind_of_stage_named(tiny_built: Any) -> None:
    record = json.loads(json.dumps(tiny_built.cell("A/Joint/64/lda").record))
    record["features"][0]["kind"] = "gone"
    with pytest.raises(PartError, match=r"a stage of kind 'gone', but none such is imported; there are: .*features"):
        stage_of(record)


def test_methods_predicting_error_lists_every_fault() -> None:
    from motor.predicting.faults import Fault

    error = PredictingError([Fault("a", "a: bad"), Fault("b", "b: worse")], pd.DataFrame())
    assert str(error).splitlines()[1:] == ["  a: bad", "  b: worse"]
