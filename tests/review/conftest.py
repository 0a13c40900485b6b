"""Databases of reviews: SQLite in a folder, and a real PostgreSQL that the tests start where it is installed."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from motor.review.database.items import Item, add_items
from motor.review.database.opening import open_database

CLASSES = ("normal", "spark", "vibrate")


def postgresql_program(name):
    found = shutil.which(name)
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return found or (str(newest[-1]) if newest else None)


def as_postgres(command):
    """Return a command as an ordinary user runs it: PostgreSQL refuses root."""
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command] if not os.getuid() else command
    )


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """Return the address of a server of PostgreSQL, with a function that gives an empty database."""
    initdb, server = postgresql_program("initdb"), postgresql_program("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path("/tmp") / f"motor-grid-postgresql-{os.getpid()}"
    folder.mkdir()
    if not os.getuid():
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    subprocess.run(as_postgres([initdb, "-A", "trust", "-D", str(folder / "data")]), check=True, capture_output=True)
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            as_postgres([server, "-D", str(folder / "data"), *options]), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            owner = "postgres" if not os.getuid() else os.environ.get("USER", "postgres")
            yield f"postgresql://{owner}@127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(timeout=30)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def empty_review(tmp_path_factory):
    """Return a folder with an empty database, which tests copy: migrations take a quarter of a second."""
    folder = tmp_path_factory.mktemp("review")
    open_database(folder).close()
    return folder


@pytest.fixture
def database(tmp_path, empty_review):
    shutil.copytree(empty_review, tmp_path / "review")
    found = open_database(tmp_path / "review")
    yield found
    found.close()


@pytest.fixture
def filled(database):
    fill(database)
    return database


def fill(database, count=20):
    """Add recordings of motors of ten recordings each; each fourth motor is on the test side."""
    sides = ("train", "train", "validation", "test")
    items = [Item(f"i{n}", f"m{n // 5}", "sound", sides[n // 5 % 4], "source") for n in range(count)]
    add_items(database, items, "tests")
