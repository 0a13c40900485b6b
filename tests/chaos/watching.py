"""What happens in a storage while it is worked on: what is built twice, how much work is lost; and the kills."""

import json
import re
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

grid = sys.modules["chaos_grid"]

LOOK_S = 0.1
GOES_ON = re.compile(r"goes on from step (\d+) of")
VICTIMS = ("driver", "worker", "raylet")


class Watch:
    """Looks at a storage all the time, from a thread of its own; a context manager.

    Attributes
    ----------
    again : list of str
        Finished stages that were begun or built once more.
    lost : list of str
        Fine-tunes that went on from more than one checkpoint before what they had told.
    drafts : dict of str to set of str
        By stage, the names of the drafts that were seen: how often it was begun.
    steps : dict of str to float
        By fine-tune, the last step that it has told.
    """

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        self.again: list[str] = []
        self.lost: list[str] = []
        self.drafts: dict[str, set[str]] = {}
        self.steps: dict[str, float] = {}
        self.resumed: dict[str, list[int]] = {}
        self._builds: dict[str, tuple[int, int]] = {}
        self._heard: dict[Path, float] = {}
        self._error: BaseException | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def faults(self) -> list[str]:
        """Return what must never happen and did."""
        return [*(f"done twice: {fault}" for fault in self.again), *(f"lost: {fault}" for fault in self.lost)]

    def _look_on(self) -> None:
        while not self._end.wait(LOOK_S):
            try:
                self.look()
            except BaseException as error:
                self._error = error
                return

    def look(self) -> None:
        """Look once."""
        builds = grid.builds(self.storage)
        for stage in builds.keys() & self._builds.keys():
            if builds[stage] != self._builds[stage]:
                self.again.append(f"{stage} was built although it stood")
        self._look_at_drafts(builds)
        self._builds |= builds
        self._look_at_steps()
        self._look_at_logs()

    def _look_at_drafts(self, builds: dict[str, tuple[int, int]]) -> None:
        for draft in [path.name for path in (self.storage / "drafts").glob("*+*")]:
            stage = draft.partition("+")[0]
            seen = self.drafts.setdefault(stage, set())
            if draft not in seen and not draft.endswith("-replaced"):
                seen.add(draft)
                if stage in builds:
                    self.again.append(f"{stage} was begun although it stood ({draft})")

    def _look_at_steps(self) -> None:
        for file in (self.storage / "runs").glob("*/now.json"):
            try:
                told = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # is being removed
            if self._heard.get(file) == told["heard"]:
                continue
            self._heard[file] = told["heard"]
            for running in told["running"]:
                if "step" in running["progress"]:
                    self._tell(f"{running['kind']}-{running['key']}", running["progress"]["step"])

    def _tell(self, stage: str, step: float) -> None:
        before = self.steps.get(stage, 0)
        if step < before - grid.CHECKPOINT_EVERY:
            self.lost.append(f"{stage} had told step {before:.0f}, and went on before step {step:.0f}")
        self.steps[stage] = step

    def _look_at_logs(self) -> None:
        for file in (self.storage / "logs").glob(f"finetune-{'?' * 16}.log"):  # not those of earlier tries
            try:
                found = GOES_ON.findall(file.read_text(encoding="utf-8", errors="replace"))
            except OSError:
                continue  # is being removed
            seen = self.resumed.setdefault(file.stem, [])
            if found and int(found[-1]) not in seen[-1:]:
                seen.append(int(found[-1]))
                if seen[-1] < self.steps.get(file.stem, 0) - grid.CHECKPOINT_EVERY:
                    self.lost.append(f"{file.stem} had told step {self.steps[file.stem]:.0f}, goes on from {seen[-1]}")


def strike(kind: str, launched: "grid.Launch", moment_s: float, title: str = "") -> str | None:
    """Kill one process of a launch at a moment of its life, or as soon after it as there is such a process.

    Parameters
    ----------
    kind : {"driver", "worker", "raylet"}
    launched : Launch
    moment_s : float
        Since it was started.
    title : str
        What a process must call itself, to begin with.

    Returns
    -------
    str or None
        What was killed and when; None if the launch has ended before.
    """
    while launched.poll() is None:
        gone_s = time.monotonic() - launched.began
        victim = _victim(kind, launched, title) if gone_s >= moment_s else None
        if victim is not None:
            grid.kill(victim.pid)
            return f"{kind} after {gone_s:.1f} s: {victim.words[:70]}"
        time.sleep(0.02)
    return None


def _victim(kind: str, launched: "grid.Launch", title: str) -> "grid.Process | None":
    if kind == "driver":
        return grid.Process(launched.pid, launched.pid, "launch.py")
    mine = [process for process in grid.processes_of(launched.storage) if process.session == launched.pid]
    found = [process for process in mine if (process.is_raylet if kind == "raylet" else process.is_building)]
    return next((process for process in found if process.words.startswith(title)), None)
