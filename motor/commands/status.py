"""Say what stands, runs and failed, from storage alone."""

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grid.plan.plan import Cell, Plan
from grid.plan.titles import titles
from grid.run.failures import Failure, gather_failures, last_failure
from grid.screen.journal import LaunchRecord, launches
from grid.screen.progress import clock
from grid.stage import Stage
from grid.store.store import Store
from motor.commands.exits import OK
from motor.commands.words import add_grid, grid_in
from motor.experiment.cells import UNKNOWN
from motor.experiment.reading import Experiment
from motor.results.folder import results_folder
from motor.stages.classify import Classify


@dataclass(frozen=True)
class Status:
    """How far a grid is: its stages, its failures and its cells.

    Attributes
    ----------
    experiment, plan, store
        What was asked for.
    launch : LaunchRecord or None
        What the last launch of these cells has left word of.
    scores : dict of str to float or None
        Of the cells that stand, by name: the figure that recipes are ranked by, None of one that has no such figure.
    failures : dict of str to Failure
        Of the stages that failed, by key.
    """

    experiment: Experiment
    plan: Plan
    store: Store
    launch: LaunchRecord | None
    scores: dict[str, float | None]
    failures: dict[str, Failure]

    @property
    def is_blind(self) -> bool:
        """Whether the data or the weights are not at hand, so that no key is known."""
        return _is_blind(self.plan)

    @cached_property
    def running(self) -> list[dict[str, Any]]:
        """The stages that are built just now: key, kind, title, device, seconds and text of each."""
        return self.launch.now["running"] if self.launch and self.launch.end() is None else []

    @property
    def best(self) -> str | None:
        """The cell with the best figure so far."""
        sign = self.experiment.ranking().sign
        scored = {name: sign * score for name, score in self.scores.items() if score is not None}
        return max(scored, key=lambda name: scored[name]) if scored else None

    def state(self, stage: Stage) -> str:
        """Return ``running``, ``failed``, ``missing`` or ``built``."""
        if any(each["key"] == stage.key for each in self.running):
            return "running"
        if stage.key in self.failures:
            return "failed"
        return "missing" if stage.key in self.plan.missing else "built"

    def failure(self, cell: Cell) -> Failure | None:
        """Return what keeps a cell from having a result."""
        return next((self.failures[stage.key] for stage in cell.walk() if stage.key in self.failures), None)


def status(experiment: Experiment, plan: Plan, store: Store) -> Status:
    """Find out where a grid stands: what its last launch does or did, stages, failures with cause and log, cells.

    Parameters
    ----------
    experiment : Experiment
        The checked config.
    plan : Plan
        Its cells, planned for a look: where the data is not at hand, their keys are those of the last launch.
    store : Store
        Where results lie; nothing else is looked at.
    """
    keys = {cell.name(): cell.stage.key for cell in plan.cells}
    if _is_blind(plan):
        launch = next((each for each in launches(store) if keys.keys() & each.plan["cells"].keys()), None)
        keys = launch.plan["cells"] if launch else {}
    else:
        launch = next((each for each in launches(store) if each.is_of(keys)), None)
    gather_failures(store)
    failures = {key: failure for key, stage in plan.missing.items() if (failure := last_failure(store, stage))}
    names = [cell.name() for cell in plan.cells]
    scores = _scores(names, keys, store, experiment.base.evaluation.rank_by)
    return Status(experiment, plan, store, launch, scores, failures)


def as_text(found: Status) -> str:
    """Return a status as the text that the command prints."""
    parts = (_headline, _launch, _stages, _failed, _cells, _where)
    return "\n".join(line for part in parts for line in part(found))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a grid."""
    add_grid(parser)


def command(arguments: argparse.Namespace) -> int:
    """Print how far the grid is; return the exit status."""
    grid = grid_in(arguments, is_look=True)
    print(as_text(status(grid.experiment, grid.plan, grid.store)))
    return OK


def _headline(found: Status) -> list[str]:
    missing = len(found.plan.cells) - len(found.scores)
    counts = f"{len(found.scores)} of {len(found.plan.cells)} cells stand"
    lines = [f"{found.experiment.name}: {counts}" + (f", {missing} are missing" if missing else "")]
    if found.is_blind:
        lines.append("The data is not at hand here; cells are those of the last launch, stages are not counted.")
    return lines


def _launch(found: Status) -> list[str]:
    """Return what the last launch does, or how it ended."""
    if found.launch is None:
        others = [other.plan["name"] for other in launches(found.store)]
        advice = f"; {others[0]} was of others: give its overrides" if others else ""
        return ["", f"No launch of these cells has left word in this storage{advice}."]
    plan, now, end = found.launch.plan, found.launch.now, found.launch.end()
    who = f"{plan['name']} (process {plan['pid']} on {plan['host']})"
    if end is not None:
        again = "" if end == "ended" else "; the same command goes on from here"
        return ["", f"{who}: {end}{again}", f"  at its end: {now['headline']}", f"  log: {plan['log']}"]
    lines = ["", f"{who}: running", f"  {now['headline']}"]
    lines += [f"  dashboard: http://{now['dashboard']}"] if now["dashboard"] else []
    return [*lines, f"  log: {plan['log']}", *_table([_running(each) for each in now["running"]])]


def _stages(found: Status) -> list[str]:
    """Return a table of kinds: distinct, built, running, failed, missing."""
    if found.is_blind:
        return []
    rows: list[tuple[str, ...]] = [("stage", "distinct", "built", "running", "failed", "missing")]
    states = Counter((stage.KIND, found.state(stage)) for stage in found.plan.stages.values())
    for kind in found.plan.kinds():
        counts = [states[kind, state] for state in ("built", "running", "failed", "missing")]
        rows.append((kind, str(sum(counts)), *map(str, counts)))
    return ["", *_table(rows, right_from=1)]


def _failed(found: Status) -> list[str]:
    """Return each failure with its cause and log."""
    named = titles(found.plan)
    lines = [""] if found.failures else []
    for key, failure in found.failures.items():
        lines.append(f"failed: {failure.stage.KIND} {named[key]}: {failure.cause.partition(chr(10))[0]}")
        lines.append(f"  log: {failure.log}")
    return lines


def _cells(found: Status) -> list[str]:
    """Return each cell: its score, or what keeps it from having one."""
    return ["", *_table([("cell", ""), *((cell.name(), _said_of(found, cell)) for cell in found.plan.cells)])]


def _where(found: Status) -> list[str]:
    """Return where the report lies, and the best of it."""
    lines = [""]
    if found.best is not None:
        score = f"{found.experiment.ranking().title} so far: {found.scores[found.best]:.3f}, {found.best}"
        lines.append(f"Best {score} (the report says how sure that is)")
    root = results_folder(found.experiment, found.store)
    reports = [root / name for name in ("report.html", "result.md")]
    lines += [f"The report is {found.store.place(report)}" for report in reports if found.store.stands(report)]
    return [*lines, f"Compare them: tensorboard --logdir {root / 'tensorboard'}"]


def _said_of(found: Status, cell: Cell) -> str:
    if cell.name() in found.scores:
        score = found.scores[cell.name()]
        return "built" if score is None else f"{found.experiment.ranking().title} {score:.3f}"
    failure = found.failure(cell)
    return f"failed: {failure.stage.KIND}" if failure else "to build"


def _is_blind(plan: Plan) -> bool:
    """Tell whether the data or the weights are not at hand, so that no key is known."""
    digests = ("content_digest", "weights_digest")
    return any(vars(stage).get(name) == UNKNOWN for stage in plan.stages.values() for name in digests)


def _scores(names: list[str], keys: dict[str, str], store: Store, figure: str) -> dict[str, float | None]:
    """Return a figure of each of these cells that stands, None of one that has it not."""
    wanted = {name: keys[name] for name in names if name in keys}
    texts = store.texts(Classify.KIND, wanted.values(), "metrics.json")
    return {name: json.loads(texts[key]).get(figure) for name, key in wanted.items() if key in texts}


def _running(each: dict[str, Any]) -> tuple[str, ...]:
    return (f"  {each['kind']}", each["title"], each["device"], clock(each["seconds"]), each["text"])


def _table(rows: list[tuple[str, ...]], right_from: int | None = None) -> list[str]:
    """Return rows as lines, columns under one another; from one column on they are flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) if right_from is None else right_from

    def cell(text: str, place: int) -> str:
        return text.ljust(widths[place]) if place < last else text.rjust(widths[place])

    return ["  ".join(cell(text, place) for place, text in enumerate(row)).rstrip() for row in rows]
