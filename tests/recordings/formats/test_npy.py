"""Arrays of NumPy's own files, as NumPy itself reads them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from motor.recordings.signals import read_signal


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "u1"])
def test_read_npy_of_one_row_is_what_numpy_reads(tmp_path, order, dtype):
    np.save(tmp_path / "row.npy", np.asarray(np.arange(12)[None, :], dtype=dtype, order=order))
    np.testing.assert_array_equal(read_signal(tmp_path / "row.npy")[0], np.load(tmp_path / "row.npy").ravel())


def test_read_npy_on_many_threads_at_once_gives_each_its_own(tmp_path):
    for number in range(40):
        np.save(tmp_path / f"{number}.npy", np.full(8, number))
    with ThreadPoolExecutor(8) as threads:
        read = list(threads.map(lambda number: read_signal(tmp_path / f"{number}.npy")[0][0], range(40)))
    assert read == list(range(40))
