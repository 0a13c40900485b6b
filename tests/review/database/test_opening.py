"""Databases: made and migrated, refused where they could lose something, saved and restored, on both engines."""

import gzip

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from motor.review.database import opening
from motor.review.database.backup import back_up, restore, restored_to
from motor.review.database.chain import head, verify
from motor.review.database.decisions import Decision, decide
from motor.review.database.items import Item, add_items
from motor.review.database.opening import Database, migrate_to, open_database, revision_of, revisions
from motor.review.database.schema import METADATA
from motor.review.faults import ReviewError

CLASSES = ("normal", "spark")


def in_work(database):
    """Fill a database with some work."""
    add_items(database, [Item(f"i{n}", f"m{n}", "sound", "train", "source") for n in range(3)], "tests")
    for n in range(3):
        decide(database, Decision(f"r{n}", f"i{n}", 0, "label", "ann", "spark"), CLASSES)
    return database


def of(database):
    with database.reading() as connection:
        return head(connection)


def check_schema(database):
    found = inspect(database.engine)
    for table in METADATA.sorted_tables:
        assert {one["name"] for one in found.get_columns(table.name)} == set(table.c.keys())


def test_migrations_lead_to_the_tables_that_the_code_knows(database):
    check_schema(database)


def check_former(database, revision):
    """Take a database of a former schema with work in it, and go on with it."""
    migrate_to(database, revision)
    assert revision_of(database) == revision
    before = of(in_work(database))
    opening._migrate(database)
    assert revision_of(database) == revisions()[-1]
    check_schema(database)
    assert of(database) == before
    assert decide(database, Decision("r9", "i0", 1, "label", "bob", "normal"), CLASSES)["revision"] == 2
    assert verify(database) == []


@pytest.mark.parametrize("revision", revisions())
def test_database_of_each_former_schema_opens(tmp_path, revision):
    check_former(Database(opening._file(tmp_path)), revision)


def test_database_of_a_newer_program_is_refused(database, tmp_path):
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num='9999'"))
    with pytest.raises(ReviewError, match="a newer one made it"):
        open_database(tmp_path / "review")


def test_network_file_system_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "file_system", lambda folder: "nfs4")
    with pytest.raises(ReviewError, match=r"network's file system \(nfs4\)"):
        open_database(tmp_path)


def test_every_commit_is_on_disk(database):
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_backup_restores_into_an_empty_database(database, tmp_path):
    back_up(in_work(database), tmp_path / "saved.gz")
    other = open_database(tmp_path / "other")
    restore(other, tmp_path / "saved.gz")
    assert of(other) == of(database)
    assert verify(other) == []
    again = decide(other, Decision("r9", "i0", 1, "label", "bob", "normal"), CLASSES)
    assert again["revision"] == 2
    with pytest.raises(ReviewError, match="restore into an empty one"):
        restore(other, tmp_path / "saved.gz")


def test_backup_of_a_former_schema_is_restored_and_migrated(tmp_path):
    former = Database(opening._file(tmp_path / "former"))
    migrate_to(former, revisions()[0])
    back_up(former, tmp_path / "saved.gz")
    other = Database(opening._file(tmp_path / "other"))
    restored_to(other, tmp_path / "saved.gz")
    assert revision_of(other) == revisions()[-1]


def test_damaged_backup_is_refused_and_nothing_is_restored(database, tmp_path):
    file = tmp_path / "saved.gz"
    back_up(in_work(database), file)
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).replace(b"spark", b"sperk", 1)))
    other = open_database(tmp_path / "other")
    with pytest.raises(ReviewError, match="its digest is another"):
        restore(other, file)
    assert of(other) == (0, "")


@pytest.mark.slow
def test_postgresql_is_migrated_guarded_saved_and_restored(empty_on_postgresql, on_postgresql, tmp_path, database):
    check_schema(on_postgresql)
    back_up(in_work(database), tmp_path / "saved.gz")
    restore(on_postgresql, tmp_path / "saved.gz")
    assert of(on_postgresql) == of(database)
    assert decide(on_postgresql, Decision("r9", "i0", 1, "label", "bob", "normal"), CLASSES)["revision"] == 2
    assert verify(on_postgresql) == []
    with pytest.raises(Exception, match="only ever added to"), on_postgresql.writing() as connection:
        connection.execute(text("UPDATE event SET actor='x'"))


@pytest.mark.slow
@pytest.mark.parametrize("revision", revisions())
def test_database_of_each_former_schema_opens_on_postgresql(empty_on_postgresql, revision):
    database = Database(opening._server(empty_on_postgresql))
    check_former(database, revision)
    database.close()


def test_revisions_are_those_that_alembic_finds():
    script = ScriptDirectory(str(opening.MIGRATIONS))
    assert [found.revision for found in reversed(list(script.walk_revisions()))] == revisions()


@pytest.mark.slow
def test_server_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(ReviewError, match="cannot be opened") as found:
        open_database("postgresql://ann:secret@127.0.0.1:1/none")
    assert "secret" not in str(found.value)
