"""Leases: who does which piece of work, over all processes and machines that see one storage.

A lease is a small text named ``<name>.<generation>``. A name is free if none of its generations is alive. A holder of
this machine is alive as long as its process is; one of another machine as long as the counter in its lease goes on,
judged by the observer's own clock: no two clocks are ever compared.

Whoever wants a name creates the generation after the last one, which only one process can. Then it looks again: if
another generation stands that is alive, it takes its own back. Of two that create one after the other, at least the
second sees the other. A holder that finds its text gone, a later generation beside it, or its last renewal too long
ago, has lost the lease, and never renews it again.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from grid.store.lease import Lease, LeaseLostError, file_of, record_of, words_of
from grid.store.place import Place
from grid.store.processes import lives

__all__ = ["Lease", "LeaseLostError", "Leases"]

TRIES = 8  # to claim a name; only who meets others at the very moment needs more than one
BACK_OFF_S = 0.05


class Seen(NamedTuple):
    """A lease as it was just read."""

    text: str
    is_expired: bool


class Leases:
    """The leases of one storage. Pickles; what was observed stays with the process that did.

    Parameters
    ----------
    place : Place
        Where the leases lie.
    ttl_s : float
        After so long without a renewal a lease has expired.
    renew_s : float
        Time between renewals.
    clock : callable
        Seconds that never go back; of this process alone.

    Raises
    ------
    ValueError
        If a lease would expire before it is renewed.
    """

    def __init__(
        self, place: Place, ttl_s: float = 60.0, renew_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not 0 < renew_s < ttl_s:
            raise ValueError(f"renew_s is {renew_s} and ttl_s {ttl_s}: a lease must be renewed before it expires")
        self.place, self.ttl_s, self.renew_s, self.clock = place, ttl_s, renew_s, clock
        self._unchanged: dict[str, tuple[str, float]] = {}  # file -> text, since when it is the same

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_unchanged": {}}

    def acquire(self, name: str, holder: str = "") -> Lease | None:
        """Take a name, if nobody alive holds it.

        Who held it before may have done the work meanwhile: whether it is still to be done is a question for after.

        Parameters
        ----------
        name : str
            What is leased.
        holder : str
            What people call who asks.

        Returns
        -------
        Lease or None
            None if somebody alive holds it, be it this process.

        Raises
        ------
        OSError
            If the storage fails; then nothing is held.
        ValueError
            If no file can have that name.
        """
        lease = self._take(name, holder)
        if lease is not None:
            lease.keep()
        return lease

    def holder(self, name: str) -> str | None:
        """Return in words who holds a name now; None if nobody alive does: what has expired is cleared away."""
        return self._holder(name, self._listed().get(name, []))

    def holders(self) -> dict[str, str]:
        """Return in words who holds what now, by name: one listing for all. What has expired is cleared away."""
        found = {name: self._holder(name, generations) for name, generations in self._listed().items()}
        return {name: words for name, words in found.items() if words is not None}

    def generations(self, name: str) -> list[int]:
        """Return which leases of a name stand, alive or not."""
        return self._listed().get(name, [])

    def _holder(self, name: str, generations: list[int]) -> str | None:
        seen = [self._look(name, generation) for generation in sorted(generations)]
        standing = [each for each in seen if each is not None]
        alive = [each.text for each in standing if not each.is_expired]
        if standing and not alive:
            self._clear(name)
        return words_of(alive[-1]) if alive else None

    def _clear(self, name: str) -> None:
        """Remove what has expired, as the one who saw it: a process that begins now would have to wait as long."""
        with suppress(OSError):  # a full disk, say; it stays expired
            lease = self._take(name, "")
            if lease is not None:
                lease.release()

    def _take(self, name: str, holder: str) -> Lease | None:
        if not name or name.startswith(".") or "/" in name:
            raise ValueError(f"{name!r} cannot be leased: a name is not empty, has no '/' and does not begin with '.'")
        for attempt in range(TRIES):
            standing = self._standing(name)
            if not all(each.is_expired for each in standing.values()):
                return None
            lease = Lease(self, name, max(standing, default=0) + 1, holder)
            if self._claim(lease):
                return lease
            time.sleep(random.uniform(0, BACK_OFF_S * (attempt + 1)))
        return None

    def _claim(self, lease: Lease) -> bool:
        """Create a lease, and take it back if it is not the only one alive."""
        is_ours = False
        try:
            is_ours = lease.create() and self._is_only(lease)
        finally:
            if not is_ours:
                lease.release()
        return is_ours

    def _is_only(self, lease: Lease) -> bool:
        """Tell whether no other lease of the name is alive; if so, remove those."""
        others = self._standing(lease.name)
        own = others.pop(lease.generation, None)
        if own is None or own.text != lease.text or not all(each.is_expired for each in others.values()):
            return False
        for generation, other in others.items():
            file = file_of(lease.name, generation)
            with suppress(OSError):  # it is expired for everybody else, too
                if self.place.read(file) == other.text:
                    self.place.remove(file)
        return True

    def _listed(self) -> dict[str, list[int]]:
        """Return the leases that stand, as generations by name; of others, forget what was observed."""
        files = set(self.place.names())
        self._unchanged = {file: since for file, since in list(self._unchanged.items()) if file in files}
        listed: dict[str, list[int]] = {}
        for file in files:
            name, _, generation = file.rpartition(".")
            if name and generation.isdecimal():
                listed.setdefault(name, []).append(int(generation))
        return listed

    def _standing(self, name: str) -> dict[int, Seen]:
        """Return a name's leases, judged; one that is listed but cannot be found counts as alive."""
        seen: dict[int, Seen | None] = {}
        for _ in range(3):  # another is removed just now, again and again: hardly
            seen = {generation: self._look(name, generation) for generation in self.generations(name)}
            if None not in seen.values():
                break
        return {generation: each or Seen("", is_expired=False) for generation, each in seen.items()}

    def _look(self, name: str, generation: int) -> Seen | None:
        """Read a lease and judge it; None if it is gone. One that is damaged is only seen not to change."""
        file = file_of(name, generation)
        asked_at = self.clock()
        text = self.place.read(file)
        if text is None:
            return None
        before, since = self._unchanged.get(file, (None, asked_at))
        if before != text:
            since = self.clock()
            self._unchanged[file] = (text, since)
        is_alive = lives(record_of(text))
        return Seen(text, asked_at - since >= self.ttl_s if is_alive is None else not is_alive)
