"""Who asks, from where, and what they may: checked before any route is run."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from motor.review.database import people
from motor.review.database.opening import Database
from motor.review.faults import ReviewError

COOKIE = "review_session"
SAFE = ("GET", "HEAD")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERYTHING = frozenset().union(*people.ROLES.values())


class RefusedError(Exception):
    """A request that is not answered: its status, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Who:
    """Somebody who asks."""

    name: str
    role: str
    may: frozenset[str]


@dataclass(frozen=True)
class Door:
    """What is let in.

    Attributes
    ----------
    database : Database
    host : str
        That the server listens on.
    names : tuple of str
        Other names that the page may be asked for by, say a proxy's.
    header : str, optional
        In which a proxy on this machine says whom it has signed in.
    """

    database: Database
    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()
    header: str | None = None

    def __post_init__(self) -> None:
        if not is_loopback(self.host) and not people.people(self.database):
            raise ReviewError(
                f"other machines can reach {self.host}, and nobody has a token; add people first: "
                "python launch.py review user add NAME --role annotator ..."
            )
        if self.header is not None and not is_loopback(self.host):
            raise ReviewError(
                f"whoever reaches {self.host} could send the header {self.header!r}; listen on 127.0.0.1, and let the "
                "proxy alone reach it"
            )

    def check_place(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise RefusedError if a request is for another host, or comes from another site's page."""
        host = _host_of(headers.get("host", ""))
        allowed = {*LOOPBACK, self.host, *self.names} if is_loopback(self.host) else {self.host, *self.names}
        if host not in allowed and self.host not in ("0.0.0.0", "::"):
            raise RefusedError(421, f"this is not {host!r}; name it by --allow-name if it is")
        origin = headers.get("origin")
        if method not in SAFE and origin is not None and urlsplit(origin).netloc != headers.get("host"):
            raise RefusedError(403, "a page of another origin may not write here")

    def who(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Who:
        """Return who asks.

        Raises
        ------
        RefusedError
            With 401 if nobody is known to.
        """
        if self.header is not None:
            return self._known(self._from_proxy(headers.get(self.header, "")))
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._known(people.bearer(self.database, token.strip()))
        if COOKIE in cookies:
            return self._known(people.session(self.database, cookies[COOKIE]))
        if is_loopback(self.host) and not people.people(self.database):
            return Who(people.ALONE, "alone", EVERYTHING)
        return self._known(None)

    def _from_proxy(self, name: str) -> tuple[str, str] | None:
        role = people.role_of(self.database, name) if name else None
        return None if role is None else (name, role)

    def _known(self, person: tuple[str, str] | None) -> Who:
        if person is None:
            raise RefusedError(401, "sign in with your token")
        return Who(*person, may=people.ROLES[person[1]])


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host's name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host_of(header: str) -> str:
    return urlsplit(f"//{header}").hostname or ""
