"""A folder whose files are copied to a bucket as they change, so that another machine can go on from them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grid.store.copies import Copies, files_in

LOOK_S = 1.0
REST_S = 5.0  # between two uploads of one file, such as curves that grow each second
REST_SHARE = 2.0  # and so many times as long as its last upload took


@dataclass
class Following:
    """Uploads what changes in a folder, from a thread of its own, until it is stopped.

    A file that is replaced by a rename (a checkpoint) is uploaded whole, and takes the place of the last one at once;
    of a file that grows, what is there. An upload that fails is tried again: the work goes on meanwhile.

    Parameters
    ----------
    copies : Copies
    folder : Path
        Under the root of `copies`.
    say : callable
        Told of an upload that failed; not of each that follows.
    """

    copies: Copies
    folder: Path
    say: Callable[[str], None] = print

    def __post_init__(self) -> None:
        self._done = threading.Event()
        self._rests_until: dict[Path, float] = {}
        self._has_failed = False
        self._thread = threading.Thread(target=self._follow, name=f"following {self.folder.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Upload nothing more; one upload that is under way is waited for."""
        self._done.set()
        self._thread.join()

    def finish(self) -> None:
        """Stop, and upload what has changed since."""
        self.stop()
        self._rests_until.clear()
        self._send_changed()

    def _follow(self) -> None:
        while not self._done.wait(LOOK_S):
            self._send_changed()

    def _send_changed(self) -> None:
        for path in files_in(self.folder):
            if time.monotonic() >= self._rests_until.get(path, 0.0) and self.copies.is_changed(path):
                self._send(path)

    def _send(self, path: Path) -> None:
        began = time.monotonic()
        try:
            self.copies.send_file(path)
            self._has_failed = False
        except FileNotFoundError:
            return  # it went meanwhile
        except OSError as error:
            if not self._has_failed:
                self.say(f"{path.name} could not be uploaded, and is tried again: {error}")
            self._has_failed = True
        took = time.monotonic() - began
        self._rests_until[path] = time.monotonic() + max(REST_S, REST_SHARE * took)
