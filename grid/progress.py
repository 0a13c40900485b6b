"""The one screen: cells and stages done, running, failed, and the time left."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import IO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from grid.plan import Plan
from grid.stage import Stage

PLAIN_INTERVAL_S = 15  # between lines where no terminal listens


class Progress:
    """Follows a launch; draws in a terminal, writes a line now and then elsewhere."""

    def __init__(self, plan: Plan, stream: IO[str], log: str) -> None:
        self.plan = plan
        self.console = Console(file=stream, highlight=False)
        self.log = log
        self.started_at = time.monotonic()
        self.running: dict[str, tuple[float, str]] = {}
        self.seconds: dict[str, list[float]] = {}
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}
        self._last_line = 0.0
        self._live = Live(console=self.console, auto_refresh=False, transient=True)

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self._live.start()
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw(at_once=True)
        self._live.stop()

    def start(self, key: str) -> None:
        """A stage begins."""
        self.running[key] = (time.monotonic(), "")
        self._draw()

    def advance(self, key: str, progress: dict[str, float]) -> None:
        """A running stage says how far it is."""
        if key in self.running:
            text = ", ".join(f"{name} {value:.4g}" for name, value in progress.items())
            self.running[key] = (self.running[key][0], text)
        self._draw()

    def finish(self, key: str, cause: str | None = None) -> None:
        """A stage stands, or failed for `cause`."""
        began, _ = self.running.pop(key, (time.monotonic(), ""))
        stage = self.plan.stages[key]
        if cause is None:
            self.done.add(key)
            self.seconds.setdefault(stage.KIND, []).append(time.monotonic() - began)
        else:
            self.failed[key] = cause
            self.console.print(
                f"[red]failed[/red] {stage.KIND} {stage.label()}: {cause.splitlines()[0]}", soft_wrap=True
            )
        self._draw(at_once=cause is not None)

    def cells_done(self) -> int:
        """Return the number of cells that stand."""
        missing = set(self.plan.missing) - self.done
        return sum(cell.stage.key not in missing for cell in self.plan.cells)

    def seconds_left(self) -> float | None:
        """Estimate the time left from the stages that ended; None until every kind has one."""
        left = Counter(self.plan.missing[key].KIND for key in set(self.plan.missing) - self.done - set(self.failed))
        if any(kind not in self.seconds for kind in left):
            return None
        work = sum(count * _mean(self.seconds[kind]) for kind, count in left.items())
        spent = sum(sum(times) for times in self.seconds.values())
        at_once = max(1.0, spent / max(time.monotonic() - self.started_at, 1e-9))
        return work / at_once

    def headline(self) -> str:
        """Return one line that says it all."""
        left = self.seconds_left()
        parts = [f"{self.cells_done()}/{len(self.plan.cells)} cells"]
        parts.append(f"{len(self.done)}/{len(self.plan.missing)} stages")
        parts.append(f"{len(self.running)} running")
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        parts.append(f"{_clock(time.monotonic() - self.started_at)} gone")
        parts.append("time left not yet known" if left is None else f"about {_clock(left)} left")
        return ", ".join(parts)

    def _draw(self, at_once: bool = False) -> None:
        if self.console.is_terminal:
            self._live.update(self._screen(), refresh=True)
        elif at_once or time.monotonic() - self._last_line > PLAIN_INTERVAL_S:
            self._last_line = time.monotonic()
            names = [f"{self.plan.stages[key].label()} {text}".strip() for key, (_, text) in self.running.items()]
            self.console.print(self.headline() + (f" | {'; '.join(names)}" if names else ""), soft_wrap=True)

    def _screen(self) -> Group:
        table = Table(box=None, pad_edge=False)
        for title in ("stage", "to build", "done", "running", "failed", "mean s"):
            table.add_column(title, justify="left" if title == "stage" else "right")
        for kind in self.plan.kinds():
            table.add_row(kind, *self._row(kind))
        running = [
            Text(f"  {stage.KIND:<10}{stage.label()}  {_clock(time.monotonic() - began)}  {text}", style="cyan")
            for stage, (began, text) in ((self.plan.stages[key], state) for key, state in self.running.items())
        ]
        return Group(Text(self.headline(), style="bold"), table, *running, Text(f"log: {self.log}", style="dim"))

    def _row(self, kind: str) -> list[str]:
        times = self.seconds.get(kind, [])
        counts = [self._count(kind, keys) for keys in (self.plan.missing, self.done, self.running, self.failed)]
        return [*map(str, counts), f"{_mean(times):.1f}" if times else ""]

    def _count(self, kind: str, keys: Iterable[str]) -> int:
        return sum(kind == self._stage(key).KIND for key in keys)

    def _stage(self, key: str) -> Stage:
        return self.plan.stages[key]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
