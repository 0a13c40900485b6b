"""JSON Lines: one object a recording, its signal a text or a list of numbers; also JSON files with a list of them."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from motor.lazy import orjson
from motor.recordings.formats.layout import PLAIN
from motor.recordings.names import cleaned, is_nothing, shown
from motor.recordings.readers.channelled import Channelled, Source
from motor.recordings.readers.source import ITEM_FIELDS
from motor.recordings.recording import NEXT_STEP, AbsentError, DataError, Recording, SeriesError, near

DECIMAL_COMMAS = re.compile(r"-0\s*,|,\s*0\d")  # a whole number is neither -0 nor 05
MARK = b"\xef\xbb\xbf"  # of UTF-8, as some programs write it
LINES, LIST = (".jsonl", ".ndjson"), ".json"
BUFFER = 2**18  # bytes of a file at once: a line of 8192 numbers has 70,000


class Jsonl(Channelled):
    """One JSON object a line and recording, read as a stream; or JSON files that hold a list of such objects.

    Expected keys are `signal_value` and, where they are there, `item`, `data_time` (the time at which it was recorded)
    and the other fields of a recording under their own names; `columns` says where one has another key, say
    ``{motor: sensor_id}``. A signal is a list of numbers, or a text of numbers with commas between. A recording
    without `item` is called by its file and line. `channels` names several keys of signals.

    Attributes
    ----------
    path : str
        The file, or a folder of such files (``**/*.jsonl``, ``*.ndjson``, ``*.json``).
    """

    kind: Literal["jsonl"] = "jsonl"
    opens: ClassVar[tuple[str, ...]] = LINES
    loads_at_once: ClassVar[int] = 1  # parsing holds Python's lock: threads only cost
    default_columns: ClassVar[Mapping[str, str]] = {
        **{name: name for name in ("item", *ITEM_FIELDS)},
        "signal": "signal_value",
        "recorded_at": "data_time",
    }

    def files(self) -> list[Path]:
        """Return the files, sorted by name."""
        return self.listed((*LINES, LIST)).files

    def passed_over(self) -> str:
        """Return what stands beside the files; see `Reader.passed_over`."""
        return self.listed((*LINES, LIST)).summary()

    def read(self, skipped: list[dict[str, str]] | None = None) -> Iterator[Recording]:
        """Yield the recordings; a broken line is a bad series, too (see `Reader.read`)."""
        yield from self.checked(self._sources(skipped), skipped)

    def sources(self) -> Iterator[Source]:
        """Yield one source an object."""
        yield from self._sources(None)

    def _sources(self, skipped: list[dict[str, str]] | None) -> Iterator[Source]:
        """Yield one source an object; `skipped` gets the lines that are broken, where these may be passed over."""
        root = self.base_folder()
        for file in self.files():
            name = file.relative_to(root).as_posix() if file != root else file.name
            for number, text in _texts(file, self.max_samples):
                place = f"{file}, line {number}" if file.suffix.lower() in LINES else f"{file}, object {number}"
                try:
                    yield from self._sources_of(_object(text, place), f"{name}:{number}", place)
                except SeriesError as error:
                    self._skip(f"{name}:{number}", error, skipped)

    def _sources_of(self, known: dict[str, Any], name: str, place: str) -> Iterator[Source]:
        columns = {**self.default_columns, **self.columns}
        if len(by_form := {cleaned(key): key for key in known}) < len(known):
            twin = next(key for key in known if by_form[cleaned(key)] != key)
            other = by_form[cleaned(twin)]
            raise SeriesError(f"{place}: {twin!r} and {other!r} are one name; take one of them out, {NEXT_STEP}")
        known = {form: known[key] for form, key in by_form.items()}
        columns = {field: cleaned(key) for field, key in columns.items()}
        fields = {field: known[key] for field, key in columns.items() if key in known and field != "signal"}
        item = fields.pop("item", None)
        name = name if is_nothing(item) else str(item)
        if self.channels:
            loads = {
                channel: partial(_load_first, known, tuple(map(cleaned, of)), place)
                for channel, of in self.read_channels.items()
            }
            yield from self.of_channels(name, place, loads, fields)
        else:
            load = partial(_load, known.get(columns["signal"]), columns["signal"], place)
            yield Source(name, place, load, fields)


def _texts(file: Path, max_samples: int) -> Iterator[tuple[int, bytes | dict[str, Any]]]:
    """Yield each line that is not empty, with its number; of a JSON file each object of its list, counted from 1."""
    if file.suffix.lower() in LINES:
        with file.open("rb", buffering=BUFFER) as stream:
            lines = (
                (number, line.removeprefix(MARK) if number == 1 else line) for number, line in enumerate(stream, 1)
            )
            yield from ((number, line) for number, line in lines if line and not line.isspace())
        return
    try:
        content = orjson.loads(file.read_bytes().removeprefix(MARK))
    except orjson.JSONDecodeError as error:
        raise DataError(f"{file}: this is no JSON ({error}); correct it, or take it out") from error
    if not isinstance(content, list):
        raise DataError(f"{file}: this holds one {type(content).__name__}, not a list of objects; write one a line")
    yield from enumerate(content, 1)


def _object(text: bytes | dict[str, Any], place: str) -> dict[str, Any]:
    """Return the object that a line holds."""
    try:
        known = orjson.loads(text) if isinstance(text, bytes) else text
    except orjson.JSONDecodeError as error:
        raise SeriesError(f"{place}: this is no JSON ({error}); correct the line, {NEXT_STEP}") from error
    if not isinstance(known, dict):
        raise SeriesError(f"{place}: {shown(known)} is no object; write one a recording, {NEXT_STEP}")
    if isinstance(text, bytes) and (twice := _twice(text, known)):
        raise SeriesError(f"{place}: the name {shown(twice)} comes twice; take one of them out, {NEXT_STEP}")
    return known


def _twice(text: bytes, known: dict[str, Any]) -> str | None:
    """Return a name that an object tells twice, of which the parser keeps the last."""
    if text.count(b'":') + text.count(b'" :') == len(known):
        return None
    names: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names[:] = [name for name, _ in pairs]  # the outermost object ends last
        return dict(pairs)

    json.loads(text, object_pairs_hook=note)
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _load_first(known: dict[str, Any], keys: Sequence[str], place: str) -> tuple[np.ndarray, None]:
    """Return the signal of the first of some keys that is there."""
    key = next((one for one in keys if one in known), None)
    if key is None:
        raise AbsentError(
            f"{place}: no {' or '.join(keys)}{near(keys[0], known)}; set channels to keys that are there, "
            "on_missing_channel: skip, or " + NEXT_STEP
        )
    return _load(known[key], key, place)


def _load(signal: Any, key: str, place: str) -> tuple[np.ndarray, None]:
    """Return the signal that a key holds."""
    if isinstance(signal, str):
        inside = signal.strip().removeprefix("[").removesuffix("]").strip().rstrip(",")
        if "." not in inside and DECIMAL_COMMAS.search(inside):
            raise SeriesError(f"{place}: {key} has decimal commas ({shown(inside)}); write points; {NEXT_STEP}")
        try:
            signal = orjson.loads(f"[{inside}]")
        except orjson.JSONDecodeError:
            signal = [_number(text, key, place) for text in inside.split(",")]
    if not isinstance(signal, list) or not signal:
        raise SeriesError(f"{place}: {key} is {shown(signal)}; needed is a list or a text of numbers; {NEXT_STEP}")
    try:
        numbers = np.fromiter(signal, np.float64, len(signal))
    except (TypeError, ValueError):
        numbers = np.array([_number(value, key, place) for value in signal])
    if bool in set(map(type, signal)):
        raise SeriesError(f"{place}: {key} holds true or false, which are no numbers; {NEXT_STEP}")
    return numbers, None


def _number(value: Any, key: str, place: str) -> float:
    """Return a value as a float; NaN, which is refused later with its place, where it is said so."""
    if isinstance(value, str) and PLAIN.number(value.strip()) is None:
        raise SeriesError(f"{place}: {key} holds {shown(value)}, which is no number; {NEXT_STEP}")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise SeriesError(f"{place}: {key} holds {shown(value)}, which is no number; {NEXT_STEP}") from error


PLUGIN = Jsonl
