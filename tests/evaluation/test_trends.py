"""Which columns a recipe leans on, and when a motor left what it was when it was healthy."""

import numpy as np
import pandas as pd
import pytest

from motor.evaluation.trends import MOST_MOTORS, leant_on, trends

DAY_S = 86400.0


@pytest.fixture
def plant() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three motors of ten days: each with a level of its own, the first wears from day six on; two mark references."""
    random, rows, values = np.random.default_rng(0), [], {}
    for number in range(3):
        for day in range(10):
            item, is_worn = f"{number}-{day}", number == 0 and day >= 6
            known = {"item": item, "motor": f"m{number}", "domain": "casing", "recorded_at": 1e9 + day * DAY_S}
            rows.append({**known, "label": "worn" if is_worn else "normal", "is_reference": number < 2 and day < 4})
            values[item] = {"level": 20 * number + 8 * is_worn + random.normal(0, 0.5), "noise": random.normal()}
    return pd.DataFrame.from_dict(values, orient="index"), pd.DataFrame(rows)


def test_trends_put_the_motor_first_that_left_its_band(plant):
    values, meta = plant
    found = trends(values, meta, "normal")
    assert found[0]["motor"] == "m0"
    level = found[0]["columns"][0]
    is_out = [not level["low"] <= y <= level["high"] for y in level["y"]]
    assert is_out == [False] * 6 + [True] * 4
    assert found[0]["t_h"] == [24.0 * day for day in range(10)]
    assert found[0]["label"] == ["normal"] * 6 + ["worn"] * 4


def test_band_of_a_motor_without_a_reference_is_that_of_healthy_series(plant):
    values, meta = plant
    found = {one["motor"]: one for one in trends(values, meta, "normal")}
    assert [found[name]["is_own"] for name in ("m0", "m1", "m2")] == [True, True, False]
    level = found["m2"]["columns"][0]
    assert level["low"] < 5
    assert level["high"] > 35


def test_band_is_centred_on_the_motors_own_references(plant):
    values, meta = plant
    found = {one["motor"]: one for one in trends(values, meta, "normal")}
    level = found["m1"]["columns"][0]
    own = values.loc[[f"1-{day}" for day in range(4)], "level"].mean()
    assert (level["low"] + level["high"]) / 2 == pytest.approx(own, rel=1e-3)
    assert 1.0 < level["high"] - level["low"] < 6.0


def test_trends_of_motors_without_times_are_none(plant):
    values, meta = plant
    assert trends(values, meta.assign(recorded_at=np.nan), "normal") == []
    assert trends(values, meta[meta["recorded_at"] < 1e9 + 2 * DAY_S], "normal") == []


def test_trends_are_of_a_few_motors_at_most(plant):
    values, meta = plant
    many = pd.concat([meta.assign(motor=meta["motor"] + f"-{k}") for k in range(9)], ignore_index=True)
    assert len(trends(values, many, "normal")) == MOST_MOTORS


def test_columns_that_are_leant_on_follow_the_score_and_do_not_tell_the_same():
    random = np.random.default_rng(1)
    score = random.uniform(size=60)
    columns = pd.DataFrame(
        {
            "noise": random.normal(size=60),
            "still": np.zeros(60),
            "close": -score + 0.05 * random.normal(size=60),
            "twin": np.exp(-3 * score + 0.15 * random.normal(size=60)),
            "looser": score + 0.5 * random.normal(size=60),
        }
    )
    assert leant_on(columns, score, 2) == ["close", "looser"]


def test_columns_of_a_recipe_that_says_the_same_of_all_are_none():
    columns = pd.DataFrame({"a": np.arange(5.0)})
    assert leant_on(columns, np.ones(5)) == []
