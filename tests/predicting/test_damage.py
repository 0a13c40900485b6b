"""Nothing of a storage is opened that is not what its own run wrote."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest

from motor.commands.line import main
from motor.predicting import Predictor
from motor.predicting.exporting import export
from motor.predicting.parts import CellParts, PartError
from motor.predicting.stored import find_cells

PICKLE = "classify/*/fold-0/clf_model.pkl"


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def copy(tiny_built: Any, tmp_path: Path) -> Path:
    """The stages that one cell is made from, for a test to damage."""
    target = tmp_path / "storage"
    for stage in tiny_built.cell("A/Joint/64/lda").walk():
        folder = tiny_built.folder(stage)
        shutil.copytree(folder, target / folder.relative_to(tiny_built.store.root))
    return target


@pytest.fixture
def parts(tiny_built: Any) -> Callable[[Path], CellParts]:
    key = tiny_built.cell("A/Joint/64/lda").key
    return lambda storage: find_cells(storage, key)[0].parts()


def one(storage: Path, pattern: str) -> Path:
    (file,) = storage.glob(pattern)
    return file


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "pattern",
    [
        PICKLE,
        "classify/*/metrics.json",
        "classify/*/provenance.json",
        "classify/*/record.json",
        "features/*/features.parquet",
        "finetune/*/predictor/config.json",
        "finetune/*/predictor/model.safetensors",
        "prepare/*/scalers.json",
    ],
)
@pytest.mark.parametrize("harm", [flip, lambda file: file.write_bytes(file.read_bytes()[:9])], ids=["flipped", "cut"])
def test_storage_file_that_was_damaged_named_and_not_used(
    copy: Path, parts: Any, pattern: str, harm: Callable[[Path], None]
) -> None:
    harm(one(copy, pattern))
    with pytest.raises(PartError, match=r"is damaged: .* verify: it sets what is damaged aside") as caught:
        parts(copy)
    assert pattern.rpartition("*/")[2] in str(caught.value)


def test_storage_recordings_cut_short_named(copy: Path, parts: Any) -> None:
    file = one(copy, "recordings/*/recordings.arrow")
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(PartError, match=r"recordings/.* is damaged: its table cannot be read"):
        parts(copy)


def test_storage_pickle_of_another_is_not_run(copy: Path, parts: Any, tmp_path: Path) -> None:
    file, marker = one(copy, PICKLE), tmp_path / "opened"
    joblib.dump(Malicious(marker), file)
    with pytest.raises(PartError, match=r"clf_model\.pkl is (truncated|too long)|has another content"):
        parts(copy)
    assert not marker.exists()
    joblib.load(file)
    assert marker.exists()


def test_storage_pickle_exchanged_after_the_check_is_not_run(copy: Path, parts: Any, tmp_path: Path) -> None:
    checked = parts(copy)
    joblib.dump(Malicious(tmp_path / "opened"), one(copy, PICKLE))
    with pytest.raises(PartError, match=r"clf_model\.pkl: SHA-256 is .*, but manifest\.json says .*not opened"):
        Predictor.open([checked])
    assert not (tmp_path / "opened").exists()


def test_storage_pickle_that_no_manifest_names_is_not_opened(copy: Path, parts: Any) -> None:
    manifest = one(copy, "classify/*/manifest.json")
    text = manifest.read_text()
    manifest.write_text(text.replace("fold-0/clf_model.pkl", "fold-0/other.pkl"))
    with pytest.raises(PartError, match=r"fold-0/clf_model\.pkl is not in the manifest"):
        parts(copy)
    manifest.write_text("{")
    with pytest.raises(PartError, match="is not a manifest"):
        parts(copy)
    manifest.unlink()
    with pytest.raises(PartError, match=r"has no manifest\.json.*--force classify"):
        parts(copy)


def test_storage_file_that_nobody_wrote_beside_the_weights_named(copy: Path, parts: Any) -> None:
    one(copy, "finetune/*/predictor").joinpath("adapter_config.json").write_text("{}")
    with pytest.raises(PartError, match=r"predictor/adapter_config\.json is not in the manifest"):
        parts(copy)


def test_exporting_what_was_damaged_refused_and_leaves_nothing(copy: Path, parts: Any, tmp_path: Path) -> None:
    checked = parts(copy)
    flip(one(copy, "finetune/*/predictor/model.safetensors"))
    with pytest.raises(PartError, match=r"model\.safetensors: SHA-256 is"):
        export([checked], tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["storage"]


def test_command_predict_with_a_damaged_storage_status_1(
    copy: Path, tiny_built: Any, two_files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    flip(one(copy, PICKLE))
    words = ["--cell", tiny_built.cell("A/Joint/64/lda").key, "--storage", str(copy), str(two_files[0])]
    assert main(["predict", *words]) == 1
    printed = capsys.readouterr().err
    assert "clf_model.pkl has another content: sha256" in printed
    assert "python launch.py verify" in printed
