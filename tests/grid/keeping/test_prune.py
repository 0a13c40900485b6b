"""What nobody needs is listed and removed; what is needed, leased or being built stays."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grid.keeping.prune import refuse_beside_a_launch, remove, table, unlink_lost, unneeded
from grid.stage import Stage
from grid.store.drafts import draft_name
from grid.store.opening import open_store
from grid.store.place import Folder
from grid.store.store import Store, StoreError, write_json

DEAD = 999_999_999  # above what a process number can be


@pytest.fixture
def stages(store: Store, toy: ModuleType) -> list[Stage]:
    """Three numbers, built."""
    numbers = [toy.Number(n) for n in range(3)]
    for stage in numbers:
        with store.draft(stage, {}) as folder:
            (folder / "value.json").write_text("1" * 1000)
    return numbers


def put(store: Store, *places: str) -> None:
    for place in places:
        (store.root / place).parent.mkdir(parents=True, exist_ok=True)
        (store.root / place).write_text("12345")


def names(store: Store, *needed: Stage, grids: tuple[str, ...] = ()) -> list[str]:
    return [each.name for each in unneeded(store, {stage.key for stage in needed}, grids)]


def test_unneeded_stages_are_those_of_no_key(store: Store, stages: list[Stage]) -> None:
    (found,) = unneeded(store, {stages[0].key, stages[2].key}, ())
    assert (found.what, found.name) == ("number", f"number/{store.folder(stages[1]).name}")
    assert found.bytes == sum(file.stat().st_size for file in store.folder(stages[1]).iterdir())


def test_unneeded_takes_what_stands_beside_stages(store: Store, stages: list[Stage]) -> None:
    gone, kept = "0123456789abcdef", stages[0].key
    put(store, *(f"{place}-{key}/checkpoint.pt" for place in ("unfinished/number",) for key in (gone, kept)))
    put(store, *(f"logs/number-{key}.{end}" for end in ("log", "failed.json", "try1.log") for key in (gone, kept)))
    put(store, "logs/launch-1-2.log", "runs/launch-1-2/now.json", "tune/launch-1-2/a/b.json", "trash/ab/c")
    put(store, f"damaged/number-{kept}/value.json", "results/old/report.html", "results/mine/report.html")
    put(store, "digests.json", "notes.txt", "mine/notes.txt", "leases/number-1.json")
    assert names(store, *stages, grids=("mine",)) == [
        f"damaged/number-{kept}",
        *("logs/launch-1-2.log", *(f"logs/number-{gone}.{end}" for end in ("failed.json", "log", "try1.log"))),
        *("results/old", "runs/launch-1-2", "trash/ab", "tune/launch-1-2", f"unfinished/number-{gone}"),
    ]


def test_unneeded_takes_folders_that_are_empty(store: Store, stages: list[Stage]) -> None:
    for place in ("unfinished/number-0123456789abcdef", "results/old", "number/number9-0123456789abcdef"):
        (store.root / place).mkdir(parents=True)
    assert len(names(store, *stages)) == 3


def test_unneeded_drafts_are_those_of_processes_that_died(store: Store) -> None:
    here, elsewhere = socket.gethostname(), f"not-{socket.gethostname()}"
    draft = "drafts/number-0123456789abcde"
    dead = [f"{draft}0+{here}+{DEAD}-1+ab", f"{draft}1+{elsewhere}+{DEAD}-1+ab"]
    put(store, *(f"{name}/half" for name in (*dead, f"drafts/{draft_name('number-0123456789abcde2')}")))
    assert names(store) == dead


def test_unneeded_leaves_what_is_leased(store: Store, stages: list[Stage]) -> None:
    name = f"number-{stages[1].key}"
    put(store, f"unfinished/{name}/checkpoint.pt", f"logs/{name}.log", f"drafts/{name}+not-here+1-1+ab/half")
    lease = store.leases.acquire(name)
    assert lease is not None
    with lease:
        assert names(store, stages[0], stages[2]) == []
    assert len(names(store, stages[0], stages[2])) == 4


def test_remove_takes_the_chosen_alone_and_tells_how_much(store: Store, stages: list[Stage]) -> None:
    put(store, "results/old/report.html", "logs/launch-1-2.log")
    chosen = unneeded(store, {stages[0].key}, ())
    assert remove(store, chosen) == sum(each.bytes for each in chosen) > 2000
    assert store.held(stages) == {stages[0].key}
    assert unneeded(store, {stages[0].key}, ()) == []
    assert not (store.root / "trash").exists()


def test_remove_leaves_what_somebody_builds_since(store: Store, stages: list[Stage]) -> None:
    chosen = unneeded(store, set(), ())
    lease = store.leases.acquire(f"number-{stages[1].key}")
    assert lease is not None
    with lease:
        remove(store, chosen)
    assert store.held(stages) == {stages[1].key}


def test_remove_what_is_gone_already_does_nothing(store: Store, stages: list[Stage]) -> None:
    chosen = unneeded(store, set(), ())
    remove(store, chosen)
    assert remove(store, chosen) == sum(each.bytes for each in chosen)


def test_remove_link_leaves_what_it_leads_to(store: Store, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kept.txt").write_text("kept")
    (store.root / "results" / "old").mkdir(parents=True)
    (store.root / "results" / "old" / "link").symlink_to(tmp_path / "data")
    remove(store, unneeded(store, set(), ()))
    assert not (store.root / "results" / "old").exists()
    assert (tmp_path / "data" / "kept.txt").read_text() == "kept"


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from grid.keeping.prune import remove, unneeded
from grid.store.store import Store
shutil.rmtree = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
store = Store(Path(sys.argv[1]))
remove(store, unneeded(store, set(), ()))
"""


def test_remove_killed_leaves_each_stage_whole_or_gone_and_the_next_sweep_the_rest(
    store: Store, stages: list[Stage]
) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(store.root)]).returncode == -9
    assert len(store.held(stages)) == 2
    assert len(list((store.root / "number").iterdir())) == 2
    assert any((store.root / "trash").iterdir())
    store.sweep()
    assert not (store.root / "trash").exists()


def test_refuse_beside_a_launch_names_the_one_that_lives(store: Store) -> None:
    plan = {"name": "launch-1-2", "host": "far", "pid": 7, "started": 1.0, "cells": {}, "process_started": 1}
    write_json(store.root / "runs" / "launch-1-2" / "plan.json", plan)
    write_json(store.root / "runs" / "launch-1-2" / "now.json", {"heard": time.time(), "end": None})
    with pytest.raises(StoreError, match=r"launch-1-2 \(process 7 on far\) is running on it; prune when it has ended"):
        refuse_beside_a_launch(store)
    write_json(store.root / "runs" / "launch-1-2" / "now.json", {"heard": time.time(), "end": "ended"})
    refuse_beside_a_launch(store)


def test_unlink_lost_takes_links_that_lead_nowhere_and_folders_left_empty(store: Store, stages: list[Stage]) -> None:
    results = store.root / "results" / "mine"
    for name, stage in zip(("kept/number", "gone/number"), stages[:2], strict=True):
        (results / name).parent.mkdir(parents=True)
        (results / name).symlink_to(store.folder(stage))
    remove(store, unneeded(store, {stages[0].key}, ("mine",)))
    unlink_lost(store)
    assert [path.name for path in results.iterdir()] == ["kept"]
    assert json.loads((results / "kept" / "number" / "value.json").read_text()) == int("1" * 1000)


def test_table_has_a_line_a_kind_and_the_sum(store: Store, stages: list[Stage]) -> None:
    put(store, "results/old/report.html")
    rows = [line.split() for line in table(unneeded(store, set(), ()))]
    assert [row[:2] for row in rows] == [["number", "3"], ["results", "1"], ["all", "4"]]
    assert rows[1][2:] == ["0.01", "kB"]


def test_contents_files_are_named_from_the_root_and_links_not_followed(store: Store, stages: list[Stage]) -> None:
    (store.root / "link").symlink_to(store.root / "number")
    files = Folder(store.root).files()
    below = Folder(store.root).files(f"number/{store.folder(stages[0]).name}")
    assert "link" in files
    assert not any(name.startswith("link/") for name in files)
    assert below.items() <= files.items()
    assert {name.rpartition("/")[2] for name in below} == {
        "value.json",
        "provenance.json",
        "manifest.json",
        "record.json",
    }


def test_remove_from_a_bucket_takes_the_chosen_alone_and_their_copies_here(
    location: str, bucket: Any, toy: ModuleType
) -> None:
    store, numbers = open_store(location), [toy.Number(n) for n in range(2)]
    for stage in numbers:
        with store.draft(stage, {}) as folder:
            (folder / "value.json").write_text("1" * 1000)
    bucket.write("results/old/report.html", "old")
    bucket.write("results/mine/report.html", "mine")
    chosen = unneeded(store, {numbers[0].key}, ("mine",))
    assert [each.what for each in chosen] == ["number", "results", "number (copies on this machine)"]
    remove(store, chosen)
    assert store.held(numbers) == {numbers[0].key}
    assert {name.split("/")[1] for name in bucket.listed("results/")} == {"mine"}
    assert [folder.name for folder in (store.root / "number").iterdir()] == [store.folder(numbers[0]).name]


def test_remove_from_a_bucket_takes_the_record_first(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "record.json", "z/record.json"):
        bucket.write(f"number/one-0123456789abcdef/{name}", name)
    order: list[str] = []
    delete = type(bucket).delete
    monkeypatch.setattr(type(bucket), "delete", lambda self, names: (order.extend(names), delete(self, names)))
    bucket.clear("number/one-0123456789abcdef")
    assert order[0].endswith("/record.json")
    assert len(order) == 3
    assert bucket.listed() == {}
