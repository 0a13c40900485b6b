"""Stage `recordings`."""

import json
import shutil

import numpy as np
import pytest

from grid.stage import InputError
from motor.recordings.table import open_recordings


def test_recordings_folder_holds_what_the_docstring_says(tiny_built, files_of):
    folder = tiny_built.folder(tiny_built.stages("recordings")[0])
    assert files_of(folder) == {"recordings.arrow", "summary.json", "data-report.json"}
    assert json.loads((folder / "summary.json").read_text())["recordings_by_domain"] == {
        "ShengYing": 24,
        "ZhenDong": 24,
    }


def test_recordings_signals_are_those_of_the_files(tiny_built, tiny_data):
    table = open_recordings(tiny_built.folder(tiny_built.stages("recordings")[0]))
    for index, item in enumerate(table.meta["item"]):
        np.testing.assert_array_equal(table.signal(index), np.load(tiny_data / item))


def test_recordings_moved_data_has_the_same_key(tiny_built, tiny_data, make_tiny, tmp_path):
    shutil.copytree(tiny_data, tmp_path / "elsewhere")
    moved = make_tiny(tmp_path, f"dataset.path={tmp_path / 'elsewhere'}")
    assert moved.plan.stages.keys() == tiny_built.plan.stages.keys()


def test_recordings_one_changed_sample_is_another_data_set(tiny_built, tiny_data, make_tiny, tmp_path):
    shutil.copytree(tiny_data, tmp_path / "changed")
    file = next((tmp_path / "changed").rglob("*.npy"))
    signal = np.load(file)
    signal[100] = np.nextafter(signal[100], np.float32(9))
    np.save(file, signal)
    changed = make_tiny(tmp_path, f"dataset.path={tmp_path / 'changed'}")
    assert not changed.plan.stages.keys() & tiny_built.plan.stages.keys()


def test_recordings_report_names_what_to_look_at(tiny_built):
    folder = tiny_built.folder(tiny_built.stages("recordings")[0])
    report = json.loads((folder / "data-report.json").read_text())
    assert "motors_with_one_class" in [finding["name"] for finding in report["findings"]]
    assert len(report["recordings_by_motor_label"]) == 12


def test_recordings_faulty_file_is_an_input_error_that_names_it_and_leaves_no_folder(tiny_data, make_tiny, tmp_path):
    shutil.copytree(tiny_data, tmp_path / "data")
    file = next((tmp_path / "data" / "ShengYing" / "spark").iterdir())
    np.save(file, np.array([0.0, 1.0, np.nan]))
    tiny = make_tiny(tmp_path, f"dataset.path={tmp_path / 'data'}")
    with pytest.raises(InputError, match=file.name):
        tiny.build("A/ShengYing/64/lda")
    assert not tiny.folder(tiny.stages("recordings")[0]).exists()


def test_recordings_missing_sensor_is_an_input_error(tiny_data, make_tiny, tmp_path):
    shutil.copytree(tiny_data / "ShengYing", tmp_path / "data" / "ShengYing")
    tiny = make_tiny(tmp_path, f"dataset.path={tmp_path / 'data'}")
    with pytest.raises(InputError, match="domain 'ZhenDong' has no series"):
        tiny.build("A/ShengYing/64/lda")
