"""What every reader has to keep; a new one is tested by being there."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motor.recordings.readers.base import Reader
from motor.recordings.recording import DataError
from motor.registry import plugins

READERS: dict[str, Any] = dict(plugins("motor.recordings.readers"))


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest, tmp_path: Path, known: dict[str, Any]) -> Reader:
    """Return each reader; those that need a path get one where nothing is."""
    kind = READERS[request.param]
    if kind.model_fields["path"].is_required():
        return kind(path=str(tmp_path / "absent"), **known)
    return kind()


def test_reader_is_documented_and_pickles(reader: Reader) -> None:
    assert type(reader).__doc__
    assert pickle.loads(pickle.dumps(reader)) == reader


def test_reader_path_stays_out_of_what_decides_a_result(reader: Reader) -> None:
    moved = reader.model_copy(update={"path": "elsewhere"})
    assert moved.model_dump() == reader.model_dump()
    assert {"kind", "classes", "domains", "on_bad_series"} <= reader.model_dump().keys()


def test_reader_without_its_data_says_what_is_missing(reader: Reader) -> None:
    if type(reader).model_fields["path"].is_required():
        with pytest.raises(DataError, match=r"absent.* does not exist.*correct"):
            reader.files()
        with pytest.raises(DataError, match=r"absent.* does not exist.*correct"):
            next(reader.read())
    else:
        assert reader.files() == []
        recording, again = next(reader.read()), next(reader.read())
        assert recording.label in reader.classes
        assert recording.domain in reader.domains
        assert recording.signal.dtype == np.float32
        np.testing.assert_array_equal(recording.signal, again.signal)


def test_readers_import_is_light() -> None:
    heavy = {"pandas", "pyarrow", "scipy", "soundfile", "torch", "sklearn"}
    code = (
        "import sys; from motor.registry import plugins; plugins('motor.recordings.readers'); "
        f"plugins('motor.recordings.splits'); print(sorted({heavy!r} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
