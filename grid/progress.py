"""The one screen: cells and stages done, running, failed, and the time left."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import IO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from grid.plan import Plan, descendants

PLAIN_INTERVAL_S = 15  # between lines where no terminal listens
SCREEN_INTERVAL_S = 1  # between redraws while nothing happens


class Progress:
    """Follows a launch; draws in a terminal, writes a line now and then elsewhere."""

    def __init__(self, plan: Plan, stream: IO[str], log: str) -> None:
        self.plan = plan
        # Labels and causes are printed as they are: `[raw]` is no markup, `:key:` no picture.
        self.console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self.log = log
        self.started_at = time.monotonic()
        self.running: dict[str, tuple[float, str]] = {}
        self.seconds: dict[str, list[float]] = {}  # of the stages that ended well, by kind
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}
        self.lost: set[str] = set()  # failed, or hanging on what failed
        self._drawn_at = -float("inf")
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

    def tick(self) -> None:
        """Time passes."""
        if time.monotonic() - self._drawn_at > SCREEN_INTERVAL_S:
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
            self.lost |= descendants(self.plan.missing, [key])
            self.say(f"failed {stage.KIND} {stage.label()}: {cause.partition(chr(10))[0]}")
        self._draw(at_once=cause is not None)

    def say(self, line: str) -> None:
        """Write a line that stays."""
        self.console.print(Text(line, style="red"), soft_wrap=True)

    def cells_done(self) -> int:
        """Return the number of cells that stand."""
        missing = set(self.plan.missing) - self.done
        return sum(cell.stage.key not in missing for cell in self.plan.cells)

    def seconds_left(self) -> tuple[float, bool] | None:
        """Estimate the time left from the stages that ended.

        Returns
        -------
        tuple of float and bool, or None
            Seconds, and whether every kind that is left has one that ended; if not, it is the least that
            is left. None until something ended.
        """
        now = time.monotonic()
        left = Counter(self.plan.missing[key].KIND for key in set(self.plan.missing) - self.done - self.lost)
        if left and not self.seconds:
            return None
        means = {kind: _mean(times) for kind, times in self.seconds.items()}
        work = sum(count * means.get(kind, 0) for kind, count in left.items())
        gone = {key: now - began for key, (began, _) in self.running.items()}
        work -= sum(min(seconds, means.get(self.plan.stages[key].KIND, 0)) for key, seconds in gone.items())
        spent = sum(map(sum, self.seconds.values())) + sum(gone.values())
        at_once = max(1.0, spent / max(now - self.started_at, 1e-9))
        return work / at_once, left.keys() <= means.keys()

    def headline(self) -> str:
        """Return one line that says it all."""
        parts = [f"{self.cells_done()}/{len(self.plan.cells)} cells"]
        parts.append(f"{len(self.done)}/{len(self.plan.missing)} stages")
        parts.append(f"{len(self.running)} running")
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        parts.append(f"{_clock(time.monotonic() - self.started_at)} gone")
        parts.append(_left(self.seconds_left()))
        return ", ".join(parts)

    def _draw(self, at_once: bool = False) -> None:
        now = time.monotonic()
        if self.console.is_terminal:
            self._drawn_at = now
            self._live.update(self._screen(), refresh=True)
        elif at_once or now - self._drawn_at > PLAIN_INTERVAL_S:
            self._drawn_at = now
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
        return sum(kind == self.plan.stages[key].KIND for key in keys)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _left(estimate: tuple[float, bool] | None) -> str:
    if estimate is None:
        return "time left not yet known"
    seconds, every_kind_known = estimate
    return f"{'about' if every_kind_known else 'more than'} {_clock(seconds)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
