"""Labels from a table beside the data: by item, or by motor and time.

A CSV table with a header. `label` is the class, or empty: nobody knows it. A row says by `item` which recording is
meant (with `series_length` all series that are cut from it), or by `motor`, and then by `recorded_at` the time at
which it was recorded, or by `since` (the first moment) and `until` (the first moment after) a stretch of time; a motor
without any time is meant with all that was recorded of it. `domain` leaves the other sensors out. Other columns (who,
when, why) are passed over.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from motor.recordings.fields import first_known, seconds_since_1970
from motor.recordings.names import cleaned, shown
from motor.recordings.recording import DataError, near
from motor.recordings.text import opened_text

if TYPE_CHECKING:
    import pandas

TIMES = ("recorded_at", "since", "until")
COLUMNS = ("item", "motor", "domain", "label", *TIMES)
SAME_MOMENT_S = 1e-3  # between a time as it is written and as a float holds it


@dataclass(frozen=True)
class LabelRow:
    """One row: which recordings it means, and their label.

    Attributes
    ----------
    place : str
        For messages: ``"labels.csv, line 3"``.
    label : str or None
    item, motor, domain : str or None
    recorded_at, since, until : float or None
        In seconds since 1970 UTC.
    """

    place: str
    label: str | None
    item: str | None = None
    motor: str | None = None
    domain: str | None = None
    recorded_at: float | None = None
    since: float | None = None
    until: float | None = None


def read_label_rows(file: Path, classes: Sequence[str], raw: Mapping[str, str]) -> list[LabelRow]:
    """Return the rows of a table of labels, checked.

    Parameters
    ----------
    file : Path
        CSV, in UTF-8, separated by commas or semicolons.
    classes : sequence of str
    raw : mapping
        Raw label -> class.

    Raises
    ------
    DataError
        With file, line, value and next step.
    """
    try:
        with opened_text(file) as stream:
            return list(_rows(stream, file, classes, raw))
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: this is no text in UTF-8 ({error}); write it anew") from error
    except OSError as error:
        raise DataError(f"{file}: {error.strerror or error}; correct dataset.labels_file") from error


def labels_of(meta: "pandas.DataFrame", rows: Sequence[LabelRow]) -> dict[str, str | None]:
    """Return the label of each recording that a row means, by item.

    Parameters
    ----------
    meta : DataFrame
        `Recordings.meta`: item, motor, domain and recorded_at are used.
    rows : sequence of LabelRow

    Raises
    ------
    DataError
        If a row means no recording, or two rows give one recording two labels.
    """
    found: dict[str, tuple[str | None, str]] = {}
    by_item, by_motor = _positions(meta["item"].map(_whole)), _positions(meta["motor"])
    items, domains = meta["item"].to_numpy(), meta["domain"].to_numpy()
    times = meta["recorded_at"].to_numpy(np.float64)
    for row in rows:
        meant = [place for place in _candidates(row, items, by_item, by_motor) if _is_meant(row, domains, times, place)]
        if not meant:
            raise _nothing_meant(row, by_item if row.item is not None else by_motor)
        for place in meant:
            label, before = found.setdefault(items[place], (row.label, row.place))
            if label != row.label:
                raise DataError(
                    f"{row.place}: {items[place]!r} is {row.label!r} here and {label!r} at {before}; "
                    "take one of the two rows out"
                )
    return {item: label for item, (label, _) in found.items()}


def _rows(stream: Iterator[str], file: Path, classes: Sequence[str], raw: Mapping[str, str]) -> Iterator[LabelRow]:
    head = next(stream, "")
    header = [cleaned(name) for name in next(csv.reader([head], delimiter=_delimiter(head)), [])]
    if "label" not in header or not {"item", "motor"} & set(header):
        raise DataError(
            f"{file}, line 1: columns {', '.join(header) or 'none'}; needed are label, and item or motor; "
            f"also taken are {', '.join((*COLUMNS[2:3], *TIMES))}"
        )
    for number, cells in enumerate(csv.reader(stream, delimiter=_delimiter(head)), 2):
        place = f"{file}, line {number}"
        if not any(map(cleaned, cells)):
            continue
        if len(cells) != len(header):
            raise DataError(f"{place}: {len(cells)} cells under {len(header)} columns; correct the row")
        yield _row(dict(zip(header, cells, strict=True)), place, classes, raw)


def _delimiter(head: str) -> str:
    return ";" if ";" in head and "," not in head else ","


def _row(cells: Mapping[str, str], place: str, classes: Sequence[str], raw: Mapping[str, str]) -> LabelRow:
    values = {name: first_known([cells.get(name)], (*classes, *raw)) for name in COLUMNS}
    names = {name: None if values[name] is None else cleaned(values[name]) for name in ("motor", "domain", "label")}
    names["item"] = None if values["item"] is None else str(values["item"]).strip()
    if names["item"] is None and names["motor"] is None:
        raise DataError(f"{place}: the row has neither item nor motor; fill one in, or take it out")
    label = names["label"] and raw.get(names["label"], names["label"])
    if label is not None and label not in classes:
        raise DataError(
            f"{place}: unknown label {shown(label)}{near(label, classes)}; allowed: {', '.join(classes)}, or nothing "
            "where nobody knows it; correct it, or map it in dataset.labels"
        )
    times = {name: seconds_since_1970(values[name], names["item"] or str(names["motor"]), place) for name in TIMES}
    return LabelRow(place, label, names["item"], names["motor"], names["domain"], **times)


def _whole(item: str) -> str:
    """Return the recording that a series is cut from."""
    whole, mark, number = item.rpartition("#")
    return whole if mark and number.isdigit() else item


def _positions(names: "pandas.Series") -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name, []).append(place)
    return found


def _candidates(
    row: LabelRow, items: np.ndarray, by_item: Mapping[str, list[int]], by_motor: Mapping[str, list[int]]
) -> list[int]:
    """Return the recordings of the row's item, or of its motor."""
    if row.item is None:
        return by_motor.get(str(row.motor), [])
    series = by_item.get(_whole(row.item), [])
    return series if row.item in by_item else [place for place in series if items[place] == row.item]


def _is_meant(row: LabelRow, domains: np.ndarray, times: np.ndarray, place: int) -> bool:
    time = times[place]
    return (
        (row.domain is None or domains[place] == row.domain)
        and (row.recorded_at is None or abs(time - row.recorded_at) < SAME_MOMENT_S)
        and (row.since is None or time >= row.since)
        and (row.until is None or time < row.until)
    )


def _nothing_meant(row: LabelRow, known: Mapping[str, list[int]]) -> DataError:
    name, what = (row.motor, "motor") if row.item is None else (row.item, "item")
    if name not in known:
        return DataError(
            f"{row.place}: there is no {what} {name!r} in the data{near(str(name), known)}; correct it, or take the "
            "row out"
        )
    return DataError(
        f"{row.place}: {what} {name!r} has no recording of that domain and time; correct them (a recording without "
        "recorded_at is of no time), or take the row out"
    )
