"""What is wrong with forecasters, from the facts of their fine-tunes: alarms, and whether a gate is worth it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from motor.evaluation.repeats import mean_of

AT_THE_MEAN = 0.95  # error over the mean forecast's, from which on nothing is forecast
FORECAST = 0.9  # up to which a class can be forecast
COUNTS = 0.05  # of the gate: a branch that counts
ALONE = 0.95  # of the gate: a branch beside which no other counts
MISSED = 0.08  # of cover: an interval that claims 0.80 should hold 0.72 at least
FOLLOWED = 0.2  # adjusted mutual information of regimes and what they follow
LINEAR = "linear"
SERIES = ("cover", "crps", "bias", "rmse", "mape", "std_ratio", "relative_error")


@dataclass(frozen=True)
class Forecasts:
    """What the fine-tunes of one sort, all folds together, forecast on motors that no training saw.

    Attributes
    ----------
    axes : mapping
        What tells it from others: method, domain, backbone, ...
    kind : str
        Of the forecaster.
    nominal : float
        The cover that its intervals claim.
    classes : list of mapping
        One a domain and class, see `motor.stages.forecast_facts.facts_of`, means over folds by windows.
    follow : mapping
        What regimes follow: ``label`` and ``speed``.
    by_speed : list of mapping
        Of the first fold, where gate and regimes stand by domain, class and speed (`facts_of` there).
    worst : list of mapping
        Of the first fold, the windows that were forecast worst, to be drawn (`motor.stages.forecasts.worst_cases`).
    """

    axes: Mapping[str, Any]
    kind: str
    nominal: float
    classes: Sequence[Mapping[str, Any]]
    follow: Mapping[str, float | None] = field(default_factory=dict)
    by_speed: Sequence[Mapping[str, Any]] = ()
    worst: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Alarm:
    """One alarm.

    Attributes
    ----------
    kind : {"at_the_mean", "starved", "collapsed", "over_confident", "follows_speed"}
    of : Forecasts
    where : str
        Domain and class, or a branch.
    values : mapping
        The figures behind it.
    """

    kind: str
    of: Forecasts
    where: str
    values: Mapping[str, float]


def pooled(folds: Sequence[Mapping[str, Any]]) -> tuple[float, list[dict[str, Any]], dict[str, float | None]]:
    """Put the facts of several folds together, by windows: the nominal cover, rows of classes, what regimes follow.

    Regimes are numbered anew in each fold, so their posteriors are left out where there are several.
    """
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in (row for fold in folds for row in fold["classes"]):
        rows.setdefault((row["domain"], row["label"]), []).append(row)
    classes = [{"domain": domain, "label": label, **_mean(of)} for (domain, label), of in sorted(rows.items())]
    follow = {name: mean_of(fold["follow"].get(name) for fold in folds) for name in ("label", "speed")}
    has_regimes = any(fold["follow"] for fold in folds)
    return folds[0]["nominal"], classes, follow if has_regimes else {}


def _mean(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    n_windows = sum(row["n_windows"] for row in rows)

    def over_windows(value_of: Any) -> float | None:
        values = [(value_of(row), row["n_windows"]) for row in rows]
        known = [(value, n) for value, n in values if value is not None]
        return sum(value * n for value, n in known) / sum(n for _, n in known) if known else None

    found: dict[str, Any] = {"n_windows": n_windows}
    found |= {name: over_windows(lambda row, name=name: row.get(name)) for name in SERIES}
    if "branches" in rows[0]:
        found["crps_equal_weights"] = over_windows(lambda row: row["crps_equal_weights"])
        found["branches"] = {
            branch: {
                fact: over_windows(lambda row, branch=branch, fact=fact: row["branches"][branch][fact])
                for fact in ("weight", "relative_error", "crps")
            }
            for branch in rows[0]["branches"]
        }
    if "regimes" in rows[0] and len(rows) == 1:
        found["regimes"] = rows[0]["regimes"]
    return found


def alarms(every: Sequence[Forecasts]) -> list[Alarm]:
    """Return all that is wrong, in the order of the forecasters."""
    return [alarm for one in every for alarm in _alarms(one, every)]


def _alarms(one: Forecasts, every: Sequence[Forecasts]) -> Iterator[Alarm]:
    if one.kind != LINEAR:
        yield from _at_the_mean(one, every)
    yield from _of_gate(one)
    for row in one.classes:
        if row["cover"] < one.nominal - MISSED:
            yield Alarm("over_confident", one, _place(row), {"cover": row["cover"], "nominal": one.nominal})
    speed, label = one.follow.get("speed"), one.follow.get("label")
    if speed is not None and speed > FOLLOWED and speed > (label or 0.0):
        yield Alarm("follows_speed", one, "", {"speed": speed, "label": label or 0.0})


def _at_the_mean(one: Forecasts, every: Sequence[Forecasts]) -> Iterator[Alarm]:
    """Yield the classes that a linear forecast reaches, and this one does not."""
    for row in one.classes:
        linear = linear_error(row, every)
        if linear is not None and linear <= FORECAST and row["relative_error"] >= AT_THE_MEAN:
            yield Alarm("at_the_mean", one, _place(row), {"error": row["relative_error"], "linear": linear})


def linear_error(row: Mapping[str, Any], every: Sequence[Forecasts]) -> float | None:
    """Return the least error of a linear forecast on a domain and class: of a forecaster, or of a hybrid's branch."""
    found = []
    for other in every:
        for same in other.classes:
            if (same["domain"], same["label"]) == (row["domain"], row["label"]):
                branch = same.get("branches", {}).get(LINEAR)
                found += [same["relative_error"]] if other.kind == LINEAR else []
                found += [branch["relative_error"]] if branch else []
    return min(found, default=None)


def _of_gate(one: Forecasts) -> Iterator[Alarm]:
    rows = [row for row in one.classes if row.get("branches")]
    if not rows:
        return
    for branch in rows[0]["branches"]:
        weight = mean_of(row["branches"][branch]["weight"] for row in rows) or 0.0
        by_itself = [row["branches"][branch]["relative_error"] for row in rows if row["relative_error"] <= FORECAST]
        if weight >= COUNTS and by_itself and min(by_itself) >= AT_THE_MEAN:
            yield Alarm("starved", one, branch, {"weight": weight, "error": min(by_itself)})
        if min(row["branches"][branch]["weight"] for row in rows) >= ALONE and len(rows[0]["branches"]) > 1:
            yield Alarm("collapsed", one, branch, {"weight": weight})


def gate_gains(one: Forecasts, normal: str | None) -> dict[str, float] | None:
    """Return domain and class -> by what share the gate's CRPS is below that of equal weights; None without a gate.

    Faults alone are compared, as far as a normal class is named.
    """
    rows = [row for row in one.classes if row.get("branches") and row["label"] != normal]
    return {_place(row): 1 - row["crps"] / row["crps_equal_weights"] for row in rows} if rows else None


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['domain']}, {row['label']}"
