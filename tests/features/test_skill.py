import numpy as np
import pandas as pd
import pytest

from motor.features.skill import context_errors, forecast_skill, named_segments, relative_errors, skill_columns

META = pd.DataFrame({"item": ["a", "b", "c"], "label": ["normal", "spark", "spark"], "domain": ["x", "x", "y"]})


def windows(errors: list[float], references: list[float]) -> pd.DataFrame:
    """Two windows for each of three items, one segment."""
    index = pd.MultiIndex.from_product([META["item"], [0, 1]], names=["item", "window"])
    return pd.DataFrame({"skill_error_whole": errors, "skill_reference_whole": references}, index=index)


def test_columns_agree_with_their_definitions():
    generator = np.random.default_rng(0)
    context, y, median = (
        generator.normal(size=(3, 32)),
        generator.normal(size=(3, 100)),
        generator.normal(size=(3, 100)),
    )
    columns = skill_columns(y, median, context)
    assert columns["skill_error_first_64"][1] == pytest.approx(np.mean(np.abs(y - median)[1, :64]))
    assert columns["skill_reference_whole"][2] == pytest.approx(np.mean(np.abs(y[2] - np.mean(context[2]))))


def test_columns_of_a_short_horizon_have_one_segment():
    assert set(skill_columns(np.ones((1, 64)), np.ones((1, 64)), np.ones((1, 8)))) == {
        "skill_error_whole",
        "skill_reference_whole",
    }


def test_columns_of_chosen_spans_end_before_the_horizon():
    columns = skill_columns(np.ones((1, 64)), np.ones((1, 64)), np.ones((1, 8)), (1, 4, 16, 64, 256))
    assert named_segments(columns) == ["first_1", "first_4", "first_16", "whole"]


def test_context_errors_of_a_still_context_are_bounded():
    columns = skill_columns(np.ones((1, 8)), np.zeros((1, 8)), np.full((1, 32), 0.5))
    assert context_errors(columns, np.full((1, 32), 0.5))["context_mae_whole"].item() == 100.0


def test_relative_errors_of_the_mean_forecast_are_one():
    context, y = np.random.default_rng(0).normal(size=(2, 3, 100))
    columns = skill_columns(y, np.repeat(context.mean(axis=1, keepdims=True), 100, axis=1), context)
    np.testing.assert_allclose(relative_errors(columns)["relative_mae_first_64"], 1.0)


def test_forecast_skill_divides_the_groups_errors():
    table = forecast_skill(windows([1, 1, 1, 1, 2, 4], [2, 2, 1, 1, 2, 2]), META).set_index("label")
    assert table.loc["normal", "relative_error"] == 0.5
    assert table.loc["spark", "relative_error"] == pytest.approx(8 / 6)
    assert table.loc["spark", ["n_series", "n_windows"]].tolist() == [2, 4]


def test_forecast_skill_by_two_columns_has_a_row_for_each_pair():
    table = forecast_skill(windows([1] * 6, [1] * 6), META, by=("domain", "label"))
    assert table[["domain", "label"]].to_numpy().tolist() == [["x", "normal"], ["x", "spark"], ["y", "spark"]]
    assert set(table["segment"]) == {"whole"}


def test_forecast_skill_with_other_series_raises():
    with pytest.raises(ValueError, match="1 series have no row in meta, the first: 'c'"):
        forecast_skill(windows([1] * 6, [1] * 6), META.iloc[:2])
