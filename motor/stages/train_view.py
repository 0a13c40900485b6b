"""Show a fine-tune in the Train view of Ray's dashboard, under its readable name.

Ray Train tells the dashboard of runs that have workers of their own, and nothing of those in local mode, which is how a
fine-tune of one worker runs: a worker group costs 12 to 18 s. Here the trial tells the same, in some milliseconds.
"""

import contextlib
import os
import traceback
from collections.abc import Iterator

from grid.run.cluster import STATE_TRACKING
from grid.run.ray_private import TrainRun
from grid.stage import Resources


@contextlib.contextmanager
def in_train_view(title: str, resources: Resources) -> Iterator[None]:
    """Show what runs in this block as a run of Ray Train, if a dashboard looks; `title` is its name there."""
    run = _begin(title, resources) if os.environ.get(STATE_TRACKING) == "1" else None
    try:
        yield
    except BaseException as error:
        if run is not None:
            run.end(error)
        raise
    if run is not None:
        run.end()


def run_name(title: str) -> str:
    """Return a name that Ray Train's metrics can carry: of other letters than ASCII, their numbers."""
    return "".join(letter if letter.isascii() else f"u{ord(letter):04x}" for letter in title)


def _begin(title: str, resources: Resources) -> "TrainRun | None":
    try:
        return TrainRun.begin(title, run_name(title), resources)
    except Exception:  # to be shown is no part of the work: say why not, and go on
        print(f"{title} is not shown in Ray's dashboard:\n{traceback.format_exc()}", flush=True)
        return None
