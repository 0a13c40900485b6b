"""Stage `features`."""

import json

import numpy as np
import pandas as pd
import pytest

from motor.backbones.batching import BatchSize
from motor.stages.described import KNOWN, feature_columns
from motor.stages.features import ForecastDescriber
from motor.stages.prepare import Prepared


def described(tiny, cell):
    return tiny.cell(cell).features[0]


def loaded(tiny, stage):
    """The forecaster of a stage, loaded anew."""
    tuned = stage.finetunes[0]
    return tuned.backbone.load(tiny.folder(tuned) / "predictor", tuned.domains)


def describe(tiny, stage, size, forecaster=None):
    """The series of a stage by its forecaster, so many windows at once."""
    prepared_stage, fold, domains, _ = stage.of_fold
    prepared = Prepared.open(tiny.folder(prepared_stage), prepared_stage)
    describer = ForecastDescriber(stage, [forecaster or loaded(tiny, stage)], (size,))
    meta = prepared.meta(fold, domains)
    return describer.table([describer.look(prepared.batch(meta, fold))], meta)


def test_features_residual_folder_holds_what_the_docstring_says(tiny_built, files_of):
    tables = {f"residual_features_{side}.csv" for side in ("train", "validation", "test")}
    figures = {"figures/tsne.png", "figures/tsne.csv", "figures/residuals.png"}
    found = files_of(tiny_built.folder(described(tiny_built, "A/Joint/64/lda")))
    assert found == {"features.parquet", "summary.json", *tables, *figures}


def test_features_embedding_folder_holds_what_the_docstring_says(tiny_built, files_of):
    tables = {f"embeddings_{side}.{form}" for side in ("train", "validation", "test") for form in ("npy", "csv")}
    found = files_of(tiny_built.folder(described(tiny_built, "B/Joint/64/lda")))
    assert found == {"features.parquet", "summary.json", *tables, "figures/tsne.png", "figures/tsne.csv"}


def test_features_wait_for_recordings_that_a_fine_tune_hides(tiny_built):
    features = tiny_built.cell("B/ZhenDong/64/lda").features[0]
    assert features.of_fold[0].key in {stage.key for stage in features.waits_for}


def test_features_rows_are_the_series_of_the_regime_each_once(tiny_built, features_of):
    joint, one = features_of(tiny_built, "A/Joint/64/lda"), features_of(tiny_built, "A/ZhenDong/64/lda")
    assert len(joint) == joint["item"].nunique() == 48
    assert set(one["item"]) == set(joint.loc[joint["domain"] == "ZhenDong", "item"])


def test_features_sides_are_those_of_the_split(tiny_built, features_of, sides_of):
    table = features_of(tiny_built, "B/Joint/64/lda")
    assert dict(zip(table["motor"], table["side"], strict=True)) == sides_of(tiny_built)


def test_features_regimes_have_the_same_test_motors(tiny_built, features_of):
    tables = [features_of(tiny_built, f"A/{regime}/64/lda") for regime in ("ShengYing", "ZhenDong", "Joint")]
    assert len({frozenset(table.loc[table["side"] == "test", "motor"]) for table in tables}) == 1


def test_features_joint_tells_the_classifier_the_domain_and_one_domain_does_not(tiny_built, features_of):
    joint, one = features_of(tiny_built, "A/Joint/64/lda"), features_of(tiny_built, "A/ZhenDong/64/lda")
    assert ((joint["domain"] == "ZhenDong") == joint["domain_is_ZhenDong"].astype(bool)).all()
    assert not [column for column in one if column.startswith("domain_is_")]


def test_features_files_by_side_hold_the_rows_of_the_table(tiny_built, features_of):
    folder = tiny_built.folder(described(tiny_built, "B/Joint/64/lda"))
    table = features_of(tiny_built, "B/Joint/64/lda")
    for side in ("train", "validation", "test"):
        rows = table[table["side"] == side]
        names = pd.read_csv(folder / f"embeddings_{side}.csv")
        np.testing.assert_array_equal(names.to_numpy(), rows[KNOWN].to_numpy())
        expected = rows[feature_columns(rows)].to_numpy(np.float32)
        np.testing.assert_array_equal(np.load(folder / f"embeddings_{side}.npy"), expected)


def test_features_classifier_sees_numbers_alone(tiny_built, features_of):
    table = features_of(tiny_built, "A/Joint/64/lda")
    columns = feature_columns(table)
    assert set(table[columns].dtypes) == {np.dtype(np.float64)}
    assert not {"item", "motor", "domain", "label", "side"} & set(columns)
    assert np.isfinite(table[columns].to_numpy()).all()


def test_features_summary_hands_on_training_and_skill(tiny_built, features_of):
    summary = json.loads((tiny_built.folder(described(tiny_built, "A/Joint/64/lda")) / "summary.json").read_text())
    assert summary["n_features"] == len(feature_columns(features_of(tiny_built, "A/Joint/64/lda")))
    assert summary["training"]["n_steps"] == 4
    assert {row["domain"] for row in summary["forecast_skill"]} == {"ShengYing", "ZhenDong"}


@pytest.mark.parametrize("cell", ["A/Joint/64/lda", "B/Joint/64/lda"])
@pytest.mark.parametrize("size", [1, 3, 32])
def test_features_batch_size_does_not_change_them(tiny_built, features_of, cell, size):
    stage, built = described(tiny_built, cell), features_of(tiny_built, cell)
    again = describe(tiny_built, stage, BatchSize(size, "cpu", print))
    np.testing.assert_allclose(again.loc[built.index], built[again.columns], rtol=1e-5, atol=1e-5)


def test_features_batch_size_is_found_by_default(tiny_built):
    stage, size = described(tiny_built, "B/Joint/64/lda"), BatchSize(None, "cpu", print)
    describe(tiny_built, stage, size)
    assert stage.batch_size is None
    assert size.size > 16


def test_features_memory_runs_out_in_the_middle_goes_on_with_half(tiny_built, features_of, capsys):
    stage, built = described(tiny_built, "B/Joint/64/lda"), features_of(tiny_built, "B/Joint/64/lda")
    narrow = loaded(tiny_built, stage)
    embed = narrow.embed

    def embed_few(batch):
        if batch.n_windows > 4:
            raise MemoryError
        return embed(batch)

    narrow.embed = embed_few
    again = describe(tiny_built, stage, BatchSize(32, "cpu", lambda text: print(text)), narrow)
    np.testing.assert_allclose(again.loc[built.index], built[again.columns], rtol=1e-5, atol=1e-5)
    assert capsys.readouterr().out == "memory ran out with 32 windows a pass; going on with 16, or fewer if need be\n"


def test_features_with_a_shrunk_batch_take_fewer_windows_at_once_and_say_so(tiny_built, tmp_path):
    stage = described(tiny_built, "B/Joint/64/lda")
    assert stage.shrink_batch(tmp_path) is None  # no pass was begun: fewer windows would not help
    describe(tiny_built, stage, BatchSize(4, "cpu", print, tmp_path))
    assert stage.shrink_batch(tmp_path) == "begins again, with at most 2 windows a pass"
    assert BatchSize(4, "cpu", print, tmp_path).size == 2
    assert stage.shrink_batch(tmp_path) == "begins again, with at most 1 window a pass"
    assert stage.shrink_batch(tmp_path) is None


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 3, 32])
def test_features_sensors_together_batch_size_does_not_part_a_moment(make_tiny, features_of, tmp_path, size):
    sizes = "d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_heads: 2"
    backbone = f"backbone={{kind: chronos2, sensors: together, {sizes}}}"
    tiny = make_tiny(tmp_path, backbone, "axes.method=[untrained]", "axes.domain=[Joint]")
    stage = described(tiny, "untrained/Joint/64/lda")
    for source in stage.finetunes[0].walk():
        tiny.build_stage(source)
    whole = describe(tiny, stage, BatchSize(10_000, "cpu", print))
    parts = describe(tiny, stage, BatchSize(size, "cpu", print))
    np.testing.assert_allclose(parts.loc[whole.index], whole, rtol=1e-5, atol=1e-5)
