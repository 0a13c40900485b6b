"""Files that machines see through a bucket: checkpoints, logs, what launches say of themselves."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from grid.store import following
from grid.store.s3 import Bucket, BucketError
from grid.store.store import Store


@contextmanager
def failing(store: Store, stage: Any) -> Iterator[Path]:
    """A build that fails at its end."""
    with suppress(ZeroDivisionError), store.draft(stage, {}) as folder:
        yield folder
        raise ZeroDivisionError


@contextmanager
def expected(kind: type[Exception], words: str) -> Iterator[None]:
    """Expect one error."""
    with pytest.raises(kind, match=words):
        yield


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def build(store: Store, stage: Any, **files: str) -> None:
    with store.draft(stage, {"by": "test"}) as folder:
        for name, text in (files or {"value": "1"}).items():
            (folder / f"{name}.json").write_text(text)


def until(condition: Any, seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_remote_checkpoint_is_brought_to_an_empty_mirror(machine, toy, monkeypatch):
    monkeypatch.setattr(following, "LOOK_S", 0.02)
    one = machine("one")
    with failing(one, toy.Number(1)):
        work = one.work(toy.Number(1))
        (work / "checkpoint.draft").write_text("half")
        (work / ".hidden").write_text("hidden")
        (work / "curves").mkdir()
        (work / "curves" / "events").write_text("1")
        (work / "checkpoint.pt").write_text("step 1")
        until(lambda: len(one.bucket.listed("unfinished/")) == 2)
    work = machine("two").work(toy.Number(1))
    assert (work / "checkpoint.pt").read_text() == "step 1"
    assert (work / "curves" / "events").read_text() == "1"
    assert not (work / "checkpoint.draft").exists()


def test_remote_checkpoint_of_a_build_that_failed_is_uploaded_before_it_ends(machine, toy):
    one = machine("one")
    with failing(one, toy.Number(1)):
        (one.work(toy.Number(1)) / "checkpoint.pt").write_text("step 2")
    assert (machine("two").work(toy.Number(1)) / "checkpoint.pt").read_text() == "step 2"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("following")]


def test_remote_checkpoint_that_becomes_the_former_one_is_not_uploaded_again(machine, toy, monkeypatch):
    one, uploaded, put_file = machine("one"), [], Bucket.put_file
    work = one.work(toy.Number(1))
    checkpoint, former = work / "checkpoint.pt", work / "checkpoint.previous.pt"
    monkeypatch.setattr(Bucket, "put_file", lambda *given: uploaded.append(given[2].name) or put_file(*given))
    for step in (1, 2, 3):
        former.unlink(missing_ok=True)
        if checkpoint.exists():
            former.hardlink_to(checkpoint)
        (work / "draft").write_text(f"step {step}")
        (work / "draft").replace(checkpoint)
        one.share(work)
    assert uploaded == 3 * ["checkpoint.pt"]
    assert set(one.bucket.metadata(f"unfinished/{work.name}/{former.name}")) == {"mirror"}
    there = machine("two").work(toy.Number(1))
    assert [(there / file.name).read_text() for file in (checkpoint, former)] == ["step 3", "step 2"]


def test_remote_checkpoint_whose_copy_is_gone_is_uploaded_as_the_former_one(machine, toy):
    one = machine("one")
    work = one.work(toy.Number(1))
    (work / "checkpoint.pt").write_text("step 1")
    one.share(work)
    one.bucket.delete(one.bucket.listed("unfinished/"))
    (work / "checkpoint.pt").rename(work / "checkpoint.previous.pt")
    one.share(work / "checkpoint.previous.pt")
    assert (machine("two").work(toy.Number(1)) / "checkpoint.previous.pt").read_text() == "step 1"


def test_remote_checkpoint_here_that_is_newer_than_its_copy_stays(machine, toy):
    one = machine("one")
    checkpoint = one.work(toy.Number(1)) / "checkpoint.pt"
    checkpoint.write_text("step 1")
    one.share(checkpoint)
    checkpoint.write_text("step 2")  # and this machine died before it was uploaded
    assert (machine("one").work(toy.Number(1)) / "checkpoint.pt").read_text() == "step 2"


def test_remote_checkpoint_that_another_machine_has_written_since_is_taken(machine, toy):
    for name, text in (("one", "step 1"), ("two", "step 5")):
        store = machine(name)
        (store.work(toy.Number(1)) / "checkpoint.pt").write_text(text)
        store.share(store.work(toy.Number(1)))
    assert (machine("one").work(toy.Number(1)) / "checkpoint.pt").read_text() == "step 5"


def test_remote_checkpoint_that_was_forgotten_elsewhere_is_forgotten_here(machine, toy):
    one = machine("one")
    (one.work(toy.Number(1)) / "checkpoint.pt").write_text("step 1")
    one.share(one.work(toy.Number(1)))
    build(machine("two"), toy.Number(1))
    assert not machine("one").bucket.listed("unfinished/")
    assert not list(machine("one").work(toy.Number(1)).iterdir())


def test_remote_sweep_drops_the_work_of_a_stage_that_stands(machine, toy):
    one = machine("one")
    build(one, toy.Number(1))
    for number in (1, 2):
        work = one.root / "unfinished" / f"number-{toy.Number(number).key}"
        work.mkdir(parents=True)
        (work / "checkpoint.pt").write_text("left")
        one.share(work)
    machine("two").sweep()
    assert one.bucket.names("unfinished") == [f"number-{toy.Number(2).key}"]


def test_remote_files_are_shared_received_and_dropped(machine):
    one, two = machine("one"), machine("two")
    for name in ("a.log", "a.failed.json", "b.failed.json"):
        (one.root / "logs").mkdir(parents=True, exist_ok=True)
        (one.root / "logs" / name).write_text(name)
        one.share(one.root / "logs" / name)
    two.receive(two.root / "logs" / "*.failed.json")
    assert names_in(two.root / "logs") == ["a.failed.json", "b.failed.json"]
    (one.root / "logs" / "a.failed.json").unlink()
    one.share(one.root / "logs" / "a.failed.json")
    two.receive(two.root / "logs" / "*.failed.json")
    assert names_in(two.root / "logs") == ["b.failed.json"]
    two.receive(two.root / "logs")
    assert names_in(two.root / "logs") == ["a.log", "b.failed.json"]


def test_remote_object_whose_name_leads_elsewhere_is_not_received(remote):
    remote.bucket.write("logs/../../x.log", "elsewhere")
    remote.receive(remote.root / "logs")
    assert not (remote.root.parent / "x.log").exists()


def test_remote_server_that_goes_away_is_one_error_and_the_checkpoint_stays_here(remote, toy, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with expected(BucketError, "nothing answers at http://127.0.0.1:9"), remote.draft(toy.Number(1), {}):
        (remote.work(toy.Number(1)) / "checkpoint.pt").write_text("step 1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert (remote.root / "unfinished" / f"number-{toy.Number(1).key}" / "checkpoint.pt").exists()


def test_remote_file_that_did_not_change_is_not_sent_again(remote, monkeypatch):
    file = remote.root / "now.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("1")
    remote.share(file)
    sent = remote.bucket.listed("now.json")
    monkeypatch.setattr(Bucket, "put_file", None)
    remote.share(file)
    assert remote.bucket.listed("now.json") == sent


def test_remote_log_that_was_never_shared_stays(remote):
    log = remote.root / "logs" / "x.log"
    log.parent.mkdir(parents=True)
    log.write_text("a worker died")
    remote.receive(log)
    assert log.read_text() == "a worker died"
