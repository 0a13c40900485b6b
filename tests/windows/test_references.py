import numpy as np
import pandas as pd
import pytest

from motor.windows.references import is_reference, scored


def recordings(seed: int = 0, n_motors: int = 4, marked: bool = False) -> pd.DataFrame:
    """Five recordings a motor in two domains; odd motors are ill from their fourth on."""
    rows = [
        {
            "item": f"{domain}/m{motor}/{day}",
            "motor": f"m{motor}",
            "domain": domain,
            "label": "spark" if motor % 2 and day >= 3 else "normal",
            "recorded_at": 1e9 + 86400.0 * day,
            "reference": marked and day == 1,
        }
        for motor in range(n_motors)
        for domain in ("east", "west")
        for day in range(5)
    ]
    return pd.DataFrame(rows).sample(frac=1.0, random_state=seed)


def items(meta: pd.DataFrame, is_found: pd.Series) -> set[str]:
    return set(meta.loc[is_found, "item"])


def test_references_marked_are_those_of_the_data():
    meta = recordings(marked=True)
    assert items(meta, is_reference(meta, {"east": 0, "west": 0}, "normal")) == set(meta.loc[meta["reference"], "item"])


def test_references_marked_win_over_the_earliest_motor_by_motor():
    meta = recordings()
    meta.loc[meta["item"] == "east/m1/2", "reference"] = True
    found = items(meta, is_reference(meta, {"east": 1}, "normal"))
    assert found == {"east/m0/0", "east/m1/2", "east/m2/0", "east/m3/0"}


@pytest.mark.parametrize("seed", range(5))
def test_references_earliest_do_not_depend_on_the_order_of_rows(seed):
    meta = recordings(seed)
    expected = {f"{domain}/m{motor}/{day}" for domain in ("east", "west") for motor in range(4) for day in (0, 1)}
    assert items(meta, is_reference(meta, {"east": 2, "west": 2}, "normal")) == expected


def test_references_of_one_time_stand_or_fall_together():
    meta = recordings()
    meta["recorded_at"] = meta["recorded_at"].clip(lower=1e9 + 86400)  # the first two become one measurement
    found = items(meta, is_reference(meta, {"east": 1}, "normal"))
    assert found == {f"east/m{motor}/{day}" for motor in range(4) for day in (0, 1)}


def test_references_of_a_domain_that_uses_none_are_none():
    meta = recordings(marked=True)
    assert set(meta.loc[is_reference(meta, {"west": 0}, "normal"), "domain"]) == {"west"}
    pd.testing.assert_frame_equal(scored(meta, {}, "normal"), meta)


def test_references_do_not_depend_on_other_motors():
    meta = recordings(n_motors=6)
    alone = meta[meta["motor"] == "m3"]
    together = is_reference(meta, {"east": 2, "west": 1}, "normal")
    pd.testing.assert_series_equal(is_reference(alone, {"east": 2, "west": 1}, "normal"), together[alone.index])


def test_scored_are_all_but_the_references_in_their_order():
    meta = recordings(marked=True)
    pd.testing.assert_frame_equal(scored(meta, {"east": 0, "west": 0}, "normal"), meta[~meta["reference"]])


def test_scored_never_meets_a_reference_whatever_the_marks_and_times():
    for seed in range(20):
        generator, meta = np.random.default_rng(seed), recordings(seed)
        meta["reference"] = (meta["label"] == "normal") & (generator.random(len(meta)) < 0.3)
        meta["recorded_at"] += 3600 * generator.random(len(meta))
        found = is_reference(meta, {"east": 1, "west": 2}, "normal")
        left = scored(meta, {"east": 1, "west": 2}, "normal")
        assert not items(meta, found) & set(left["item"])
        assert len(left) + found.sum() == len(meta)
        assert set(meta.loc[found, "motor"]) == set(meta["motor"])


def test_references_lacking_name_motor_domain_and_next_step():
    meta = recordings(marked=True).query("item not in ('west/m2/1', 'west/m3/1')")
    expected = r"motor 'm2', 'm3' has no healthy reference in domain 'west'; mark one by reference, set scaling.earl"
    with pytest.raises(ValueError, match=expected):
        is_reference(meta, {"east": 0, "west": 0}, "normal")


def test_references_without_times_name_the_recording():
    meta = recordings()
    meta.loc[meta["item"] == "west/m2/4", "recorded_at"] = np.nan
    with pytest.raises(ValueError, match=r"west/m2/4 of motor 'm2' in domain 'west' has no recorded_at .*mark"):
        is_reference(meta, {"west": 1}, "normal")


def test_references_marked_need_no_times():
    meta = recordings(marked=True).assign(recorded_at=np.nan)
    assert is_reference(meta, {"east": 3}, "normal").sum() == 4


@pytest.mark.parametrize(
    ("marks", "earliest", "problem"),
    [
        (["east/m1/3"], 1, r"east/m1/3 is a healthy.*motor 'm1' in domain 'east' \(the data marks it\).*'spark'"),
        (
            [],
            4,
            r"east/m1/3 is .*among the motor's earliest\).*not 'normal', as of 2 references; lower scaling.earliest",
        ),
    ],
)
def test_references_of_ill_motors_raise(marks, earliest, problem):
    meta = recordings()
    meta["reference"] = meta["item"].isin(marks)
    with pytest.raises(ValueError, match=problem):
        is_reference(meta, {"east": earliest}, "normal")


def test_references_that_features_ask_for_are_mended_in_their_own_section():
    with pytest.raises(
        ValueError, match=r"lower own_reference\.earliest, mark references, or set own_reference\.use: none"
    ):
        is_reference(recordings(), {"east": 4}, "normal", keeps_unreferenced=True)


def test_scored_nothing_left_of_a_class_says_what_to_do():
    meta = recordings().query("label != 'normal' or item.str.endswith('0')")
    with pytest.raises(ValueError, match=r"class 'normal' in domain 'east': all 4 recordings .*lower scaling.earliest"):
        scored(meta, {"east": 1}, "normal")


def test_references_negative_count_raises():
    with pytest.raises(ValueError, match=r"scaling\.earliest is -1"):
        is_reference(recordings(), {"east": -1}, "normal")
