"""`launch.py CONFIG --check-data`: what is in the data is said, and nothing is trained."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import launch
from grid.store.store import Store
from motor.recordings.table import open_recordings


@pytest.fixture
def data(tiny_data, tmp_path):
    """A copy of the tiny data set, to be spoiled."""
    return shutil.copytree(tiny_data, tmp_path / "data")


@pytest.fixture
def check(tiny_text, data, tiny_data, tmp_path, capsys):
    """Check the copy with some overrides; return the status and what was printed."""
    config = tmp_path / "tiny.yaml"
    config.write_text(tiny_text.replace(str(tiny_data), str(data)), encoding="utf-8")

    def run(*overrides):
        status = launch.main([str(config), *overrides, "--check-data", "--storage", str(tmp_path / "storage")])
        return status, capsys.readouterr()

    return run


def spoil(data, *numbers):
    files = sorted(data.rglob("*.npy"))
    for number in numbers:
        np.save(files[number], np.array([0.0, np.nan] * 256))
    return [files[number] for number in numbers]


def test_check_data_prints_the_report_and_builds_the_import_alone(check, tmp_path):
    status, printed = check()
    assert status == 0
    assert "48 series of 12 motors, 24576 samples" in printed.out
    assert "- motors_with_one_class: all 12 motors" in printed.out
    stages = {folder.name for folder in (tmp_path / "storage").iterdir() if folder.is_dir() and any(folder.iterdir())}
    assert stages == {"recordings"}


def test_check_data_again_prints_the_same_and_imports_nothing(check, tmp_path):
    _, first = check()
    tables = {file: file.stat().st_mtime_ns for file in (tmp_path / "storage").rglob("*.arrow")}
    _, again = check()
    assert again.out == first.out
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "storage").rglob("*.arrow")} == tables


def test_check_data_damaged_import_is_said_and_made_again(check, tmp_path):
    _, first = check()
    (table,) = (tmp_path / "storage").rglob("*.arrow")
    os.truncate(table, 100)
    os.utime(table.with_name("record.json"))  # what this process has verified it would not look at again
    status, again = check()
    assert (status, again.out) == (0, first.out)
    assert "recordings.arrow is truncated: 100 bytes of" in again.err
    assert table.stat().st_size > 100


def test_check_data_waits_for_who_imports_the_same_just_now(check, tmp_path, monkeypatch):
    check()
    (folder,) = (tmp_path / "storage" / "recordings").iterdir()
    store = Store(tmp_path / "storage")
    lease = store.leases.acquire(f"recordings-{folder.name.rpartition('-')[2]}", "launch-7")
    shutil.move(folder, tmp_path / "built")

    def other_ends(seconds):
        shutil.move(tmp_path / "built", folder)
        lease.release()

    monkeypatch.setattr(time, "sleep", other_ends)
    status, printed = check()
    assert status == 0
    assert "(launch-7) imports this data set just now; waiting for it" in printed.err


def test_check_data_needs_no_weights(check):
    assert check("backbone={kind: bolt, weights: nobody/has-these}")[0] == 0


def test_check_data_lists_every_bad_series_at_once(check, data):
    bad = spoil(data, 3, 17, 40)
    status, printed = check()
    assert status == 2
    assert "3 of 48 series are bad:" in printed.err
    assert all(f"- {file}: sample 1 is nan" in printed.err for file in bad)


def test_check_data_under_skip_lists_what_was_skipped(check, data, tmp_path):
    bad = spoil(data, 3)
    status, printed = check("dataset.on_bad_series=skip")
    assert status == 0
    assert f"1 series were skipped:\n- {bad[0].relative_to(data)}: {bad[0]}: sample 1 is nan" in printed.out
    summary = next((tmp_path / "storage").rglob("summary.json"))
    assert [one["item"] for one in json.loads(summary.read_text())["skipped"]] == [str(bad[0].relative_to(data))]


@pytest.mark.hostile
def test_check_data_under_skip_keeps_counts_that_float32_cannot_hold(check, data, tmp_path):
    true = {}
    for file in data.rglob("*.npy"):
        counts = 4_000_000_000 + np.round(40 * np.load(file)).astype(np.int64)
        true[str(file.relative_to(data))] = counts - counts.mean()
        np.save(file, counts)
    status, printed = check("dataset.on_bad_series=skip")
    assert status == 0
    assert "no series was skipped" in printed.out
    recordings = open_recordings(next((tmp_path / "storage").rglob("recordings.arrow")).parent)
    for place, item in enumerate(recordings.meta["item"]):
        np.testing.assert_allclose(recordings.signal(place), true[item], atol=1e-3 * true[item].std())


@pytest.mark.hostile
@pytest.mark.parametrize("part", ["*/*/*.npy", "*/spark/*.npy"])
def test_check_data_under_skip_that_leaves_nothing_of_a_class_says_how_many_and_why(check, data, part):
    files = sorted(data.glob(part))
    for file in files:
        file.write_bytes(file.read_bytes()[:-8])
    status, printed = check("dataset.on_bad_series=skip")
    assert status == 2
    assert f"{len(files)} series were skipped (on_bad_series):" in printed.err
    assert str(files[0].relative_to(data)) in printed.err
    assert f"and {len(files) - 5} more" in printed.err


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["dataset.path=absent"], "absent.* does not exist"),
        (["dataset.classes=[normal, spark]"], "unknown label 'vibrate'"),
        (["dataset.domains=[ShengYing, ZhenDong, other]"], "domain 'other' has no series"),
        (["split={kind: folds, k: 9}"], "class 'normal' in domain 'ShengYing' has 4 motors, but 9 are needed"),
    ],
)
def test_check_data_at_fault_ends_with_2_and_says_why(check, overrides, problem):
    status, printed = check(*overrides)
    assert status == 2
    assert re.search(problem, printed.err)


@pytest.fixture
def long_table(tmp_path):
    """A long CSV of some tens of MB, which takes a moment to import, and the config's block for it."""
    file, random = tmp_path / "long.csv", np.random.default_rng(0)
    with file.open("w", encoding="utf-8") as table:
        table.write("item_id,target,label\n")
        for motor in range(12):
            lines = [f"M{motor},{sample!r}" for sample in random.normal(size=3000).tolist()] * 40
            label = ("normal", "spark", "vibrate")[motor % 3]
            table.writelines(f"{line},{label}\n" for line in lines)
    pattern = "dataset.pattern=(?P<motor>M[0-9]+)"
    return ["dataset.kind=long_csv", f"dataset.path={file}", pattern, "dataset.constants={domain: ShengYing}"]


def test_check_data_killed_in_the_middle_leaves_no_store_and_the_next_run_starts_clean(long_table, tmp_path, tiny_text):
    config, storage = tmp_path / "tiny.yaml", tmp_path / "storage"
    config.write_text(tiny_text, encoding="utf-8")
    words = [str(config), *long_table, "dataset.domains=[ShengYing]", "axes.domain=[ShengYing]", "--check-data"]
    typed = [sys.executable, launch.__file__, *words, "--storage", str(storage)]
    with subprocess.Popen(typed, stdout=subprocess.DEVNULL) as process:
        while not list(storage.glob("drafts/*/recordings.arrow.draft")):
            assert process.poll() is None
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not list(storage.glob("recordings/*"))
    assert launch.main([*words, "--storage", str(storage)]) == 0
    assert not list(storage.glob("drafts/*"))
    folders = list(storage.glob("recordings/*"))
    assert len(folders) == 1
    assert len(open_recordings(folders[0])) == 12


def test_check_data_says_what_features_cannot_describe_and_ends_with_2(check):
    status, printed = check("axes.method=[physics]", "dataset.constants={speed_rpm: 480}")
    assert status == 2
    assert re.search(r"order_lines needs 2 revolutions .* holds 1\.00", printed.err)


def test_check_data_of_untold_speeds_says_what_signals_tell_of_them(check):
    status, printed = check()
    assert status == 0
    assert "speeds: nothing tells that of 48 series; of 48 heard, 0 tell theirs for sure" in printed.out
