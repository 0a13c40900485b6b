"""A store in a bucket, against a real server: whole or not there, whatever interrupts, on whatever machine."""

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grid.plan.plan import Cell, make_plan
from grid.stage import Resources
from grid.store.manifest import MANIFEST, RECORD, DamagedError
from grid.store.remote import RemoteStore, shared_folder_fault
from grid.store.s3 import Bucket
from grid.store.store import Store

# Builds a toy stage and hangs once some objects of it are uploaded.
HANG = """
import importlib.util, sys, time
specification = importlib.util.spec_from_file_location("toy_grid", sys.argv[1])
toy = sys.modules["toy_grid"] = importlib.util.module_from_spec(specification)
specification.loader.exec_module(toy)
from grid.store.remote import RemoteStore
from grid.store.s3 import Bucket, BucketError

put = Bucket.put_file
def put_or_hang(bucket, name, *rest):
    if name.endswith(sys.argv[3]):
        print("here", flush=True)
        time.sleep(600)
    return put(bucket, name, *rest)

Bucket.put_file = put_or_hang
with RemoteStore.at(sys.argv[2]).draft(toy.Number(1), {}) as folder:
    (folder / "value.json").write_text("old")
    (folder / "left.json").write_text("left")
"""
# Takes a lease if nobody has it, says so, and holds it until it is killed.
RACE = """
import sys, time
from grid.store.remote import RemoteStore
store = RemoteStore.at(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
lease = store.leases.acquire("number-1", "racer")
print("won" if lease else "lost", flush=True)
time.sleep(600)
"""


@contextmanager
def process(program: str, *words: str) -> Iterator[subprocess.Popen]:
    """Another process, killed at the end."""
    command = [sys.executable, "-c", program, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def heard(running: subprocess.Popen) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


def build(store: Store, stage: Any, **files: str) -> None:
    with store.draft(stage, {"by": "test"}) as folder:
        for name, text in (files or {"value": "1"}).items():
            (folder / f"{name}.json").write_text(text)


@contextmanager
def failing(store: Store, stage: Any) -> Iterator[Path]:
    """A build that fails at its end."""
    with suppress(ZeroDivisionError), store.draft(stage, {}) as folder:
        yield folder
        raise ZeroDivisionError


def key_of(store: RemoteStore, stage: Any, name: str) -> str:
    return f"{stage.KIND}/{store.bucket.names(stage.KIND)[0]}/{name}"


def test_remote_stage_is_whole_in_the_bucket(remote, toy):
    build(remote, toy.Number(1))
    names = {name.rpartition("/")[2] for name in remote.bucket.listed("number/")}
    assert names == {"value.json", "provenance.json", MANIFEST, RECORD}
    assert remote.holds(toy.Number(1))
    assert not remote.holds(toy.Number(2))
    assert remote.held([toy.Number(1), toy.Number(2)]) == {toy.Number(1).key}


def test_remote_stage_is_fetched_by_another_machine(machine, toy):
    build(machine("one"), toy.Number(1))
    other = machine("two")
    folder = other.folder(toy.Number(1))
    assert folder.is_relative_to(other.root)
    assert (folder / "value.json").read_text() == "1"
    assert (folder / RECORD).exists()
    assert not list((other.root / "drafts").glob("*"))


def test_remote_stage_that_is_not_built_has_a_place(remote, toy):
    assert not remote.folder(toy.Number(1)).exists()


def test_remote_stage_is_read_from_the_mirror_of_who_built_it(remote, toy, monkeypatch):
    build(remote, toy.Number(1))
    monkeypatch.setattr(Bucket, "get_file", None)
    assert (remote.folder(toy.Number(1)) / "value.json").read_text() == "1"


def test_remote_stage_that_was_rebuilt_elsewhere_is_fetched_anew(machine, toy):
    one, two = machine("one"), machine("two")
    build(one, toy.Number(1), value="1", more="1")
    assert (two.folder(toy.Number(1)) / "more.json").exists()
    build(one, toy.Number(1), value="2")
    assert (machine("two").folder(toy.Number(1)) / "value.json").read_text() == "2"
    assert not (machine("two").folder(toy.Number(1)) / "more.json").exists()


def test_remote_stage_is_found_under_another_label(machine, toy, monkeypatch):
    build(machine("one"), toy.Number(1), value="1")
    monkeypatch.setattr(toy.Number, "label", lambda self: "renamed")
    two = machine("two")
    assert two.holds(toy.Number(1))
    assert two.folder(toy.Number(1)).name.startswith("number1-")
    build(two, toy.Number(1), value="2")
    assert len(two.bucket.names("number")) == 1
    assert (machine("three").folder(toy.Number(1)) / "value.json").read_text() == "2"


def test_remote_draft_that_fails_leaves_nothing(remote, toy):
    with failing(remote, toy.Number(1)) as folder:
        (folder / "value.json").write_text("half")
    assert not remote.bucket.listed()
    assert not list((remote.root / "drafts").glob("*"))


@pytest.mark.parametrize(
    "moment", [*(pytest.param(each, marks=pytest.mark.slow) for each in ("value.json", MANIFEST)), RECORD]
)
def test_remote_upload_that_is_killed_is_not_there_and_the_next_build_is_clean(remote, toy, location, moment):
    with process(HANG, str(toy.__file__), location, moment) as running:
        assert heard(running) == "here"
    assert not remote.holds(toy.Number(1))
    assert not remote.folder(toy.Number(1)).exists()
    build(remote, toy.Number(1), value="new")
    assert {name.rpartition("/")[2] for name in remote.bucket.listed("number/")} == {
        *("value.json", "provenance.json", MANIFEST, RECORD)
    }
    assert (remote.verified(toy.Number(1)) / "value.json").read_text() == "new"


def test_remote_rebuild_that_is_killed_is_no_mixture(machine, toy, location):
    one = machine("one")
    build(one, toy.Number(1), value="new")
    with process(HANG, str(toy.__file__), location, MANIFEST) as running:
        assert heard(running) == "here"
    assert not machine("two").holds(toy.Number(1))
    assert not machine("two").folder(toy.Number(1)).exists()


def test_remote_object_that_is_truncated_is_named_and_set_aside(machine, toy):
    one = machine("one")
    build(one, toy.Number(1), value="12345")
    one.bucket.write(key_of(one, toy.Number(1), "value.json"), "12")
    two = machine("two")
    with pytest.raises(DamagedError, match=r"value.json is truncated: 2 bytes of 5.*it was set aside"):
        two.folder(toy.Number(1))
    assert not two.holds(toy.Number(1))
    assert two.set_aside_keys() == {toy.Number(1).key}
    damage = json.loads(two.bucket.read(f"damaged/number-{toy.Number(1).key}/damage.json"))
    assert damage["damages"] == ["value.json is truncated: 2 bytes of 5"]
    build(two, toy.Number(1))
    assert two.set_aside_keys() == set()


@pytest.mark.parametrize("gone", ["value.json", MANIFEST])
def test_remote_object_that_is_gone_is_named(machine, toy, gone):
    one = machine("one")
    build(one, toy.Number(1))
    one.bucket.delete([key_of(one, toy.Number(1), gone)])
    with pytest.raises(DamagedError, match=f"{gone} is missing"):
        machine("two").folder(toy.Number(1))


def test_remote_copy_that_is_damaged_here_is_fetched_again(machine, toy):
    build(machine("one"), toy.Number(1), value="12345")
    copy = machine("one").peek(toy.Number(1)) / "value.json"
    copy.write_text("12x45")
    assert (machine("one").verified(toy.Number(1)) / "value.json").read_text() == "12345"
    assert machine("one").set_aside_keys() == set()


def test_remote_record_that_is_another_is_damage(machine, toy):
    one = machine("one")
    build(one, toy.Number(1))
    one.bucket.write(key_of(one, toy.Number(1), RECORD), json.dumps(toy.Number(2).record))
    with pytest.raises(DamagedError, match=r"record.json is another record than its name says"):
        machine("two").folder(toy.Number(1))


def test_remote_copy_that_is_set_aside_is_replaced_where_what_is_stored_is_whole(remote, toy):
    build(remote, toy.Number(1), value="12345")
    folder = remote.folder(toy.Number(1))
    (folder / "value.json").write_text("12")
    remote.set_aside(folder, ["value.json is truncated"])
    assert (folder / "value.json").read_text() == "12345"
    assert remote.holds(toy.Number(1))


def test_remote_stage_with_a_stray_object_is_set_aside(remote, toy):
    build(remote, toy.Number(1))
    remote.bucket.write(key_of(remote, toy.Number(1), "stray"), "")
    remote.set_aside(remote.folder(toy.Number(1)), ["stray is not in the manifest"])
    assert remote.set_aside_keys() == {toy.Number(1).key}


def test_remote_fetches_of_one_stage_at_once_do_not_disturb_one_another(machine, toy):
    build(machine("one"), toy.Number(1), **{f"file{n}": str(n) for n in range(5)})
    stores = [machine("two") for _ in range(4)]
    found: list[Path] = []
    threads = [threading.Thread(target=lambda s=s: found.append(s.folder(toy.Number(1)))) for s in stores]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(found) == 4
    assert len(list(found[0].iterdir())) == 8
    assert not list((stores[0].root / "drafts").glob("*"))


def test_remote_machines_build_alternate_stages_of_one_plan(machine, toy):
    cell = Cell({}, toy.Square(toy.Sum((toy.Number(1), toy.Number(2)))))
    for turn in range(4):
        store = machine(f"machine{turn % 2}")
        plan = make_plan([cell], store)
        assert len(plan.missing) == 4 - turn
        stage = next(iter(plan.missing.values()))
        with store.draft(stage, {}) as folder:
            stage.build(folder, Building(store))
    assert toy.read(machine("third").folder(cell.stage)) == 9
    assert make_plan([cell], machine("third")).missing == {}


@dataclass
class Building:
    """What the toy stages ask of a context."""

    store: Store

    def folder(self, stage: Any) -> Path:
        return self.store.folder(stage)

    def report(self, **progress: float) -> None:
        pass


def test_remote_texts_are_of_stages_that_stand_and_fetch_nothing_else(machine, toy):
    one = machine("one")
    for number in (1, 2, 3):
        build(one, toy.Number(number), value=str(number))
    one.bucket.delete([key_of(one, toy.Number(1), RECORD)])
    half = one.bucket.names("number")[0][-16:]
    two = machine("two")
    keys = {toy.Number(number).key: str(number) for number in (1, 2, 3)}
    texts = two.texts("number", [*keys, "0123456789abcdef"], "value.json")
    assert texts == {key: value for key, value in keys.items() if key != half}
    assert not (two.root / "number").exists()


def test_remote_store_pickles_as_its_location(machine, toy):
    sent = pickle.dumps(machine("one"))
    build(machine("one"), toy.Number(1))
    machine("two")
    arrived = pickle.loads(sent)
    assert "two" in arrived.root.parts
    assert arrived.holds(toy.Number(1))


@pytest.mark.slow
def test_remote_lease_is_won_by_one_of_two_processes_and_outlives_neither(remote, location):
    with process(RACE, location) as first, process(RACE, location) as second:
        assert heard(first) == heard(second) == "ready"
        for racer in (first, second):
            assert racer.stdin is not None
            racer.stdin.write("\n")
            racer.stdin.flush()
        assert {heard(first), heard(second)} == {"won", "lost"}
        assert "racer" in remote.leases.holder("number-1")
    assert remote.leases.holder("number-1") is None


def test_several_workers_need_a_folder_that_all_see(remote, store):
    assert "--storage is s3://" in shared_folder_fault(remote, [Resources(), Resources(workers=2)])
    assert shared_folder_fault(remote, [Resources()]) is None
    assert shared_folder_fault(store, [Resources(workers=2)]) is None
