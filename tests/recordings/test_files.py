"""Which files of a folder are read."""

import os
from pathlib import Path
from typing import Any

import pytest

from motor.recordings.files import list_files
from motor.recordings.readers.long_csv import LongCsv
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ("a.npy", "b.NPY", "deep/er/c.npy", "deep/notes.txt", ".hidden.npy", "._a.npy", "__MACOSX/d.npy", "_e.npy")
    for name in names:
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).touch()
    return tmp_path / "root"


def names_of(folder: Path, files: list[Path]) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in files]


def test_files_suffix_in_any_case_and_depth_without_side_files(folder: Path) -> None:
    listing = list_files(folder, (".npy",))
    assert names_of(folder, listing.files) == ["_e.npy", "a.npy", "b.NPY", "deep/er/c.npy"]
    assert listing.summary() == f"1 files (1 .txt): {folder}/deep/notes.txt"


def test_files_beside_tables_names_with_an_underscore_are_notes(folder: Path) -> None:
    assert names_of(folder, list_files(folder, (".npy",), are_tables=True).files)[0] == "a.npy"


def test_files_through_links_but_not_in_circles(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.npy").touch()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "deep" / "back").symlink_to(folder)
    (tmp_path / "elsewhere" / "round").symlink_to(folder / "deep")
    found = names_of(folder, list_files(folder, (".npy",)).files)
    assert "linked/x.npy" in found
    assert len(found) == len(set(found)) < 12


def test_files_link_that_leads_to_itself_and_folders_of_disks_are_no_data(folder: Path) -> None:
    before = list_files(folder, (".npy",)).files
    (folder / "self.npy").symlink_to("self.npy")
    for name in ("@eaDir", "$RECYCLE.BIN", "lost+found"):
        (folder / name).mkdir()
        (folder / name / "old.npy").touch()
    listing = list_files(folder, (".npy",))
    assert listing.files == before
    assert "self.npy" in listing.summary()


@pytest.mark.parametrize("letter", ["\x1b", "\n", "\u202e"])
def test_files_of_names_that_write_to_the_terminal_are_told_without_it(tmp_path: Path, letter: str) -> None:
    (tmp_path / f"deep{letter}[31m").mkdir()
    (tmp_path / f"deep{letter}[31m" / "x.npy").touch()
    (tmp_path / f"deep{letter}[31m.txt").touch()
    constants = {"motor": "M1", "domain": "east", "label": "normal"}
    known: dict[str, Any] = {"classes": ("normal",), "domains": ("east",), "sampling_rate_hz": 1000.0}
    reader = Tree(path=str(tmp_path), suffixes=(".npy",), constants=constants, **known)
    assert letter not in reader.passed_over()
    with pytest.raises(DataError, match="no character to be read") as caught:
        list(reader.named())
    assert letter not in str(caught.value)


def test_files_link_that_leads_nowhere_is_told(folder: Path) -> None:
    (folder / "gone.npy").symlink_to(folder / "absent.npy")
    assert "gone.npy" in list_files(folder, (".npy",)).summary()


def test_files_pipe_in_the_place_of_a_table_is_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="neither a file nor a folder"):
        LongCsv(path=str(tmp_path / "pipe.csv"), classes=("normal",), domains=("east",)).files()
