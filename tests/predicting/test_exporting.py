"""An exported folder: whole or not there, checked before it is opened, and at work without Ray and this project."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest

from motor.predicting import Predictor
from motor.predicting.exported import read_exported
from motor.predicting.exporting import ExportError, export, model_facts
from motor.predicting.parts import PartError, sha256_of
from motor.predicting.stored import find_cells

# `ray` and this project, where it lies, cannot be imported in it.
STRANGER = """\
import runpy, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ray", "launch"):
            raise ImportError(f"{name} is not on this machine")

sys.meta_path.insert(0, Blocked())
sys.path[:] = [path for path in sys.path if path and path != PROJECT]
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
import grid, motor
assert motor.__file__.startswith(FOLDER), motor.__file__
assert grid.__file__.startswith(FOLDER), grid.__file__
"""


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture(scope="session")
def exported(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("exported") / "folder"
    export([cell.parts() for cell in find_cells(storage, "A/Joint/64/lda")], target)
    return target


@pytest.fixture
def damaged(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def test_exporting_folder_predicts_the_same_bits(exported: Path, joint: Any, two_files: list[Path]) -> None:
    found = Predictor.load(exported).predict(two_files)
    pd.testing.assert_frame_equal(found, joint.predict(two_files), check_exact=True)


def test_exporting_model_json_says_what_it_is(exported: Path) -> None:
    (cell,) = model_facts(exported)["cells"]
    assert (cell["name"], cell["normal"], cell["domains"]) == ("A/Joint/64/lda", "normal", ["ShengYing", "ZhenDong"])
    assert cell["metrics"]["n_motors"] == 3
    assert cell["versions"]["torch"]
    assert len(cell["data_digest"]) == 64
    readme = (exported / "README.md").read_text()
    assert "@" not in readme.replace("@a.wav", "")


def test_exporting_requirements_are_exact_and_without_ray(exported: Path) -> None:
    lines = (exported / "requirements.txt").read_text().splitlines()
    assert all("==" in line for line in lines)
    assert not [line for line in lines if line.startswith(("ray", "lightgbm"))]
    assert [line for line in lines if line.startswith("chronos-forecasting==")]


def test_exporting_folder_holds_no_link_and_no_place_of_this_machine(exported: Path, storage: Path) -> None:
    files = [path for path in exported.rglob("*") if path.is_file()]
    assert not [path for path in files if path.is_symlink()]
    texts = [path for path in files if path.suffix in (".json", ".md", ".txt", ".py")]
    assert not [path for path in texts if str(storage) in path.read_text(encoding="utf-8")]


def test_exporting_onto_something_that_stands_refused(exported: Path, storage: Path) -> None:
    parts = [cell.parts() for cell in find_cells(storage, "A/Joint/64/lda")]
    with pytest.raises(ExportError, match="is already there"):
        export(parts, exported)


def test_exporting_what_was_exported_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="was exported already; copy its folder"):
        export(read_exported(exported), tmp_path / "again")


def test_exporting_that_fails_leaves_nothing(storage: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    parts = find_cells(storage, "A/Joint/64/lda")[0].parts()
    broken = replace(parts, folds=(replace(parts.folds[0], classifier=tmp_path / "gone.pkl"),))
    with pytest.raises(OSError, match=r"gone\.pkl"):
        export([broken], tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_exported_pickle_that_was_changed_is_not_opened(damaged: Path) -> None:
    (pickle,) = damaged.rglob("clf_model.pkl")
    pickle.write_bytes(b"cos\nsystem\n(S'touch /tmp/opened'\ntR.")
    with pytest.raises(PartError, match=r"clf_model\.pkl: SHA-256 is .* but model\.json says"):
        Predictor.load(damaged)


def test_exported_pickle_that_is_not_listed_is_not_opened(damaged: Path) -> None:
    facts = model_facts(damaged)
    facts["files"] = {name: known for name, known in facts["files"].items() if not name.endswith(".pkl")}
    (damaged / "model.json").write_text(json.dumps(facts))
    with pytest.raises(PartError, match="does not list it; it is not opened"):
        Predictor.load(damaged)


def test_exported_pickle_exchanged_after_the_check_is_not_run(damaged: Path, tmp_path: Path) -> None:
    checked = read_exported(damaged)
    (pickle,) = damaged.rglob("clf_model.pkl")
    joblib.dump(Malicious(tmp_path / "opened"), pickle)
    with pytest.raises(PartError, match=r"clf_model\.pkl: SHA-256 is .* but model\.json says .*not opened"):
        Predictor.open(checked)
    assert not (tmp_path / "opened").exists()


def test_exported_file_that_nobody_wrote_beside_the_weights_named(damaged: Path) -> None:
    next(damaged.rglob("model.safetensors")).with_name("adapter_config.json").write_text("{}")
    with pytest.raises(PartError, match=r"adapter_config\.json: model\.json does not list it"):
        Predictor.load(damaged)


def test_exported_file_that_is_missing_named(damaged: Path) -> None:
    next(damaged.rglob("model.safetensors")).unlink()
    with pytest.raises(PartError, match=r"model\.safetensors is missing; copy the whole folder"):
        Predictor.load(damaged)


def test_exported_folder_with_another_digest_refused(exported: Path) -> None:
    digest = sha256_of(exported / "model.json")
    assert Predictor.load(exported, digest=digest.upper()).domains == ("ShengYing", "ZhenDong")
    with pytest.raises(PartError, match="this is not the folder that was exported"):
        Predictor.load(exported, digest="0" * 64)


@pytest.mark.parametrize(("text", "words"), [("{", "is no JSON"), ('{"format": 9}', "format 9.*reads 2")])
def test_exported_model_json_of_another_kind_refused(damaged: Path, text: str, words: str) -> None:
    (damaged / "model.json").write_text(text)
    with pytest.raises(PartError, match=words):
        Predictor.load(damaged)


@pytest.mark.slow
def test_exported_folder_without_ray_and_project_predicts_the_same_number(
    exported: Path, joint: Any, two_files: list[Path], tmp_path: Path
) -> None:
    project = str(Path(__file__).resolve().parents[2])
    stranger = f"PROJECT, FOLDER = {project!r}, {str(exported)!r}\n{STRANGER}".replace(
        'run_name="__main__")', 'run_name="judge")'
    )
    program = tmp_path / "stranger.py"
    program.write_text(
        stranger + "from motor.predicting.folder_command import main\nfrom pathlib import Path\n"
        "status = main(Path(FOLDER), sys.argv[1:])\n"
        "not_required = {'matplotlib', 'tensorboardX', 'obstore', 'ruamel', 'fastapi'} & set(sys.modules)\n"
        "assert not not_required, not_required\nsys.exit(status)\n"
    )
    output = tmp_path / "out.csv"
    arguments = [str(exported / "predict.py"), *map(str, two_files), "--threads", "1", "--output", str(output)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-I", str(program), *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = joint.predict(two_files)
    pd.testing.assert_frame_equal(pd.read_csv(output), expected, check_exact=False, rtol=0, atol=1e-8)
