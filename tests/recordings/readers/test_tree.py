import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import soundfile
from pydantic import ValidationError

from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError

NAMES = ["east/normal/M1_0.npy", "east/spark/day 2/M2_0.mat", "west/normal/M1_0.csv", "west/spark/M2_0.wav"]


@pytest.fixture
def folder(noise: Callable[..., np.ndarray], tmp_path: Path) -> Path:
    """Return a tree with one file of each format, and two that are no signals."""
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    np.save(tmp_path / NAMES[0], noise(0))
    scipy.io.savemat(tmp_path / NAMES[1], {"x": noise(1)})
    (tmp_path / NAMES[2]).write_text("\n".join(map(repr, noise(2).tolist())))
    soundfile.write(tmp_path / NAMES[3], noise(3), 1000, subtype="FLOAT")
    (tmp_path / "east" / "README.txt").touch()
    (tmp_path / "east" / "normal" / "._M1_0.npy").touch()
    return tmp_path


def test_tree_of_all_formats_is_read(folder: Path, known: dict[str, Any], noise: Callable[..., np.ndarray]) -> None:
    found = list(Tree(path=str(folder), pattern=r"(?P<motor>M\d+)_\d", **known).read())
    assert [one.item for one in found] == NAMES
    assert [(one.domain, one.label) for one in found] == [tuple(name.split("/")[:2]) for name in NAMES]
    assert [one.motor for one in found] == ["M1", "M2", "M1", "M2"]
    assert [one.sampling_rate_hz for one in found] == [1000] * 4
    assert all(np.array_equal(one.signal, noise(seed)) for seed, one in enumerate(found))


def test_pattern_overrules_the_folders(folder: Path, known: dict[str, Any]) -> None:
    pattern = r"^(?P<label>\w+)/(?P<domain>\w+)/"
    settings = {**known, "classes": known["domains"], "domains": known["classes"], "constants": {"motor": "M1"}}
    found = next(Tree(path=str(folder), pattern=pattern, **settings).read())
    assert (found.label, found.domain) == ("east", "normal")


def test_suffixes_choose_the_files(folder: Path, known: dict[str, Any]) -> None:
    assert Tree(path=str(folder), suffixes=(".wav",), **known).files() == [folder / NAMES[3]]


@pytest.mark.parametrize(
    "settings",
    [
        {"pattern": "(?P<motor>M){99999999999999}"},
        {"pattern": "(" * 5000 + ")" * 5000},
        {"pattern": "(?P<recorded_at>.)", "recorded_at_format": "%"},
        {"pattern": "(?P<recorded_at>.)", "recorded_at_format": "%Q"},
        {"pattern": "(?P<recorded_at>.)", "recorded_at_format": "%Y-%Y"},
    ],
)
def test_patterns_that_cannot_be_are_faults_of_the_settings(settings: dict[str, Any], known: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"no regular expression|no time format|twice"):
        Tree(path="somewhere", **settings, **known)


def test_path_longer_than_any_file_does_not_exist(known: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="does not exist"):
        Tree(path="a" * 5000, **known).files()


@pytest.mark.parametrize("name", ["/etc/a.csv", "C:\\a.csv", "../a.csv", "notes.md"])
def test_archive_whose_files_lie_elsewhere_or_are_none_holds_nothing(
    name: str, tmp_path: Path, known: dict[str, Any]
) -> None:
    archive = tmp_path / "east" / "normal" / "all.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, "1\n2\n")
    reader = Tree(path=str(tmp_path), suffixes=(".zip",), **known, constants={"motor": "M1"})
    with pytest.raises(DataError, match=r"all\.zip: no file to read in it"):
        list(reader.read())
