"""Signal processing that physics features share: the mean taken off, envelopes of bands, spectra in orders.

An order is a multiple of the shaft's frequency: a fault's orders stay where they are when the speed changes.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import numpy as np
from pydantic import Field

from motor.lazy import scipy

Prewhitening = Annotated[
    Literal["none", "cepstrum"],
    Field(
        description="``cepstrum``: all frequencies are made equally strong before envelopes are taken, so that a "
        "shaft's or a mesh's harmonics within a band do not cover strikes; resonances do not stand out then, either",
        exclude_if=lambda value: value == "none",
    ),
]
"""What is done to a signal before its envelopes are taken; ``none`` stands in no record."""

SPACING = 0.02  # orders between values of a spectrum in orders, at most
RESOLVED = 10.0  # lines, as a recording's length resolves them, that the median of a floor is taken over at least
# The envelope of noise touches zero, where the logarithm has no floor: -80 dB below its root mean square.
FLOOR = 1e-4
# Less than this of the signal's root mean square is rounding of float32, not signal.
SILENCE = 1e-7
# Values of an envelope for each hertz of its band and second: its logarithm is wider than the band.
OVERSAMPLING = 4.0


def centred(signal: np.ndarray) -> np.ndarray:
    """Return the signal in float64 without its mean, which tells the measuring chain and no fault.

    Raises
    ------
    ValueError
        If the signal has fewer than two samples, is not finite, or does not move.
    """
    values = signal.astype(np.float64)
    if values.ndim != 1 or values.size < 2:
        raise ValueError(f"a signal has shape {values.shape}; expected (n_samples,) with two samples or more")
    if not np.isfinite(values).all():
        raise ValueError(
            f"{int((~np.isfinite(values)).sum())} samples of {values.size} are not finite; drop the series"
        )
    largest = np.abs(values).max()
    values -= values.mean()
    if np.abs(values).max() <= SILENCE * largest:
        raise ValueError(f"all {values.size} samples are {signal[0]:g}: there is no signal; drop the series")
    return values


def whitened(spectrum: np.ndarray, how: Prewhitening) -> np.ndarray:
    """Return a spectrum all of whose frequencies are equally strong, or as it is where nothing is asked for.

    Cepstrum prewhitening (Borghesani, Pennacchi, Randall, Sawalhi and Ricci 2013, Mechanical Systems and Signal
    Processing 36, 370-384): the real cepstrum is set to zero but for its mean, which leaves the phases alone. A line of
    a shaft is then as weak as a frequency of noise; strikes, whose phases agree over a whole band, stay.
    """
    return spectrum if how == "none" else spectrum / np.maximum(np.abs(spectrum), np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class BandEnvelope:
    """The envelope of a band in hertz.

    Attributes
    ----------
    low_hz, high_hz : float
        The band.
    magnitude : ndarray of shape (n_values,)
        In the signal's unit, over the whole recording.
    rate_hz : float
        Of its values: it follows from the band's width, whatever the signal's own rate.
    """

    low_hz: float
    high_hz: float
    magnitude: np.ndarray
    rate_hz: float


def band_envelopes(
    values: np.ndarray,
    sampling_rate_hz: float,
    bands_hz: tuple[tuple[float, float], ...],
    least_rate_hz: float = 0.0,
    prewhitening: Prewhitening = "none",
) -> list[BandEnvelope]:
    """Return the envelope of each band, at `OVERSAMPLING` times the band's width.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), float64
        Without its mean (`centred`).
    sampling_rate_hz : float
    bands_hz : tuple of (float, float)
        Lower and upper edge of each band, in Hz.
    least_rate_hz : float
        Of the envelopes' values, where a band is narrow.
    prewhitening : {"none", "cepstrum"}
        Of the spectrum before (`whitened`); magnitudes are then in no unit.

    Raises
    ------
    ValueError
        If a band reaches above the Nyquist frequency, or holds no signal.

    Notes
    -----
    Magnitude of the analytic signal of the band, moved down to zero, which changes no magnitude (Randall 2011,
    Vibration-based Condition Monitoring, section 3.3): so far fewer values tell it than the signal has.
    """
    spectrum = scipy.fft.rfft(values)
    step_hz = sampling_rate_hz / values.size
    limit = SILENCE * np.sqrt(np.mean(values**2))
    envelopes = []
    for low_hz, high_hz in bands_hz:
        if high_hz > sampling_rate_hz / 2:
            raise ValueError(
                f"a band reaches {high_hz:g} Hz, but a recording at {sampling_rate_hz:g} Hz ends at "
                f"{sampling_rate_hz / 2:g} Hz (Nyquist); set bands_hz lower, for all recordings"
            )
        within = spectrum[max(1, int(np.ceil(low_hz / step_hz))) : int(high_hz / step_hz) + 1]
        size = scipy.fft.next_fast_len(int(np.ceil(max(OVERSAMPLING * within.size, least_rate_hz / step_hz, 2))))
        if not 2 * np.linalg.norm(within) / values.size > limit:  # the envelope's root mean square (Parseval)
            raise ValueError(
                f"the signal ({values.size} samples at {sampling_rate_hz:g} Hz) is silent between {low_hz:g} and "
                f"{high_hz:g} Hz; take this band out of bands_hz, or drop the series"
            )
        magnitude = np.abs(scipy.fft.ifft(whitened(within, prewhitening), size)) * (2 * size / values.size)
        envelopes.append(BandEnvelope(low_hz, high_hz, magnitude, size * step_hz))
    return envelopes


class Turning(Protocol):
    """How a shaft turned while it was recorded (`motor.recordings.tracking.Turning`)."""

    @property
    def fastest_hz(self) -> float: ...

    def in_angle(self, values: np.ndarray, rate_hz: float) -> tuple[np.ndarray, float]: ...


def by_turns(values: np.ndarray, rate_hz: float, speed_hz: float, turning: Turning | None) -> tuple[np.ndarray, float]:
    """Return values at even steps of the shaft's angle, and how many a turn has; a steady shaft's are so already."""
    return (values, rate_hz / speed_hz) if turning is None else turning.in_angle(values, rate_hz)


def log_envelope(magnitude: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of an envelope, never lower than -80 dB under its root mean square."""
    return np.log(np.maximum(magnitude, FLOOR * np.sqrt(np.mean(magnitude**2))))


def log_envelopes(
    values: np.ndarray, bands: tuple[tuple[float, float], ...], prewhitening: Prewhitening = "none"
) -> list[np.ndarray]:
    """Return the natural logarithm of each band's envelope, at the signal's own rate.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), float64
        Without its mean (`centred`).
    bands : tuple of (float, float)
        Lower and upper edge of each band, as shares of the Nyquist frequency.
    prewhitening : {"none", "cepstrum"}
        Of the spectrum before (`whitened`).

    Returns
    -------
    list of ndarray of shape (n_samples,)
        One for each band; never lower than -80 dB under the envelope's root mean square.

    Raises
    ------
    ValueError
        If a band holds no signal.

    Notes
    -----
    Magnitude of the analytic signal, whose negative frequencies are zero (Marple 1999, IEEE Transactions on Signal
    Processing 47(9), 2600-2603). The logarithm turns a gain into an offset and holds single impacts down (Borghesani
    and Antoni 2018, Mechanical Systems and Signal Processing 107, 378-397).
    """
    spectrum = np.fft.rfft(values)
    share_of_nyquist = np.arange(spectrum.size) / (values.size / 2)
    spectrum[1 : (values.size + 1) // 2] *= 2
    limit = SILENCE * np.sqrt(np.mean(values**2))
    within = [(share_of_nyquist >= low) & (share_of_nyquist <= high) for low, high in bands]
    return [
        _log_magnitude(spectrum * kept, values.size, limit, band, prewhitening)
        for kept, band in zip(within, bands, strict=True)
    ]


def _log_magnitude(
    one_sided: np.ndarray, n_samples: int, limit: float, band: tuple[float, float], prewhitening: Prewhitening
) -> np.ndarray:
    """Return the logarithm of the analytic signal's magnitude; `limit` is the least root mean square."""
    one_sided[0] = 0.0
    if np.linalg.norm(one_sided) / n_samples <= limit:  # the envelope's root mean square (Parseval)
        raise ValueError(
            f"the signal ({n_samples} samples) is silent between {band[0]:g} and {band[1]:g} of its Nyquist frequency; "
            "take this band out of bands, or drop the series"
        )
    return log_envelope(np.abs(np.fft.ifft(whitened(one_sided, prewhitening), n_samples)))


def order_power(envelope: np.ndarray, samples_per_revolution: float, revolutions: int, n_orders: int) -> np.ndarray:
    """Return the power of an envelope at orders ``0, 1 / revolutions, 2 / revolutions, ...``, `n_orders` of them.

    Welch's method (1967, IEEE Transactions on Audio and Electroacoustics 15(2), 70-73) with Hann windows and segments
    of whole revolutions that overlap by half at least: the resolution in orders is the same at every speed, rate and
    length, and nothing need be resampled.

    Raises
    ------
    ValueError
        If the signal does not hold one segment.
    """
    length = round(revolutions * samples_per_revolution)
    if envelope.size < length:
        raise ValueError(
            f"the recording holds {envelope.size / samples_per_revolution:.2f} revolutions of the shaft; a segment "
            f"needs {revolutions}; set revolutions lower, or give longer recordings"
        )
    n_segments = 1 + int(np.ceil(2 * (envelope.size - length) / length))
    starts = np.linspace(0, envelope.size - length, n_segments).round().astype(int)
    window = np.hanning(length + 1)[:-1]
    power = np.zeros(n_orders)
    for start in starts:
        segment = envelope[start : start + length]
        power += np.abs(np.fft.rfft((segment - segment.mean()) * window)[:n_orders]) ** 2
    return power / n_segments


def prominence_db(power: np.ndarray, half_width: int) -> np.ndarray:
    """Return how far each value stands over the median of its neighbourhood, in decibels.

    Parameters
    ----------
    power : ndarray of shape (n,)
        A spectrum.
    half_width : int
        Values on each side; at the ends the neighbourhood is shifted inwards.
    """
    level_db = 10.0 * np.log10(np.maximum(power, np.finfo(np.float64).tiny))
    return level_db - scipy.ndimage.median_filter(level_db, size=2 * half_width + 1, mode="nearest")


def harmonic_families(prominence: np.ndarray, first: int, last: int, n_harmonics: int) -> np.ndarray:
    """Return for each place from `first` to `last` the mean over itself and its multiples.

    Parameters
    ----------
    prominence : ndarray of shape (n,)
        From order 0 on, evenly spaced.
    first, last : int
        Places of the lowest and the highest fundamental.
    n_harmonics : int
        The fundamental included.

    Returns
    -------
    ndarray of shape (last - first + 1,)

    Raises
    ------
    ValueError
        If the last multiple does not lie in the spectrum.

    Notes
    -----
    A harmonic sum (Noll 1970, Symposium on Computer Processing in Communications, 779-797): a line of another source
    (say mains hum) stands alone, a fault's lines come in families. A fundamental is known to half a place, so its
    multiple `h` is looked for within `h / 2` places.
    """
    reach = last * n_harmonics + n_harmonics // 2
    if reach >= prominence.size:
        raise ValueError(
            f"multiple {n_harmonics} of place {last} needs {reach + 1} values; there are {prominence.size}"
        )
    fundamentals = np.arange(first, last + 1)
    total = np.zeros(fundamentals.size)
    for multiple in range(1, n_harmonics + 1):
        width = multiple // 2
        near = [prominence[fundamentals * multiple + shift] for shift in range(-width, width + 1)]
        total += np.max(near, axis=0)
    return total / n_harmonics


@dataclass(frozen=True)
class OrderHeights:
    """Heights over the floor, in decibels, at evenly spaced orders: the whole recording is one segment.

    Attributes
    ----------
    highest_db : ndarray of shape (n,)
        From order 0 on; of each place the highest within reach.
    spacing : float
        Orders from one to the next.
    """

    highest_db: np.ndarray
    spacing: float

    @classmethod
    def of(
        cls, values: np.ndarray, samples_per_revolution: float, shown: float, floor_orders: float, reach_orders: float
    ) -> "OrderHeights":
        """Return those of a signal or an envelope, up to an order or to where its rate ends.

        Parameters
        ----------
        values : ndarray of shape (n_values,)
        samples_per_revolution : float
        shown : float
            The highest order.
        floor_orders : float
            Orders over which the median is the floor; more where a recording is short.
        reach_orders : float
            How far from its place a line is looked for.
        """
        revolutions = values.size / samples_per_revolution
        padded = scipy.fft.next_fast_len(int(np.ceil(values.size * max(1.0, 1 / (SPACING * revolutions)))), real=True)
        spacing = samples_per_revolution / padded
        n_kept = min(padded // 2 + 1, int(shown / spacing) + 2)
        window = np.hanning(values.size + 1)[:-1]
        power = np.abs(scipy.fft.rfft((values - values.mean()) * window, padded)[:n_kept]) ** 2
        width = max(floor_orders, RESOLVED / revolutions)
        height_db = np.maximum(prominence_db(power, max(2, round(width / 2 / spacing))), 0.0)
        return cls(
            scipy.ndimage.maximum_filter1d(height_db, 2 * round(reach_orders / spacing) + 1, mode="nearest"), spacing
        )

    def height(self, orders: np.ndarray) -> float:
        """Return the mean height at some orders, those beyond the spectrum left out: 0 where all are."""
        return float(self.families(orders[None])[0])

    def families(self, orders_FH: np.ndarray) -> np.ndarray:
        """Return the mean height over each row of orders, float64 of shape (n_rows,); see `height`."""
        places = np.rint(orders_FH / self.spacing).astype(int)
        there = places < self.highest_db.size
        found = np.where(there, self.highest_db[np.where(there, places, 0)], 0.0)
        return found.sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
