"""Read files of any documented format as recordings to be judged, with what is known of each."""

import csv
import glob
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from motor.predicting.faults import Fault
from motor.recordings.agreement import agreed_rate
from motor.recordings.fields import Value, first_known, positive
from motor.recordings.files import list_files
from motor.recordings.formats.layout import MOST_SKIPPED, TableLayout
from motor.recordings.names import cleaned, shown
from motor.recordings.readers.base import Reader, Source
from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.readers.manifest import Manifest
from motor.recordings.readers.name_groups import groups_of
from motor.recordings.readers.parquet import Parquet
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError, Recording, near
from motor.recordings.signals import MOST_SAMPLES, SignalOptions, finite_signal, read_signal
from motor.recordings.text import delimiter_of, opened_text
from motor.registry import class_from_record, from_record

SIGNALS = (".wav", ".npy", ".mat", ".csv")
TABLES = (".parquet", ".parq", ".pq")
SUFFIXES = (*SIGNALS, *TABLES)
MOST_SENT = 32_000_000  # samples of a recording in a request
NAMES = ("motor", "domain", "moment", "speed_rpm")
LAYOUT = ("delimiter", "decimal", "skip_rows")
UNKNOWN = ""  # a motor or a label that nothing tells


@dataclass(frozen=True)
class InputOptions:
    """What is known of recordings before they are opened.

    Attributes
    ----------
    domains : tuple of str
        Those that can be judged.
    dataset : mapping
        Settings of the reader that the training used; it finds fields in the same way.
    pattern : str, optional
        In the place of the reader's: searched in the name, with groups such as domain, motor and moment.
    domain, sampling_rate_hz, speed_rpm : optional
        For recordings that do not tell it otherwise.
    variable : str, optional
        Of ``.mat`` and ``.csv`` files with several.
    delimiter, decimal, skip_rows : optional
        How tables are written, in the place of the training's settings; see `motor.recordings.formats.layout`.
    is_sent : bool
        Whether a client sent the files: then nothing in them names a file of this machine, and their folders say
        nothing.
    """

    domains: tuple[str, ...]
    dataset: Mapping[str, Any] = field(default_factory=dict)
    pattern: str | None = None
    domain: str | None = None
    sampling_rate_hz: float | None = None
    speed_rpm: float | None = None
    variable: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    skip_rows: int | None = None
    is_sent: bool = False


Told = InputOptions  # its name for programs that were written before it was called so


def read_recordings(paths: Iterable[str | Path], options: InputOptions) -> Iterator[Recording | Fault]:
    """Yield the recordings of files, folders and patterns such as ``new/*.wav``; a fault in the place of a bad one.

    Parameters
    ----------
    paths : iterable of str or Path
        A signal (``.wav``, ``.npy``, ``.mat``, ``.csv``); a long CSV or a manifest, known by its header; a Parquet
        table; a folder with any of these, of which a ``manifest.csv`` counts alone.
    options : InputOptions
    """
    _check(options)
    seen: set[str] = set()
    for path in paths:
        for found in _of_path(str(path), options):
            if found.item in seen and isinstance(found, Recording):
                yield Fault(found.item, f"{found.item}: comes twice; give each recording once, and a name of its own")
                continue
            seen.add(found.item)
            yield found


def _check(options: InputOptions) -> None:
    """Raise DataError if the options can be of no recording."""
    if options.domain is not None and options.domain not in options.domains:
        raise DataError(_unknown_domain("--domain", options.domain, options.domains))
    if options.pattern is not None:
        try:
            _reader("tree", ".", options)  # its own check says which groups there are
        except ValueError as error:
            reason = str(error).partition("Value error, ")[2].partition(" [type=")[0]
            raise DataError(f"--pattern {reason or error}") from error
    _check_layout(options)


def _check_layout(options: InputOptions) -> None:
    """Raise DataError if no table can be written as the options say."""
    for name, marks in (("delimiter", (",", ";", "\t", "|")), ("decimal", (".", ","))):
        if (mark := getattr(options, name)) is not None and mark not in marks:
            raise DataError(f"{name} is {shown(mark)}; allowed: {', '.join(map(repr, marks))}")
    if options.skip_rows is not None and not 0 <= options.skip_rows <= MOST_SKIPPED:
        raise DataError(
            f"skip_rows is {options.skip_rows}; give how many lines stand above the table, 0 to {MOST_SKIPPED}"
        )
    layout = _layout(options)
    if layout.get("delimiter") == layout.get("decimal", "."):
        raise DataError(f"delimiter and decimal are both {layout['delimiter']!r}; tell another delimiter")


def _layout(options: InputOptions, kinds: tuple[str, ...] = ("tree", "manifest")) -> dict[str, Any]:
    """Return how tables are written: as this call says, else as in a training whose reader was of one of `kinds`."""
    own = options.dataset if options.dataset.get("kind") in kinds else {}
    found = {name: first_known((getattr(options, name), own.get(name))) for name in LAYOUT}
    return {name: value for name, value in found.items() if value is not None}


def _of_path(path: str, options: InputOptions) -> Iterator[Recording | Fault]:
    """Yield what one path, or pattern of paths, holds."""
    try:
        for file in _files(path, options):
            try:
                for source in _sources(file, options):
                    yield _recording(source, options)
            except ValueError as error:
                yield Fault.of(str(file), error)
    except ValueError as error:
        yield Fault.of(path, error)


def _files(path: str, options: InputOptions) -> list[Path]:
    """Return the files that a path means, sorted."""
    here = Path(path)
    if not here.exists() and glob.has_magic(path):
        matched = [Path(name) for name in sorted(glob.glob(path, recursive=True))]  # noqa: PTH207
        if not matched:
            raise DataError(f"{path}: no file matches (seen from {Path.cwd()}); correct the pattern")
        return [file for one in matched for file in (_files(str(one), options) if one.is_dir() else [one])]
    if not here.exists():
        raise DataError(f"{path}: there is no such file or folder (seen from {Path.cwd()}); correct the path")
    if not here.is_dir():
        return [here]
    if (here / "manifest.csv").is_file():
        return [here / "manifest.csv"]
    suffixes = tuple(dict.fromkeys((*SUFFIXES, *opened_in_training(options), *options.dataset.get("suffixes", ()))))
    found = list_files(here, suffixes)
    if not found.files:
        raise DataError(f"{path}: no recording in this folder; allowed are {', '.join(suffixes)}")
    return found.files


def _sources(file: Path, options: InputOptions) -> Iterator[Source]:
    """Yield the recordings of one file, not yet looked into."""
    if file.suffix.lower() in opened_in_training(options):
        yield from from_record(Reader.ROOM, {**options.dataset, "path": str(file)}).sources()
        return
    kind = _table_kind(file, options)
    if kind == "manifest" and options.is_sent:
        raise DataError(
            f"{file}: a table with a column of files is not read out of a request; send the files themselves, several "
            "as multipart/form-data"
        )
    if kind is not None:
        reader = _reader(kind, str(file), options)
        yield from _of_judged_domains(reader, reader.sources(), options)
        return
    folders = [] if options.is_sent else [part for part in file.parts[:-1] if part in options.domains]
    own = {"domain": folders[-1]} if folders else {}
    if options.dataset.get("channels") and options.variable is None:
        yield from _channels(file, own, options)
        return
    yield Source(file.as_posix(), str(file), partial(read_signal, file, options=_options(options)), own=own)


def _channels(file: Path, own: Mapping[str, Value], options: InputOptions) -> Iterator[Source]:
    """Yield the channels of one file, as the training took them; where a domain is asked for, its own alone."""
    most = MOST_SENT if options.is_sent else MOST_SAMPLES
    taken = ("channels", "tacho", "on_missing_channel", "fields", "format")
    names = {name: options.dataset[name] for name in taken if name in options.dataset}
    names |= _layout(options, (str(options.dataset.get("kind")),))
    known = {
        "kind": "tree",
        "path": ".",
        "classes": ("unknown",),
        "domains": options.dataset.get("domains", options.domains),
    }
    reader = from_record(Reader.ROOM, {**known, **names, "max_samples": most})
    yield from _of_judged_domains(reader, reader.of_file(file, file.as_posix(), str(file), own=own), options)


def _of_judged_domains(reader: Reader, sources: Iterable[Source], options: InputOptions) -> Iterator[Source]:
    """Yield sources, without the channels of a file that are of no domain to be judged."""
    domains = options.domains if options.domain is None else (options.domain,)
    for source in sources:
        if not getattr(reader, "tells_domain", False) or source.own.get("domain", domains[0]) in domains:
            yield source


def opened_in_training(options: InputOptions) -> tuple[str, ...]:
    """Return the suffixes of files that only the reader of the training can read."""
    kind: Any = class_from_record(Reader.ROOM, options.dataset) if "kind" in options.dataset else Reader
    return kind.opens


def _options(options: InputOptions) -> SignalOptions:
    """Return how a signal is found in its file: as the training found it, but for what this call says."""
    table = TableLayout(**_layout(options))
    most = MOST_SENT if options.is_sent else MOST_SAMPLES
    named = options.dataset.get("format")
    return SignalOptions(options.variable or options.dataset.get("variable"), table, most, named)


def _table_kind(file: Path, options: InputOptions) -> str | None:
    """Return which reader a table is for; None for a signal."""
    if file.suffix.lower() in TABLES:
        return None if file.suffix.lower() in options.dataset.get("suffixes", ()) else "parquet"
    if file.suffix.lower() != ".csv":
        return None
    layout = _layout(options, ("long_csv",))
    for kind, fields in (("long_csv", ("item", "target")), ("manifest", ("file",))):
        header = _header(file, layout if kind == "long_csv" else {})
        columns = _columns(kind, options)
        if options.dataset.get("channels") and options.dataset.get("kind") == kind == "long_csv":
            fields = ("item",)
        if all(columns[name] in header for name in fields):
            return kind
    return None


def _columns(kind: str, options: InputOptions) -> dict[str, str]:
    """Return the columns that a reader expects, as the training named them where its reader was of that kind."""
    given = options.dataset.get("columns", {}) if options.dataset.get("kind") == kind else {}
    return {**_readers()[kind].default_columns, **given}


def _header(file: Path, layout: Mapping[str, Any]) -> list[str]:
    """Return the names in the first line of a table, below its titles."""
    try:
        with opened_text(file) as text:
            *_, line = [text.readline() for _ in range(1 + layout.get("skip_rows", 0))]
        return next(csv.reader([line], delimiter=layout.get("delimiter") or delimiter_of(line)), [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{file}: this is no CSV table in UTF-8 ({error}); save it as that") from error


def _readers() -> dict[str, type[Reader]]:
    return {"long_csv": LongCsv, "manifest": Manifest, "parquet": Parquet, "tree": Tree}


def _reader(kind: str, path: str, options: InputOptions) -> Reader:
    """Return a reader that knows nothing but where things stand."""
    settings: dict[str, Any] = {"path": path, "classes": ("unknown",), "domains": options.domains}
    if options.dataset.get("kind") == kind:
        names: tuple[str, ...] = ("columns", "variable", "ignore_timestamps")
        settings |= {name: options.dataset[name] for name in names if options.dataset.get(name)}
        if options.dataset.get("channels"):
            names = ("channels", "tacho", "on_missing_channel", "fields", "format")
            settings |= {name: options.dataset[name] for name in names if options.dataset.get(name)}
            settings["domains"] = tuple(options.dataset.get("domains", options.domains))
    if kind in ("long_csv", "manifest"):
        settings |= _layout(options, (kind,))
    if kind == "long_csv":
        settings["sampling_rate_hz"] = options.sampling_rate_hz or options.dataset.get("sampling_rate_hz")
    if kind == "manifest":
        settings["variable"] = options.variable or settings.get("variable")
    settings["pattern"] = _pattern(options)
    settings["lookup"] = options.dataset.get("lookup", {}) if options.pattern is None else {}
    return _readers()[kind].model_validate(settings)


def _pattern(options: InputOptions) -> str | None:
    return options.pattern or options.dataset.get("pattern")


def _recording(source: Source, options: InputOptions) -> Recording | Fault:
    """Look up the fields of a recording, and read its signal."""
    try:
        known = _fields(source, options)
        signal, own_rate = source.load()
        constants = options.dataset.get("constants", {})
        own = first_known((own_rate, source.own.get("sampling_rate_hz")))
        found = agreed_rate(known["sampling_rate_hz"], own, None, source.item, source.place)
        otherwise = (constants.get("sampling_rate_hz"), options.dataset.get("sampling_rate_hz"))
        asked = _agreed("sampling_rate_hz", options.sampling_rate_hz, found, source)
        known["sampling_rate_hz"] = _rate(first_known((asked, *otherwise)), source)
        signal = finite_signal(signal, source.place)
        if len(signal) < 2:
            raise DataError(f"{source.place}: the signal has {len(signal)} samples; give a recording")
        known |= source.tells_turning(known["sampling_rate_hz"], known["speed_rpm"])
        return Recording(item=source.item, label=UNKNOWN, signal=signal, **known)
    except DataError as error:
        return Fault.of(source.item, error)


def _fields(source: Source, options: InputOptions) -> dict[str, Any]:
    """Return the fields of a recording but its signal."""
    pattern = _pattern(options)
    # A pattern with ^ was meant for names below the data set's folder.
    name = source.searched
    searched = name if pattern is None or re.search(pattern, name) else Path(name).name
    lookup = options.dataset.get("lookup", {}) if options.pattern is None else {}
    groups = groups_of(pattern, searched, lookup, None, source.place)
    constants = options.dataset.get("constants", {})
    in_file = {name: first_known(origin.get(name) for origin in (source.columns, groups)) for name in NAMES}
    in_file["domain"] = _agreed("domain", options.domain, in_file["domain"], source)
    in_file["speed_rpm"] = _agreed("speed_rpm", options.speed_rpm, in_file["speed_rpm"], source)
    # What was asked for comes before a folder that has a domain's name, perhaps by chance.
    found = {name: first_known(origin.get(name) for origin in (in_file, source.own, constants)) for name in NAMES}
    rate = first_known(origin.get("sampling_rate_hz") for origin in (source.columns, groups))
    return {
        "motor": UNKNOWN if found["motor"] is None else cleaned(found["motor"]),
        "domain": _domain(found["domain"], source, options),
        "moment": None if found["moment"] is None else cleaned(found["moment"]),
        "speed_rpm": positive(found["speed_rpm"], "speed_rpm", source.item, source.place),
        "sampling_rate_hz": rate,
    }


def _agreed(name: str, asked: Value, found: Value, source: Source) -> Value:
    """Return a field's value, from the caller or the recording; raise if the two differ."""
    if asked is None or found is None:
        return found if asked is None else asked
    if name == "domain" and str(asked) != str(found):
        raise DataError(_contradiction(name, asked, found, source))
    if name != "domain" and not _same_number(asked, found):
        raise DataError(_contradiction(name, asked, found, source))
    return asked


def _same_number(one: Value, other: Value) -> bool:
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-6)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(one) == str(other)


def _contradiction(name: str, asked: Value, found: Value, source: Source) -> str:
    return (
        f"{source.place}: {name} is {found!r} by the recording itself (its head, a column or the pattern), but "
        f"{asked!r} was asked for; correct one of them, or leave {name} out of the call"
    )


def _domain(value: Any, source: Source, options: InputOptions) -> str:
    if value is None and len(options.domains) == 1:
        return options.domains[0]
    if value is None:
        raise DataError(
            f"{source.place}: nothing tells the domain (no column, no group of the pattern {_pattern(options)!r}, no "
            f"folder of that name); give --domain (over HTTP: ?domain=), one of: {', '.join(options.domains)}; "
            "or --pattern with a group (?P<domain>...)"
        )
    if cleaned(value) not in options.domains:
        raise DataError(_unknown_domain(source.place, str(value), options.domains))
    return cleaned(value)


def _unknown_domain(place: str, value: str, domains: tuple[str, ...]) -> str:
    return (
        f"{place}: unknown domain {shown(value)}{near(value, domains)}; what was trained judges: {', '.join(domains)}; "
        "correct it, or choose a cell of that domain"
    )


def _rate(value: Any, source: Source) -> float:
    if value is None:
        raise DataError(f"{source.place}: the file tells no sampling rate; give --sampling-rate-hz")
    rate_hz = positive(value, "sampling_rate_hz", source.item, source.place)
    assert rate_hz is not None
    return rate_hz
