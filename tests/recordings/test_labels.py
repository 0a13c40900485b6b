"""Labels from a table beside the data."""

import numpy as np
import pandas as pd
import pytest

from motor.recordings.labels import labels_of, read_label_rows
from motor.recordings.recording import DataError
from motor.recordings.table import relabelled

CLASSES = ("normal", "spark")
META = pd.DataFrame(
    {
        "item": ["a#0", "a#1", "b", "c", "d"],
        "motor": ["M1", "M1", "M1", "M2", "M2"],
        "domain": ["east", "east", "west", "east", "east"],
        "label": ["normal", "normal", None, "normal", None],
        "recorded_at": [0.0, 60.0, 120.0, np.nan, 300.0],
    }
)


@pytest.fixture
def labels(tmp_path):
    """Return the labels that a table gives to the recordings."""

    def of(text, meta=META):
        file = tmp_path / "labels.csv"
        file.write_text(text, encoding="utf-8")
        return labels_of(meta, read_label_rows(file, CLASSES, {"F": "spark"}))

    return of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("item,label\na,F\n", {"a#0": "spark", "a#1": "spark"}),
        ("item,label\na#1,spark\n", {"a#1": "spark"}),
        ("item;label\nb;\n", {"b": None}),
        ("motor,label,who\nM2,spark,Li\n", {"c": "spark", "d": "spark"}),
        ("motor,domain,label\nM1,west,normal\n", {"b": "normal"}),
        ("motor,recorded_at,label\nM1,1970-01-01T00:01:00Z,spark\n", {"a#1": "spark"}),
        ("motor,since,until,label\nM1,60,,spark\nM2,,1970-01-01T01:00:00,spark\n", {"a#1": "spark", "b": "spark"}),
    ],
)
def test_label_rows_mean_recordings_by_item_or_by_motor_and_time(labels, text, expected):
    found = labels(text)
    assert expected.items() <= found.items()
    assert set(found) <= set(expected) | {"d"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("item,label\nz,spark\n", ("line 2", "no item 'z'")),
        ("motor,label\nM3,spark\n", ("line 2", "no motor 'M3'")),
        ("motor,recorded_at,label\nM1,61,spark\n", ("line 2", "no recording of that domain and time")),
        ("item,label\nb,sparks\n", ("line 2", "'sparks'", "did you mean 'spark'")),
        ("item,label\nb,spark\nb,normal\n", ("line 3", "line 2", "take one")),
        ("item,label\nb,spark,more\n", ("line 2", "3 cells under 2 columns")),
        ("item,labels\nb,spark\n", ("line 1", "needed are label")),
        ("item,motor,label\n,,spark\n", ("line 2", "neither item nor motor")),
        ("motor,recorded_at,label\nM1,noon,spark\n", ("line 2", "'noon'", "ISO 8601")),
    ],
)
def test_label_rows_at_fault_are_named_with_their_line(labels, text, parts):
    with pytest.raises(DataError) as caught:
        labels(text)
    assert all(part in str(caught.value) for part in parts), caught.value


def test_relabelled_takes_the_tables_label_and_keeps_the_others():
    found = relabelled(META, {"a#0": "spark", "c": None})
    assert [None if pd.isna(label) else label for label in found["label"]] == ["spark", "normal", None, None, None]
