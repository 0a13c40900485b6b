"""Digests read again: what is damaged is named and set aside, and nothing else is."""

import json
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grid.keeping.verify import report, verify
from grid.plan.plan import Cell, make_plan
from grid.stage import Stage
from grid.store.manifest import FileDigest, manifest_of
from grid.store.opening import open_store
from grid.store.place import Folder
from grid.store.s3 import Bucket, BucketError
from grid.store.store import RECORD, Store, StoreError, write_json

VALUE = "value.json"


@pytest.fixture
def stages(store: Store, toy: ModuleType) -> dict[str, Stage]:
    """Three numbers and the sum of two of them, built."""
    numbers = [toy.Number(n) for n in range(3)]
    built = {"sum": toy.Sum(tuple(numbers[:2])), **{f"number{n}": number for n, number in enumerate(numbers)}}
    for stage in built.values():
        with store.draft(stage, {}) as folder:
            (folder / VALUE).write_text(stage.key * 100)
    return built


def lines(store: Store, stage: Stage) -> list[str]:
    """What is said of one stage."""
    name = f"{stage.KIND}/{store.folder(stage).name}/"
    return [line.removeprefix(name) for line in report(verify(store), "here") if line.startswith(name)]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_verify_whole_storage_says_so_and_what_it_read(store: Store, stages: dict[str, Stage]) -> None:
    found = verify(store)
    assert (found.n_stages, found.damaged, found.unverifiable, found.busy) == (4, {}, [], {})
    assert found.n_bytes == 4 * 1600 + 4 * len("{}\n")
    assert report(found, "/data")[0].startswith("/data: 4 stages, 0.01 MB read in 0.")
    assert report(found, "/data")[-1] == "All are whole."


def test_verify_empty_storage_is_whole(tmp_path: Path) -> None:
    assert report(verify(Store(tmp_path)), "here")[-1] == "There is nothing to verify."


def test_verify_truncated_file_is_told_with_its_size(store: Store, stages: dict[str, Stage]) -> None:
    path = store.folder(stages["sum"]) / VALUE
    path.write_bytes(path.read_bytes()[:1034])
    assert lines(store, stages["sum"]) == [f"{VALUE} is truncated: 1034 bytes of 1600"]


def test_verify_flipped_bit_is_told_with_both_digests(store: Store, stages: dict[str, Stage]) -> None:
    flip(store.folder(stages["sum"]) / VALUE)
    (line,) = lines(store, stages["sum"])
    assert line.startswith(f"{VALUE} has another content: sha256 ")


@pytest.mark.parametrize("name", [VALUE, "provenance.json", RECORD])
def test_verify_missing_file_is_told(store: Store, stages: dict[str, Stage], name: str) -> None:
    (store.folder(stages["sum"]) / name).unlink()
    assert lines(store, stages["sum"]) == [f"{name} is missing"]


def test_verify_file_that_nobody_wrote_is_told(store: Store, stages: dict[str, Stage]) -> None:
    (store.folder(stages["sum"]) / "stray.txt").write_text("?")
    assert lines(store, stages["sum"]) == ["stray.txt is not in the manifest"]


@pytest.mark.parametrize("text", ["", '{"kind": "su', "\x00\x00", '{"value": NaN}', "[" * 100_000])
def test_verify_record_that_is_no_json_is_told(store: Store, stages: dict[str, Stage], text: str) -> None:
    (store.folder(stages["sum"]) / RECORD).write_text(text)
    (line,) = lines(store, stages["sum"])
    assert line.startswith("record.json is not JSON (")


@pytest.mark.parametrize("record", [{"kind": "number"}, [], 3, None])
def test_verify_other_record_is_told_with_what_it_is(store: Store, stages: dict[str, Stage], record: object) -> None:
    write_json(store.folder(stages["sum"]) / RECORD, record)
    (line,) = lines(store, stages["sum"])
    assert line.startswith("record.json is another record than its name says: ")
    assert line.endswith(f"where sum {stages['sum'].key} is expected")


@pytest.mark.parametrize("text", ["", "[]", '{"files": {"value.json": {}}}', '{"files": {"value.json": 3}}'])
def test_verify_manifest_that_is_none_is_told(store: Store, stages: dict[str, Stage], text: str) -> None:
    (store.folder(stages["sum"]) / "manifest.json").write_text(text)
    (line,) = lines(store, stages["sum"])
    assert line.startswith("manifest.json is not a manifest")


def test_verify_damaged_stage_is_set_aside_and_it_alone_is_built_again(
    store: Store, stages: dict[str, Stage], toy: ModuleType
) -> None:
    cells = [Cell({"end": 0}, stages["sum"]), Cell({"end": 1}, stages["number2"])]
    flip(store.folder(stages["number0"]) / VALUE)  # hidden behind the sum, which stands
    found = verify(store)
    assert len(found.damaged) == 1
    assert "1 of 4 stages is damaged, and set aside in damaged/" in report(found, "here")[-2]
    (aside,) = (store.root / "damaged").iterdir()
    assert json.loads((aside / "damage.json").read_text())["damages"] == next(iter(found.damaged.values()))
    assert make_plan(cells, store).missing.keys() == {stages["number0"].key}
    assert verify(store).damaged == {}
    assert verify(store).n_stages == 3


def test_verify_stage_without_manifest_is_told_and_left(store: Store, stages: dict[str, Stage]) -> None:
    (store.folder(stages["sum"]) / "manifest.json").unlink()
    assert lines(store, stages["sum"]) == []
    said = report(verify(store), "here")
    assert f"sum/sum-{stages['sum'].key}: built before digests were kept: cannot be verified" in said
    assert "All are whole." not in said
    assert store.holds(stages["sum"])


def test_verify_stage_that_is_being_built_is_not_read(store: Store, stages: dict[str, Stage]) -> None:
    flip(store.folder(stages["sum"]) / VALUE)
    lease = store.leases.acquire(f"sum-{stages['sum'].key}", "launch-7")
    assert lease is not None
    with lease:
        found = verify(store)
    assert (found.damaged, found.n_stages) == ({}, 3)
    assert "launch-7" in found.busy[f"sum/sum-{stages['sum'].key}"]
    assert store.holds(stages["sum"])


def test_verify_some_keys_reads_these_alone(store: Store, stages: dict[str, Stage]) -> None:
    flip(store.folder(stages["sum"]) / VALUE)
    found = verify(store, {stages["number1"].key})
    assert (found.n_stages, found.damaged) == (1, {})
    assert store.holds(stages["sum"])


def test_verify_reads_neither_drafts_nor_checkpoints_nor_results(store: Store, stages: dict[str, Stage]) -> None:
    for place in ("drafts/sum-0123456789abcdef+host+1+ab", "unfinished/sum-0123456789abcdef", "results/a", "mine/b"):
        (store.root / place).mkdir(parents=True)
        (store.root / place / "half.bin").write_bytes(b"half")
    assert verify(store).n_stages == 4
    assert verify(store).damaged == {}


def test_verify_tells_how_far_it_is(store: Store, stages: dict[str, Stage]) -> None:
    heard: list[tuple[int, int]] = []
    verify(store, tell=lambda done, total: heard.append((done, total)))
    assert heard[-1][0] == 4 * 1600 + 4 * len("{}\n")
    assert all(done <= total for done, total in heard)


@pytest.fixture
def remote(location: str) -> Store:
    return open_store(location)


def test_verify_bucket_names_sets_aside_and_has_rebuilt_what_is_damaged(
    remote: Store, bucket: Any, toy: ModuleType
) -> None:
    numbers = [toy.Number(n) for n in range(4)]
    for stage in numbers:
        with remote.draft(stage, {}) as folder:
            (folder / VALUE).write_text(stage.key * 100)
    names = [f"number/{remote.folder(stage).name}" for stage in numbers]
    bucket.write(f"{names[0]}/{VALUE}", "cut")
    bucket.write(f"{names[1]}/{VALUE}", "x" * 1600)
    bucket.delete([f"{names[2]}/{VALUE}"])
    found = verify(remote)
    assert [fault.partition(": ")[0] for (fault,) in found.damaged.values()] == [
        f"{VALUE} is truncated",
        f"{VALUE} has another content",
        f"{VALUE} is missing",
    ]
    assert list(found.damaged) == names[:3]
    cells = [Cell({"end": n}, stage) for n, stage in enumerate(numbers)]
    assert make_plan(cells, remote).missing.keys() == {stage.key for stage in numbers[:3]}
    assert verify(remote).n_stages == 1


def test_verify_bucket_that_does_not_answer_calls_nothing_damaged(
    remote: Store, toy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with remote.draft(toy.Number(1), {}):
        pass
    monkeypatch.setattr(Bucket, "digest", lambda *_: (_ for _ in ()).throw(BucketError("nothing answers")))
    with pytest.raises(StoreError, match="nothing answers"):
        verify(remote)
    assert remote.holds(toy.Number(1))


def test_verify_interrupted_does_not_read_the_rest(
    store: Store, stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        (store.folder(stages["sum"]) / f"{number}.bin").write_bytes(b"0")
    read: list[str] = []

    def slow(place: Folder, name: str) -> FileDigest:
        read.append(name)
        time.sleep(0.05)
        return FileDigest("", 0)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    write_json(store.folder(stages["sum"]) / "manifest.json", manifest_of(store.folder(stages["sum"])))
    monkeypatch.setattr(Folder, "digest", slow)
    with pytest.raises(KeyboardInterrupt):
        verify(store, tell=interrupt)
    assert len(read) < 100
