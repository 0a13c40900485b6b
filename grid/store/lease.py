"""One lease: held by this process, renewed by a thread until it is released or lost."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

from grid.store.place import Place
from grid.store.processes import identity

CLAIM_S = 1.0  # so long may a claim stand that is taken back


class LeaseLostError(RuntimeError):
    """The work is not this process's to do any more: another may be at it."""


class Terms(Protocol):
    """What a lease needs to know of the leases of its storage."""

    place: Place
    ttl_s: float
    renew_s: float
    clock: Callable[[], float]

    def generations(self, name: str) -> list[int]:
        """Return which leases of a name stand."""


class Lease:
    """A name that this process holds. A context manager: released at its end.

    Attributes
    ----------
    name : str
        What is held.
    generation : int
        Which of the name's leases it is.
    text : str
        What was last written.
    """

    def __init__(self, terms: Terms, name: str, generation: int, holder: str) -> None:
        self.name, self.generation = name, generation
        self._terms, self._file = terms, file_of(name, generation)
        self._record = {**identity(), "holder": holder, "token": uuid.uuid4().hex, "counter": 0}
        self.text = json.dumps(self._record)
        self._cause: str | None = None  # of its loss
        self._renewed_at = terms.clock()
        self._lock = threading.Lock()
        self._released = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @property
    def is_lost(self) -> bool:
        """Whether this process knows that it does not hold the name any more. Costs nothing."""
        return self._cause is not None or self._silence_s() > self._terms.ttl_s

    def check(self) -> None:
        """Look into the storage whether this process still holds the name.

        Raises
        ------
        LeaseLostError
            If it does not. That the storage does not answer is no loss until the lease has expired.
        """
        with self._lock:
            with suppress(OSError):
                self._look()
            self._look_at_clock()
        if self._cause is not None:
            raise LeaseLostError(
                f"the lease of {self.name} is lost: {self._cause}; another process may do this work now, so what was "
                "done here is dropped; the same command again finishes whatever is left"
            )

    def release(self) -> None:
        """Give the name back. If the storage fails just now, a thread goes on trying."""
        with self._lock:
            if self._released.is_set():
                return
            self._released.set()
            self._cause = self._cause or "it was released"
        try:
            self._remove()
        except OSError:
            threading.Thread(target=self._remove_later, name=f"release {self.name}", daemon=True).start()

    def create(self) -> bool:
        """Put the lease into the storage; False if another stands there."""
        if self._terms.place.create(self._file, self.text):
            return True
        return self._terms.place.read(self._file) == self.text  # a request that was sent again after it had succeeded

    def keep(self) -> None:
        """Renew from now on."""
        threading.Thread(target=self._renew_on, name=f"lease {self.name}", daemon=True).start()

    def _renew_on(self) -> None:
        while not self._released.wait(self._terms.renew_s) and self._cause is None:
            with self._lock, suppress(OSError):  # a full disk, a network that is away: perhaps next time
                self._renew()

    def _renew(self) -> None:
        began_at = self._terms.clock()
        self._look_at_clock()
        self._look()
        if self._cause is not None:
            return
        self._record["counter"] += 1
        text = json.dumps(self._record)
        self._terms.place.write(self._file, text)
        self._look_at_clock()  # what was written too late may stand on what another holds: it finds that out
        self.text, self._renewed_at = text, began_at

    def _look(self) -> None:
        """Find out whether the lease stands, and no later one beside it."""
        if self._cause is not None:
            return
        later = self._later()
        if later:
            time.sleep(min(CLAIM_S, self._terms.renew_s))
            later = self._later()  # a claim that met this lease has been taken back by now
        if later:
            text = self._terms.place.read(file_of(self.name, max(later)))
            self._cause = f"{words_of(text or '')} took it over"
        elif not self._is_own(self._terms.place.read(self._file)):
            self._cause = f"{self._file} is gone, or another's"

    def _later(self) -> list[int]:
        return [generation for generation in self._terms.generations(self.name) if generation > self.generation]

    def _look_at_clock(self) -> None:
        silence_s = self._silence_s()
        if self._cause is None and silence_s > self._terms.ttl_s:
            self._cause = (
                f"it was not renewed for {silence_s:.0f} s, and expires after {self._terms.ttl_s:.0f} s; the process "
                "was suspended, or the storage away"
            )

    def _silence_s(self) -> float:
        return self._terms.clock() - self._renewed_at

    def _is_own(self, text: str | None) -> bool:
        return text is not None and record_of(text).get("token") == self._record["token"]

    def _remove(self) -> None:
        if self._is_own(self._terms.place.read(self._file)):
            self._terms.place.remove(self._file)

    def _remove_later(self) -> None:
        while True:
            time.sleep(self._terms.renew_s)
            with suppress(OSError):
                self._remove()
                return


def file_of(name: str, generation: int) -> str:
    """Return what a lease is called in its storage."""
    return f"{name}.{generation}"


def record_of(text: str) -> dict[str, Any]:
    """Return what a lease says; nothing if it is damaged."""
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def words_of(text: str) -> str:
    """Return who a lease says holds it, for people."""
    record = record_of(text)
    if "host" not in record or "pid" not in record:
        return "somebody whose lease cannot be read"
    holder = f" ({record['holder']})" if record.get("holder") else ""
    return f"{record['host']}, process {record['pid']}{holder}"
