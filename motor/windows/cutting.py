"""Windows out of signals: an endless random stream for training (`motor.windows.fixed` has those for all else).

Shapes: S series, G groups (see `Source.members`), B windows, N samples of a window (context and future).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256

import numpy as np

from motor.windows.augmentations.base import Augmentation, Change, Placed, augment, chained, draw_changes
from motor.windows.draws import Draws, batch_places, check_shares, dealt, epoch_order, share_of
from motor.windows.fixed import FixedWindows  # noqa: F401  # where plug-ins of before import it from
from motor.windows.source import Source

DRAWN_AT_ONCE = 1024  # windows; drawing costs numpy calls, which should not count a batch


@dataclass(frozen=True)
class WindowStream(Source):
    """An endless stream of random training windows, each a function of its number.

    An epoch holds `windows_per_series` windows of each series, in an order drawn from (seed, epoch).
    Where window k of a series begins in an epoch, and how it is augmented, is drawn from (seed, item
    name, epoch, k) alone: neither the number of workers, nor the batch size, nor the other series
    change it. Where series go in `together`, a number is a moment, whose windows begin where the names of
    all its series say; a series that has no partner gives the same windows as alone.

    Parameters
    ----------
    signals : Signals
    series : tuple of Series
        Training series.
    domains : tuple of str
        All domains, in the order in which the backbone numbers them.
    window_length : int
        N, context and future together.
    windows_per_series : int
        In each epoch.
    seed : int
        0 or more.
    augmentations : mapping of str to tuple of Augmentation
        By domain; a domain without an entry is not augmented.
    together : bool
        As of `Source`.

    Raises
    ------
    ValueError
        Naming every series that is too short, unknown domains, repeated names, augmentations that do not fit a
        sampling rate or move windows of one moment apart, and series of one moment that differ in length or rate.
    """

    windows_per_series: int
    seed: int
    augmentations: Mapping[str, tuple[Augmentation, ...]] = field(default_factory=dict)

    @property
    def windows_per_epoch(self) -> int:
        """Return how many numbers an epoch has."""
        n_groups = len(self.members) if self.together else len(self.series)
        return n_groups * self.windows_per_series

    @property
    def is_augmented(self) -> bool:
        """Tell whether windows of some domain are augmented."""
        return any(self.augmentations.values())

    def locate(self, number: int) -> tuple[int, int, int]:
        """Return (place in `series`, epoch, k) of a window of the stream, of a group's first one.

        Raises
        ------
        IndexError
            If the number is negative.
        """
        group_1, epoch_1, k_1 = self._locate(np.array([number], dtype=np.int64))
        group = int(group_1[0])
        return self.members[group][0] if self.together else group, int(epoch_1[0]), int(k_1[0])

    def cut(self, number: int) -> np.ndarray:
        """Return window `number`, of a group the first, scaled and augmented, as a new float32 array of shape (N,)."""
        return self.batch([number])["window"][0]

    def batch(self, numbers: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return several windows of the stream.

        Parameters
        ----------
        numbers : sequence of int, length B

        Returns
        -------
        dict
            ``window``: float32 of shape (B, N); and int64 of shape (B,): ``domain``, places in `domains`; ``item``,
            places in `series`; ``start``, where in its signal each begins; ``number``; and where series go in
            `together` (a number then gives the windows of its whole group side by side), ``group``, which says which
            belong together.

        Raises
        ------
        IndexError
            If a number is negative.
        """
        return self.drawn(self.draw(np.asarray(numbers, dtype=np.int64)))

    def batches(
        self, first: int, end: int, batch_size: int, rank: int = 0, world_size: int = 1
    ) -> Iterator[dict[str, np.ndarray]]:
        """Yield what `batch` gives for numbers `first` to `end` (excluded), `batch_size` at a time, only faster.

        The last batch may be smaller. Of several workers each gets its share of every batch (see `dealt`).

        Raises
        ------
        ValueError
            If a batch is too small for each worker to get a share.
        """
        check_shares(first, end, batch_size, world_size)
        run = batch_size * max(1, DRAWN_AT_ONCE // batch_size)
        for begin in range(first, end, run):
            stop = min(begin + run, end)
            draws = self.draw(dealt(begin, stop, batch_size, rank, world_size))
            for places in batch_places(draws.numbers_B, begin, stop, batch_size):
                yield self.drawn(draws.part(places))

    def drawn(self, draws: Draws) -> dict[str, np.ndarray]:
        """Return windows that were drawn, as `batch` does."""
        return self.described(draws.numbers_B, draws.rows_B, draws.starts_B, self.windows(draws))

    def described(
        self, numbers_B: np.ndarray, rows_B: np.ndarray, starts_B: np.ndarray, window_BN: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return windows with what is said of them beside."""
        batch = {"window": window_BN, "domain": self.columns.domain_S[rows_B], "item": rows_B, "start": starts_B}
        batch["number"] = numbers_B
        return batch | {"group": numbers_B.copy()} if self.together else batch

    def windows(self, draws: Draws) -> np.ndarray:
        """Return windows that were drawn, scaled and augmented: a new float32 array of shape (B, N)."""
        return augment(self.scaled(draws.rows_B, draws.starts_B), draws.changes)

    def _changes(self, rows_B: np.ndarray, keys_B: np.ndarray, shared_B: np.ndarray | None) -> tuple[Change, ...]:
        """Draw what augmentations do to windows of some series."""
        chain = [(placed, touched_S[rows_B]) for placed, touched_S in self._chain]
        return draw_changes(chain, self.window_length, self._sampling_rate_hz_S[rows_B], keys_B, shared_B)

    @cached_property
    def _chain(self) -> list[tuple[Placed, np.ndarray]]:
        """Return the augmentations of all domains in their order, each with the series that it touches."""
        touched: dict[Placed, np.ndarray] = {}
        for domain, augmentations in self.augmentations.items():
            for placed in chained(augmentations):
                of_S = [one.domain == domain and placed.augmentation.touches(one.label) for one in self.series]
                touched[placed] = touched.get(placed, False) | np.array(of_S)
        return sorted(touched.items(), key=lambda one: (one[0].augmentation.order, one[0].place))

    @cached_property
    def _sampling_rate_hz_S(self) -> np.ndarray:
        """Return the rate of each series."""
        return np.array([series.sampling_rate_hz for series in self.series], dtype=np.float64)

    def draw(self, numbers_B: np.ndarray) -> Draws:
        """Draw where windows of the stream begin, and what augments them.

        Parameters
        ----------
        numbers_B : ndarray of int64
            Each stands for one window, or for the windows of one group, which are given side by side.

        Raises
        ------
        IndexError
            If a number is negative.
        """
        groups_B, epochs_B, ks_B = self._locate(numbers_B)
        entropy_B = self._entropy(self._group_names, groups_B, epochs_B, ks_B)
        firsts_B = self.groups.rows_S[self.groups.begin_G[groups_B]] if self.together else groups_B
        high_B, keys_B = entropy_B[:, 0], entropy_B[:, 1]
        n_places_B = (self.columns.n_samples_S[firsts_B] - self.window_length + 1).astype(np.uint64)
        starts_B = share_of(high_B, n_places_B).astype(np.int64)
        if not self.together:
            return Draws(numbers_B, groups_B, starts_B, self._changes(groups_B, keys_B, None))
        rows_B, of_B = self.groups.spread(groups_B)
        own_B = self._entropy(self._names, rows_B, epochs_B[of_B], ks_B[of_B])
        changes = self._changes(rows_B, own_B[:, 1], keys_B[of_B])
        return Draws(numbers_B[of_B], rows_B, starts_B[of_B], changes)

    def _entropy(
        self, names: Sequence[bytes], which_B: np.ndarray, epochs_B: np.ndarray, ks_B: np.ndarray
    ) -> np.ndarray:
        """Return random numbers for each (name, epoch, k), uint64 of shape (B, 4)."""
        prefix = lru_cache(self._prefix)
        places = zip(which_B.tolist(), epochs_B.tolist(), ks_B.tolist(), strict=True)
        digests = b"".join([sha256(prefix(epoch, k) + names[which]).digest() for which, epoch, k in places])
        return np.frombuffer(digests, dtype=">u8").reshape(-1, 4).astype(np.uint64)

    def _locate(self, numbers_B: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (groups, epochs, ks) of windows of the stream; a group is a place in `members`, or in `series`."""
        if numbers_B.size and numbers_B.min() < 0:
            raise IndexError(f"window {numbers_B.min()} does not exist; the stream begins at 0")
        epochs_B, places_B = np.divmod(numbers_B, self.windows_per_epoch)
        ordered_B = np.empty_like(places_B)
        for epoch in np.unique(epochs_B).tolist():
            there = epochs_B == epoch
            ordered_B[there] = epoch_order(self.seed, epoch, self.windows_per_epoch)[places_B[there]]
        groups_B, ks_B = np.divmod(ordered_B, self.windows_per_series)
        return groups_B, epochs_B, ks_B

    def _prefix(self, epoch: int, k: int) -> bytes:
        """Return what is hashed before a series' name."""
        return f"{self.seed}\n{epoch}\n{k}\n".encode()

    @cached_property
    def _names(self) -> list[bytes]:
        """Return the series' names as they are hashed."""
        return [series.item.encode() for series in self.series]

    @cached_property
    def _group_names(self) -> list[bytes]:
        """Return the groups' names as they are hashed; of a series alone its own."""
        if not self.together:
            return self._names
        return [b"\n".join(sorted(self._names[row] for row in members)) for members in self.members]

    def _faults(self) -> Iterator[str]:
        """Yield a line for each fault, those of the stream's own fields first."""
        if self.windows_per_series < 1:
            yield f"windows_per_series is {self.windows_per_series}; it must be at least 1"
        if self.seed < 0:
            yield f"seed is {self.seed}; it must be at least 0"
        for domain in sorted(set(self.augmentations) - set(self.domains)):
            yield f"augmentations are given for domain {domain!r}; there are: {', '.join(self.domains)}"
        yield from super()._faults()
        yield from self._augmentation_faults()
        if self.together:
            yield from self._moving_faults()

    def _moving_faults(self) -> Iterator[str]:
        """Yield a line if augmentations would move windows of one moment against one another."""
        moving = {
            domain: [one for one in self.augmentations.get(domain, ()) if one.moves_time]
            for members in self.members
            if len(members) > 1
            for domain in (self.series[row].domain for row in members)
        }
        kinds = list(moving.values())
        if any(kind != kinds[0] for kind in kinds):
            named = "; ".join(f"{domain}: {', '.join(map(repr, kind)) or 'none'}" for domain, kind in moving.items())
            yield (
                f"augmentations move the windows of one moment against one another ({named}); give these to all "
                "domains alike, or to none"
            )

    def _augmentation_faults(self) -> Iterator[str]:
        """Yield a line for each augmentation that does not fit a rate, with the first series that has it."""
        kinds = {(series.domain, series.label, series.sampling_rate_hz): series.item for series in self.series[::-1]}
        for (domain, label, sampling_rate_hz), item in kinds.items():
            for augmentation in self.augmentations.get(domain, ()):
                try:
                    if augmentation.touches(label):
                        augmentation.check(sampling_rate_hz)
                except ValueError as fault:
                    yield f"{item}: {fault}"
