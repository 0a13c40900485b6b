from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import soundfile

from motor.recordings.readers.tree import Tree

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
