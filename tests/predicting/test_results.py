"""The cells of a storage in a bucket, found and opened as those of a folder are."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from motor.commands.line import main
from motor.predicting import Predictor
from motor.predicting.parts import PartError
from motor.predicting.stored import CellError, find_cells

NAME = "A/Joint/64/lda"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def location(storage: Path, tiny_built: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A prefix of a bucket of a real server, with what the storage has of a few cells, and an empty mirror here."""
    server = pytest.importorskip("moto.server", reason="moto[server] brings the S3 server: pip install -e '.[dev]'")
    from grid.store.folders import upload
    from grid.store.publishing import publish
    from grid.store.s3 import Bucket

    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in {**KEYS, "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}"}.items():
            patch.setenv(name, value)
        patch.setenv("MOTOR_GRID_CACHE", str(tmp_path_factory.mktemp("cache")))
        bucket = Bucket("motors", "winter/")
        bucket._client.create_bucket(Bucket="motors")
        for stage in {
            one.key: one for name in ("A", "B", "C") for one in tiny_built.cell(f"{name}/Joint/64/lda").walk()
        }.values():
            folder = tiny_built.folder(stage)
            upload(bucket, folder, folder.relative_to(storage).as_posix())
        publish(bucket, storage, storage / "results" / "tiny")
        yield bucket.location
    running.stop()


def test_results_cell_of_a_bucket_by_key_and_name_predicts_the_same_bits(
    location: str, joint: Any, tiny_built: Any, two_files: list[Path]
) -> None:
    key = tiny_built.cell(NAME).key
    assert [find_cells(location, wanted)[0].key for wanted in (key, key[:8], NAME)] == [key] * 3
    found = Predictor.load(location, NAME).predict(two_files)
    pd.testing.assert_frame_equal(found, joint.predict(two_files), check_exact=True)


def test_results_command_predicts_from_a_bucket(
    location: str, two_files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "--storage", location, "--cell", NAME, str(two_files[0])]) == 0
    assert capsys.readouterr().out.startswith("item,domain,label")


def test_results_cell_that_a_bucket_does_not_have_named(location: str) -> None:
    with pytest.raises(CellError, match=r"no cell 'D' in s3://motors/winter.*there are 3: A/Joint"):
        find_cells(location, "D")
    with pytest.raises(CellError, match="no results of 'other'; there are: tiny"):
        find_cells(location, "best", "other")
    with pytest.raises(CellError, match="s3://motors/summer has no results yet"):
        find_cells("s3://motors/summer", "best")


def test_results_copy_in_the_mirror_that_was_damaged_is_not_used(location: str) -> None:
    (cell,) = find_cells(location, NAME)
    (pickle,) = cell.folder.glob("fold-*/clf_model.pkl")
    pickle.write_bytes(b"harm")
    with pytest.raises(PartError, match=r"clf_model\.pkl is truncated: 4 bytes"):
        Predictor.load(location, NAME)
