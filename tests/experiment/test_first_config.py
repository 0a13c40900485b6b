"""Looking into files that nobody described, and the first config that is written of it."""

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
import soundfile

import launch
from grid.config.check import ConfigError
from motor.commands.data import command, described
from motor.commands.line import read
from motor.experiment.first_config import QUESTION, first_config, write_first_config
from motor.experiment.public_sets import names
from motor.experiment.reading import read_experiment
from motor.recordings.describing import look_into
from motor.recordings.recording import DataError

N, RATE = 700, 2000
BOTH = np.random.default_rng(0).integers(-100, 100, size=(N, 2)) / 128


def signals(path: Path) -> np.ndarray:
    """Return two signals of a file, its own: a shaft, noise, and in folder `spark` impulses; shape (N, 2)."""
    random = np.random.default_rng(zlib.crc32(f"{path.parent.name}/{path.stem}".encode()))
    made = np.sin(2 * np.pi * 25 * np.arange(N) / RATE)[:, None] + random.normal(0, 0.5, size=(N, 2))
    made += 3 * (random.random((N, 1)) < 0.02) * (path.parent.name == "spark")
    return np.asarray(np.round(made * 16) / 128)


def csv(path: Path) -> None:
    drive, fan = signals(path).T
    pd.DataFrame({"time": np.arange(N) / RATE, "drive": drive, "fan": fan}).to_csv(path, index=False)


def wav(path: Path) -> None:
    soundfile.write(path, signals(path), RATE)


def mat(path: Path) -> None:
    scipy.io.savemat(path, {"x": signals(path)[:, 0], "fs": RATE, "rpm": 1500})


def parquet(path: Path) -> None:
    pd.DataFrame(signals(path), columns=["drive", "fan"]).to_parquet(path)


WRITERS: dict[str, tuple[Callable[[Path], Any], list[str], dict[str, str]]] = {
    ".csv": (csv, ["drive", "fan"], {}),  # its first column is a time
    ".wav": (wav, ["channel_1", "channel_2"], {}),
    ".mat": (mat, ["x"], {}),
    ".parquet": (parquet, ["drive", "fan"], {"sampling_rate_hz: FILL_IN": "sampling_rate_hz: 2000"}),
}


def plant(folder: Path, suffix: str, name: str = "M{number}_run", n_motors: int = 4) -> Path:
    for number in range(1, n_motors + 1):
        for label in ("healthy", "spark"):
            file = folder / "plant" / label / f"{name.format(number=number)}{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            WRITERS[suffix][0](file)
    return folder / "plant"


@pytest.mark.parametrize("suffix", WRITERS)
def test_first_config_reads_after_few_lines_are_filled_in(tmp_path: Path, suffix: str) -> None:
    _, domains, filled = WRITERS[suffix]
    text = first_config(look_into(plant(tmp_path, suffix)))
    assert text.count(QUESTION) - 1 == len(filled)  # the first line explains it
    for question, answer in filled.items():
        text = text.replace(question, answer)
    (tmp_path / "mine.yaml").write_text(text)
    base = read_experiment(tmp_path / "mine.yaml", (), {}).base
    assert (list(base.dataset.domains), base.normal) == (domains, "healthy")
    recordings = list(base.dataset.read())
    assert {(one.motor, one.label) for one in recordings} == {
        (f"M{k}", label) for k in range(1, 5) for label in ("healthy", "spark")
    }
    assert {one.sampling_rate_hz for one in recordings} == {RATE}
    file = tmp_path / "plant" / recordings[0].item.partition(":")[0]
    np.testing.assert_array_equal(recordings[0].signal, signals(file)[:, 0].astype(np.float32))


def listed(folder: Path, columns: list[str]) -> Path:
    """Write files of meaningless names and a table that lists them; return the folder."""
    rows = [
        (f"{number:03}.wav", f"P{number % 4}", label, "oil", 1500, RATE)
        for number, label in enumerate(("healthy", "spark") * 4)
    ]
    for name, _, label, *_ in rows:
        (folder / "heap" / label).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "heap" / name, signals(folder / label / name)[:, 0], RATE)
    table = pd.DataFrame(rows, columns=["recording", "Machine", "state", "oil", "rpm", "fs"])
    table[columns].to_csv(folder / "heap" / "list.csv", index=False, sep=";")
    return folder / "heap"


def test_first_config_of_files_that_a_table_lists_reads_by_the_table(tmp_path: Path) -> None:
    folder = listed(tmp_path, ["Machine", "recording", "state", "oil", "rpm", "fs"])
    look = look_into(folder)
    assert "list.csv lists files, 8 rows: file in column recording, motor in column Machine" in "\n".join(
        described(look)
    )
    (tmp_path / "mine.yaml").write_text(first_config(look))
    base = read_experiment(tmp_path / "mine.yaml", (), {}).base
    recordings = list(base.dataset.read())
    assert {(one.motor, one.label, one.speed_rpm) for one in recordings} == {
        (f"P{k}", label, 1500) for k, label in enumerate(("healthy", "spark", "healthy", "spark"))
    }
    assert (base.normal, {one.domain for one in recordings}) == ("healthy", {"signal"})


def test_first_config_of_a_table_without_machines_asks_for_them(tmp_path: Path) -> None:
    text = first_config(look_into(listed(tmp_path, ["recording", "state"])))
    assert f"motor: {QUESTION}" in text
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(DataError, match=QUESTION):
        list(read_experiment(tmp_path / "mine.yaml", (), {}).base.dataset.read())


@pytest.mark.parametrize(
    "rows",
    ["file,label\nabsent.wav,spark\n", "file,label\n", "a\n\n", "file,label\nM1.wav\n", f"note,x\n{'w' * 999},1\n"],
)
def test_describe_takes_no_other_table_for_a_list_of_files(tmp_path: Path, rows: str) -> None:
    soundfile.write(tmp_path / "M1.wav", BOTH[:, 0], RATE)
    (tmp_path / "notes.csv").write_text(rows)
    assert look_into(tmp_path).listing is None


@pytest.mark.parametrize(("rate_hz", "line"), [(RATE, "psd_highest_hz: 999, high_frequencies_hz: []"), (16000, None)])
def test_first_config_asks_features_for_no_more_than_the_rate_tells(
    tmp_path: Path, rate_hz: int, line: str | None
) -> None:
    for label in ("healthy", "spark"):
        file = tmp_path / label / "M1.wav"
        file.parent.mkdir()
        soundfile.write(file, BOTH[:, 0], rate_hz)
    text = first_config(look_into(tmp_path))
    assert (f"classical: {{{line}}}" in text) if line else ("classical: {" not in text)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("suffix", WRITERS)
def test_first_config_runs_to_its_report(tmp_path: Path, suffix: str) -> None:
    look = look_into(plant(tmp_path, suffix, n_motors=10))
    text = first_config(look)
    for question, answer in WRITERS[suffix][2].items():
        text = text.replace(question, answer)
    if not look.groups[0].rate_hz():  # the check says what the features may ask for at this rate
        text = text.replace("axes:", "features: {classical: {psd_highest_hz: 999, high_frequencies_hz: []}}\naxes:")
    (tmp_path / "mine.yaml").write_text(text)
    launched = subprocess.run(
        [sys.executable, str(Path(launch.__file__)), "mine.yaml", "--storage", "storage"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert launched.returncode == 0, launched.stdout + launched.stderr
    assert (tmp_path / "storage" / "results" / "mine" / "report.html").exists()


def test_first_config_with_questions_is_refused_at_their_lines(tmp_path: Path) -> None:
    folder = tmp_path / "heap"
    folder.mkdir()
    for number in range(3):
        np.save(folder / f"{number}.npy", BOTH[:, 0])
    write_first_config(look_into(folder), tmp_path / "mine.yaml")
    with pytest.raises(ConfigError) as refused:
        read_experiment(tmp_path / "mine.yaml", (), {})
    text = (tmp_path / "mine.yaml").read_text().splitlines()
    lines = {int(fault.place.split(":")[1]) for fault in refused.value.faults}
    assert lines
    assert all(QUESTION in text[line - 1] for line in lines)
    with pytest.raises(ValueError, match="stands already"):
        write_first_config(look_into(folder), tmp_path / "mine.yaml")


def test_describe_names_format_variables_shapes_and_rates(tmp_path: Path) -> None:
    told = "\n".join(described(look_into(plant(tmp_path, ".wav"))))
    for word in ("8 files, .wav", "channel 2 (700,) float32, 2000 Hz", "sampling rate: 2000 Hz, in the files"):
        assert word in told
    told = "\n".join(described(look_into(plant(tmp_path / "m", ".mat"))))
    assert "fs (1, 1) int64" in told
    assert "may be signals: x\n" in told


def test_describe_of_files_that_are_not_read_or_not_there_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"\0")
    with pytest.raises(DataError, match=r"no file of a format that is read \(1 \.docx\)"):
        look_into(tmp_path)
    with pytest.raises(DataError, match="there is no such file or folder"):
        look_into(tmp_path / "absent")
    (tmp_path / "a.mat").write_bytes(b"x" * 200)
    assert "cannot be read" in "\n".join(described(look_into(tmp_path)))


@pytest.mark.parametrize("separator", ["\t", ","])
def test_describe_of_a_table_under_titles_says_how_many_to_skip(tmp_path: Path, separator: str) -> None:
    rows = [separator.join(map(str, row)) + separator for row in BOTH]
    (tmp_path / "run.xls").write_text("\n".join([*(f"Title {k}{separator}x" for k in range(9)), *rows]))
    look = look_into(tmp_path)
    told = "\n".join(described(look))
    assert "text of numbers" in told
    assert "9 lines of titles (skip_rows)" in told
    assert "may be signals: column 1, column 2\n" in told
    assert all(line in first_config(look) for line in ("  skip_rows: 9", "  only: '*.xls'", "  format: table"))


def test_describe_of_files_whose_only_variable_has_a_name_of_its_own_takes_it_for_one_signal(tmp_path: Path) -> None:
    for sensor in ("rig_a", "rig_b"):
        for number, label in enumerate(("normal", "worn") * 3):
            file = tmp_path / "plant" / sensor / f"M{number}_{label}.mat"
            file.parent.mkdir(parents=True, exist_ok=True)
            scipy.io.savemat(file, {f"z{number}_{label}": signals(file)[:, 0]})
    text = first_config(look_into(tmp_path / "plant")).replace("sampling_rate_hz: FILL_IN", "sampling_rate_hz: 2000")
    (tmp_path / "mine.yaml").write_text(text)
    base = read_experiment(tmp_path / "mine.yaml", (), {}).base
    found = {(one.motor, one.domain, one.label) for one in base.dataset.read()}
    assert len(found) == 12
    assert ("M3", "rig_b", "worn") in found


def test_describe_tells_columns_of_words_from_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("file,rpm\n" + "a.wav,900\n" * 3)
    told = "\n".join(described(look_into(tmp_path)))
    assert "file text" in told
    assert "may be signals: rpm" in told


def test_describe_takes_no_words_for_numbers(tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_text("bearing 7\n1 2 3\nand then\n4\n")
    (tmp_path / "notes.doc").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(DataError, match=r"no file of a format that is read \(1 \.doc, 1 \.docx\)"):
        look_into(tmp_path)


@pytest.mark.parametrize(
    ("first", "rate_hz"),
    [(np.arange(N) / RATE, RATE), (np.round(np.arange(N) / RATE, 3), RATE), (np.arange(N), None), (BOTH[:, 0], None)],
    ids=["time", "rounded time", "counter", "no time"],
)
def test_describe_takes_the_rate_from_a_column_of_times(tmp_path: Path, first: Any, rate_hz: float | None) -> None:
    pd.DataFrame({"a": first, "b": BOTH[:, 1]}).to_csv(tmp_path / "a.csv", index=False)
    found = look_into(tmp_path).groups[0].rate_hz()
    assert found == (None if rate_hz is None else pytest.approx(rate_hz, rel=0.05))


def test_data_list_names_every_public_set(capsys: pytest.CaptureFixture[str]) -> None:
    _, arguments = read(["data", "list"])
    assert command(arguments) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in names())
