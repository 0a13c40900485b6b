"""The toy grid as a module, an empty store, and a real S3 server, one a session, with a bucket for each test."""

import importlib.util
import logging
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grid.store.store import Store


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The toy stages; test files are importable by nobody, so by path."""
    path = Path(__file__).with_name("toy_grid.py")
    specification = importlib.util.spec_from_file_location("toy_grid", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["toy_grid"] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server that keeps its objects in memory."""
    server = pytest.importorskip("moto.server", reason="moto[server] brings the S3 server: pip install -e '.[dev]'")
    pytest.importorskip("boto3", reason="S3 needs boto3: pip install -e '.[s3]'")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment in which boto3 finds the server; its address."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {**KEYS, "AWS_ENDPOINT_URL_S3": s3_server}.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def location(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix in a bucket that is empty; mirrors of it lie under `tmp_path`."""
    from grid.store.s3 import Bucket

    monkeypatch.setenv("MOTOR_GRID_CACHE", str(tmp_path / "cache"))
    bucket = Bucket(f"bucket-{uuid.uuid4().hex[:12]}", "motors/")
    bucket._client.create_bucket(Bucket=bucket.name)
    return bucket.location


@pytest.fixture
def bucket(location: str) -> Any:
    """The bucket at `location`."""
    from grid.store.s3 import Bucket

    return Bucket.at(location)


@pytest.fixture
def machine(location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that gives the store as a machine with a mirror of its own sees it."""
    from grid.store.opening import open_store

    def of(name: str) -> Any:
        monkeypatch.setenv("MOTOR_GRID_CACHE", str(tmp_path / name))
        return open_store(location)

    return of


@pytest.fixture
def remote(machine: Any) -> Any:
    return machine("one")
