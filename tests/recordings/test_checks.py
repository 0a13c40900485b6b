from pathlib import Path

import pandas
import pytest

from motor.recordings.checks import check_dataset
from motor.recordings.recording import DataError, Recording
from motor.recordings.table import open_recordings, write_recordings

CLASSES, DOMAINS = ("normal", "spark"), ("east", "west")


@pytest.fixture
def meta(recordings: list[Recording], tmp_path: Path) -> pandas.DataFrame:
    write_recordings(recordings, tmp_path)
    return open_recordings(tmp_path).meta


def test_dataset_whole_passes(meta: pandas.DataFrame) -> None:
    check_dataset(meta, CLASSES, DOMAINS)
    check_dataset(meta.assign(moment=None), CLASSES, DOMAINS)


def test_dataset_every_absence_is_named_at_once(meta: pandas.DataFrame) -> None:
    with pytest.raises(DataError) as caught:
        check_dataset(meta, (*CLASSES, "vibrate"), (*DOMAINS, "north"))
    assert "domain 'north' has no series (a missing sensor?), there are series of east, west" in str(caught.value)
    assert "class 'vibrate' has no series, there are series of normal, spark" in str(caught.value)


def test_dataset_moment_twice_for_one_sensor_raises(meta: pandas.DataFrame) -> None:
    meta.loc[1, "domain"] = "east"
    with pytest.raises(DataError, match="'M1' has 2 series of domain 'east' at moment 'M1-1': 'east/M1', 'west/M1'"):
        check_dataset(meta, CLASSES, DOMAINS)


def test_dataset_moment_with_two_labels_raises(meta: pandas.DataFrame) -> None:
    meta.loc[1, "label"] = "spark"
    with pytest.raises(DataError, match="'M1' has labels 'normal', 'spark' at moment 'M1-1'"):
        check_dataset(meta, CLASSES, DOMAINS)


def test_dataset_motor_that_fell_ill_passes(meta: pandas.DataFrame) -> None:
    meta.loc[:1, "label"] = "spark"
    check_dataset(meta, CLASSES, DOMAINS)
