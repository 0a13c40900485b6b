"""The one command on a storage in S3, as it is typed, against a real server."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import launch
from grid.store.s3 import Bucket

ROOT = Path(launch.__file__).parent
SMALL = ("axes.method=[A, B]", "axes.domain=[Joint]", "finetune.num_steps=4")
TRAINING = {"num_steps": 1500, "checkpoint_every": 50, "validate_every": 500, "patience": "null"}
LONG = ("axes.method=[A]", "axes.domain=[Joint]", *(f"finetune.{name}={value}" for name, value in TRAINING.items()))
BUILT = ("recordings", "prepare", "audit", "cleared", "finetune", "features", "features", "classify", "classify")


@dataclass(frozen=True)
class Typed:
    """Commands as a person types them; each machine has a mirror of its own."""

    config: Path
    storage: str
    environment: dict[str, str]

    def __call__(self, machine: str, *words: Any) -> subprocess.CompletedProcess:
        return subprocess.run(**self.how(machine, *words), timeout=500, capture_output=True, text=True)

    def how(self, machine: str, *words: Any) -> dict[str, Any]:
        """Return what a process is started with."""
        environment = {**self.environment, "MOTOR_GRID_CACHE": str(self.config.parent / machine)}
        typed = [sys.executable, str(ROOT / "launch.py"), *map(str, words), "--storage", self.storage]
        return {"args": typed, "env": environment, "cwd": self.config.parent}

    def launch(self, machine: str, *words: str) -> subprocess.CompletedProcess:
        return self(machine, self.config, *SMALL, *words)


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the server writes down what it was asked for."""
    return tmp_path_factory.mktemp("s3") / "requests.log"


@pytest.fixture(scope="module")
def address(requests: Path) -> Iterator[str]:
    """A server in a process of its own."""
    pytest.importorskip("moto.server", reason="moto[server] brings the S3 server: pip install -e '.[dev]'")
    pytest.importorskip("boto3", reason="S3 needs boto3: pip install -e '.[s3]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with requests.open("w") as log, subprocess.Popen(words, stdout=log, stderr=log) as server:
        for _ in range(600):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        server.kill()


@pytest.fixture(scope="module")
def typed(address: str, tiny_text: str, tmp_path_factory: pytest.TempPathFactory) -> Typed:
    """A small grid, built into an empty bucket."""
    import boto3

    config = tmp_path_factory.mktemp("launch-s3") / "tiny.yaml"
    config.write_text(tiny_text, encoding="utf-8")
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RAY_"))}
    given = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=address, **given).create_bucket(Bucket="motors")
    typed = Typed(config, "s3://motors/grids", {**inherited, **keys, "AWS_ENDPOINT_URL_S3": address})
    done = typed.launch("first")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 cells stand." in done.stdout
    return typed


@pytest.fixture
def bucket(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in typed.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return Bucket.at(typed.storage)


@pytest.mark.slow
def test_launch_on_s3_leaves_stages_and_results_in_the_bucket_and_nothing_else(bucket):
    names = bucket.listed()
    kinds = sorted(name.partition("/")[0] for name in names if name.endswith("/record.json"))
    assert kinds == sorted(BUILT)
    results = {name.rpartition("/")[2] for name in names if name.startswith("results/tiny/")}
    assert {"report.html", "result.md", "cells.csv", "metrics.json", "predictor.link", "confusion.png"} <= results
    assert not [name for name in names if name.startswith(("unfinished/", "leases/", "drafts/", "damaged/"))]


@pytest.mark.slow
def test_launch_on_s3_again_from_an_empty_mirror_does_nothing(typed, bucket):
    before = bucket.listed()
    again = typed.launch("second")
    assert again.returncode == 0, again.stderr
    assert again.stdout == (
        "Nothing to do: all 2 cells stand. The report is s3://motors/grids/results/tiny/report.html\n"
    )
    assert bucket.listed() == before


@pytest.mark.slow
def test_status_on_s3_tells_from_an_empty_mirror_what_stands(typed):
    told = typed.launch("third", "--status")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("tiny: 2 of 2 cells stand\n")
    assert ": ended\n" in told.stdout
    assert told.stdout.count("64/lda  macro-F1 ") == 2


@pytest.mark.slow
def test_predict_and_export_on_s3_fetch_what_they_need(typed):
    recordings = sorted(Path(line_of(typed.config, "path")).rglob("*.npy"))[:2]
    told = typed("fourth", "predict", "--cell", "B/Joint/64/lda", "--format", "json", *recordings)
    assert told.returncode == 0, told.stderr
    assert len(json.loads(told.stdout)["predictions"]) == 2
    exported = typed("fourth", "export", "--cell", "B/Joint/64/lda", "--to", typed.config.parent / "exported")
    assert exported.returncode == 0, exported.stderr
    assert (typed.config.parent / "exported" / "model.json").exists()


@pytest.mark.slow
def test_launch_on_s3_goes_on_from_the_checkpoint_of_a_machine_that_was_lost(typed, bucket, requests):
    undisturbed, disturbed = replace(typed, storage="s3://motors/a"), replace(typed, storage="s3://motors/b")
    assert undisturbed("a", typed.config, *LONG).returncode == 0
    there, quiet = Bucket.at(disturbed.storage), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(**disturbed.how("lost", typed.config, *LONG), **quiet) as first:
        while not (checkpoints := [name for name in there.listed("unfinished/") if name.endswith("/checkpoint.pt")]):
            assert first.poll() is None
            time.sleep(0.1)
        first.kill()
    again = disturbed("another", typed.config, *LONG)
    assert again.returncode == 0, again.stderr
    assert f"GET /motors/b/{checkpoints[0]} " in requests.read_text()
    assert content(there) == content(Bucket.at(undisturbed.storage))
    assert not there.listed("unfinished/")


@pytest.mark.slow
def test_two_launches_at_once_on_s3_build_each_stage_once(typed, bucket, requests):
    both = replace(typed, storage="s3://motors/c")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    launches = [subprocess.Popen(**both.how(machine, typed.config, *SMALL), **quiet) for machine in ("left", "right")]
    assert [launch.wait(timeout=500) for launch in launches] == [0, 0]
    asked = (line for line in requests.read_text().splitlines() if "PUT /motors/c/" in line)
    uploaded = [line.partition("PUT ")[2].split()[0] for line in asked if "/record.json" in line]
    assert len(uploaded) == len(set(uploaded)) == len(BUILT)
    assert not Bucket.at(both.storage).listed("leases/")


def content(bucket: Bucket) -> dict[str, str]:
    """Return the digests of what was computed, by file."""
    weights = [name for name in bucket.listed("finetune/") if "/predictor/" in name]
    metrics = [name for name in bucket.listed("classify/") if name.endswith("/metrics.json")]
    assert weights
    assert metrics
    return {name: hashlib.sha256(b"".join(bucket.pieces(name))).hexdigest() for name in (*weights, *metrics)}


@pytest.mark.slow
def test_verify_on_s3_names_what_is_damaged_and_the_next_launch_rebuilds_just_that(typed, bucket):
    damaged = next(name for name in bucket.listed("classify/") if name.endswith("/metrics.json"))
    before = bucket.listed()
    bucket.write(damaged, "{}")
    told = typed("fifth", "--verify")
    assert told.returncode != 0
    assert f"{damaged} is truncated: 2 bytes of " in told.stdout
    again = typed.launch("fifth")
    assert again.returncode == 0, again.stderr
    assert "9 distinct stages, 1 to build" in again.stdout
    after = bucket.listed()
    assert after[damaged] == before[damaged]
    changed = {name.rpartition("/")[0] for name in before if name.endswith("/record.json") and name not in after}
    assert not changed
    assert not bucket.listed("damaged/")


@pytest.mark.slow
def test_prune_on_s3_removes_what_no_config_needs(typed, bucket):
    bucket.write("classify/old-0123456789abcdef/record.json", "{}")
    told = typed("sixth", "--prune", typed.config, *SMALL, "--yes")
    assert told.returncode == 0, told.stderr
    assert not bucket.listed("classify/old-0123456789abcdef/")
    assert len([name for name in bucket.listed() if name.endswith("/record.json")]) == len(BUILT)


def line_of(config: Path, setting: str) -> str:
    """Return what a config says of a setting."""
    lines = (line.strip() for line in config.read_text(encoding="utf-8").splitlines())
    return next(line for line in lines if line.startswith(f"{setting}: ")).partition(": ")[2]
