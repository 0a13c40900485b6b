"""Where a recording's fields are found: a table's columns, the pattern's groups, the file itself, constants."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from motor.recordings.agreement import check_constants
from motor.recordings.fields import Value, first_known, positive, seconds_since_1970, truth
from motor.recordings.names import cleaned, fault_of, shown
from motor.recordings.readers.name_groups import groups_of
from motor.recordings.readers.source import ITEM_FIELDS, TEXT_FIELDS, Source
from motor.recordings.recording import DataError, near

if TYPE_CHECKING:
    from motor.recordings.readers.base import Reader


def fields_of(reader: "Reader", source: Source) -> dict[str, Value]:
    """Return the fields of a recording; all but its sampling rate is checked."""
    groups = groups_of(reader.pattern, source.searched, reader.lookup, reader.recorded_at_format, source.place)
    constants = {str(name): value for name, value in reader.constants.items()}
    ranked: tuple[Mapping[str, Value], ...] = (source.columns, groups, source.own, constants)
    names = {
        "domain": reader.domains,
        "label": (*reader.classes, *reader.raw_labels, *filter(None, [reader.unlabelled])),
    }
    if source.own and reader.constants:
        known = {"domain": names["domain"], "label": names["label"]}
        check_constants(source.own, constants, known, source.item, source.place)
    values = {name: first_known((of.get(name) for of in ranked), names.get(name, ())) for name in ITEM_FIELDS}
    for name in ("motor", "domain"):
        if values[name] is None:
            raise missing(reader, name, source)
    texts = {name: None if values[name] is None else _name(name, values[name], source) for name in TEXT_FIELDS}
    texts["label"] = _label(reader, texts["label"], source)
    _check_known("domain", str(texts["domain"]), reader.domains, source)
    # The file's own rate is known only once its signal is read, and these two origins come before it.
    rate = first_known(origin.get("sampling_rate_hz") for origin in (source.columns, groups))
    item, place = source.item, source.place
    return {
        **texts,
        "speed_rpm": positive(values["speed_rpm"], "speed_rpm", item, place),
        "recorded_at": seconds_since_1970(values["recorded_at"], item, place),
        "reference": truth(values["reference"], "reference", item, place),
        "sampling_rate_hz": rate,
    }


def _name(field: str, value: Value, source: Source) -> str:
    """Return a name as it is looked up, if it may be one."""
    if isinstance(value, dict | list | tuple | bytes):
        raise DataError(
            f"{source.place}: item {source.item!r} has the {field} {shown(value)}, which is no text but a "
            f"{type(value).__name__}; set columns.{field} to a column of texts or numbers"
        )
    name = cleaned(value)
    if fault := fault_of(name):
        raise DataError(f"{source.place}: item {shown(source.item)} has a {field} that cannot be: {fault}")
    return name


def _label(reader: "Reader", raw: str | None, source: Source) -> str | None:
    """Return the class that a raw label means, None if the data says that nobody knows it, or life will tell."""
    if reader.life is not None:
        return None
    if raw is None and "label" not in source.columns and reader.labels_file is None:
        raise missing(reader, "label", source)
    if raw is None or raw == cleaned(reader.unlabelled or ""):
        return None
    label = reader.raw_labels.get(raw, raw)
    _check_known("label", label, reader.classes, source)
    return label


def missing(reader: "Reader", name: str, source: Source) -> DataError:
    """Return the error that tells which origins of a field were tried, and how to give it."""
    column = {**reader.default_columns, **reader.columns}.get(name)
    tried = [f"column {column!r} (absent or empty)"] if column else []
    if reader.pattern:
        matched = re.search(reader.pattern, source.searched)
        tried.append(f"pattern {reader.pattern!r} ({'has no such value' if matched else 'does not match'})")
    ways = [f"columns.{name}"] if name in reader.default_columns else []
    ways += [f"a group (?P<{name}>...) in pattern", name if name == "sampling_rate_hz" else f"constants.{name}"]
    origins = ", ".join([*tried, "the file itself", "constants"])
    message = f"{source.place}: item {source.item!r} has no {name}; tried: {origins}; set {' or '.join(ways)}"
    return DataError(message)


def _check_known(name: Literal["label", "domain"], value: str, allowed: Sequence[str], source: Source) -> None:
    """Raise if a label or domain is none of those that the settings allow."""
    if value in allowed:
        return
    setting = "classes, map it in labels, or name it in unlabelled" if name == "label" else "domains"
    raise DataError(
        f"{source.place}: item {source.item!r} has the unknown {name} {shown(value)}{near(value, allowed)}; "
        f"allowed: {', '.join(allowed)}; correct it, or add it to {setting}"
    )
