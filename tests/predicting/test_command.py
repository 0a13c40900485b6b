"""`launch.py predict` and `export`: what is printed, what is written, and the exit status."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from motor.commands.cell import grid_name
from motor.commands.line import main


def run(storage: Path, *words: str) -> int:
    return main([words[0], "--storage", str(storage), *words[1:]])


def test_command_predict_prints_csv_of_the_same_numbers(
    storage: Path, joint: Any, two_files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(file) for file in two_files]
    assert run(storage, "predict", "--cell", "A/Joint/64/lda", *files) == 0
    (tmp_path / "printed.csv").write_text(capsys.readouterr().out)
    printed = pd.read_csv(tmp_path / "printed.csv")
    pd.testing.assert_frame_equal(printed, joint.predict(files), check_exact=True)


def test_command_predict_one_bad_file_told_others_judged_status_2(
    storage: Path, two_files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "short.npy", np.arange(10.0))
    bad = [str(tmp_path / "short.npy"), "gone.wav"]
    options = ("--domain", "ShengYing", "--format", "json")
    assert run(storage, "predict", "--cell", "A/Joint/64/lda", *bad, str(two_files[0]), *options) == 2
    printed = capsys.readouterr()
    (row,) = json.loads(printed.out)["predictions"]
    assert row["item"] == two_files[0].as_posix()
    assert sum(row["probabilities"].values()) == pytest.approx(1.0)
    lines = printed.err.strip().splitlines()
    assert ["short.npy" in lines[1], "gone.wav" in lines[0]] == [True, True]


def test_command_predict_best_into_a_file(storage: Path, two_files: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    files = [str(file) for file in two_files]
    assert run(storage, "predict", "--cell", "best", "--config", "tiny", *files, "--output", str(output)) == 0
    assert len(pd.read_csv(output)) == 2
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("predict", "--cell", "nothing", "a.wav"), 2, "no cell 'nothing'"),
        (("predict", "--cell", "A/Joint/64/lda", "--domain", "sonar", "a.wav"), 2, "unknown domain 'sonar'"),
        (("predict", "--cell", "A/Joint/64/lda", "--pattern", "(", "a.wav"), 2, "is no regular expression"),
        (("export", "--cell", "best", "--config", "gone"), 2, "no results of 'gone'"),
    ],
)
def test_command_input_at_fault_status_2(
    storage: Path, words: tuple[str, ...], status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(storage, *words) == status
    assert text in capsys.readouterr().err


def test_command_export_then_predict_with_the_folder(
    storage: Path, two_files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, files = tmp_path / "mine", [str(file) for file in two_files]
    assert run(storage, "export", "--cell", "C/Joint/64/lda", "--to", str(target)) == 0
    digest = capsys.readouterr().out.strip().rpartition(" ")[2]
    assert run(storage, "predict", "--cell", str(target), "--digest", digest, *files) == 0
    of_folder = capsys.readouterr().out
    assert run(storage, "predict", "--cell", "C/Joint/64/lda", *files) == 0
    assert of_folder == capsys.readouterr().out
    assert run(storage, "predict", "--cell", str(target), "--digest", "0" * 64, *files) == 1


def test_command_config_names_its_grid(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: other\n")
    (tmp_path / "plain.yaml").write_text("seed: 1\n")
    given = (str(tmp_path / "mine.yaml"), str(tmp_path / "plain.yaml"), "quickstart.yaml", "quickstart", None)
    assert [grid_name(one) for one in given] == ["other", "plain", "quickstart", "quickstart", None]
