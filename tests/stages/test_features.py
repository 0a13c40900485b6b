"""Stage `features`."""

import json

import numpy as np
import pandas as pd

from motor.stages.series_features import KNOWN, feature_columns


def described(tiny, cell):
    return tiny.cell(cell).features[0]


def test_features_residual_folder_holds_what_the_docstring_says(tiny_built, files_of):
    tables = {f"residual_features_{side}.csv" for side in ("train", "validation", "test")}
    figures = {"figures/tsne.png", "figures/residuals.png"}
    found = files_of(tiny_built.folder(described(tiny_built, "A/Joint/64/lda")))
    assert found == {"features.parquet", "summary.json", *tables, *figures}


def test_features_embedding_folder_holds_what_the_docstring_says(tiny_built, files_of):
    tables = {f"embeddings_{side}.{form}" for side in ("train", "validation", "test") for form in ("npy", "csv")}
    found = files_of(tiny_built.folder(described(tiny_built, "B/Joint/64/lda")))
    assert found == {"features.parquet", "summary.json", *tables, "figures/tsne.png"}


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


def test_features_batch_size_does_not_change_them(tiny_built, features_of, make_tiny, tmp_path):
    small = make_tiny(tmp_path, "resources.batch_size=5", "axes.method=[untrained]")
    large = make_tiny(tmp_path, "resources.batch_size=64", "axes.method=[untrained]")
    stage = small.cell("untrained/ShengYing/64/lda").features[0]
    small.build_stages("finetune", regime="ShengYing")
    tables = []
    for tiny in (small, large):
        tiny.build_stage(next(same for same in tiny.stages("features") if same.key == stage.key))
        tables.append(features_of(tiny, "untrained/ShengYing/64/lda"))
    columns = feature_columns(tables[0])
    np.testing.assert_allclose(tables[0][columns], tables[1][columns], rtol=1e-4, atol=1e-5)
