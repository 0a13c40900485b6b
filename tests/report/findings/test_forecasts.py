"""Alarms of forecasters: each is raised where it is planted, and nowhere else."""

from dataclasses import replace

import pytest

from motor.report.findings.forecasts import Forecasts, alarms, gate_gains, pooled


def row(label, error=0.5, cover=0.8, crps=0.3, **more):
    row = {"domain": "rig", "label": label, "n_windows": 40, "relative_error": error, "cover": cover, "crps": crps}
    return {**row, "bias": 0.0, "rmse": 1.0, "mape": None, "std_ratio": 0.7, **more}


def gated(label, weights=(0.5, 0.5), errors=(0.6, 0.7), error=0.5, crps=0.30, equal=0.33):
    branches = {
        name: {"weight": weight, "relative_error": own, "crps": 0.4}
        for name, weight, own in zip(("tft", "vssm"), weights, errors, strict=True)
    }
    return row(label, error, crps=crps, branches=branches, crps_equal_weights=equal)


def forecasts(*rows, kind="tft", follow=None):
    return Forecasts({"method": "C", "backbone": kind}, kind, 0.8, rows, follow or {})


HEALTHY = forecasts(row("normal", 1.0), row("inner"), row("outer"))
LINEAR = forecasts(row("normal", 1.1), row("inner", 0.5), row("outer", 0.6), kind="linear")
GATED = forecasts(gated("normal", error=1.0), gated("inner"), gated("outer"), kind="hybrid")
PLANTED = {
    "at_the_mean": forecasts(row("normal", 1.0), row("inner", 0.99), row("outer")),
    "over_confident": forecasts(row("normal", 1.0, cover=0.34), row("inner"), row("outer")),
    "starved": forecasts(gated("normal", error=1.0), gated("inner", errors=(0.98, 0.6), error=0.6), kind="hybrid"),
    "collapsed": forecasts(gated("normal", (0.97, 0.03)), gated("inner", (0.99, 0.01)), kind="hybrid"),
    "follows_speed": forecasts(row("normal", 1.0), kind="vssm", follow={"label": 0.05, "speed": 0.7}),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_alarm_is_raised_where_it_is_planted_and_no_other(kind):
    assert {alarm.kind for alarm in alarms([PLANTED[kind], LINEAR])} == {kind}


@pytest.mark.parametrize("one", [HEALTHY, LINEAR, GATED, forecasts(row("normal"), follow={"label": 0.8, "speed": 0.3})])
def test_no_alarm_is_raised_of_what_is_sound(one):
    assert alarms([one, LINEAR]) == []


def test_staying_at_the_mean_is_an_alarm_where_a_linear_forecast_does_better_alone():
    stays = PLANTED["at_the_mean"]
    assert alarms([stays]) == []
    assert alarms([stays, forecasts(row("inner", 0.97), kind="linear")]) == []
    by_branch = gated("inner")
    by_branch["branches"]["linear"] = {"weight": 0.2, "relative_error": 0.6, "crps": 0.4}
    assert [alarm.kind for alarm in alarms([stays, forecasts(by_branch, kind="hybrid")])] == ["at_the_mean"]


def test_branch_of_no_weight_may_forecast_nothing():
    assert alarms([forecasts(gated("inner", (0.04, 0.9), (1.0, 0.5)), kind="hybrid")]) == []


@pytest.mark.parametrize(
    ("equal", "sentences"),
    [(0.33, ("the gate pays", "门控在每种故障上都有益")), (0.29, ("up to 3.4 % above theirs", "最多高 3.4 %"))],
)
def test_gate_is_told_beside_equal_weights_of_its_branches(equal, sentences, shown, simulated):
    one = forecasts(gated("normal", crps=0.5, equal=0.4), gated("inner", equal=equal), kind="hybrid")
    assert gate_gains(one, "normal") == {"rig, inner": pytest.approx(1 - 0.30 / equal)}
    assert gate_gains(HEALTHY, "normal") is None
    for language, words in zip(("en", "zh"), sentences, strict=True):
        assert words in shown(replace(simulated, details={"forecasts": [one]}), "forecasters", language).text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_section_names_every_alarm_and_every_class(shown, simulated, language):
    every = [*PLANTED.values(), LINEAR]
    section = shown(replace(simulated, details={"forecasts": every}), "forecasters", language)
    assert len(section.blocks[0].texts) == 1 + len(alarms(every))
    classes, branches, follow = section.tables.values()
    assert len(classes.rows) == sum(len(one.classes) for one in every)
    assert len(branches.rows) == 2 * 4
    assert len(follow.rows) == 1
    assert shown(simulated, "forecasters", language).blocks == []


def test_folds_are_pooled_by_windows():
    folds = [
        {"nominal": 0.8, "classes": [row("inner", cover=0.6)], "follow": {}},
        {"nominal": 0.8, "classes": [{**row("inner", cover=0.9), "n_windows": 120, "mape": 0.1}], "follow": {}},
    ]
    nominal, (found,), follow = pooled(folds)
    assert (nominal, follow) == (0.8, {})
    assert found["n_windows"] == 160
    assert found["cover"] == pytest.approx((0.6 * 40 + 0.9 * 120) / 160)
    assert found["mape"] == pytest.approx(0.1)
    hybrid = {"nominal": 0.8, "classes": [gated("inner", (0.2, 0.8))], "follow": {"label": 0.5, "speed": None}}
    _, (both,), follow = pooled([hybrid, {**hybrid, "classes": [gated("inner", (0.6, 0.4))]}])
    assert both["branches"]["tft"]["weight"] == pytest.approx(0.4)
    assert follow == {"label": 0.5, "speed": None}
