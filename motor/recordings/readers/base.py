"""What all readers share: their settings, the lookup of a recording's fields, and the checks.

A reader yields a `Source` for each recording, in `sources()`; `Reader.read` turns sources into checked recordings.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_serializer, field_validator, model_validator

from motor.recordings.agreement import agreed_rate
from motor.recordings.fields import Value, first_known
from motor.recordings.files import Listing, list_files
from motor.recordings.formats.shapes import check_length
from motor.recordings.life import LifeLabels, is_by_life, life_labels
from motor.recordings.machines import Machine
from motor.recordings.names import cleaned, distinct_names
from motor.recordings.ordered import ordered_map, threads_of_a_generator
from motor.recordings.readers.claims import Claims
from motor.recordings.readers.columns import found_columns
from motor.recordings.readers.lookup import fields_of, missing
from motor.recordings.readers.name_groups import check_groups, check_time_format
from motor.recordings.readers.source import ItemField, Source
from motor.recordings.recording import NEXT_STEP, DataError, Recording, SeriesError, cut, is_constant
from motor.recordings.signals import MOST_SAMPLES, finite_signal, keep_freed_memory
from motor.registry import Plugin

# Signals are read ahead on so many threads, for files on shared storage come late, each after the other; more threads
# than CPUs would cost memory that is new to the process each time.
N_LOADS = max(2, min(4, os.cpu_count() or 1))
AHEAD_BYTES = 2**27  # of the samples that are read ahead, as far as their files tell it
AS_RECORDED = "as recorded"  # the unit of a domain that `units` does not name


def _weight(known: tuple[Source, dict[str, Value]]) -> float:
    return known[0].n_bytes


def _is_empty(value: Any) -> bool:
    return not value


LONGEST_PATH = 4096  # characters that a message shows


class Reader(Plugin):
    """Settings common to all readers.

    A field of a recording is taken from the first of these that tells it: a column of the table, a group of
    `pattern`, the file itself (the rate in a WAV's head, the folders of a tree), `constants` or `sampling_rate_hz`.

    Attributes
    ----------
    path : str
        File or folder, seen from the working directory. Its content counts for the results, not its place.
    pattern : str, optional
        Regular expression, searched in the item's name, with named groups out of motor, domain, label, moment,
        fold, speed_rpm, sampling_rate_hz, recorded_at and reference.
        ``motor_2`` beside motor is joined to it by a dash.
    lookup : dict
        Further groups of the pattern: group -> what it says in a name -> fields, as
        ``{load: {"0": {speed_rpm: 1797}, "1": {speed_rpm: 1772}}}``.
    recorded_at_format : str, optional
        How the pattern's group recorded_at is written, as ``%Y.%m.%d.%H.%M.%S`` (Python's strptime).
    columns : dict
        Field -> column of the table, beside those that a reader expects by itself.
    constants : dict
        Field -> value for all recordings.
    labels : dict
        Raw label -> class; labels that are not listed stay as they are. Or ``{by: life, normal: [0.05, 0.35],
        failing: [0.97, 1]}``: by the place in a motor's life (see `motor.recordings.life`), whatever the data tell.
    classes, domains : tuple of str
        All labels and all domains that may come; any other is an error.
    unlabelled : str, optional
        The raw label (the name of a folder, say) of recordings whose class nobody knows. An empty cell of a table's
        label means the same. They are trained upon where no label is needed, and never scored.
    deliveries : tuple of str
        Paths of recordings that came later, each read as `path` is, and by itself: a new one changes no key of what
        was made of those before. Recordings of one moment come in one delivery.
    labels_file : str, optional
        A CSV table of labels beside the data (see `motor.recordings.labels`), which count more than those in it; the
        data itself need then tell none. A changed label reads no recording again.
    normals_file : str, optional
        The same with the labels that fine-tunes on normal series alone may know: a loop writes it, so that the label
        of a faulty series retrains nothing that never saw it.
    test_labels_file : str, optional
        The same with the labels of test motors, where `labels_file` has none of them: a loop writes it. They come in
        where recipes are scored, so that no label of a test motor trains anything.
    sampling_rate_hz : float, optional
        For data that does not tell it.
    series_length : int, optional
        Cut longer recordings into consecutive series of this many samples, named ``"<item>#0"``, ``"<item>#1"``
        and so on (so is their moment); what is left at the end is dropped. Shorter ones are bad series.
    max_samples : int
        A recording of more is a bad series, found by its file's head before its samples are read: small files can
        unpack to many gigabytes.
    on_bad_series : {"fail", "skip"}
        What a signal at fault (NaN, constant, too short, unreadable) does. Faults of structure always raise.
    units : dict
        Domain -> the unit of its signals ("m/s2", "Pa"), for the report's axes; nothing is converted.
    machines : dict
        Motor (or ``"*"``, any other) -> what is known of its parts, for feature ``lines`` and to name lines by; see
        `physics.md`.
    """

    ROOM: ClassVar[str] = "motor.recordings.readers"

    opens: ClassVar[tuple[str, ...]] = ()
    """Suffixes, say ``".xyz"``, of files that `sources` reads where `path` is one of them: so recordings that come
    after the training are read, too. Without any, these are read in the formats that the project knows."""

    default_columns: ClassVar[Mapping[str, str]] = {}
    required_columns: ClassVar[tuple[str, ...]] = ()
    duplicate_advice: ClassVar[str] = "give each recording a name of its own"
    loads_at_once: ClassVar[int] = N_LOADS

    path: str = Field(exclude=True)
    lookup: dict[str, dict[str, dict[ItemField, str | float | bool]]] = Field(default={}, exclude_if=_is_empty)
    pattern: str | None = None
    recorded_at_format: str | None = Field(default=None, min_length=1, exclude_if=_is_empty)
    columns: dict[str, str] = Field(default={})
    constants: dict[ItemField, str | float | bool] = Field(default={})
    labels: dict[str, str] | LifeLabels = Field(default={})
    classes: tuple[str, ...] = Field(min_length=1)
    domains: tuple[str, ...] = Field(min_length=1)
    unlabelled: str | None = Field(default=None, min_length=1, exclude_if=lambda name: name is None)
    deliveries: tuple[str, ...] = Field(default=(), exclude=True)
    labels_file: str | None = Field(default=None, min_length=1, exclude_if=lambda name: name is None)
    normals_file: str | None = Field(default=None, min_length=1, exclude=True)
    test_labels_file: str | None = Field(default=None, min_length=1, exclude=True)
    sampling_rate_hz: float | None = Field(default=None, gt=0)
    series_length: int | None = Field(default=None, ge=2)
    max_samples: int = Field(default=MOST_SAMPLES, ge=2, exclude=True)
    on_bad_series: Literal["fail", "skip"] = "fail"
    units: dict[str, str] = Field(default={}, exclude=True)
    machines: dict[str, Machine] = Field(default={}, exclude=True)

    @classmethod
    def from_record(cls, settings: Mapping[str, Any]) -> Any:
        """Return the reader that a record tells; where its data is, no record says."""
        return super().from_record({"path": "", **settings})

    @field_serializer("labels_file")
    def _leave_out_place(self, path: str | None) -> str | None:
        """Leave out where the labels lie: their content counts, in a stage of its own."""
        return path and "beside"

    @field_serializer("labels")
    def _leave_out_ranges(self, labels: dict[str, str] | LifeLabels) -> Any:
        """Leave out the ranges of a life: they count in a stage of its own, and a change reads no recording again."""
        return labels.by if isinstance(labels, LifeLabels) else labels

    @field_validator("labels", mode="before")
    @classmethod
    def _read_labels(cls, labels: Any) -> Any:
        return life_labels(labels) if is_by_life(labels) else labels

    @property
    def raw_labels(self) -> dict[str, str]:
        """Raw label -> class, as far as the settings map them."""
        return {} if isinstance(self.labels, LifeLabels) else self.labels

    @property
    def life(self) -> LifeLabels | None:
        """What labels the recordings by their place in a life, if that is it."""
        return self.labels if isinstance(self.labels, LifeLabels) else None

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None, info: ValidationInfo) -> str | None:
        if pattern is not None:
            check_groups(pattern, info.data.get("lookup", {}))
        return pattern

    @field_validator("recorded_at_format")
    @classmethod
    def _check_time_format(cls, text: str | None) -> str | None:
        if text is not None:
            check_time_format(text)
        return text

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(columns) - set(cls.default_columns)):
            allowed = ", ".join(cls.default_columns) or "none, for this reader reads no table"
            raise ValueError(f"unknown field {unknown[0]!r}; allowed: {allowed}")
        return columns

    @field_validator("classes", "domains")
    @classmethod
    def _check_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return distinct_names(names)

    @field_validator("labels", "units")
    @classmethod
    def _clean_keys(cls, by_name: dict[str, str] | LifeLabels) -> dict[str, str] | LifeLabels:
        if isinstance(by_name, LifeLabels):
            return by_name
        return {cleaned(name): value for name, value in by_name.items()}

    @model_validator(mode="after")
    def _check_together(self) -> "Reader":
        if strangers := sorted({*self.raw_labels.values(), *(self.life.ranges if self.life else ())} - {*self.classes}):
            raise ValueError(f"labels leads to {strangers[0]!r}, which is not in classes: {', '.join(self.classes)}")
        if self.life and self.life.ranges and (absent := [one for one in self.classes if one not in self.life.ranges]):
            raise ValueError(
                f"labels by {self.life.by} has no range for {absent[0]!r}, which is in classes; give it one"
            )
        if self.life and self.labels_file is not None:
            raise ValueError(f"labels by {self.life.by} and labels_file are both set; keep one of them")
        if self.deliveries and not self.path:
            raise ValueError(f"deliveries is set, but {self.kind} has no path that they could come after; leave it out")
        if self.test_labels_file is not None and self.labels_file is None:
            raise ValueError("test_labels_file is set, and no labels_file; set that to the labels of the other motors")
        if self.unlabelled in (*self.classes, *self.raw_labels):
            raise ValueError(f"unlabelled is {self.unlabelled!r}, which classes or labels name, too; keep one of them")
        if strangers := sorted(set(self.units) - set(self.domains)):
            raise ValueError(f"units names {strangers[0]!r}, which is not in domains: {', '.join(self.domains)}")
        if self.lookup and self.pattern is None:
            raise ValueError("lookup is set, and no pattern whose groups are looked up; set pattern")
        if self.sampling_rate_hz is not None and "sampling_rate_hz" in self.constants:
            raise ValueError("sampling_rate_hz is set, and constants.sampling_rate_hz too; keep one of them")
        return self

    def files(self) -> list[Path]:
        """Return the files that are read, sorted: their content enters the dataset's digest."""
        raise NotImplementedError

    def sources(self) -> Iterator[Source]:
        """Yield one source a recording, in an order that the data alone decides, in bounded memory."""
        raise NotImplementedError

    def base_folder(self) -> Path:
        """Return what the names of `files()` are relative to, for the digest."""
        return Path(self.path)

    def read(self, skipped: list[dict[str, str]] | None = None) -> Iterator[Recording]:
        """Yield the recordings, checked, one at a time.

        Parameters
        ----------
        skipped : list, optional
            Under ``on_bad_series: skip`` each bad series adds ``{"item": ..., "reason": ...}`` to it.

        Raises
        ------
        DataError
            If the data is at fault; the message names the file, the place, the value and the next step.
        """
        yield from self.checked(self.sources(), skipped)

    def named(self) -> Iterator[tuple[str, dict[str, Value]]]:
        """Yield each recording's name with its fields; no signal is read, and none is cut (`series_length`)."""
        for source, fields in self._claimed(self.sources()):
            yield source.item, fields

    def checked(self, sources: Iterable[Source], skipped: list[dict[str, str]] | None = None) -> Iterator[Recording]:
        """Yield the recordings of some sources, as `read` does with all of them."""
        keep_freed_memory()
        for source, whole in self._loads(sources):
            if isinstance(whole, SeriesError):
                self._skip(source.item, whole, skipped)
                continue
            yield from self._series(source, whole, skipped)
            del source, whole  # a long one is not kept while the next is read

    def _loads(self, sources: Iterable[Source]) -> Iterator[tuple[Source, Recording | SeriesError]]:
        """Yield each source with its recording, or why its signal is bad."""
        if self.loads_at_once == 1:
            yield from map(self._loaded, self._claimed(sources))
            return
        n_loads = self.loads_at_once
        with threads_of_a_generator(n_loads) as executor:
            yield from ordered_map(self._loaded, self._claimed(sources), executor, n_loads, _weight, AHEAD_BYTES)

    def _series(self, source: Source, whole: Recording, skipped: list[dict[str, str]] | None) -> Iterator[Recording]:
        """Yield the series of a recording that are not constant."""
        for series in cut(whole, self.series_length):
            if is_constant(series.signal):
                every = f"the signal of {series.item!r} is constant, every sample is {series.signal[0]}"
                self._skip(series.item, SeriesError(f"{source.place}: {every}; {NEXT_STEP}"), skipped)
            else:
                yield series

    def known_length(self) -> tuple[int | None, float | None]:
        """Return the samples of every series and their rate (Hz), as far as the settings alone tell them."""
        return self.series_length, None

    def tolerates(self, error: SeriesError) -> bool:
        """Tell whether a series at fault is left out."""
        return self.on_bad_series == "skip"

    def passed_over(self) -> str:
        """Return in words which files beside the data are not read; empty if there are none."""
        return ""

    def listed(self, suffixes: Sequence[str], are_tables: bool = False) -> Listing:
        """Return the files of `path`; itself, where it is a file.

        Raises
        ------
        DataError
            If there is none to read.
        """
        path = self.existing_path()
        if path.is_file():
            return Listing([path], [])
        if not path.is_dir():
            raise DataError(
                f"{path}: this is neither a file nor a folder (a pipe or a device?); correct the dataset's path"
            )
        listing = list_files(path, suffixes, are_tables)
        if not listing.files:
            raise DataError(
                f"{path}: no file to read in this folder; allowed are {', '.join(suffixes)}, there are "
                f"{listing.summary() or 'no files'}; correct the dataset's path (or suffixes)"
            )
        return listing

    def existing_path(self) -> Path:
        """Return `path`, or raise a DataError if nothing is there."""
        path = Path(self.path)
        if not os.path.exists(path):  # noqa: PTH110  # one that is too long is none, too
            raise DataError(
                f"path {self.path[:LONGEST_PATH]!r} does not exist (seen from {Path.cwd()}); correct the dataset's path"
            )
        return path

    def needed_columns(self) -> tuple[str, ...]:
        """Return the fields for which a table has to have a column."""
        return self.required_columns

    def found_columns(self, header: Sequence[str], place: str) -> dict[str, str]:
        """Return which column of a table holds which field.

        Columns that `columns` names have to be there, and so have the reader's required ones; its other expected
        columns are taken if they are there. `place` says where the header stands, for messages.
        """
        return found_columns(self, header, place)

    def _claimed(self, sources: Iterable[Source]) -> Iterator[tuple[Source, dict[str, Value]]]:
        """Yield each source with its fields; raise if an item comes twice, or a motor in two spellings."""
        claims = Claims(self.duplicate_advice)
        for source in sources:
            claims.check_item(source)
            fields = fields_of(self, source)
            claims.check_motor(str(fields["motor"]), source)
            yield source, fields

    def _loaded(self, known: tuple[Source, dict[str, Value]]) -> tuple[Source, Recording | SeriesError]:
        """Return a source's recording, or why its signal is bad."""
        source, fields = known
        try:
            return source, self._load(source, fields)
        except SeriesError as error:
            return source, error

    def _load(self, source: Source, fields: dict[str, Value]) -> Recording:
        """Return the whole recording, its signal finite and long enough."""
        signal, own_rate = source.load()
        own = first_known((own_rate, source.own.get("sampling_rate_hz")))
        settings = first_known((self.constants.get("sampling_rate_hz"), self.sampling_rate_hz))
        rate = agreed_rate(fields["sampling_rate_hz"], own, settings, source.item, source.place)
        if rate is None:
            raise missing(self, "sampling_rate_hz", source)
        fields["sampling_rate_hz"] = rate
        check_length(len(signal), self.max_samples, source.place)
        signal = finite_signal(signal, source.place)
        needed = self.series_length or 2
        if len(signal) < needed:
            why = "series_length asks for" if self.series_length else "a signal has at least"
            raise SeriesError(f"{source.place}: {source.item!r} has {len(signal)} samples, {why} {needed}; {NEXT_STEP}")
        fields |= source.tells_turning(rate, fields["speed_rpm"])
        return Recording(item=source.item, signal=signal, **fields)  # type: ignore[arg-type]

    def _skip(self, item: str, error: SeriesError, skipped: list[dict[str, str]] | None) -> None:
        """Note a bad series, or raise if bad series are not to be skipped."""
        if not self.tolerates(error):
            raise error
        if skipped is not None:
            skipped.append({"item": item, "reason": str(error)})
