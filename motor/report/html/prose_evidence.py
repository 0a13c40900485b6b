"""The sections behind the verdict in plain words: rivals, nested choice, training, alarms, leak audit, repeating."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from motor.audit import probe
from motor.evaluation.forecasting import Gain, without_control
from motor.evaluation.nested import ALL, NestedFigure
from motor.report.alarms import ALARM, SAME
from motor.report.audit import by_fault
from motor.report.baselines import leaky_pairs
from motor.report.html.prose_warnings import audit_first, doubt_of, place_of
from motor.report.html.wording import Wording, share
from motor.report.markdown import number, signed, signed_with_interval, with_interval


def baselines(wording: Wording) -> list[str]:
    """Say what each method reaches, its recipe chosen inside the training folds; best mean first."""
    told = []
    for method, found in wording.findings.nested_by_method.items():
        figures = found.of(ALL)
        if figures:
            values = [figure.chosen_inside.value for figure in figures]
            told.append((sum(values) / len(values), min(values), method, figures))
    told.sort(key=lambda row: -row[0])
    lines = [
        wording.say(
            "baselines.method",
            method=method,
            mean=number(mean),
            least=number(least),
            places=wording.listed([_inside(wording, figure) for figure in figures], 12),
        )
        for mean, least, method, figures in told
    ]
    return [wording.say("baselines.inside"), *lines] if lines else [wording.say("baselines.no_held_out")]


def nested(wording: Wording) -> list[str]:
    """Say how the choice is made, what it reaches over all domains, and what each fold chose."""
    found = wording.findings.nested
    if not found.figures:
        return [wording.say("nested.none")]
    told = [wording.say("nested.how")]
    for one in found.overall:
        best = one.best_of_all_name if one.best is None else wording.chosen(one.best)
        told.append(
            wording.say(
                "nested.overall",
                family=wording.say(f"family.{one.family}"),
                n=one.n_recipes,
                inside=wording.figure(one.chosen_inside),
                best=wording.figure(one.best_of_all),
                recipe=best,
            )
        )
    told += [_choices(wording, figure) for figure in found.of(ALL)]
    if found.idle:
        idle = Counter(str(axes["method"]) for axes in found.idle)
        counted = [wording.say("nested.idle", method=method, n=count) for method, count in idle.items()]
        told.append(wording.say("nested.without", recipes=wording.listed(counted, 6)))
    return told


def training(wording: Wording) -> list[str]:
    """Say what training added to each method over its untrained control."""
    findings = wording.findings
    groups: dict[str, list[str]] = {"nothing": [], "took": [], "added": []}
    for gain in findings.method_gains:
        one = gain.difference
        gap = signed_with_interval(one.value, one.interval)
        groups[_reading(gain)].append(wording.say("training.method", method=one.first, gap=gap))
    told = [
        wording.say(f"training.{kind}", methods=wording.listed(names, 12)) for kind, names in groups.items() if names
    ]
    readings = Counter(map(_reading, findings.tuning_gains))
    if len(findings.tuning_gains) > len(findings.method_gains):
        counts = {kind: readings[kind] for kind in groups}
        told.append(wording.say("training.tunes", n=len(findings.tuning_gains), **counts))
    if bare := without_control(findings.rows, findings.context):
        told.append(wording.say("training.no_control", methods=wording.listed(bare, 8)))
    return told


def ranks(wording: Wording) -> list[str]:
    """Say what the recipes' ranks over the motors tell apart; [] where there are too few motors or recipes."""
    found = wording.findings.critical
    if found is None:
        return []
    told = wording.say(
        "ranks.found" if found.found else "ranks.none",
        motors=wording.motors(found.n_motors),
        p="< 0.001" if found.friedman_p < 0.001 else f"= {found.friedman_p:.3f}",
        distance=number(found.critical_difference),
    )
    ordered = sorted(found.mean_ranks.items(), key=lambda item: item[1])
    listed = [wording.say("ranks.recipe", recipe=name, rank=number(rank)) for name, rank in ordered]
    return [told, wording.say("ranks.listed", recipes=wording.listed(listed, len(listed)))]


def seeds(wording: Wording) -> list[str]:
    """Say how far recipes move with the seed; [] where each has one."""
    spreads = sorted(row.spread for row in wording.findings.rows if row.spread is not None)
    if not spreads:
        return []
    return [wording.say("seeds", n=len(spreads), middle=number(spreads[len(spreads) // 2]), most=number(spreads[-1]))]


def leaky(wording: Wording) -> list[str]:
    """Say what a split that leaks would have claimed; [] where it was not asked for."""
    told = [
        wording.say(
            "leaky.row",
            recipe=wording.axes(row.axes, ["method", *(name for name in row.axes if name not in ("method", "domain"))]),
            domain=wording.regime(str(row.axes["domain"])),
            clean=number(row.value),
            leaky=number(value),
            adds=signed(value - row.value),
        )
        for row, value in leaky_pairs(wording.findings.rows, wording.findings.context)
    ]
    return [wording.say("leaky.how"), *told] if told else []


def alarms(wording: Wording) -> list[str]:
    """Say of each figure that is too good what explains it, or why it is an alarm."""
    told = []
    for case in wording.findings.suspects:
        doubts = wording.listed([doubt_of(wording, doubt) for doubt in case.unexplained], 8)
        key = "alarms.alarm" if doubts else "alarms.explained"
        told.append(wording.say(key, place=place_of(wording, case), value=number(case.value), doubts=doubts))
    return [wording.say("alarms.rule", limit=ALARM, same=SAME), *told] if told else []


def audit(wording: Wording) -> list[str]:
    """Say what the leak audit asked and found, and which trivial cue comes nearest."""
    context = wording.findings.context
    if context.audit is None:
        return [wording.say("warning.not_audited")]
    found = context.audit.get("findings", [])
    checks = context.audit.get("checks", [])
    n_passed = sum(bool(check["passed"]) for check in checks)
    told = audit_first(wording) if found else [wording.say("audit.clean")]
    told += [wording.say("audit.checks", n=len(checks), n_passed=n_passed)] if checks else []
    told += [_finding(wording, one, one["name"] in context.accepted) for one in found]
    rows = [row for row in context.audit.get("probe", []) if row["macro_f1"] is not None]
    beating = [row for row in rows if row["beats_chance"]]
    told += [_cue(wording, row) for row in sorted(beating, key=lambda row: -row["macro_f1"])]
    return told + ([wording.say("audit.no_cue", n=len(rows))] if rows and not beating else [])


def spent(wording: Wording) -> list[str]:
    """Say what was computed, what sharing saved, and what energy it took; [] where nothing is known."""
    told = wording.findings.context.spent
    shared = told.get("shared") or {}
    if not shared.get("n_stages"):
        return []
    hours = shared["cpu_hours"] + shared["gpu_hours"]
    without = shared["cpu_hours_without_sharing"] + shared["gpu_hours_without_sharing"]
    both = {name: f"{shared[name]:.3g}" for name in ("cpu_hours", "gpu_hours")}
    alone = {name: f"{shared[f'{name}_without_sharing']:.3g}" for name in ("cpu_hours", "gpu_hours")}
    energies = [row["energy_wh"] for row in told.get("by_kind", []) if row.get("energy_wh") is not None]
    counts = {"n": shared["n_cells"], "n_stages": shared["n_stages_without_sharing"]}
    saved = share(1 - hours / without if without else 0.0)
    return [
        wording.say("spent.total", n=shared["n_stages"], **both),
        wording.say("spent.shared", saved=saved, **counts, **alone),
        wording.say("spent.energy", energy=f"{sum(energies):.3g}") if energies else wording.say("spent.no_energy"),
    ]


def repeat(wording: Wording) -> list[str]:
    """Return the command alone, then what makes it give the same numbers."""
    return [wording.findings.context.command, wording.say("repeat.how")]


def _inside(wording: Wording, figure: NestedFigure) -> str:
    return wording.say("inside.place", score=wording.figure(figure.chosen_inside), place=wording.place(figure))


def _choices(wording: Wording, figure: NestedFigure) -> str:
    """Say which recipes the folds of a column chose, the most frequent first."""
    names = [wording.without_regime(one) for one in figure.chosen.values()] or list(figure.choices.values())
    counted = Counter(names).most_common()
    told = [wording.say("nested.choice", recipe=name, n=count) for name, count in counted]
    return wording.say(
        "nested.choices",
        place=wording.place(figure),
        n=figure.n_recipes,
        n_folds=len(figure.choices),
        choices=wording.listed(told, 6),
    )


def _reading(gain: Gain) -> str:
    if not gain.difference.told_apart:
        return "nothing"
    return "added" if gain.difference.value > 0 else "took"


def _finding(wording: Wording, finding: Mapping[str, Any], is_accepted: bool) -> str:
    """Word a finding; one that the catalogue does not know, say a plug-in's, is told as it came."""
    name, evidence = str(finding["name"]), finding.get("evidence") or {}
    known = wording.words.has(f"finding.{name}")
    what = wording.say(f"finding.{name}") if known else f"{name}: {finding['what']}"
    if "macro_f1" in evidence:
        score = with_interval(evidence["macro_f1"], evidence.get("interval"))
        figures = wording.say("finding.score", score=score, chance=number(evidence.get("chance")))
        what = wording.say("sentences", first=what, second=figures)
    key = "finding.accepted" if is_accepted else "finding.refused"
    step = wording.say(f"step.{name}") if known else str(finding.get("next_step") or "")
    return wording.say(key, what=what, step=step)


def _cue(wording: Wording, row: Mapping[str, Any]) -> str:
    key = "audit.cue_by_fault" if by_fault(str(row["cue"])) else "audit.cue"
    name = f"cue.{row['cue']}"
    return wording.say(
        key,
        cue=wording.say(name) if wording.words.has(name) else row["cue"],
        domain=wording.say("audit.all_domains") if row["domain"] == probe.ALL else row["domain"],
        score=with_interval(row["macro_f1"], row["interval"]),
        chance=number(row["chance"]),
    )
