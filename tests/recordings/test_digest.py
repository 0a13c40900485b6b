import json
import os
import shutil
from pathlib import Path

import pytest

from motor.recordings.digest import content_digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two small files, one of them in a folder of its own."""
    root = tmp_path / "data"
    (root / "sub").mkdir(parents=True)
    (root / "a.csv").write_text("1")
    (root / "sub" / "b.csv").write_text("2")
    return root


def digest(root: Path, cache_file: Path | None = None) -> str:
    return content_digest(root.rglob("*.csv"), root, cache_file)


def test_digest_of_a_moved_folder_is_the_same(folder: Path, tmp_path: Path) -> None:
    before = digest(folder)
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert digest(moved) == before
    assert content_digest(sorted(moved.rglob("*.csv"), reverse=True), moved, None) == before


@pytest.mark.parametrize("change", ["content", "name", "more", "swap"])
def test_digest_after_a_change_is_another(folder: Path, change: str) -> None:
    before = digest(folder)
    if change == "content":
        (folder / "a.csv").write_text("3")
    elif change == "name":
        (folder / "a.csv").rename(folder / "c.csv")
    elif change == "more":
        (folder / "c.csv").touch()
    else:
        (folder / "a.csv").write_text("2")
        (folder / "sub" / "b.csv").write_text("1")
    assert digest(folder) != before


def test_digest_of_one_file_does_not_depend_on_its_name(folder: Path) -> None:
    before = content_digest([folder / "a.csv"], folder / "a.csv", None)
    renamed = (folder / "a.csv").rename(folder / "c.csv")
    assert content_digest([renamed], renamed, None) == before


def test_cache_of_an_unchanged_file_is_used(folder: Path, tmp_path: Path) -> None:
    cache_file = tmp_path / "cache" / "digests.json"
    before = digest(folder, cache_file)
    known = json.loads(cache_file.read_text())
    cache_file.write_text(json.dumps(dict.fromkeys(known, "0" * 64)))
    assert digest(folder, cache_file) != before  # what the cache says is believed


def test_cache_is_not_believed_of_other_content_of_the_same_size_and_time(folder: Path, tmp_path: Path) -> None:
    """As a restored backup leaves it, or ``cp -p``, or ``rsync -t``."""
    cache_file = tmp_path / "digests.json"
    before = digest(folder, cache_file)
    status = (folder / "a.csv").stat()
    (folder / "a.csv").write_text("9")
    os.utime(folder / "a.csv", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digest(folder, cache_file) == digest(folder, None) != before


@pytest.mark.parametrize("content", ["[]", "null", "3", '{"a": null}', '[["a", 1]]', "[" * 10_000])
def test_cache_that_is_none_is_made_anew(folder: Path, tmp_path: Path, content: str) -> None:
    cache_file = tmp_path / "digests.json"
    cache_file.write_text(content)
    assert digest(folder, cache_file) == digest(folder, None)
    assert all(len(value) == 64 for value in json.loads(cache_file.read_text()).values())


def test_cache_after_a_change_of_the_file_is_not_used(folder: Path, tmp_path: Path) -> None:
    cache_file = tmp_path / "digests.json"
    digest(folder, cache_file)
    status = (folder / "a.csv").stat()
    (folder / "a.csv").write_text("9")
    os.utime(folder / "a.csv", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert digest(folder, cache_file) == digest(folder)


def test_cache_damaged_is_written_anew(folder: Path, tmp_path: Path) -> None:
    cache_file = tmp_path / "digests.json"
    cache_file.write_text("{half")
    assert digest(folder, cache_file) == digest(folder)
    assert cache_file.read_text().count("a.csv") == 1
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_digest_of_a_pipe_or_a_device_is_refused_unread(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="a pipe or a device is in the place of a file"):
            content_digest([path], path.parent, None)
