"""The bases of feature plug-ins: whatever they look at, they give one row for each series.

There are three kinds: what a forecaster says of windows (`ForecastFeature`), what is learned from the
windows of training series (`FittedFeature`), and what is computed from a recording alone (`RecordingFeature`).

Shapes: B windows, N samples of a window (context, and horizon where `needs_future`), T context,
H horizon.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from motor.lazy import pandas as pd
from motor.registry import Plugin

DOMAIN_MARK = "domain_is_"  # before a domain: the column that tells whether a series is of it


@dataclass(frozen=True)
class WindowFeatures:
    """Arrays that a feature keeps of each window.

    Attributes
    ----------
    frame : DataFrame of n_windows rows
        Columns in float32. Straight from `per_window` the rows are numbered; `join` gives them the
        index ``('item', 'window')``.
    residuals_BH : ndarray of shape (n_windows, prediction_length), float32, or None
        The median forecast's errors, for features that compare two sensors.
    """

    frame: "pd.DataFrame"
    residuals_BH: np.ndarray | None = None

    @classmethod
    def join(cls, parts: Sequence["WindowFeatures"], items: Sequence[str], windows: Sequence[int]) -> "WindowFeatures":
        """Return the parts as one, with the item and the window number of each row as index.

        Parameters
        ----------
        parts : sequence of WindowFeatures
            Results of `per_window`, in the order of the rows.
        items, windows : sequences of n_windows
            For each row its item, and the number of the window in that item.

        Raises
        ------
        ValueError
            If there are not as many items and window numbers as rows, or a window comes twice.
        """
        frame = pd.concat([part.frame for part in parts], ignore_index=True)
        if not len(frame) == len(items) == len(windows):
            raise ValueError(f"{len(frame)} rows of features, but {len(items)} items and {len(windows)} window numbers")
        frame.index = pd.MultiIndex.from_arrays([items, windows], names=["item", "window"])
        if not frame.index.is_unique:
            repeated = frame.index[frame.index.duplicated()][0]
            raise ValueError(f"window {repeated[1]} of item {repeated[0]!r} comes twice")
        residuals = [part.residuals_BH for part in parts if part.residuals_BH is not None]
        return cls(frame, np.concatenate(residuals) if residuals else None)


class Feature(Plugin):
    """Turns a series into what a classifier sees of it."""

    ROOM: ClassVar[str] = "motor.features"

    def described(self, at: Any, fold: str) -> Any:
        """Return the stage that describes the series of a fold by this feature; None leaves that to the method.

        A feature of a kind of its own, or with a stage of its own before it, builds that stage here: it chains what it
        needs to `at`, as a method does (`motor.methods.base.Link`), and is then a method's only feature.

        Parameters
        ----------
        at : motor.methods.base.Link
        fold : str

        Returns
        -------
        motor.stages.described.Described or None
        """
        return None

    def incompatibilities(
        self, prediction_length: int, quantile_levels: tuple[float, ...]
    ) -> Iterator[tuple[str, str]]:
        """Yield what cannot work, known before anything runs: the argument's name, and why."""
        yield from ()


class RecordingFeature(Feature, ABC):
    """Describes a recording as it was measured: nothing is fitted, represented or scaled."""

    looks_at_lines: ClassVar[bool] = False
    """Whether lines at orders of the shaft speak for what is said by it (see `motor.features.evidence`)."""

    takes_turning: ClassVar[bool] = False
    """Whether it takes the shaft's angle (``turning``) beside the mean speed, where the speed varies."""

    @property
    def settles(self) -> bool:
        """Whether the recordings' table decides something of it (see `settled`)."""
        return type(self).settled is not RecordingFeature.settled

    def settled(self, meta: "pd.DataFrame") -> Self:
        """Return it with what it leaves open decided by the data: by rates, lengths and speeds, never by labels.

        Parameters
        ----------
        meta : DataFrame
            One row for each recording of the data set: sampling_rate_hz, n_samples, speed_rpm (NaN: not known).
        """
        return self

    def faults(self, meta: "pd.DataFrame") -> Iterator[str]:
        """Yield what it cannot describe of a data set, each with the next step: known before anything is trained.

        Parameters
        ----------
        meta : DataFrame
            One row for each recording: item, sampling_rate_hz, n_samples, speed_rpm (NaN: not known).
        """
        yield from ()

    @property
    def selects(self) -> bool:
        """Whether training motors decide which of its columns stay (see `left_out`)."""
        return type(self).left_out is not RecordingFeature.left_out

    def left_out(self, training: "pd.DataFrame", motors: "pd.Series") -> Iterator[str]:
        """Yield the columns that a fold does without, by its training motors alone and never by labels.

        Parameters
        ----------
        training : DataFrame
            One row for each training series: what the features of the method say of it.
        motors : Series
            The motor of each row.
        """
        yield from ()

    @abstractmethod
    def from_recording(self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None) -> dict[str, float]:
        """Describe one recording; every recording of a data set gets the same names.

        Parameters
        ----------
        signal : ndarray of shape (n_samples,), float32
            In the unit of the file; never written to.
        sampling_rate_hz : float
        speed_rpm : float or None
            Of the shaft, where it is known.

        Raises
        ------
        ValueError
            If the recording cannot be described so, with the next step.
        """


class MachineFeature(RecordingFeature):
    """Describes a recording by what is known of its machine."""

    def from_recording(self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None) -> dict[str, float]:
        """Describe a recording of a machine of which nothing is known but its shaft."""
        return self.from_machine(signal, sampling_rate_hz, speed_rpm, {"shaft": 1.0})

    @abstractmethod
    def from_machine(
        self,
        signal: np.ndarray,
        sampling_rate_hz: float,
        speed_rpm: float | None,
        components: Mapping[str, float | None],
    ) -> dict[str, float]:
        """Describe one recording; see `RecordingFeature.from_recording`.

        Parameters
        ----------
        signal, sampling_rate_hz, speed_rpm
            As there; the speed is known.
        components : mapping of str to float or None
            Part -> the order of the shaft at which it shows; None: other machines of the data have it, this one not.
        """


def revolution_faults(kind: str, meta: "pd.DataFrame", fewest: float, advice: str) -> Iterator[str]:
    """Yield a fault where recordings have no speed, and one where they hold too few revolutions of the shaft."""
    unknown = meta[~(meta["speed_rpm"] > 0)]
    if len(unknown):
        yield (
            f"feature {kind} needs speed_rpm > 0, but {unknown['item'].iloc[0]} has none, nor have {len(unknown) - 1} "
            "others; give the reader a column, a pattern or a constant for speed_rpm, or set speed: {source: either}"
        )
    revolutions = meta["n_samples"] / meta["sampling_rate_hz"] * meta["speed_rpm"] / 60
    short = revolutions[revolutions < fewest]
    if len(short):
        yield (
            f"feature {kind} needs {fewest:g} revolutions of the shaft, but {meta['item'][short.idxmin()]} holds "
            f"{short.min():.2f}, and {len(short) - 1} others hold too few; {advice}"
        )


class FittedModel(ABC):
    """What a `FittedFeature` learned; it pickles."""

    @abstractmethod
    def transform(self, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Describe series: one row for each row of `meta`, indexed by item, in its order.

        Parameters
        ----------
        windows_BT : ndarray of shape (n_windows, context_length), float32
            Scaled windows, in any order.
        position_B : ndarray of shape (n_windows,), int
            The row of `meta` that each window is cut from.
        meta : DataFrame
            Columns item, motor, domain; labels are not given.
        """


class FittedFeature(Feature, ABC):
    """Learned from the windows of training series."""

    needs_labels: ClassVar[bool]
    """True: the labels of training series shape it, so training series are described by models of other motors."""

    leaves_out_own_motor: ClassVar[bool] = False
    """True: its model describes a series by other motors alone, so one model is enough for training series, too."""

    @abstractmethod
    def fit(
        self, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame", seed: int, n_threads: int
    ) -> FittedModel:
        """Learn from training series.

        Parameters
        ----------
        windows_BT : ndarray of shape (n_windows, context_length), float32
            Scaled windows.
        position_B : ndarray of shape (n_windows,), int
            The row of `meta` that each window is cut from.
        meta : DataFrame
            One row for each training series: item, motor, domain, label.
        seed : int
        n_threads : int
            Changes no result.
        """


class ForecastFeature(Feature, ABC):
    """Turns windows, as a forecaster sees them, into what a classifier sees of a series."""

    needs_future: ClassVar[bool]
    """True: a window is a context and the horizon after it; False: a context alone."""

    compares: ClassVar[bool] = False
    """Whether a series' row depends on other sensors of its motor at the same moment."""

    needs: ClassVar[tuple[str, ...]] = ()
    """What it takes of a forecaster beside quantiles, say ``embedding``; a config that puts it together with a backbone
    that does not give this is a fault."""

    @abstractmethod
    def per_window(self, forecaster: Any, batch: Any, sampling_rate_hz: float) -> WindowFeatures:
        """Describe each window on its own: a row never depends on other rows of the batch, but those of its group.

        Parameters
        ----------
        forecaster : Forecaster
            From `motor.backbones`, on its device, in evaluation mode.
        batch : Batch
            From `motor.backbones`, of arrays: scaled `context_BT`, `future_BH` where `needs_future`, and what is known
            of each window.
        sampling_rate_hz : float
            Of the windows, after any decimation.
        """

    @abstractmethod
    def per_series(self, windows: WindowFeatures, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return one row for each series, indexed by item in the order of `meta`.

        Which columns there are depends on the series at hand (one domain or more, partners or
        none), so it is called once with the series of every side of a split. Nothing is fitted:
        a row depends on its own series and on its partners at the same moment, which are of the
        same motor and so of the same side.

        Parameters
        ----------
        windows : WindowFeatures
            Joined, so that its frame has the index ``('item', 'window')``.
        meta : DataFrame
            One row for each series, columns item, motor, domain, label, moment.

        Raises
        ------
        ValueError
            If a series has no windows, or windows have no series.
        """


def check_windows(windows_BN: np.ndarray, n_samples: int) -> None:
    """Raise ValueError unless there are windows of `n_samples` each."""
    if windows_BN.ndim != 2 or windows_BN.shape[1] != n_samples:
        raise ValueError(f"windows have shape {windows_BN.shape}; expected (n_windows, {n_samples})")


def check_series(frame: "pd.DataFrame", meta: "pd.DataFrame") -> None:
    """Raise ValueError unless `frame` has windows of each item of `meta`, and of no other."""
    if not meta["item"].is_unique:
        raise ValueError(f"item {meta['item'][meta['item'].duplicated()].iloc[0]!r} has two rows in meta")
    with_windows, with_meta = set(frame.index.get_level_values("item")), set(meta["item"])
    for there, lacking, what in ((with_meta, with_windows, "no windows"), (with_windows, with_meta, "no row in meta")):
        if there - lacking:
            raise ValueError(f"{len(there - lacking)} series have {what}, the first: {min(there - lacking)!r}")


def side_by_side(frames: Sequence["pd.DataFrame"]) -> "pd.DataFrame":
    """Join frames of the same series; a column that comes twice (a domain's mark) is taken once."""
    joined = pd.concat(frames, axis=1)
    return joined.loc[:, ~joined.columns.duplicated()]


def mean_and_spread(frame: "pd.DataFrame", meta: "pd.DataFrame") -> "pd.DataFrame":
    """Return each column's mean over a series' windows and its deviation ``<name>_over_windows``, then the domain."""
    check_series(frame, meta)
    grouped = frame.astype(np.float64).groupby(level="item")
    pooled = [grouped.mean(), grouped.std(ddof=0).add_suffix("_over_windows")]
    return pd.concat([*(one.loc[meta["item"]] for one in pooled), domain_one_hot(meta)], axis=1)


def of_class_forecaster(frame: "pd.DataFrame", labels: str) -> "pd.DataFrame":
    """Name the columns by the series that their forecaster was trained on; a domain's mark is nobody's."""
    return frame.rename(columns=lambda name: name if name.startswith(DOMAIN_MARK) else f"{labels}: {name}")


def domain_one_hot(meta: "pd.DataFrame") -> "pd.DataFrame":
    """Return a 0/1 column for each domain, indexed by item; no columns where there is one domain.

    This is how a classifier of the joint regime knows the sensor.
    """
    domains = sorted(meta["domain"].unique())
    columns = {f"{DOMAIN_MARK}{domain}": (meta["domain"] == domain).to_numpy(np.float64) for domain in domains}
    return pd.DataFrame(columns if len(domains) > 1 else {}, index=pd.Index(meta["item"], name="item"))
