"""A folder of small texts that several machines see."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grid.store.shelf import FolderShelf


@pytest.fixture
def shelf(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path / "not" / "there")


def refuse_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)


def test_shelf_that_nobody_used_is_empty_and_not_made(shelf: FolderShelf) -> None:
    assert shelf.names() == []
    assert shelf.read("a.1") is None
    shelf.remove("a.1")
    assert not shelf.folder.exists()


def test_shelf_keeps_replaces_and_removes_texts(shelf: FolderShelf) -> None:
    assert shelf.create("a.1", "ä")
    shelf.write("a.1", "b")
    shelf.write("c", "c")
    assert (shelf.read("a.1"), sorted(shelf.names())) == ("b", ["a.1", "c"])
    shelf.remove("a.1")
    shelf.remove("a.1")
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["c"]


@pytest.mark.parametrize("links", [True, False])
def test_create_where_a_text_stands_changes_nothing(
    shelf: FolderShelf, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        refuse_links(monkeypatch, errno.EOPNOTSUPP)
    assert shelf.create("a.1", "first")
    assert not shelf.create("a.1", "second")
    assert [path.read_text() for path in shelf.folder.iterdir()] == ["first"]


@pytest.mark.parametrize("links", [True, False])
def test_create_by_many_at_once_succeeds_for_one(
    shelf: FolderShelf, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        refuse_links(monkeypatch, errno.EPERM)
    with ThreadPoolExecutor(8) as threads:
        for name in "abcdefghij":
            made = list(threads.map(lambda text, name=name: shelf.create(name, text), "01234567"))
            assert [str(number) for number, is_made in enumerate(made) if is_made] == [shelf.read(name)]


def test_create_on_a_failing_disk_raises_and_leaves_nothing(
    shelf: FolderShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        shelf.create("a.1", "text")
    assert list(shelf.folder.iterdir()) == []


def test_read_while_others_write_gets_whole_texts(shelf: FolderShelf) -> None:
    texts = ["x" * 100_000, "y" * 50_000]
    shelf.create("a.1", texts[0])
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            shelf.write("a.1", texts[number % 2])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    found = {shelf.read("a.1") in texts for _ in iter(done.is_set, True)}
    thread.join()
    assert found == {True}


def test_remove_takes_what_a_killed_process_left_of_that_name_only(shelf: FolderShelf) -> None:
    shelf.create("a.1", "text")
    for left in (".a.1~0123abcd", ".a.10~0123abcd"):
        (shelf.folder / left).write_text("half")
    assert shelf.names() == ["a.1"]
    shelf.remove("a.1")
    assert [path.name for path in shelf.folder.iterdir()] == [".a.10~0123abcd"]


def test_write_whose_text_was_removed_meanwhile_puts_nothing_there(shelf: FolderShelf) -> None:
    shelf.create("a.1", "text")
    with shelf._neighbour("a.1", "late") as neighbour:
        shelf.remove("a.1")  # by whoever took it over, while this process hung
        with pytest.raises(FileNotFoundError):
            neighbour.replace(shelf.folder / "a.1")
    assert list(shelf.folder.iterdir()) == []


def test_read_of_damaged_bytes_is_a_text(shelf: FolderShelf) -> None:
    shelf.create("a.1", "text")
    (shelf.folder / "a.1").write_bytes(b"\xff\xfe{")
    assert shelf.read("a.1") == "\ufffd\ufffd{"
