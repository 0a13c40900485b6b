"""Which lines of a recording stand out, and which known part of the machine each fits: a reason beside a label.

A line is looked at together with its multiples, as one family: its height is the family's mean over the floor.

Shapes: F fundamentals, H multiples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motor.features.envelope_spectrum import OrderHeights, Turning, band_envelopes, by_turns, centred, log_envelope
from motor.features.hertz import Bands, common_bands, highest_common_hz
from motor.lazy import scipy

BANDS_HZ: Bands = ((500.0, 1500.0), (1500.0, 3000.0), (3000.0, 5500.0))
MOST_LINES = 3
N_HARMONICS = 3
SLIP = 0.02
"""Share by which the orders of a bearing's parts may be off."""
OF_BEARING = ("cage", "ball", "outer_race", "inner_race")
LOWEST_ORDER, HIGHEST_ORDER = 0.3, 12.0
"""Fundamentals that are looked at where no part is known to be."""
STEP = 5e-4
"""From one of them to the next, as a share."""
FLOOR_ORDERS, REACH_ORDERS = 1.0, 0.015
KNOWN_DB, UNKNOWN_DB = 3.5, 6.0
"""By how much a family stands out from the middle one of its recording: at a place that is known before, and anywhere.

Chosen on simulated healthy machines, of which these let at most 5 of 100 pass (`tests/features/test_evidence.py`).
"""
FEWEST_REVOLUTIONS = 2.0
NEIGHBOUR = 0.03
"""Orders, as a share, within which two fundamentals, multiples or sidebands are one."""


@dataclass(frozen=True)
class Line:
    """A line of the spectrum of an envelope, or of the signal, with its multiples.

    Attributes
    ----------
    order : float
        Of the shaft, where it was found.
    hertz : float
    height_db : float
        Mean of it and its multiples over the floor beside each.
    component : str or None
        The known part that it fits.
    stands_out : bool
        Whether noise would hardly show it. A shaft's, a mesh's or a supply's line does so in healthy machines, too.
    """

    order: float
    hertz: float
    height_db: float
    component: str | None
    stands_out: bool

    @property
    def accuses(self) -> bool:
        """Whether it speaks of a fault: it stands out, and no part makes it that turns as it should."""
        return self.stands_out and (self.component is None or self.component in OF_BEARING)


def strongest_lines(
    signal: np.ndarray,
    sampling_rate_hz: float,
    speed_rpm: float,
    components: Mapping[str, float],
    turning: Turning | None = None,
) -> tuple[Line, ...]:
    """Return the three strongest lines of a recording: those that speak of a fault first, then by height.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sampling_rate_hz : float
    speed_rpm : float
        Of the shaft.
    components : mapping of str to float
        Known part -> the order of the shaft at which it shows (`motor.recordings.machines.Machine.components`).
    turning : Turning, optional
        The shaft's angle, where its speed varies.

    Returns
    -------
    tuple of Line
        None where the recording holds less than two revolutions.

    Raises
    ------
    ValueError
        If there is no signal.

    Notes
    -----
    Envelopes of three bands (Randall and Antoni 2011, Mechanical Systems and Signal Processing 25, 485-520), of which
    the tallest family counts; parts that do not strike are looked for in the signal's own spectrum, too. Whether a
    family stands out is judged by the others of its recording, so longer recordings and coloured noise need no table.
    """
    speed_hz = speed_rpm / 60
    if not signal.size / sampling_rate_hz * speed_hz >= FEWEST_REVOLUTIONS:
        return ()
    shown = max(HIGHEST_ORDER, *components.values()) * N_HARMONICS * (1 + SLIP) + FLOOR_ORDERS
    values = centred(signal)
    bands = common_bands(BANDS_HZ, highest_common_hz(sampling_rate_hz))
    least_hz = 2.1 * shown * (turning.fastest_hz if turning else speed_hz)
    envelopes = [
        _heights(*by_turns(log_envelope(band.magnitude), band.rate_hz, speed_hz, turning), shown)
        for band in band_envelopes(values, sampling_rate_hz, bands, least_hz)
    ]
    families = _Families(envelopes, _heights(*by_turns(values, sampling_rate_hz, speed_hz, turning), shown))
    found = [families.of_part(name, order, speed_hz) for name, order in components.items() if order > 0]
    found += families.unknown([line for line in found if line.stands_out], speed_hz)
    return tuple(sorted(found, key=lambda line: (not line.accuses, -line.height_db))[:MOST_LINES])


def _heights(values: np.ndarray, samples_per_revolution: float, shown: float) -> OrderHeights:
    return OrderHeights.of(values, samples_per_revolution, shown, FLOOR_ORDERS, REACH_ORDERS)


class _Families:
    """Heights of families of lines in one recording."""

    def __init__(self, envelopes: Sequence[OrderHeights], whole: OrderHeights) -> None:
        self.envelopes, self.both = list(envelopes), [*envelopes, whole]
        self.scanned_F = np.geomspace(
            LOWEST_ORDER, HIGHEST_ORDER, round(np.log(HIGHEST_ORDER / LOWEST_ORDER) / STEP) + 1
        )
        self.struck_F = _tallest(self.envelopes, self.scanned_F)
        self.within_slip_db = float(
            np.median(scipy.ndimage.maximum_filter1d(self.struck_F, 2 * round(SLIP / STEP) + 1))
        )
        self.exact_db = float(np.median(_tallest(self.both, self.scanned_F)))

    def of_part(self, name: str, order: float, speed_hz: float) -> Line:
        """Return the line of a part."""
        strikes = name in OF_BEARING
        tried_F = order * (1 + np.arange(-SLIP, SLIP + STEP / 2, STEP) if strikes else np.ones(1))
        height_F = _tallest(self.envelopes if strikes else self.both, tried_F)
        best = int(np.argmax(height_F))
        middle_db = self.within_slip_db if strikes else self.exact_db
        return _line(tried_F[best], speed_hz, height_F[best], name, height_F[best] - middle_db > KNOWN_DB)

    def unknown(self, known: Sequence[Line], speed_hz: float) -> Iterator[Line]:
        """Yield the tallest families that are neither of those known, nor multiples, parts or sidebands of them."""
        left_F = self.struck_F.copy()
        taken = [1.0, *(line.order for line in known)]
        for order in taken:
            left_F[_related(self.scanned_F, order)] = -np.inf
        for _ in range(MOST_LINES):
            best = int(np.argmax(left_F))
            if not np.isfinite(left_F[best]):
                return
            stands_out = left_F[best] - self.within_slip_db > UNKNOWN_DB
            yield _line(self.scanned_F[best], speed_hz, left_F[best], None, stands_out)
            left_F[_related(self.scanned_F, self.scanned_F[best])] = -np.inf


def _tallest(spectra: Sequence[OrderHeights], orders_F: np.ndarray) -> np.ndarray:
    """Return how tall each family is where it is tallest, in decibels."""
    orders_FH = orders_F[:, None] * np.arange(1, N_HARMONICS + 1)
    return np.max([one.families(orders_FH) for one in spectra], axis=0)


def _related(orders_F: np.ndarray, order: float) -> np.ndarray:
    """Tell which orders share lines with one: multiples, parts, and sidebands one and two turns away."""
    numbers = np.arange(1, N_HARMONICS + 2)
    ratios = np.unique((numbers[:, None] / numbers).ravel())
    beside = [order * k + turns for k in numbers for turns in (-2, -1, 1, 2)]
    others = np.array([*(order * ratios), *(one for one in beside if one > 0)])
    return (np.abs(orders_F[:, None] / others - 1) < NEIGHBOUR).any(axis=1)


def _line(order: float, speed_hz: float, height_db: float, component: str | None, stands_out: bool) -> Line:
    rounded = float(f"{order:.5g}"), float(f"{order * speed_hz:.5g}"), round(float(height_db), 1)
    return Line(*rounded, component, bool(stands_out))
