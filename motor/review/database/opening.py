"""Open the database of a review: SQLite in a local folder, or PostgreSQL; migrations lead to its schema."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from motor.lazy import alembic
from motor.review.faults import ReviewError

FILE_NAME = "review.db"
NETWORKED = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "ceph", "lustre", "glusterfs")
BUSY_MS = 30_000
MIGRATIONS = Path(__file__).with_name("migrations")


@dataclass(frozen=True)
class Database:
    """An open database.

    Attributes
    ----------
    engine : sqlalchemy.Engine
    """

    engine: Engine
    _writers: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection in a transaction that sees one state of the database."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, lasts: bool = True) -> Iterator[Connection]:
        """Give a connection in a transaction that is on disk once the block has ended well.

        What need not last over a loss of power (`lasts` False) is not waited for; the next that must writes it, too.

        In SQLite it takes the right to write at its begin: a reader that turned into a writer would fail in spite of
        waiting. The threads of one process queue here, in their order, in place of SQLite's sleeping and trying.
        """
        queued = self._writers if self.is_sqlite else nullcontext()
        with queued, self.engine.execution_options(writes=True, lasts=lasts).begin() as connection:
            if not lasts and not self.is_sqlite:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_database(place: str | Path) -> Database:
    """Open a database, and migrate it to the newest schema.

    Parameters
    ----------
    place : str or Path
        A folder (its file is `FILE_NAME`, made where it lacks), or ``postgresql://user@host/name``.

    Raises
    ------
    ReviewError
        If the folder is on a network's file system, if no server answers, or if a newer program made the database.
    """
    is_server = str(place).startswith("postgresql")
    database = Database(_server(str(place)) if is_server else _file(Path(place)))
    try:
        _migrate(database)
    except OperationalError as error:
        raise ReviewError(f"{shown(place)}: the database cannot be opened: {error.orig}; correct its place") from error
    return database


def shown(place: str | Path) -> str:
    """Return a database's place without a password."""
    is_server = str(place).startswith("postgresql")
    return make_url(str(place)).render_as_string(hide_password=True) if is_server else str(place)


def revisions() -> list[str]:
    """Return the revisions of the schema, oldest first, by the names of their files (Alembic need not be imported)."""
    return sorted(file.stem.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def migrate_to(database: Database, revision: str) -> None:
    """Bring a database to a revision of its schema, in one transaction."""
    with database.writing() as connection:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)


def revision_of(database: Database) -> str | None:
    """Return the revision that a database's schema has; None of an empty one."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _migrate(database: Database) -> None:
    known, stands = revisions(), revision_of(database)
    if stands == known[-1]:
        return
    if stands is not None and stands not in known:
        raise ReviewError(
            f"the database has the schema {stands!r}, this program knows {', '.join(known)}; a newer one made it: "
            "use that, or restore a backup"
        )
    migrate_to(database, known[-1])


def _server(url: str) -> Engine:
    address = make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    return create_engine(address, pool_pre_ping=True, pool_size=10, max_overflow=20)


def _file(folder: Path) -> Engine:
    folder.mkdir(parents=True, exist_ok=True)
    if (kind := file_system(folder)).startswith(NETWORKED):
        raise ReviewError(
            f"{folder} is on a network's file system ({kind}), on which SQLite may lose decisions; give a local "
            "folder, or a database of PostgreSQL: postgresql://user@host/name"
        )
    engine = create_engine(f"sqlite:///{folder / FILE_NAME}", pool_size=10, max_overflow=40)
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def file_system(folder: Path) -> str:
    """Return the kind of file system that a folder is on, as ``/proc/mounts`` names it; "" where nothing says it."""
    here = folder.resolve()
    within = [mount for mount in psutil.disk_partitions(all=True) if here.is_relative_to(mount.mountpoint)]
    return max(within, key=lambda mount: len(mount.mountpoint)).fstype if within else ""


def _prepare_connection(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # so that transactions begin where `_begin` says
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get("writes", False)
    if writes:
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get('lasts', True) else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
