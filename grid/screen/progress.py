"""The one screen: cells and stages done, running and on what, failed, and the time left."""

import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import IO, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from grid.plan.plan import Plan, descendants
from grid.plan.titles import titles

PLAIN_INTERVAL_S = 15  # between lines where no terminal listens
SCREEN_INTERVAL_S = 1  # between redraws while nothing happens
LEAST_S = 1.0  # left, while anything is
OUTLASTED = 0.5  # of what a stage took that is longer under way than any of its like was


@dataclass
class Running:
    """A stage under way: since when (on this process's clock), what it says, and on which device."""

    began: float = field(default_factory=time.monotonic)
    said: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    first: tuple[float, float] | None = None  # when it first reported a step, and which: taken up again, it is not 0

    def tell(self, said: Mapping[str, float], device: str) -> None:
        """Keep what the stage said last."""
        self.said, self.device = said or self.said, device or self.device
        if self.first is None and "step" in said:
            self.first = (time.monotonic(), said["step"])

    def seconds_left(self, now: float) -> float | None:
        """Return the time that is left by the steps so far, None where there are too few."""
        step, of = self.said.get("step"), self.said.get("of")
        if self.first is None or step is None or of is None or step <= self.first[1]:
            return None
        return (of - step) * (now - self.first[0]) / (step - self.first[1])

    def text(self) -> str:
        """Return, say, ``step 340/1000, loss 0.4217``."""
        shown = {name: f"{value:.4g}" for name, value in self.said.items()}
        of = shown.pop("of", None) if "step" in shown else None
        parts = [
            f"{name} {value}/{of}" if name == "step" and of else f"{name} {value}" for name, value in shown.items()
        ]
        return ", ".join(parts)


class Progress:
    """Follows a launch; draws in a terminal, writes a line now and then elsewhere."""

    def __init__(self, plan: Plan, stream: IO[str], log: str) -> None:
        self.plan = plan
        self.titles = titles(plan)
        # Labels and causes are printed as they are: `[raw]` is no markup, `:key:` no picture.
        self.console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self.log = log
        self.dashboard: str | None = None
        self.started_at = time.monotonic()
        self.running: dict[str, Running] = {}
        self.seconds: dict[str, list[float]] = {}  # of the stages that ended well, by kind
        self.paces: dict[str, list[float]] = {}  # of the same, by what they take about as long as
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}
        self.lost: set[str] = set()  # failed, or hanging on what failed, or given up
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

    def connect(self, dashboard: str | None) -> None:
        """Note that Ray is connected, and its dashboard where it has one."""
        self.dashboard = dashboard
        if dashboard and not self.console.is_terminal:
            self.say(f"dashboard: http://{dashboard}")

    def start(self, key: str) -> None:
        """Note that a stage begins."""
        self.running[key] = Running()
        self._draw()

    def advance(self, key: str, progress: Mapping[str, float], device: str = "") -> None:
        """Note how far a running stage is, and where it runs."""
        if key in self.running:
            self.running[key].tell(progress, device)
        self._draw()

    def tick(self) -> None:
        """Draw anew, if that is due."""
        if time.monotonic() - self._drawn_at > SCREEN_INTERVAL_S:
            self._draw()

    def finish(self, key: str, cause: str | None = None) -> None:
        """Note that a stage is built, or failed for `cause`."""
        began = self.running.pop(key, Running()).began
        stage = self.plan.stages[key]
        if cause is None:
            self.done.add(key)
            took = time.monotonic() - began
            self.seconds.setdefault(stage.KIND, []).append(took)
            if stage.pace() != stage.KIND:
                self.paces.setdefault(stage.pace(), []).append(took)
        else:
            self.failed[key] = cause
            self.lost |= descendants(self.plan.missing, [key])
            self.say(f"failed {stage.KIND} {self.titles[key]}: {cause.partition(chr(10))[0]}", style="red")
        self._draw(at_once=cause is not None)

    def retry(self, key: str, cause: str) -> None:
        """Note that a stage failed, and is tried again."""
        self.running.pop(key, None)
        self.say(f"{self.plan.stages[key].KIND} {self.titles[key]}: {cause}", style="yellow")

    def leave(self, key: str) -> None:
        """Note that a stage is not under way here after all."""
        self.running.pop(key, None)

    def stands(self, key: str) -> None:
        """Note that a stage was built by another launch."""
        self.running.pop(key, None)
        self.done.add(key)

    def drop(self, keys: Set[str]) -> None:
        """Note that stages are given up: nobody needs them any more."""
        self.lost |= keys

    def say(self, line: str, style: str = "") -> None:
        """Write a line that stays."""
        self.console.print(Text(line, style=style), soft_wrap=True)

    def abandon(self, line: str) -> None:
        """Write a last line, from whatever thread, and leave the terminal as it was."""
        self._live.stop()
        self.say(line, style="red")

    def cells_done(self) -> int:
        """Return the number of cells that stand."""
        missing = set(self.plan.missing) - self.done
        return sum(cell.stage.key not in missing for cell in self.plan.cells)

    def seconds_left(self) -> tuple[float, bool] | None:
        """Estimate the time left from the stages that ended, and from the steps of those that count theirs.

        Returns
        -------
        tuple of float and bool, or None
            Seconds, and whether every kind that is left is known; if not, those of other kinds are taken to be as long
            as the mean of all. None until something ended, or has reported its steps.
        """
        now = time.monotonic()
        left = set(self.plan.missing) - self.done - self.lost
        if not left:
            return 0.0, True
        times = self._times(now)
        if not times:
            return None
        guess = _mean([took for kind in self.plan.kinds() for took in times.get(kind, [])])
        rests = {key: self._rest(key, times, now) for key in self.running}
        takes = {key: rests[key] if key in rests else _mean(self._like(key, times) or [guess]) for key in left}
        spent = sum(map(sum, self.seconds.values())) + sum(now - running.began for running in self.running.values())
        at_once = min(max(1.0, spent / max(now - self.started_at, 1e-9)), len(left))
        every_kind_known = all(self._like(key, times) for key in left)
        # Near the end some have nothing left to do: by half of the longest stage, as a rule.
        side_by_side = (sum(takes.values()) + (at_once - 1) * max(takes.values()) / 2) / at_once
        return max(side_by_side, self._longest_chain(takes), LEAST_S), every_kind_known

    def _longest_chain(self, takes: Mapping[str, float]) -> float:
        """Return how long stages take that wait for one another, however many can run at once."""
        after: dict[str, float] = {}
        for key, stage in reversed(self.plan.missing.items()):
            if key in takes:
                until_end = takes[key] + after.get(key, 0.0)
                for source in stage.waits_for:
                    after[source.key] = max(after.get(source.key, 0.0), until_end)
        return max(takes[key] + after.get(key, 0.0) for key in takes)

    def _times(self, now: float) -> dict[str, list[float]]:
        """Return how long stages took, by kind and by pace: those that ended; where none did, by their steps so far."""
        expected: dict[str, list[float]] = {}
        for key, running in self.running.items():
            rest = running.seconds_left(now)
            if rest is not None:
                for name in self._names(key):
                    expected.setdefault(name, []).append(now - running.began + rest)
        return expected | self.paces | self.seconds

    def _names(self, key: str) -> set[str]:
        """Return the kind and the pace of a stage."""
        return {self.plan.stages[key].KIND, self.plan.stages[key].pace()}

    def _like(self, key: str, times: Mapping[str, list[float]]) -> list[float]:
        """Return how long stages of its pace took, or of its kind; nothing where none is known."""
        stage = self.plan.stages[key]
        return times.get(stage.pace()) or times.get(stage.KIND) or []

    def _rest(self, key: str, times: Mapping[str, list[float]], now: float) -> float:
        """Return what is left of a running stage: by its steps, or as those took that were longer than it is by now.

        One that has outlasted all of its like goes on for as long as half of what it took: it is never at its end.
        """
        running = self.running[key]
        if rest := running.seconds_left(now):
            return rest
        gone, known = now - running.began, self._like(key, times)
        longer = [taken - gone for taken in known if taken > gone]
        return _mean(longer) if longer else gone * OUTLASTED

    def headline(self) -> str:
        """Return one line: cells and stages that stand, time gone, time left, and what runs."""
        parts = [f"{self.cells_done()}/{len(self.plan.cells)} cells"]
        parts.append(f"{len(self.done)}/{len(self.plan.missing)} stages")
        parts.append(f"{len(self.running)} running")
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        parts.append(f"{clock(time.monotonic() - self.started_at)} gone")
        parts.append(time_left(self.seconds_left()))
        return ", ".join(parts)

    def snapshot(self) -> dict[str, Any]:
        """Return what the screen shows, as plain data."""
        now = time.monotonic()
        return {
            "headline": self.headline(),
            "built": len(self.done),
            "to_build": len(self.plan.missing),
            "running": [
                {
                    "key": key,
                    "kind": self.plan.stages[key].KIND,
                    "title": self.titles[key],
                    "device": running.device,
                    "seconds": round(now - running.began, 1),
                    "progress": dict(running.said),
                    "text": running.text(),
                }
                for key, running in self.running.items()
            ],
        }

    def _draw(self, at_once: bool = False) -> None:
        now = time.monotonic()
        if self.console.is_terminal:
            self._drawn_at = now
            self._live.update(self._screen(), refresh=True)
        elif at_once or now - self._drawn_at > PLAIN_INTERVAL_S:
            self._drawn_at = now
            names = [" ".join(filter(None, words)) for words in self._running_words()]
            self.console.print(self.headline() + (f" | {'; '.join(names)}" if names else ""), soft_wrap=True)

    def _running_words(self) -> list[tuple[str, str, str]]:
        """Return the title, the device in brackets and the words of what runs."""
        return [
            (self.titles[key], f"[{running.device}]" if running.device else "", running.text())
            for key, running in self.running.items()
        ]

    def _screen(self) -> Group:
        table = Table(box=None, pad_edge=False)
        for title in ("stage", "to build", "done", "running", "failed", "mean s"):
            table.add_column(title, justify="left" if title == "stage" else "right")
        for kind in self.plan.kinds():
            table.add_row(kind, *self._row(kind))
        parts: list[RenderableType] = [Text(self.headline(), style="bold"), table, self._running_table()]
        parts += [Text(f"dashboard: http://{self.dashboard}", style="dim")] if self.dashboard else []
        return Group(*parts, Text(f"log: {self.log}", style="dim"))

    def _running_table(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for key, running in self.running.items():
            words = (self.plan.stages[key].KIND, self.titles[key], running.device)
            gone = clock(time.monotonic() - running.began)
            table.add_row("", *(Text(word, style="cyan") for word in (*words, gone, running.text())))
        return table

    def _row(self, kind: str) -> list[str]:
        times = self.seconds.get(kind, [])
        counts = [self._count(kind, keys) for keys in (self.plan.missing, self.done, self.running, self.failed)]
        return [*map(str, counts), f"{_mean(times):.1f}" if times else ""]

    def _count(self, kind: str, keys: Iterable[str]) -> int:
        return sum(kind == self.plan.stages[key].KIND for key in keys)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def time_left(estimate: tuple[float, bool] | None) -> str:
    """Return in words how much time is left, as `Progress.seconds_left` tells it."""
    seconds, every_kind_known = estimate or (0.0, False)
    if seconds < 1 and not every_kind_known:
        return "time left not yet known"
    return f"{'about' if every_kind_known else 'perhaps'} {clock(seconds)} left"


def clock(seconds: float) -> str:
    """Return, say, ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
