"""A stage's files are what was written, or it is said which are not."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grid.store import manifest
from grid.store.manifest import (
    MANIFEST,
    RECORD,
    DamagedError,
    FileDigest,
    damages,
    manifest_of,
    read_manifest,
)
from grid.store.store import write_json

CONTENT = b"some features " * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stage's folder as a build leaves it."""
    (tmp_path / "fold-1").mkdir()
    (tmp_path / "features.parquet").write_bytes(CONTENT)
    (tmp_path / "fold-1" / "clf_model.pkl").write_bytes(pickle.dumps([1, 2]))
    write_json(tmp_path / MANIFEST, manifest_of(tmp_path))
    write_json(tmp_path / RECORD, {"kind": "features"})
    return tmp_path


def test_manifest_names_all_files_but_itself_and_the_record(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.keys() == {"features.parquet", "fold-1/clf_model.pkl"}
    assert manifest["features.parquet"] == FileDigest.of_bytes(CONTENT)
    assert damages(folder) == []


def test_damages_truncated_file_tells_the_sizes(folder: Path) -> None:
    (folder / "features.parquet").write_bytes(CONTENT[:100])
    assert damages(folder) == [f"features.parquet is truncated: 100 bytes of {len(CONTENT)}"]


def test_damages_flipped_bit_tells_both_digests(folder: Path) -> None:
    flipped = bytes([CONTENT[0] ^ 4]) + CONTENT[1:]
    (folder / "features.parquet").write_bytes(flipped)
    (line,) = damages(folder)
    assert FileDigest.of_bytes(flipped).sha256[:12] in line
    assert FileDigest.of_bytes(CONTENT).sha256[:12] in line


def test_damages_file_that_is_gone_or_was_added_is_named(folder: Path) -> None:
    (folder / "features.parquet").unlink()
    (folder / "strange.pkl").write_bytes(b"")
    assert damages(folder) == ["features.parquet is missing", "strange.pkl is not in the manifest"]


@pytest.mark.parametrize("text", ["", "{}", '{"files": []}', '{"files": {"a": {}}}', '{"files": {"a": 1}}', "\x00"])
def test_damages_manifest_that_is_none_is_named(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    (line,) = damages(folder)
    assert line.startswith(f"{MANIFEST} is not a manifest")


def test_damages_every_flipped_bit_of_a_manifest_is_named(folder: Path) -> None:
    whole = (folder / MANIFEST).read_bytes()
    unseen = []
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        (folder / MANIFEST).write_bytes(flipped)
        if not damages(folder):
            unseen.append((bit, bytes(flipped)))
    assert unseen == []


def test_damages_of_some_files_looks_at_no_others(folder: Path) -> None:
    (folder / "features.parquet").unlink()
    assert damages(folder, ["fold-1/clf_model.pkl"]) == []
    assert damages(folder, ["none.pkl"]) == ["none.pkl is missing"]


def test_damages_without_a_manifest_are_none(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    assert damages(folder) == []


def test_damaged_error_pickles(folder: Path) -> None:
    error = pickle.loads(pickle.dumps(DamagedError(folder, ["a is missing"], "next")))
    assert (error.folder, error.damages, str(error)) == (
        folder,
        ("a is missing",),
        f"{folder} is damaged: a is missing; next",
    )


def test_threads_read_large_files_alone_and_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Threads(ThreadPoolExecutor):
        def __init__(self, most: int) -> None:
            started.append(most)
            super().__init__(most)

    monkeypatch.setattr(manifest, "ThreadPoolExecutor", Threads)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
    of_small = manifest_of(tmp_path)
    assert started == []
    monkeypatch.setattr(manifest, "WORTH_THREADS", 2000)
    assert manifest_of(tmp_path) == of_small
    assert started == [manifest.THREADS]
