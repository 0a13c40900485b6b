"""Settings of the endpoint: where it listens, how much it takes, and who may ask."""

import hashlib
import hmac
import ipaddress
import socket
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

TOKEN = "MOTOR_GRID_TOKEN"
LAST_PORT = 65535


class TokenError(ValueError):
    """A token was asked for and cannot be had."""


class BadRequest(Exception):
    """A request that cannot be answered: its status, and what to say."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class Settings(NamedTuple):
    """The endpoint's settings.

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
