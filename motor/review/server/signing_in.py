"""Check who sends a request, from where, and what they may do, before any route is run."""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import psutil

from motor.review.database import people
from motor.review.database.opening import Database
from motor.review.faults import ReviewError

COOKIE = "review_session"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = ("0.0.0.0", "::")  # listened on: every address of this machine
EVERYTHING = frozenset().union(*people.ROLES.values())


class RefusedError(Exception):
    """A request that is not answered: its status, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Who:
    """The person behind a request: name, role and permissions."""

    name: str
    role: str
    may: frozenset[str]


@dataclass(frozen=True)
class Door:
    """The rules by which requests are let in.

    Attributes
    ----------
    database : Database
    host : str
        That the server listens on.
    names : tuple of str
        Other hosts that the page may be asked for by, say a proxy's.
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

    def check_place(self, headers: Mapping[str, str]) -> None:
        """Raise RefusedError if a request is for another host, or comes from another site's page."""
        host = _host_of(headers.get("host", ""))
        named = {name.lower() for name in (self.host, *self.names)}
        if not (host in named or (is_loopback(self.host) and host in LOOPBACK) or self._is_here(host)):
            raise RefusedError(421, f"this is not {host!r}; where it is, say --allow-host {host or 'NAME'}")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            raise RefusedError(403, "a page of another origin may ask for nothing here")

    def _is_here(self, host: str) -> bool:
        """Tell whether a host is this machine by a name or an address of its own, where all of those are listened on.

        Any other name may be made to lead here by its owner (DNS rebinding), whose page would then be of this origin.
        """
        return self.host in EVERYWHERE and host in {*LOOPBACK, *_own_names(), *_own_addresses()}

    def who(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Who:
        """Return the person who sends a request.

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
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:  # no address in its brackets
        return ""


@cache
def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, f"{name}.local", socket.getfqdn().lower()}


def _own_addresses() -> set[str]:
    found = [one for of_card in psutil.net_if_addrs().values() for one in of_card]
    return {one.address.partition("%")[0] for one in found if one.family in (socket.AF_INET, socket.AF_INET6)}
