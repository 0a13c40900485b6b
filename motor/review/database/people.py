"""Who may do what: people with a role, a token each, and sessions of browsers."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, not_, select, update

from motor.review.database import chain
from motor.review.database.decisions import ADJUDICATED
from motor.review.database.opening import Database
from motor.review.database.schema import PERSON, SESSION, SHARED
from motor.review.faults import ReviewError

LOOK, DECIDE, ADJUDICATE, ASK, PROMOTE, MANAGE = "look", "decide", "adjudicate", "ask", "promote", "manage"
ROLES: dict[str, frozenset[str]] = {
    "annotator": frozenset({LOOK, DECIDE}),
    "engineer": frozenset({LOOK, DECIDE, ADJUDICATE, ASK, PROMOTE}),
    "operator": frozenset({LOOK, PROMOTE, MANAGE}),
}
ALONE = "reviewer"  # who works on this machine, where nobody was added: all rights, no token
SESSION_HOURS = 12
TOKEN_BYTES = 32


def add_person(database: Database, name: str, role: str, actor: str) -> str:
    """Add somebody, or give somebody a new role and token; return the token, which stands nowhere.

    Raises
    ------
    ReviewError
        If there is no such role, or nobody can be called so.
    """
    if role not in ROLES:
        raise ReviewError(f"unknown role {role!r}; there are: {', '.join(ROLES)}")
    if name in (SHARED, ADJUDICATED) or name != name.strip() or not name.isprintable():
        raise ReviewError(f"nobody can be called {name!r}; give another name")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    values = {"role": role, "token_digest": _digest(token), "closed_at": None}
    with database.writing() as connection:
        if connection.execute(update(PERSON).where(PERSON.c.name == name).values(**values)).rowcount == 0:
            connection.execute(insert(PERSON).values(name=name, created_at=chain.now(), **values))
        connection.execute(delete(SESSION).where(SESSION.c.person == name))
        chain.append(connection, actor, "person", {"name": name, "role": role})
    return token


def close_person(database: Database, name: str, actor: str) -> None:
    """End a person's access: token and sessions go, decisions stay theirs.

    Raises
    ------
    ReviewError
        If there is nobody of that name.
    """
    gone = {"token_digest": None, "closed_at": chain.now()}
    with database.writing() as connection:
        if connection.execute(update(PERSON).where(PERSON.c.name == name).values(**gone)).rowcount == 0:
            there = ", ".join(connection.scalars(select(PERSON.c.name).order_by(PERSON.c.name)))
            raise ReviewError(f"nobody is called {name!r}; there are: {there or 'none'}")
        connection.execute(delete(SESSION).where(SESSION.c.person == name))
        chain.append(connection, actor, "person closed", {"name": name})


def people(database: Database) -> list[dict[str, Any]]:
    """Return all people: name, role, since when, until when."""
    columns = (PERSON.c.name, PERSON.c.role, PERSON.c.created_at, PERSON.c.closed_at)
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(select(*columns).order_by(PERSON.c.name)).mappings()]


def role_of(database: Database, name: str) -> str | None:
    """Return the role of somebody whom a proxy has signed in; None if there is no such person."""
    with database.reading() as connection:
        return connection.scalar(select(PERSON.c.role).where(PERSON.c.name == name, PERSON.c.closed_at.is_(None)))


def bearer(database: Database, token: str) -> tuple[str, str] | None:
    """Return the name and role of the person with a token; None if nobody has it."""
    has_it = PERSON.c.token_digest == _digest(token)  # by digest: the time of a look-up tells nothing of a token
    with database.reading() as connection:
        row = connection.execute(select(PERSON.c.name, PERSON.c.role).where(has_it)).first()
    return None if row is None else (str(row[0]), str(row[1]))


def begin_session(database: Database, token: str) -> str | None:
    """Return the secret of a new session for a browser's cookie; None if the token is nobody's."""
    person = bearer(database, token)
    if person is None:
        return None
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    until = chain.later(timedelta(hours=SESSION_HOURS))
    with database.writing() as connection:
        connection.execute(delete(SESSION).where(chain.is_over(SESSION.c.expires_at, timedelta(hours=SESSION_HOURS))))
        connection.execute(insert(SESSION).values(digest=_digest(secret), person=person[0], expires_at=until))
        chain.append(connection, person[0], "signed in", {})
    return secret


def session(database: Database, secret: str) -> tuple[str, str] | None:
    """Return the name and role of the person whose session it is; None if it has ended."""
    lives = (
        SESSION.c.digest == _digest(secret),
        not_(chain.is_over(SESSION.c.expires_at, timedelta(hours=SESSION_HOURS))),
    )
    with database.reading() as connection:
        found = select(PERSON.c.name, PERSON.c.role).join(SESSION, SESSION.c.person == PERSON.c.name).where(*lives)
        row = connection.execute(found).first()
    return None if row is None else (str(row[0]), str(row[1]))


def end_session(database: Database, secret: str) -> None:
    """End a browser's session."""
    with database.writing() as connection:
        connection.execute(delete(SESSION).where(SESSION.c.digest == _digest(secret)))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
