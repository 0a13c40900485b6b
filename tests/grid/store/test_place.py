"""Where files lie that several machines see: what holds of each place, and a folder as one."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grid.store.manifest import FileDigest
from grid.store.place import Folder, Place
from grid.store.writing import neighbour


@pytest.fixture
def place(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "not" / "there")


def refuse_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)


def test_place_that_nobody_used_is_empty_and_not_made(place: Folder) -> None:
    assert place.names() == []
    assert place.read("a.1") is None
    place.remove("a.1")
    assert not place.root.exists()


def test_place_keeps_replaces_and_removes_texts(place: Folder) -> None:
    assert place.create("a.1", "ä")
    place.write("a.1", "b")
    place.write("c", "c")
    assert (place.read("a.1"), sorted(place.names())) == ("b", ["a.1", "c"])
    place.remove("a.1")
    place.remove("a.1")
    assert sorted(path.name for path in place.root.iterdir()) == ["c"]


@pytest.mark.parametrize("links", [True, False])
def test_create_where_a_text_stands_changes_nothing(
    place: Folder, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        refuse_links(monkeypatch, errno.EOPNOTSUPP)
    assert place.create("a.1", "first")
    assert not place.create("a.1", "second")
    assert [path.read_text() for path in place.root.iterdir()] == ["first"]


@pytest.mark.parametrize("links", [True, False])
def test_create_by_many_at_once_succeeds_for_one(place: Folder, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        refuse_links(monkeypatch, errno.EPERM)
    with ThreadPoolExecutor(8) as threads:
        for name in "abcdefghij":
            made = list(threads.map(lambda text, name=name: place.create(name, text), "01234567"))
            assert [str(number) for number, is_made in enumerate(made) if is_made] == [place.read(name)]


def test_create_on_a_failing_disk_raises_and_leaves_nothing(place: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_links(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        place.create("a.1", "text")
    assert list(place.root.iterdir()) == []


def test_read_while_others_write_gets_whole_texts(place: Folder) -> None:
    texts = ["x" * 100_000, "y" * 50_000]
    place.create("a.1", texts[0])
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            place.write("a.1", texts[number % 2])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    found = {place.read("a.1") in texts for _ in iter(done.is_set, True)}
    thread.join()
    assert found == {True}


def test_remove_takes_what_a_killed_process_left_of_that_name_only(place: Folder) -> None:
    place.create("a.1", "text")
    for left in (".a.1~0123abcd", ".a.10~0123abcd"):
        (place.root / left).write_text("half")
    assert place.names() == ["a.1"]
    place.remove("a.1")
    assert [path.name for path in place.root.iterdir()] == [".a.10~0123abcd"]


def test_write_whose_text_was_removed_meanwhile_puts_nothing_there(place: Folder) -> None:
    place.create("a.1", "text")
    with neighbour(place.root / "a.1", "late") as beside:
        place.remove("a.1")  # by whoever took it over, while this process hung
        with pytest.raises(FileNotFoundError):
            beside.replace(place.root / "a.1")
    assert list(place.root.iterdir()) == []


def test_read_of_damaged_bytes_is_a_text(place: Folder) -> None:
    place.create("a.1", "text")
    (place.root / "a.1").write_bytes(b"\xff\xfe{")
    assert place.read("a.1") == "\ufffd\ufffd{"


@pytest.fixture(params=["folder", "bucket"])
def any_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Folder(tmp_path / "place") if request.param == "folder" else request.getfixturevalue("bucket")


def test_place_tells_files_and_names_of_a_folder(any_place: Place) -> None:
    for name in ("kind/a/x", "kind/a/y", "kind/file", "kinder/c/x", "kind/.hidden"):
        any_place.write(name, name)
    assert sorted(any_place.names("kind")) == ["a", "file"]
    assert sorted(any_place.within("kind").names()) == ["a", "file"]
    assert any_place.names("none") == []
    assert any_place.files("kind/a") == {"kind/a/x": 8, "kind/a/y": 8}
    assert any_place.within("kind").files().items() >= {"a/x": 8, "file": 9}.items()
    assert (any_place.has("kind/file"), any_place.has("kind/none")) == (True, False)


def test_place_gives_content_and_digest(any_place: Place) -> None:
    any_place.write("a", "ä")
    assert (any_place.read("a"), b"".join(any_place.pieces("a"))) == ("ä", "ä".encode())
    assert any_place.digest("a") == FileDigest.of_bytes("ä".encode())
    assert any_place.read("b") is None
    with pytest.raises(OSError, match="b"):
        any_place.digest("b")


def test_place_creates_once_and_removes(any_place: Place) -> None:
    assert any_place.create("a.1", "first")
    assert not any_place.create("a.1", "second")
    any_place.remove("a.1")
    any_place.remove("a.1")
    assert any_place.create("a.1", "second")


def test_place_clears_files_and_folders_and_nothing_beside(any_place: Place) -> None:
    for name in ("a/x", "a/b/y", "ab/x", "c"):
        any_place.write(name, name)
    for name in ("a", "c", "none"):
        any_place.clear(name)
    assert any_place.files().keys() - {"ab"} == {"ab/x"}


def test_place_moves_a_folder_once(any_place: Place) -> None:
    any_place.write("kind/a/x", "x")
    assert any_place.move("kind/a", "damaged/a")
    assert not any_place.move("kind/a", "damaged/a")
    assert any_place.read("damaged/a/x") == "x"
    assert any_place.read("kind/a/x") is None


def test_folder_clears_also_where_another_process_empties_the_trash_meanwhile(
    place: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("a/x", "x")
    rename, met = Path.rename, []

    def late(path: Path, to: Path) -> Path:
        if not met:
            met.append(path)
            to.parent.rmdir()
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", late)
    place.clear("a")
    assert met == [place.root / "a"]
    assert place.files() == {}


def test_place_tells_age_by_its_own_clock(any_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    any_place.write("runs/now.json", "{}")
    monkeypatch.setattr("grid.store.s3.datetime", None)  # this machine's clock is of no account
    age_s = any_place.age_s("runs/now.json")
    assert age_s is not None
    assert -2 < age_s < 60
    assert any_place.age_s("runs/none") is None
    assert any_place.names("runs") == ["now.json"]


def test_folder_tells_age_of_what_was_written_long_ago(place: Folder) -> None:
    place.write("old", "")
    os.utime(place.root / "old", (1000.0, 1000.0))
    assert (place.age_s("old") or 0) > 1e9
