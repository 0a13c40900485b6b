from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from motor.recordings.digest import content_digest
from motor.recordings.readers.manifest import Manifest

TABLE = """\ufefffile,engine,domain,label,speed_rpm,note
"a, first.npy",M1,east,normal,900,"two
lines"
sub/b.mat,M2,west,spark,,
"""


@pytest.fixture
def folder(noise: Callable[..., np.ndarray], tmp_path: Path) -> Path:
    root = tmp_path / "rig"
    (root / "sub").mkdir(parents=True)
    np.save(root / "a, first.npy", noise(0))
    scipy.io.savemat(root / "sub" / "b.mat", {"IR2_x": noise(1)[:, None]})
    (root / "manifest.csv").write_text(TABLE, encoding="utf-8")
    return root


def test_manifest_rows_are_read(folder: Path, known: dict[str, Any], noise: Callable[..., np.ndarray]) -> None:
    first, second = Manifest(path=str(folder), columns={"motor": "engine"}, **known).read()
    assert (first.item, first.motor, first.domain, first.label, first.speed_rpm) == (
        "a, first.npy", "M1", "east", "normal", 900.0)  # fmt: skip
    assert (second.item, second.motor, second.speed_rpm) == ("sub/b.mat", "M2", None)
    np.testing.assert_array_equal(second.signal, noise(1))


def test_manifest_elsewhere_reads_the_files_below_root(folder: Path, known: dict[str, Any], tmp_path: Path) -> None:
    table = (folder / "manifest.csv").rename(tmp_path / "list.csv")
    for root in (str(folder), folder.name):
        reader = Manifest(path=str(table), root=root, columns={"motor": "engine"}, **known)
        assert len(list(reader.read())) == 2
        assert reader.base_folder() == folder


def test_manifest_digest_covers_table_and_signals(folder: Path, known: dict[str, Any]) -> None:
    reader = Manifest(path=str(folder), columns={"motor": "engine"}, **known)
    digests = [content_digest(reader.files(), reader.base_folder(), None)]
    np.save(folder / "a, first.npy", np.zeros(3))
    digests.append(content_digest(reader.files(), reader.base_folder(), None))
    (folder / "manifest.csv").write_text(TABLE.replace("900", "600"), encoding="utf-8")
    digests.append(content_digest(reader.files(), reader.base_folder(), None))
    assert len(set(digests)) == 3


def test_manifest_item_that_tells_nothing_is_called_by_its_file(folder: Path, known: dict[str, Any]) -> None:
    (folder / "manifest.csv").write_text("file,item,motor,domain,label\nsub/b.mat,nan,M1,east,normal\n")
    (only,) = Manifest(path=str(folder), **known).read()
    assert only.item == "sub/b.mat"
