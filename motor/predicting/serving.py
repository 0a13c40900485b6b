"""Read the recordings of a request to the endpoint: without Ray, and no pickle from a client is opened."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any

from motor.lazy import numpy as np
from motor.predicting.access import BadRequest, Settings
from motor.predicting.faults import Fault
from motor.predicting.inputs import LAYOUT, InputOptions, opened_in_training, read_recordings
from motor.predicting.predictor import recording
from motor.recordings.agreement import agreed_rate
from motor.recordings.fields import positive
from motor.recordings.names import fault_of, shown
from motor.recordings.recording import DataError, Recording

SUFFIXES = {  # of the file that a body is, by its type
    "audio/wav": ".wav",
    "audio/wave": ".wav",
    "audio/x-wav": ".wav",
    "audio/vnd.wave": ".wav",
    "application/x-npy": ".npy",
    "application/npy": ".npy",
    "text/csv": ".csv",
}
UNTYPED = ("application/octet-stream", "", "application/x-www-form-urlencoded")  # curl's, where none is given
MAGIC = {b"RIFF": ".wav", b"\x93NUMPY": ".npy"}
OF_FILES = ("variable", *LAYOUT)
FIELDS = ("domain", "sampling_rate_hz", "speed_rpm", *OF_FILES)  # no pattern: a stranger's could run for hours
LONGEST_NAME = 255  # bytes of a file's name, and of what the query or JSON says of a recording
LONGEST_HEAD = 16_384  # bytes of the head of a part, and of a content type: far above any
AS_IT_IS = ("", "7bit", "8bit", "binary")  # transfer encodings of a part that leave its bytes as they are
IN_JSON = ("signal", "sampling_rate_hz", "domain", "item", "speed_rpm", "motor", "moment")


def query_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a query as a mapping; raise BadRequest (400) where it tells a parameter twice, for one would be lost."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise BadRequest(400, f"the query parameter {shown(name)} comes twice; keep one")
        found[name] = value
    return found


def check_encoding(encoding: str | None) -> None:
    """Raise BadRequest (415) if the header `Content-Encoding` says that the body is packed."""
    if encoding and encoding.strip().lower() != "identity":
        raise BadRequest(415, f"the body is packed as {shown(encoding)}; send it as it is, without Content-Encoding")


@dataclass(frozen=True)
class Body:
    """A request's body, and what came with it."""

    content_type: str
    content: bytes
    query: Mapping[str, str]


def recordings_of(body: Body, options: InputOptions, settings: Settings) -> Iterator[Recording | Fault]:
    """Yield the recordings of a request, or what is wrong with one of them.

    Parameters
    ----------
    body : Body
        A WAV, NPY or CSV file; several as ``multipart/form-data``; or JSON: one mapping of `IN_JSON`, or
        ``{"recordings": [...]}``.
    options : InputOptions
        What is trained; the query adds to it.
    settings : Settings

    Raises
    ------
    BadRequest
        If the body as a whole cannot be read.
    """
    if len(body.content_type) > LONGEST_HEAD:
        raise BadRequest(400, f"the content type has {len(body.content_type)} characters; allowed: {LONGEST_HEAD}")
    kind, parameters = _typed(body.content_type)
    if not body.content:
        raise BadRequest(400, "the body is empty; send a WAV, NPY or CSV file, several as multipart/form-data, or JSON")
    try:
        options = _with_query(options, body.query)
        if kind == "application/json":
            yield from _of_json(body.content, options, settings, body.query)
        else:
            files = _files(kind, parameters, body, suffixes_of(options))
            some = list(islice(files, settings.most_recordings + 1))  # what is too much need not all be looked at
            yield from _of_files(some, options, settings)
    except DataError as error:
        raise BadRequest(400, str(error)) from error


def _typed(content_type: str) -> tuple[str, dict[str, str]]:
    """Return a content type and its parameters."""
    message = Message()
    message["content-type"] = content_type
    parameters = {str(name): str(value) for name, value in (message.get_params() or [])[1:]}
    return (message.get_content_type() if content_type else ""), parameters


def _with_query(options: InputOptions, query: Mapping[str, str]) -> InputOptions:
    unknown = sorted(set(query) - {*FIELDS, "item"})
    if unknown:
        raise DataError(f"unknown query parameter {shown(unknown[0])}; allowed: {', '.join((*FIELDS, 'item'))}")
    for name, value in query.items():
        _check_name(value, f"query parameter {name}")
    values: dict[str, Any] = {name: value for name, value in query.items() if name in FIELDS}
    for name in ("sampling_rate_hz", "speed_rpm"):
        if name in values:
            values[name] = positive(values[name], name, "all", "query")
    if "skip_rows" in values:
        if not (values["skip_rows"].isascii() and values["skip_rows"].isdigit()):
            raise DataError(f"skip_rows is {shown(values['skip_rows'])} in the query; give a whole number, 0 or more")
        values["skip_rows"] = int(values["skip_rows"])
    return replace(options, is_sent=True, **values)


def _check_name(text: str, what: str) -> None:
    """Raise BadRequest if a text is longer than a file's name, or holds what cannot be read; none at all may be."""
    fault = fault_of(text[:LONGEST_NAME], None) if text else None
    if fault is None and len(text.encode()) > LONGEST_NAME:
        fault = f"{shown(text)} is longer than {LONGEST_NAME} bytes"
    if fault is not None:
        raise BadRequest(400, f"{what}: {fault}")


def _of_json(
    content: bytes, options: InputOptions, settings: Settings, query: Mapping[str, str]
) -> Iterator[Recording | Fault]:
    try:
        value = json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise BadRequest(400, f"the body is no JSON: {error}; send an object with signal, sampling_rate_hz") from error
    several = value.get("recordings") if isinstance(value, dict) and "recordings" in value else [value]
    if not isinstance(several, list) or not all(isinstance(one, dict) for one in several):
        raise BadRequest(400, 'JSON has to be one recording, {"signal": [...], ...}, or {"recordings": [...]} of such')
    if isinstance(value, dict) and "recordings" in value and len(value) > 1:
        beside = next(name for name in value if name != "recordings")
        raise BadRequest(400, f"{shown(beside)} beside 'recordings' would count for none of them; say it in each")
    if idle := [name for name in OF_FILES if name in query]:
        raise BadRequest(
            400, f"the query tells {idle[0]}, which is of files; beside JSON it means nothing: leave it out"
        )
    _check_count(len(several), settings)
    for number, one in enumerate(several):
        item = _name_in(one, "item") or (f"recording {number}" if len(several) > 1 else query.get("item") or "signal")
        motor, moment = _name_in(one, "motor"), _name_in(one, "moment")
        try:
            _check_query(one, item, options, query)
            yield replace(_of_object(one, item, options), motor=motor or "", moment=moment)
        except (DataError, TypeError, ValueError, OverflowError) as error:
            yield Fault.of(item, error)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; raise ValueError where it tells a name twice: the last would hold, without a word."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it tells {shown(next(name for name in made if names.count(name) > 1))} twice")
    return made


def _name_in(one: Mapping[str, Any], field: str) -> str | None:
    """Return a name that a JSON object tells, None if it tells none; raise BadRequest if it is none that can be."""
    value = one.get(field)
    if value is None:
        return None
    if type(value) not in (str, int, float):
        raise BadRequest(400, f"{field} is {shown(value)}; give a text or a number")
    _check_name(str(value), field)
    return str(value)


def _of_object(one: Mapping[str, Any], item: str, options: InputOptions) -> Recording:
    """Return the recording that a JSON object tells."""
    if unknown := sorted(set(one) - set(IN_JSON)):
        raise DataError(f"{item}: unknown key {shown(unknown[0])}; allowed: {', '.join(IN_JSON)}")
    signal = one.get("signal")
    if not isinstance(signal, list) or any(type(value) not in (int, float) for value in signal):
        raise DataError(f"{item}: signal is to be a list of numbers; send {{'signal': [0.1, -0.2, ...]}}")
    told_hz, otherwise_hz = one.get("sampling_rate_hz"), options.dataset.get("sampling_rate_hz")
    domain = one.get("domain", options.domain or (options.domains[0] if len(options.domains) == 1 else None))
    if domain not in options.domains:
        raise DataError(f"{item}: unknown domain {shown(domain)}; give one of: {', '.join(options.domains)}")
    if type(told_hz) not in (int, float, NoneType):
        raise DataError(f"{item}: sampling_rate_hz is {shown(told_hz)}; give a number above 0")
    rate_hz = agreed_rate(told_hz, None, options.sampling_rate_hz or otherwise_hz, item, "JSON")
    if rate_hz is None:
        raise DataError(f"{item}: nothing tells its sampling_rate_hz; give a number above 0")
    speed_rpm = positive(one.get("speed_rpm", options.speed_rpm), "speed_rpm", item, "JSON")
    try:
        samples = np.array(signal, dtype=np.float64)
    except OverflowError as error:
        raise DataError(f"{item}: a sample is a whole number beyond all floats; correct the signal") from error
    return recording(samples, rate_hz, domain, item, speed_rpm)


def _check_query(one: Mapping[str, Any], item: str, options: InputOptions, query: Mapping[str, str]) -> None:
    """Raise if a JSON object tells another domain, rate or speed than the query."""
    for name in {*FIELDS} & {*query} & {*one}:
        asked, stated = getattr(options, name), one[name]
        if stated is not None and stated != asked:
            raise DataError(
                f"{item}: {name} is {shown(stated)} by the JSON, and {shown(asked)} by the query; correct one of them, "
                "or leave it out"
            )


def suffixes_of(options: InputOptions) -> tuple[str, ...]:
    """Return the suffixes of files that a request may send: of plain signals, and of the training's own reader."""
    return tuple(dict.fromkeys((*SUFFIXES.values(), *opened_in_training(options))))


def _files(
    kind: str, parameters: Mapping[str, str], body: Body, suffixes: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file in a body."""
    if kind != "multipart/form-data":
        yield _named(body.query.get("item") or "recording", kind, body.content, suffixes), body.content
        return
    boundary = parameters.get("boundary", "").encode()
    if not boundary:
        raise BadRequest(400, "multipart/form-data without a boundary; let your HTTP library write the content type")
    content, delimiter = b"\r\n" + body.content, b"\r\n--" + boundary
    at = content.find(delimiter)
    if at < 0:
        raise BadRequest(400, "the multipart body has no part; send a file in each")
    while True:
        at += len(delimiter)
        line = content.find(b"\r\n", at)
        if content.startswith(b"--", at):
            return
        end = content.find(delimiter, at)
        if line < 0 or content[at:line].strip(b" \t") or end < 0:
            raise BadRequest(400, "the multipart body is cut off, or its boundary stands within a file; send it anew")
        yield _of_part(content[line + 2 : end], suffixes)
        at = end


def _of_part(part: bytes, suffixes: Sequence[str]) -> tuple[str, bytes]:
    """Return name and content of a file in a part of a body."""
    head, separator, content = part.partition(b"\r\n\r\n")
    if not separator or len(head) > LONGEST_HEAD:
        raise BadRequest(400, "a part of the multipart body has no head; let your HTTP library write it")
    name, kind = _head(head)
    return _named(name, kind, content, suffixes), content


def _head(head: bytes) -> tuple[str, str]:
    """Return the file's name and the type that the head of a part tells."""
    message = Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        field, colon, value = line.partition(":")
        if colon and field.strip().lower() in ("content-disposition", "content-type", "content-transfer-encoding"):
            message[field.strip()] = value.strip()
    if (encoding := message.get("content-transfer-encoding", "").lower()) not in AS_IT_IS:
        raise BadRequest(415, f"a part is encoded as {shown(encoding)}; send its bytes as they are")
    filename = message.get_filename() or message.get_param("name", header="content-disposition") or "recording"
    name = Path(str(filename)).name
    _check_name(name, "the name of a file")
    return name or "recording", message.get_content_type() if message["content-type"] else ""


def _named(name: str, kind: str, content: bytes, suffixes: Sequence[str]) -> str:
    """Return a file's name with the suffix of what it is.

    Raises
    ------
    BadRequest
        If it is of a type that is not read (415).
    """
    suffix = Path(name).suffix.lower()
    if kind in SUFFIXES:
        return name if suffix == SUFFIXES[kind] else f"{name}{SUFFIXES[kind]}"
    if suffix in suffixes:
        return name
    magic = next((of for start, of in MAGIC.items() if content.startswith(start)), None)
    if kind not in UNTYPED or magic is None:
        own = ", ".join(of for of in suffixes if of not in SUFFIXES.values())
        allowed = "audio/wav, application/x-npy, text/csv, multipart/form-data or application/json"
        allowed += f"; or a file whose name ends in {own}" if own else ""
        raise BadRequest(415, f"content type {shown(kind or 'none')} of {shown(name)} is not read; send {allowed}")
    return f"{name}{magic}"


def _of_files(
    files: Sequence[tuple[str, bytes]], options: InputOptions, settings: Settings
) -> Iterator[Recording | Fault]:
    """Yield the recordings of files, through the same readers as those on disk."""
    _check_count(len(files), settings)
    with tempfile.TemporaryDirectory(prefix="motor-grid-") as folder:
        for number, (name, content) in enumerate(files):
            place = Path(folder, str(number))
            place.mkdir()
            safe = f"recording{Path(name).suffix.lower()}"  # what a client calls it need be no file's name
            (place / safe).write_bytes(content)
            for found in read_recordings([place / safe], options):
                yield _as_sent(found, place, safe, name)


def _as_sent(found: Recording | Fault, place: Path, safe: str, name: str) -> Recording | Fault:
    """Call a recording what its sender called it, not what its copy here is called."""
    here = f"{place.as_posix()}/"
    if isinstance(found, Recording):
        return replace(found, item=found.item.replace(f"{here}{safe}", name).replace(here, ""))
    return Fault(name, found.reason.replace(f"{here}{safe}", name).replace(here, ""))


def _check_count(count: int, settings: Settings) -> None:
    if not count:
        raise BadRequest(400, "there is no recording in the body; send one or more")
    if count > settings.most_recordings:
        raise BadRequest(413, f"{count} recordings in one request; allowed: {settings.most_recordings}; send fewer")
