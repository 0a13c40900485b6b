"""Save a database as one file and restore it, into SQLite or PostgreSQL alike."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, inspect, select, text, update

from motor.review.database.chain import verify
from motor.review.database.opening import Database, migrate_to, revision_of, revisions
from motor.review.database.schema import HEAD, METADATA, SESSION
from motor.review.faults import ReviewError

BATCH = 2_000
SAVED = [table for table in METADATA.sorted_tables if table is not SESSION]  # who was signed in signs in again


def back_up(database: Database, file: Path) -> int:
    """Save all tables, as they are at one moment, into a file; return how many rows.

    The file has its name once it is whole. It is gzipped JSON lines; the last holds the digest of those before it.
    """
    draft, digest, count = file.with_name(f"{file.name}.draft"), hashlib.sha256(), 0
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft.open("wb") as raw, gzip.open(raw, "wt", encoding="utf-8") as out, database.reading() as connection:
        for line in _lines(database, connection):
            out.write(line)
            digest.update(line.encode())
            count += 1
        out.write(json.dumps({"digest": digest.hexdigest()}) + "\n")
        out.close()
        os.fsync(raw.fileno())
    draft.replace(file)
    return count - 1


def restore(database: Database, file: Path) -> int:
    """Fill an empty database from a file; return how many rows.

    Raises
    ------
    ReviewError
        If the file is damaged or of a newer program, or if the database holds something already; it is as before then.
    """
    schema, n_rows = _check(file)
    if schema not in revisions():
        raise ReviewError(f"{file} has the schema {schema!r}; this program knows {', '.join(revisions())}; use a newer")
    if (stands := revision_of(database)) != schema:
        raise ReviewError(f"{file} has the schema {schema!r}, the database {stands!r}; restore into an empty folder")
    with database.writing() as connection:
        if next(iter(connection.execute(select(HEAD.c.number))))[0]:
            raise ReviewError("the database holds events already; restore into an empty one")
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            next(lines)
            _fill(connection, lines)
        if connection.dialect.name == "postgresql":
            _go_on_counting(connection)
    if faults := verify(database):
        raise ReviewError(f"{file} was restored, but its trail does not verify: {'; '.join(faults)}")
    return n_rows


def restored_to(place: Database, file: Path) -> int:
    """Restore a file with a former schema into a new database, then migrate it (see `restore`)."""
    schema, _ = _check(file)
    migrate_to(place, schema)
    count = restore(place, file)
    migrate_to(place, "head")
    return count


def _lines(database: Database, connection: Connection) -> Iterator[str]:
    yield json.dumps({"schema": revision_of(database)}) + "\n"
    there = set(inspect(connection).get_table_names())  # a former schema has fewer
    for table in (table for table in SAVED if table.name in there):
        rows = connection.execution_options(yield_per=BATCH).execute(select(table).order_by(*table.primary_key))
        for row in rows.mappings():
            yield json.dumps({"table": table.name, "row": dict(row)}, ensure_ascii=False) + "\n"


def _check(file: Path) -> tuple[str, int]:
    """Return the schema and the number of rows of a file, after comparing it with its digest."""
    digest, last, schema, count = hashlib.sha256(), "", None, -2
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                digest.update(last.encode())
                schema = json.loads(line)["schema"] if schema is None else schema
                last, count = line, count + 1
        stated = json.loads(last)["digest"]
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise ReviewError(f"{file} is no backup, or damaged ({error}); give another") from error
    if stated != digest.hexdigest() or schema is None:
        raise ReviewError(f"{file} is damaged: its digest is another; give another backup")
    return str(schema), count


def _fill(connection: Connection, lines: Any) -> None:
    tables = {table.name: table for table in SAVED}
    waiting: list[dict[str, Any]] = []
    name = ""

    def flush() -> None:
        if waiting and name == HEAD.name:
            connection.execute(update(HEAD).values(**waiting[0]))
        elif waiting:
            connection.execute(insert(tables[name]), waiting)
        waiting.clear()

    for line in lines:
        entry = json.loads(line)
        if entry.get("table") != name or len(waiting) == BATCH:
            flush()
            name = entry.get("table", "")
        if "row" in entry:
            waiting.append(entry["row"])


def _go_on_counting(connection: Connection) -> None:
    """Let PostgreSQL's counters go on after the rows that came with their numbers."""
    for table in ("item", "decision"):
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 1)) FROM {table}")
        )
