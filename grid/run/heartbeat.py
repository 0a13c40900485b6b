"""Watch the cluster that a launch depends on; a launch whose cluster is gone ends by itself.

Ray waits a minute for its head to come back, with the calls of a launch standing still meanwhile, and then aborts the
process, which leaves the terminal as it is and says little. It does not tell of a raylet's death at all; the next use
of its memory ends the process without a word (`_exit` in Ray's plasma client). So it has to be seen at once.
"""

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Protocol

import psutil

INTERVAL_S = 0.5
LOST = 1  # exit status
PATIENCE_S = 20.0  # with a head that does not answer: one that keeps its state elsewhere may be started anew
PROBE_INTERVAL_S = 5.0
PROBE_TIMEOUT_S = 5.0
TOGETHER_S = 0.2  # a head that dies with this machine's node may be gone a moment after it
LAST_WORDS_S = 10.0  # for what is to be done before the end
SERVERS = ("gcs_server", "raylet")


class Pulse(Protocol):
    """The pulse of Ray's processes, without which a launch cannot go on."""

    def fault(self, wait_s: float) -> str | None:
        """Return in words what is gone, as soon as something is; None if nothing is by the end of the time."""


class Heartbeat:
    """Watches a pulse from a thread; once it is gone, says so and ends this process, whatever it is doing.

    Nothing gentler would do: the main thread may stand in a call of Ray that returns after a minute, if ever.

    Parameters
    ----------
    pulse : Pulse
        What this process hangs on.
    last_words : callable
        Given what is gone; called before the end, which comes even if this fails or does not return.
    end : callable
        Ends the process with a status.
    """

    def __init__(
        self, pulse: Pulse, last_words: Callable[[str], None], end: Callable[[int], object] = os._exit
    ) -> None:
        self._pulse, self._last_words, self._end = pulse, last_words, end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._feel, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, for the cluster is let go on purpose; the thread ends by itself, within `INTERVAL_S`."""
        self._stopped.set()

    def _feel(self) -> None:
        while not self._stopped.is_set():
            fault = self._pulse.fault(INTERVAL_S)
            if fault is not None and not self._stopped.is_set():
                self._die(fault)
                return

    def _die(self, fault: str) -> None:
        words = threading.Thread(target=self._last_words, args=(fault,), daemon=True)
        words.start()
        words.join(LAST_WORDS_S)
        self._end(LOST)


class Deaths:
    """Notices the end of processes when it comes."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}  # by descriptor, which is no other process's later, as a number may be
        self._poll = select.poll()
        self.gone: set[str] = set()

    def watch(self, name: str, pid: int) -> None:
        """Watch one more process."""
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self.gone.add(name)
        except OSError:  # it cannot be seen from this container
            return
        else:
            self._names[descriptor] = name
            self._poll.register(descriptor, select.POLLIN)

    @property
    def watched(self) -> set[str]:
        return {*self._names.values(), *self.gone}

    def wait(self, seconds: float) -> set[str]:
        """Return the names of those that are gone, as soon as there are some, or when the time is over."""
        if not self.gone:
            self.gone |= {self._names[descriptor] for descriptor, _ in self._poll.poll(seconds * 1000)}
        return self.gone


class EmbeddedPulse:
    """The two processes that an embedded Ray cannot do without; from the moment when they start."""

    def __init__(self) -> None:
        self._deaths = Deaths()

    def fault(self, wait_s: float) -> str | None:
        if len(self._deaths.watched) < len(SERVERS):
            for name, pid in _children():
                if name in SERVERS and name not in self._deaths.watched:
                    self._deaths.watch(name, pid)
        gone = self._deaths.wait(wait_s)
        return f"the embedded Ray is gone: its {' and '.join(sorted(gone))} died" if gone else None


class ClusterPulse:
    """A cluster's head, which this process probes, and the node of this machine, by which it has joined.

    Parameters
    ----------
    head : str
        ``host:port`` of its GCS.
    raylet : str
        The socket of this machine's raylet.
    patience_s : float
        For how long a head may be silent.
    """

    def __init__(self, head: str, raylet: str, patience_s: float = PATIENCE_S) -> None:
        self.head, self.patience_s = head, patience_s
        host, _, port = head.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._deaths = Deaths()
        self._deaths.watch("raylet", _listener(raylet))
        self._answered_at = time.monotonic()
        self._probed_at = -float("inf")

    def fault(self, wait_s: float) -> str | None:
        is_alone = bool(self._deaths.wait(wait_s))
        if not is_alone and time.monotonic() - self._probed_at < PROBE_INTERVAL_S:
            return None
        self._probed_at = time.monotonic()
        silence = self._probe_for(TOGETHER_S) if is_alone else self._probe()
        if silence is None:
            self._answered_at = time.monotonic()
            return "the Ray node of this machine is gone: its raylet died; start it again" if is_alone else None
        if is_alone or time.monotonic() - self._answered_at > self.patience_s:
            return f"the Ray cluster's head at {self.head} is gone ({silence}); start it again"
        return None

    def _probe_for(self, seconds: float) -> OSError | None:
        """Return why nobody answers any more, None if somebody still does when the time is over."""
        end = time.monotonic() + seconds
        while (silence := self._probe()) is None and time.monotonic() < end:
            time.sleep(0.02)
        return silence

    def _probe(self) -> OSError | None:
        """Return why nobody answers, None if somebody does."""
        try:
            socket.create_connection(self._address, timeout=PROBE_TIMEOUT_S).close()
        except OSError as error:
            return error
        return None


def _listener(path: str) -> int:
    """Return which process listens at a socket."""
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(path)
        credentials = door.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", credentials)[0]


def _children() -> list[tuple[str, int]]:
    """Return this process's children, each with the name of its program."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            found.append((child.name(), child.pid))
    return found
