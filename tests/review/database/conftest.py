"""A database of its own on the tests' PostgreSQL."""

import time
import uuid

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from motor.review.database.opening import open_database


@pytest.fixture
def empty_on_postgresql(postgresql):
    """Return the address of a new database of PostgreSQL."""
    server = postgresql.replace("postgresql://", "postgresql+psycopg://")
    name = f"review_{uuid.uuid4().hex[:12]}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    for left in range(300, -1, -1):  # it takes connections some seconds after its start
        try:
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            break
        except OperationalError:
            if not left:
                raise
            time.sleep(0.2)
    engine.dispose()
    return f"{postgresql}/{name}"


@pytest.fixture
def on_postgresql(empty_on_postgresql):
    found = open_database(empty_on_postgresql)
    yield found
    found.close()
