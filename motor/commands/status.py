"""What `launch.py CONFIG --status` says: what stands, runs and failed, from storage alone."""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from typing import IO, Any

from grid.plan.plan import Cell, Plan
from grid.plan.titles import titles
from grid.run.failures import Failure, gather_failures, last_failure
from grid.screen.journal import Told, launches
from grid.screen.progress import clock
from grid.stage import Stage
from grid.store.store import Store
from motor.experiment.cells import UNKNOWN
from motor.experiment.reading import Experiment
from motor.results.folder import results_folder
from motor.stages.classify import Classify

OK = 0


def show_status(experiment: Experiment, plan: Plan, store: Store, stream: IO[str] | None = None) -> int:
    """Say where a grid stands: what its last launch does or did, stages, failures with cause and log, cells.

    Parameters
    ----------
    experiment : Experiment
        The checked config.
    plan : Plan
        Its cells, planned as for a dry run: where the data is not at hand, their keys are those of the last launch.
    store : Store
        Where results lie; nothing else is looked at.
    stream : file, optional
        Where to; by default the terminal.

    Returns
    -------
    int
        The exit status, 0.
    """
    status = _Status.of(experiment, plan, store)
    lines = [*status.headline(), *status.launch(), *status.stages(), *status.failed(), *status.cells(), *status.where()]
    print("\n".join(lines), file=stream or sys.stdout)
    return OK


@dataclass(frozen=True)
class _Status:
    experiment: Experiment
    plan: Plan
    store: Store
    told: Told | None  # by the last launch of these cells
    scores: dict[str, float]  # macro-F1 of the cells that stand, by name
    failures: dict[str, Failure]

    @classmethod
    def of(cls, experiment: Experiment, plan: Plan, store: Store) -> "_Status":
        keys = {cell.name(): cell.stage.key for cell in plan.cells}
        if _is_blind(plan):
            told = next((each for each in launches(store) if keys.keys() & each.plan["cells"].keys()), None)
            keys = told.plan["cells"] if told else {}
        else:
            told = next((each for each in launches(store) if each.is_of(keys)), None)
        names = [cell.name() for cell in plan.cells]
        gather_failures(store)
        failures = {key: failure for key, stage in plan.missing.items() if (failure := last_failure(store, stage))}
        return cls(experiment, plan, store, told, _scores(names, keys, store), failures)

    def headline(self) -> list[str]:
        missing = len(self.plan.cells) - len(self.scores)
        counts = f"{len(self.scores)} of {len(self.plan.cells)} cells stand"
        lines = [f"{self.experiment.name}: {counts}" + (f", {missing} are missing" if missing else "")]
        if _is_blind(self.plan):
            lines.append("The data is not at hand here; cells are those of the last launch, stages are not counted.")
        return lines

    def launch(self) -> list[str]:
        """Return what the last launch does, or how it ended."""
        if self.told is None:
            others = [told.plan["name"] for told in launches(self.store)]
            advice = f"; {others[0]} was of others: give its overrides" if others else ""
            return ["", f"No launch of these cells has left word in this storage{advice}."]
        plan, now, end = self.told.plan, self.told.now, self.told.end()
        who = f"{plan['name']} (process {plan['pid']} on {plan['host']})"
        if end is not None:
            again = "" if end == "ended" else "; the same command goes on from here"
            return ["", f"{who}: {end}{again}", f"  at its end: {now['headline']}", f"  log: {plan['log']}"]
        lines = ["", f"{who}: running", f"  {now['headline']}"]
        lines += [f"  dashboard: http://{now['dashboard']}"] if now["dashboard"] else []
        return [*lines, f"  log: {plan['log']}", *_table([_running(each) for each in now["running"]])]

    def stages(self) -> list[str]:
        """Return a table of kinds: distinct, built, running, failed, missing."""
        if _is_blind(self.plan):
            return []
        running = {each["key"] for each in self._running()}
        rows: list[tuple[str, ...]] = [("stage", "distinct", "built", "running", "failed", "missing")]
        states = Counter((stage.KIND, self._state(stage, running)) for stage in self.plan.stages.values())
        for kind in self.plan.kinds():
            counts = [states[kind, state] for state in ("built", "running", "failed", "missing")]
            rows.append((kind, str(sum(counts)), *map(str, counts)))
        return ["", *_table(rows, right_from=1)]

    def failed(self) -> list[str]:
        """Return each failure with its cause and log."""
        named = titles(self.plan)
        lines = [""] if self.failures else []
        for key, failure in self.failures.items():
            lines.append(f"failed: {failure.stage.KIND} {named[key]}: {failure.cause.partition(chr(10))[0]}")
            lines.append(f"  log: {failure.log}")
        return lines

    def cells(self) -> list[str]:
        """Return each cell: its score, or what keeps it from having one."""
        return ["", *_table([("cell", ""), *((cell.name(), self._said_of(cell)) for cell in self.plan.cells)])]

    def where(self) -> list[str]:
        """Return where the report lies, and the best of it."""
        lines = [""]
        if self.scores:
            best = max(self.scores, key=lambda name: self.scores[name])
            lines.append(f"Best macro-F1 so far: {self.scores[best]:.3f}, {best} (the report says how sure that is)")
        root = results_folder(self.experiment, self.store)
        reports = [root / name for name in ("report.html", "result.md")]
        lines += [f"The report is {self.store.place(report)}" for report in reports if self.store.stands(report)]
        return [*lines, f"Compare them: tensorboard --logdir {root / 'tensorboard'}"]

    def _running(self) -> list[dict[str, Any]]:
        return self.told.now["running"] if self.told and self.told.end() is None else []

    def _state(self, stage: Stage, running: set[str]) -> str:
        if stage.key in running:
            return "running"
        if stage.key in self.failures:
            return "failed"
        return "missing" if stage.key in self.plan.missing else "built"

    def _said_of(self, cell: Cell) -> str:
        if cell.name() in self.scores:
            return f"macro-F1 {self.scores[cell.name()]:.3f}"
        failure = next((self.failures[stage.key] for stage in cell.walk() if stage.key in self.failures), None)
        return f"failed: {failure.stage.KIND}" if failure else "to build"


def _is_blind(plan: Plan) -> bool:
    """Tell whether the data or the weights are not at hand, so that no key is known."""
    digests = ("content_digest", "weights_digest")
    return any(vars(stage).get(name) == UNKNOWN for stage in plan.stages.values() for name in digests)


def _scores(names: list[str], keys: dict[str, str], store: Store) -> dict[str, float]:
    """Return the macro-F1 of each of these cells that stands."""
    wanted = {name: keys[name] for name in names if name in keys}
    texts = store.texts(Classify.KIND, wanted.values(), "metrics.json")
    return {name: float(json.loads(texts[key])["macro_f1"]) for name, key in wanted.items() if key in texts}


def _running(each: dict[str, Any]) -> tuple[str, ...]:
    return (f"  {each['kind']}", each["title"], each["device"], clock(each["seconds"]), each["text"])


def _table(rows: list[tuple[str, ...]], right_from: int | None = None) -> list[str]:
    """Return rows as lines, columns under one another; from one column on they are flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) if right_from is None else right_from

    def cell(text: str, place: int) -> str:
        return text.ljust(widths[place]) if place < last else text.rjust(widths[place])

    return ["  ".join(cell(text, place) for place, text in enumerate(row)).rstrip() for row in rows]
