import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest

from motor.recordings import table
from motor.recordings.recording import DataError, Recording
from motor.recordings.table import open_recordings, write_recordings


def test_table_written_and_opened_gives_the_recordings_back(recordings: list[Recording], tmp_path: Path) -> None:
    write_recordings(recordings, tmp_path)
    opened = open_recordings(tmp_path)
    assert len(opened) == len(recordings)
    for i, recording in enumerate(recordings):
        row = opened.meta.loc[i]
        np.testing.assert_array_equal(opened.signal(i), recording.signal)
        assert [row[name] for name in ("item", "motor", "domain", "label")] == [
            recording.item, recording.motor, recording.domain, recording.label]  # fmt: skip
        assert row["n_samples"] == len(recording.signal)
        assert (row["speed_rpm"] == 1500.0) == (recording.speed_rpm is not None)
    assert opened.meta["fold"].isna().all()


def test_table_keeps_time_and_reference(recordings: list[Recording], tmp_path: Path) -> None:
    first = replace(recordings[0], recorded_at=1.5, reference=True)
    write_recordings([first, *recordings[1:]], tmp_path)
    meta = open_recordings(tmp_path).meta
    assert meta["recorded_at"].tolist()[0] == 1.5
    assert meta["recorded_at"].isna().tolist() == [False, *[True] * 5]
    assert meta["reference"].tolist() == [True, *[False] * 5]


def test_signal_is_a_view_of_the_memory_map(
    recordings: list[Recording], noise: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    long = [replace(recording, signal=noise(k, 100_000)) for k, recording in enumerate(recordings)]
    write_recordings(long, tmp_path)
    before = pyarrow.total_allocated_bytes()
    opened = open_recordings(tmp_path)
    assert np.shares_memory(opened.signal(3), opened.signal(3))
    assert opened.signal(1).ctypes.data - opened.signal(0).ctypes.data == long[0].signal.nbytes
    assert not opened.signal(0).flags.writeable
    assert pyarrow.total_allocated_bytes() - before < long[0].signal.nbytes / 10


def test_batches_stay_below_their_limit(
    recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "BATCH_BYTES", 350)
    write_recordings(recordings, tmp_path)
    with pyarrow.ipc.open_file(tmp_path / table.FILE_NAME) as file:
        assert [file.get_batch(k).num_rows for k in range(file.num_record_batches)] == [2, 2, 1, 1]
    opened = open_recordings(tmp_path)
    assert all(np.array_equal(opened.signal(i), recording.signal) for i, recording in enumerate(recordings))


def test_recordings_pickled_open_the_folder_again(recordings: list[Recording], tmp_path: Path) -> None:
    write_recordings(recordings, tmp_path)
    content = pickle.dumps(open_recordings(tmp_path))
    assert len(content) < 500
    np.testing.assert_array_equal(pickle.loads(content).signal(5), recordings[5].signal)


@pytest.mark.parametrize("i", [-1, 6])
def test_signal_out_of_range_raises(i: int, recordings: list[Recording], tmp_path: Path) -> None:
    write_recordings(recordings, tmp_path)
    with pytest.raises(IndexError, match="0 to 5"):
        open_recordings(tmp_path).signal(i)


def test_table_duplicate_item_raises_and_leaves_no_file(recordings: list[Recording], tmp_path: Path) -> None:
    twice = [*recordings, replace(recordings[0], motor="M9")]
    with pytest.raises(DataError, match="duplicate item 'east/M1', now of motor 'M9'"):
        write_recordings(twice, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_table_of_nothing_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no recording"):
        write_recordings([], tmp_path)


def test_table_is_written_as_a_stream(
    noise: Callable[..., np.ndarray], recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "BATCH_BYTES", 1000)
    sizes = []

    def source() -> Iterator[Recording]:
        for k in range(30):
            sizes.append(next(tmp_path.glob("*.draft")).stat().st_size)
            yield replace(recordings[0], item=str(k), signal=noise(k, 200))

    write_recordings(source(), tmp_path)
    assert sizes[-1] > 20 * 800


def test_open_empty_folder_raises_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="prepare the dataset first"):
        open_recordings(tmp_path)
