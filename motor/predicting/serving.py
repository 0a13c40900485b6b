"""What the endpoint is told, and what it makes of a request: no Ray in here, and no pickle from a client."""

import hashlib
import hmac
import ipaddress
import json
import socket
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

from motor.predicting.faults import Fault
from motor.predicting.inputs import InputOptions, opened_in_training, read_recordings
from motor.predicting.predictor import recording
from motor.recordings.recording import DataError, Recording
from motor.recordings.told import positive

TOKEN = "MOTOR_GRID_TOKEN"
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
FIELDS = ("domain", "sampling_rate_hz", "speed_rpm", "variable")  # no pattern: a stranger's could run for hours
LAST_PORT = 65535
LONGEST_NAME, SHOWN = 255, 80  # bytes of a file's name; characters of a value in a message
IN_JSON = ("signal", "sampling_rate_hz", "domain", "item", "speed_rpm", "motor", "moment")


class TokenError(ValueError):
    """A token was asked for and cannot be had."""


class BadRequest(Exception):
    """A request that cannot be answered: its status, and what to say."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class Settings(NamedTuple):
    """What the endpoint is told.

    Attributes
    ----------
    largest_bytes : int
        Of a request's body.
    most_recordings : int
        Of a request.
    token_digest : str or None
        SHA-256 of the token that every request has to bring; the token itself is not handed on.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    replicas: int = 1
    threads: int = 1
    gpus: float = 0.0
    largest_bytes: int = 64_000_000
    most_recordings: int = 64
    token_digest: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether other machines can reach it, and no token keeps them out."""
        return self.token_digest is None and not _is_loopback(self.host)


def settings_of(arguments: Namespace, environment: Mapping[str, str]) -> Settings:
    """Return what a command line and the environment (`MOTOR_GRID_TOKEN`) say.

    Raises
    ------
    TokenError
        If the token's file is missing or empty.
    """
    return Settings(
        host=arguments.host,
        port=arguments.port,
        replicas=arguments.replicas,
        threads=arguments.threads,
        gpus=arguments.gpus,
        largest_bytes=int(arguments.largest_mb * 1e6),
        most_recordings=arguments.most_recordings,
        token_digest=_token_digest(arguments.token_file, environment),
    )


def _token_digest(file: Path | None, environment: Mapping[str, str]) -> str | None:
    if file is None:
        token = environment.get(TOKEN, "").strip()
        return _digest(token) if token else None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"--token-file {file}: {error}; write the token into it, in one line") from error
    if not token:
        raise TokenError(f"--token-file {file} is empty; write the token into it, in one line")
    return _digest(token)


def check_free(settings: Settings) -> None:
    """Raise OSError, in one line, if nobody can listen where the settings say; before anything is loaded.

    A web server would say it after minutes, and at length.
    """
    try:
        if not 0 <= settings.port <= LAST_PORT:
            raise OSError(0, f"ports are numbered up to {LAST_PORT}")
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        where, why = f"{settings.host}:{settings.port}", getattr(error, "strerror", None) or error
        raise OSError(f"nothing can listen on {where}: {why}; choose another --port, or --host") from error


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_token(authorization: str | None, settings: Settings) -> None:
    """Raise BadRequest (401) unless the header brings the token; the time that takes does not tell how near it was."""
    if settings.token_digest is None:
        return
    scheme, _, token = (authorization or "").partition(" ")
    given = _digest(token.strip())
    if scheme.lower() != "bearer" or not hmac.compare_digest(given, settings.token_digest):
        raise BadRequest(401, "this endpoint needs a token: send the header 'Authorization: Bearer TOKEN'")


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
    kind, parameters = _typed(body.content_type)
    if not body.content:
        raise BadRequest(400, "the body is empty; send a WAV, NPY or CSV file, several as multipart/form-data, or JSON")
    try:
        options = _with_query(options, body.query)
        if kind == "application/json":
            yield from _of_json(body.content, options, settings)
        else:
            yield from _of_files(list(_files(kind, parameters, body, suffixes_of(options))), options, settings)
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
        raise DataError(f"unknown query parameter {unknown[0]!r}; allowed: {', '.join((*FIELDS, 'item'))}")
    values: dict[str, Any] = {name: value for name, value in query.items() if name in FIELDS}
    for name in ("sampling_rate_hz", "speed_rpm"):
        if name in values:
            values[name] = positive(values[name], name, "all", "query")
    _writable(query.get("item", ""))
    return replace(options, is_sent=True, **values)


def _writable(name: str) -> str:
    """Return a name if an answer can hold it; half of a surrogate pair is no character.

    Raises
    ------
    BadRequest
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise BadRequest(400, f"{ascii(name)[:SHOWN]} is no text: half of a surrogate pair; send UTF-8") from error
    return name


def _of_json(content: bytes, options: InputOptions, settings: Settings) -> Iterator[Recording | Fault]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadRequest(400, f"the body is no JSON: {error}; send an object with signal, sampling_rate_hz") from error
    several = value.get("recordings") if isinstance(value, dict) and "recordings" in value else [value]
    if not isinstance(several, list) or not all(isinstance(one, dict) for one in several):
        raise BadRequest(400, 'JSON has to be one recording, {"signal": [...], ...}, or {"recordings": [...]} of such')
    _check_count(len(several), settings)
    for number, one in enumerate(several):
        item = _writable(str(one.get("item", f"recording {number}" if len(several) > 1 else "signal")))
        for text in (*one, *(str(value) for name, value in one.items() if name != "signal")):
            _writable(text)
        try:
            yield _of_object(one, item, options)
        except (DataError, TypeError, ValueError, OverflowError) as error:
            yield Fault.of(item, error)


def _of_object(one: Mapping[str, Any], item: str, options: InputOptions) -> Recording:
    """Return the recording that a JSON object tells."""
    import numpy as np

    if unknown := sorted(set(one) - set(IN_JSON)):
        raise DataError(f"{item}: unknown key {unknown[0]!r}; allowed: {', '.join(IN_JSON)}")
    signal = one.get("signal")
    if not isinstance(signal, list) or any(type(value) not in (int, float) for value in signal):
        raise DataError(f"{item}: signal is to be a list of numbers; send {{'signal': [0.1, -0.2, ...]}}")
    rate_hz = one.get("sampling_rate_hz", options.sampling_rate_hz or options.dataset.get("sampling_rate_hz"))
    domain = one.get("domain", options.domain or (options.domains[0] if len(options.domains) == 1 else None))
    if domain not in options.domains:
        raise DataError(f"{item}: unknown domain {domain!r}; give one of: {', '.join(options.domains)}")
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, int | float):
        raise DataError(f"{item}: sampling_rate_hz is {rate_hz!r}; give a number above 0")
    speed_rpm = positive(one.get("speed_rpm", options.speed_rpm), "speed_rpm", item, "JSON")
    made = recording(np.array(signal, dtype=np.float64), rate_hz, domain, item, speed_rpm)
    motor, moment = one.get("motor"), one.get("moment")
    return replace(made, motor="" if motor is None else str(motor), moment=None if moment is None else str(moment))


def suffixes_of(options: InputOptions) -> tuple[str, ...]:
    """Return the suffixes of files that a request may send: of plain signals, and of the training's own reader."""
    return tuple(dict.fromkeys((*SUFFIXES.values(), *opened_in_training(options))))


def _files(
    kind: str, parameters: Mapping[str, str], body: Body, suffixes: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file in a body."""
    if kind != "multipart/form-data":
        yield _named(_short(body.query.get("item", "recording")), kind, body.content, suffixes), body.content
        return
    boundary = parameters.get("boundary", "").encode()
    if not boundary:
        raise BadRequest(400, "multipart/form-data without a boundary; let your HTTP library write the content type")
    found = False
    for part in (b"\r\n" + body.content).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            break
        head, separator, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not separator:
            raise BadRequest(400, "a part of the multipart body has no head; let your HTTP library write it")
        name, of_part = _head(head)
        found = True
        yield _named(name, of_part, content, suffixes), content
    if not found:
        raise BadRequest(400, "the multipart body has no part; send a file in each")


def _head(head: bytes) -> tuple[str, str]:
    """Return the file's name and the type that the head of a part tells."""
    message = Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        field, colon, value = line.partition(":")
        if colon and field.strip().lower() in ("content-disposition", "content-type"):
            message[field.strip()] = value.strip()
    filename = message.get_filename() or message.get_param("name", header="content-disposition") or "recording"
    return _short(_writable(Path(str(filename)).name)) or "recording", message.get_content_type() if message[
        "content-type"
    ] else ""


def _short(name: str) -> str:
    """Return a name if it is no longer than a file's may be.

    Raises
    ------
    BadRequest
    """
    if len(name.encode()) > LONGEST_NAME:
        raise BadRequest(400, f"the name {name[:SHOWN]!r}... has {len(name.encode())} bytes; allowed: {LONGEST_NAME}")
    return name


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
        raise BadRequest(415, f"content type {kind or 'none'!r} of {name!r} is not read; send {allowed}")
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
