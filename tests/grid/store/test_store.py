"""Folders: whole or not there, whatever interrupts."""

import json
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grid.stage import Stage
from grid.store.store import RECORD, DamagedError, Store, StoreError, write_json, write_text

# Builds a toy stage as far as `moment`, says so, and hangs.
HANG = """
import importlib.util, pathlib, sys, time
specification = importlib.util.spec_from_file_location("toy_grid", sys.argv[1])
toy = sys.modules["toy_grid"] = importlib.util.module_from_spec(specification)
specification.loader.exec_module(toy)
import grid.store.store

def hang(*_):
    print("here", flush=True)
    time.sleep(600)

moment = sys.argv[3]
if moment == "rename":
    pathlib.Path.rename = hang
elif moment == "record":
    grid.store.writing.os.fsync = hang
with toy.Store(pathlib.Path(sys.argv[2])).draft(toy.Number(1), {}) as folder:
    (folder / "value.json").write_text("1")
    if moment == "build":
        hang()
"""


@contextmanager
def hanging(toy: ModuleType, store: Store, moment: str) -> Iterator[subprocess.Popen]:
    """A process that hangs within a draft of `Number(1)`."""
    words = [sys.executable, "-c", HANG, str(toy.__file__), str(store.root), moment]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        yield process
        process.kill()


def build(store: Store, stage: Stage, text: str = "1") -> None:
    with store.draft(stage, {"by": "test"}) as folder:
        (folder / "value.json").write_text(text)


def write_half(folder: Path) -> None:
    (folder / "value.json").write_text("half")
    raise KeyboardInterrupt


def drafts(store: Store) -> list[Path]:
    return list((store.root / "drafts").glob("*"))


def test_draft_block_that_ends_well_is_held_with_its_record(store: Store, toy: ModuleType) -> None:
    stage = toy.Number(1)
    assert not store.holds(stage)
    build(store, stage)
    assert store.holds(stage)
    assert {path.name for path in store.folder(stage).iterdir()} == {
        "value.json",
        "provenance.json",
        "manifest.json",
        RECORD,
    }
    assert json.loads((store.folder(stage) / RECORD).read_text()) == stage.record
    assert json.loads((store.folder(stage) / "provenance.json").read_text()) == {"by": "test"}
    assert drafts(store) == []


def test_draft_exception_leaves_no_folder_and_no_draft(store: Store, toy: ModuleType) -> None:
    stage = toy.Number(1)
    with pytest.raises(KeyboardInterrupt), store.draft(stage, {}) as folder:
        write_half(folder)
    assert not store.holds(stage)
    assert not store.folder(stage).exists()
    assert drafts(store) == []


def test_draft_provenance_that_is_no_json_leaves_no_folder(store: Store, toy: ModuleType) -> None:
    with pytest.raises(TypeError), store.draft(toy.Number(1), {"when": object()}):
        pass
    assert not store.folder(toy.Number(1)).exists()
    assert drafts(store) == []


def test_draft_exception_keeps_what_stood(store: Store, toy: ModuleType) -> None:
    build(store, toy.Number(1), "old")
    with pytest.raises(OSError, match="full"), store.draft(toy.Number(1), {}):
        raise OSError("full")
    assert (store.folder(toy.Number(1)) / "value.json").read_text() == "old"


def test_draft_of_a_stage_that_stands_replaces_it_whole(store: Store, toy: ModuleType) -> None:
    stage = toy.Number(1)
    build(store, stage, "old")
    (store.folder(stage) / "stray.txt").write_text("old")
    build(store, stage, "new")
    assert (store.folder(stage) / "value.json").read_text() == "new"
    assert not (store.folder(stage) / "stray.txt").exists()
    assert drafts(store) == []


def test_draft_two_at_once_both_end_and_one_stands(store: Store, toy: ModuleType) -> None:
    with store.draft(toy.Number(1), {}) as first, store.draft(toy.Number(1), {}) as second:
        assert first != second
    assert store.holds(toy.Number(1))
    assert drafts(store) == []


@pytest.mark.parametrize("moment", ["build", "record", "rename"])
def test_draft_killed_process_leaves_nothing_that_is_held(store: Store, toy: ModuleType, moment: str) -> None:
    with hanging(toy, store, moment) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(drafts(store)) == 1
        assert not store.holds(toy.Number(1))
        assert store.held([toy.Number(1)]) == set()
        store.sweep()
        assert drafts(store) == []


def test_sweep_live_process_keeps_its_draft(store: Store, toy: ModuleType) -> None:
    with hanging(toy, store, "build"):
        store.sweep()
        assert len(drafts(store)) == 1
        assert (drafts(store)[0] / "value.json").read_text() == "1"


def test_sweep_other_machine_keeps_its_draft(store: Store) -> None:
    elsewhere = store.root / "drafts" / f"number-0123+not-{socket.gethostname()}+999999999-1+abcd"
    elsewhere.mkdir(parents=True)
    store.sweep()
    assert elsewhere.exists()


def test_sweep_replaced_folder_of_a_dead_process_goes(store: Store) -> None:
    aside = store.root / "drafts" / f"number-0123+{socket.gethostname()}+999999999-1+abcd-replaced"
    aside.mkdir(parents=True)
    store.sweep()
    assert not aside.exists()


def test_holds_other_record_raises_with_the_place(store: Store, toy: ModuleType) -> None:
    build(store, toy.Number(1))
    write_json(store.folder(toy.Number(1)) / RECORD, toy.Number(2).record)
    with pytest.raises(StoreError, match=r"number1-.*record\.json is another record than its name says"):
        store.holds(toy.Number(1))
    with pytest.raises(StoreError):
        store.held([toy.Number(1)])


def test_holds_record_that_differs_in_a_type_alone_raises(store: Store, toy: ModuleType) -> None:
    build(store, toy.Number(1))
    write_json(store.folder(toy.Number(1)) / RECORD, toy.Number(1).record | {"value": 1.0})
    with pytest.raises(StoreError, match="another record"):
        store.holds(toy.Number(1))


@pytest.mark.parametrize("text", ["", '{"kind": "numb', "\x00\x00", '{"value": NaN}'])
def test_holds_damaged_record_raises_with_the_place(store: Store, toy: ModuleType, text: str) -> None:
    build(store, toy.Number(1))
    (store.folder(toy.Number(1)) / RECORD).write_text(text)
    with pytest.raises(StoreError, match=r"record\.json is not JSON .*; python launch\.py verify"):
        store.holds(toy.Number(1))


def test_holds_folder_without_record_is_not_held_and_is_replaced(store: Store, toy: ModuleType) -> None:
    store.folder(toy.Number(1)).mkdir(parents=True)
    (store.folder(toy.Number(1)) / "value.json").write_text("half")
    assert not store.holds(toy.Number(1))
    build(store, toy.Number(1), "whole")
    assert (store.folder(toy.Number(1)) / "value.json").read_text() == "whole"


def test_folder_other_label_is_the_same_stage(store: Store, toy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    build(store, toy.Number(1))
    before = store.folder(toy.Number(1))
    monkeypatch.setattr(toy.Number, "label", lambda self: "renamed")
    assert store.folder(toy.Number(1)) == before
    assert store.held([toy.Number(1)]) == {toy.Number(1).key}


@pytest.mark.parametrize("label", ["a/b", "../..", "声音" * 100, "[x] :y:", "", "n\0l"])
def test_folder_any_label_names_one_folder(
    store: Store, toy: ModuleType, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy.Number, "label", lambda self: label)
    build(store, toy.Number(1))
    assert store.folder(toy.Number(1)).parent == store.root / "number"
    assert store.holds(toy.Number(1))


def test_held_finds_just_what_stands(store: Store, toy: ModuleType) -> None:
    stages = [toy.Number(value) for value in range(5)]
    for stage in stages[:3]:
        build(store, stage)
    assert store.held([*stages, toy.Sum(())]) == {stage.key for stage in stages[:3]}


def test_work_outlives_a_failure_and_goes_when_the_stage_stands(store: Store, toy: ModuleType) -> None:
    stage = toy.Number(1)
    (store.work(stage) / "checkpoint").write_text("half way")
    with pytest.raises(ValueError, match="later"), store.draft(stage, {}):
        raise ValueError("later")
    assert (store.work(stage) / "checkpoint").read_text() == "half way"
    build(store, stage)
    assert list((store.root / "unfinished").iterdir()) == []


def test_forget_work_drops_it(store: Store, toy: ModuleType) -> None:
    (store.work(toy.Number(1)) / "checkpoint").write_text("old")
    store.forget_work(toy.Number(1))
    assert list(store.work(toy.Number(1)).iterdir()) == []


def test_draft_with_links_and_folders_is_synced(store: Store, toy: ModuleType) -> None:
    with store.draft(toy.Number(1), {}) as folder:
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "file").write_text("x")
        (folder / "dangling").symlink_to("nowhere")
    assert (store.folder(toy.Number(1)) / "deep" / "er" / "file").read_text() == "x"


def test_write_text_failure_keeps_the_old_text_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "note.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new" * 10_000 + "\udcff")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_write_text_kill_in_the_middle_keeps_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")
    code = "import os, sys, pathlib, grid.store.writing\n"
    code += "grid.store.writing.os.fsync = lambda _: os.kill(os.getpid(), 9)\n"
    code += "grid.store.writing.write_text(pathlib.Path(sys.argv[1]), 'new')"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -signal.SIGKILL
    assert path.read_text() == "old"


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}, {1, 2}])
def test_write_json_value_that_is_no_json_raises_and_writes_nothing(tmp_path: Path, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "x.json", value)
    assert list(tmp_path.iterdir()) == []


def test_draft_leaves_a_manifest_of_what_was_built(store: Store, toy: ModuleType) -> None:
    build(store, toy.Number(1))
    assert store.verified(toy.Number(1)) == store.folder(toy.Number(1))
    manifest = json.loads((store.folder(toy.Number(1)) / "manifest.json").read_text())
    assert manifest["files"].keys() == {"value.json", "provenance.json"}


def test_verified_damaged_stage_is_set_aside_and_named(store: Store, toy: ModuleType) -> None:
    stage = toy.Number(1)
    build(store, stage, "12")
    (store.folder(stage) / "value.json").write_text("13")
    with pytest.raises(DamagedError, match=r"value\.json has another content.*was set aside.*same command"):
        store.verified(stage)
    assert not store.holds(stage)
    assert store.set_aside_keys() == {stage.key}
    record = json.loads((store.root / "damaged" / f"number-{stage.key}" / "damage.json").read_text())
    assert record["folder"] == f"number/number1-{stage.key}"
    assert "value.json" in record["damages"][0]


def test_draft_of_what_was_set_aside_ends_that(store: Store, toy: ModuleType) -> None:
    for text in ("12", "12"):
        build(store, toy.Number(1), text)
        store.set_aside(store.folder(toy.Number(1)), ["value.json is truncated"])
    build(store, toy.Number(1))
    assert store.set_aside_keys() == set()


def test_verified_reads_a_folder_once_a_process(store: Store, toy: ModuleType) -> None:
    build(store, toy.Number(1))
    store.verified(toy.Number(1))
    (store.folder(toy.Number(1)) / "value.json").write_text("2")
    store.verified(toy.Number(1))


def test_draft_removes_what_a_dead_build_of_it_left(store: Store, toy: ModuleType) -> None:
    left = store.root / "drafts" / f"number-{toy.Number(1).key}+another+7+0"
    others = store.root / "drafts" / "number-0123456789abcdef+another+7+0"
    left.mkdir(parents=True)
    others.mkdir()
    build(store, toy.Number(1))
    assert list((store.root / "drafts").iterdir()) == [others]


def test_sweep_removes_checkpoints_of_what_stands(store: Store, toy: ModuleType) -> None:
    build(store, toy.Number(1))
    for stage in (toy.Number(1), toy.Number(2)):
        (store.work(stage) / "checkpoint.pt").write_text("half")
    store.sweep()
    assert [path.name for path in (store.root / "unfinished").iterdir()] == [f"number-{toy.Number(2).key}"]


def test_sweep_leaves_checkpoints_of_a_forced_rebuild(store: Store, toy: ModuleType) -> None:
    build(store, toy.Number(1))
    (store.work(toy.Number(1)) / "checkpoint.pt").write_text("half")
    with store.leases.acquire(f"number-{toy.Number(1).key}"):
        store.sweep()
        assert (store.work(toy.Number(1)) / "checkpoint.pt").exists()


def test_store_pickles_as_its_place(store: Store) -> None:
    assert store.leases
    assert pickle.loads(pickle.dumps(store)) == store
