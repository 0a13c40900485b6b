"""The reader of JSON Lines."""

import json

import numpy as np
import pytest

from motor.recordings.readers.jsonl import Jsonl
from motor.recordings.recording import DataError


@pytest.fixture
def reader(tmp_path, known):
    """Write lines to a file, and return its reader."""

    def of(*lines, name="day.jsonl", **settings):
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        (tmp_path / name).write_text(text, encoding="utf-8")
        defaults = {"columns": {"motor": "sensor_id"}, "constants": {"domain": "east"}}
        return Jsonl(path=str(tmp_path / name), **{**known, **defaults, **settings})

    return of


def line(signal="0.5,-1,2.5e-1", **fields):
    return {"data_time": "2023-12-04T15:09:34.000Z", "sensor_id": "S1", "signal_value": signal, "label": "", **fields}


@pytest.mark.parametrize("signal", ["0.5,-1,2.5e-1", "[0.5, -1, 0.25]", [0.5, -1, 0.25], ["0.5", -1, 0.25]])
def test_jsonl_signal_is_a_text_or_a_list_of_numbers(reader, signal):
    (recording,) = reader(line(signal)).read()
    np.testing.assert_array_equal(recording.signal, np.array([0.5, -1, 0.25], dtype=np.float32))
    assert (recording.motor, recording.label, recording.recorded_at) == ("S1", None, 1701702574.0)
    assert recording.item == "day.jsonl:1"


def test_jsonl_key_with_blanks_or_composed_in_another_way_is_found(reader):
    (first,) = reader(
        {" signal_value": [0.5, 1.0], "Gera\u0308t ": "S1", "label": ""}, columns={"motor": "Ger\u00e4t"}
    ).read()
    assert (first.motor, first.signal.tolist()) == ("S1", [0.5, 1.0])


def test_jsonl_json_list_holds_the_same_recordings(reader):
    lines = [line(item="a", label="spark"), line([1, 2], item="b", label="normal")]
    found = [list(reader(*lines).read()), list(reader(json.dumps(lines), name="day.json").read())]
    assert [(one.item, one.label, one.signal.tolist()) for one in found[0]] == [
        (one.item, one.label, one.signal.tolist()) for one in found[1]
    ]


@pytest.mark.parametrize(
    ("broken", "parts"),
    [
        ('{"sensor_id": "S1", "signal_value": "1,2', ("day.jsonl, line 2", "no JSON")),
        ("[1, 2]", ("day.jsonl, line 2", "no object")),
        (line("1,two,3"), ("day.jsonl, line 2", "'two'")),
        (line([1, None, 3]), ("day.jsonl, line 2", "nan")),
        (line(7), ("day.jsonl, line 2", "signal_value is 7")),
        (line([[1, 2]]), ("day.jsonl, line 2", "[1, 2]")),
        (line("1,nan,3"), ("day.jsonl, line 2", "nan")),
        (line([1.5, True, 3]), ("day.jsonl, line 2", "true or false")),
        (line("1_000,2,3"), ("day.jsonl, line 2", "'1_000'")),
        (line("-0,5,0,25,-0,125"), ("day.jsonl, line 2", "decimal commas")),
        (line("1,5,0,05,2,5"), ("day.jsonl, line 2", "decimal commas")),
        ({**line(), "sensor_id ": "S2"}, ("day.jsonl, line 2", "'sensor_id' and 'sensor_id ' are one name")),
    ],
)
def test_jsonl_broken_line_is_an_error_with_its_place_or_skipped_and_listed(reader, broken, parts):
    with pytest.raises(DataError) as caught:
        list(reader(line(), broken, line(item="last")).read())
    assert all(part in str(caught.value) for part in (*parts, "on_bad_series: skip")), caught.value
    skipped = []
    items = [one.item for one in reader(line(), broken, line(item="last"), on_bad_series="skip").read(skipped)]
    assert items == ["day.jsonl:1", "last"]
    assert [bad["item"] for bad in skipped] == ["day.jsonl:2"]


def test_jsonl_without_any_word_of_a_label_is_an_error_unless_labels_stand_beside(reader):
    bare = {name: value for name, value in line().items() if name != "label"}
    with pytest.raises(DataError, match="no label"):
        list(reader(bare).read())
    assert [one.label for one in reader(bare, labels_file="labels.csv").read()] == [None]


def test_jsonl_file_of_one_object_says_so(reader):
    with pytest.raises(DataError, match="not a list of objects"):
        list(reader(json.dumps(line()), name="day.json").read())


def test_jsonl_with_the_mark_of_utf_8_is_read(reader, tmp_path):
    for name in ("day.jsonl", "day.json"):
        found = reader(line() if name.endswith("l") else json.dumps([line()]), name=name)
        path = tmp_path / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert [one.motor for one in found.read()] == ["S1"]


def test_jsonl_name_that_comes_twice_is_refused_as_the_parser_keeps_the_last(reader):
    twice = json.dumps(line(label="normal"))[:-1] + ', "sensor_id": "S2"}'
    with pytest.raises(DataError, match=r"day\.jsonl, line 1.*'sensor_id' comes twice"):
        list(reader(twice).read())


def test_jsonl_name_that_stands_in_a_value_too_is_read(reader):
    (recording,) = reader(line(label="normal", note={"sensor_id": ["sensor_id", "label"]})).read()
    assert (recording.motor, recording.label) == ("S1", "normal")
