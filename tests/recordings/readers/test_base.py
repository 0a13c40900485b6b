import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from pydantic import ValidationError

from motor.recordings.readers.base import Reader, Source
from motor.recordings.recording import DataError, Recording

SIGNAL = np.arange(12, dtype=np.float32)


class Shelf(Reader):
    """Hands out the sources that a test puts on it: what a format would find in its files."""

    kind: Literal["shelf"] = "shelf"
    default_columns: ClassVar[Mapping[str, str]] = {"label": "label", "motor": "motor"}
    stock: ClassVar[list[Source]] = []

    def sources(self) -> Iterator[Source]:
        yield from self.stock


@pytest.fixture
def shelf(known: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reader]:
    """Return a function that makes a reader over given sources."""

    def make(*stock: Source, **settings: Any) -> Reader:
        monkeypatch.setattr(Shelf, "stock", list(stock))
        constants = {"motor": "M0", "domain": "east", "label": "normal"}
        return Shelf(path="shelf", **{**known, "constants": constants, **settings})

    return make


def source(item: str = "a", signal: np.ndarray = SIGNAL, rate: float | None = None, **fields: Any) -> Source:
    return Source(item, f"shelf, {item}", lambda: (signal, rate), **fields)


def only(reader: Reader) -> Recording:
    """Return the one recording that a reader reads."""
    (recording,) = reader.read()
    return recording


def test_field_origins_take_precedence_in_order(shelf: Callable[..., Reader]) -> None:
    pattern = r"(?P<motor>M\d)"
    told = {"columns": {"motor": "M1"}, "own": {"motor": "M3"}}
    assert only(shelf(source("M2", **told), pattern=pattern)).motor == "M1"
    assert only(shelf(source("M2", columns={"motor": ""}, own=told["own"]), pattern=pattern)).motor == "M2"
    assert only(shelf(source("x", own=told["own"]), pattern=pattern)).motor == "M3"
    assert only(shelf(source("x"), pattern=pattern)).motor == "M0"


def test_sampling_rate_origins_take_precedence_in_order(shelf: Callable[..., Reader]) -> None:
    pattern = r"(?P<sampling_rate_hz>\d+)Hz"
    assert (
        only(
            shelf(source("2000Hz", rate=3000.0, columns={"sampling_rate_hz": "1500"}), pattern=pattern)
        ).sampling_rate_hz
        == 1500
    )
    assert only(shelf(source("2000Hz", rate=3000.0), pattern=pattern)).sampling_rate_hz == 2000
    assert only(shelf(source("x", rate=3000.0), pattern=pattern, sampling_rate_hz=None)).sampling_rate_hz == 3000
    assert only(shelf(source("x"), pattern=pattern)).sampling_rate_hz == 1000


def test_label_raw_is_mapped_to_its_class(shelf: Callable[..., Reader]) -> None:
    reader = shelf(source("a", columns={"label": "healthy"}), labels={"healthy": "normal"})
    assert only(reader).label == "normal"


def test_optional_fields_are_told_or_none(shelf: Callable[..., Reader]) -> None:
    pattern = r"(?P<speed_rpm>\d+)rpm(-(?P<fold>\w+))?"
    recording = only(shelf(source("900rpm-f2"), pattern=pattern))
    assert (recording.speed_rpm, recording.fold, recording.moment) == (900.0, "f2", None)
    assert only(shelf(source("900rpm"), pattern=pattern)).fold is None


def test_time_and_reference_are_told_by_columns_patterns_and_constants(shelf: Callable[..., Reader]) -> None:
    told = source("a", columns={"recorded_at": "1970-01-01T00:01:00Z", "reference": "yes"})
    assert (only(shelf(told)).recorded_at, only(shelf(told)).reference) == (60.0, True)
    assert only(shelf(source("1970-01-02.wav"), pattern=r"(?P<recorded_at>[\d-]+)\.wav")).recorded_at == 86400
    constants = {"motor": "M", "domain": "east", "label": "normal", "reference": True}
    assert only(shelf(source("a"), constants=constants)).reference
    assert (only(shelf(source("a"))).recorded_at, only(shelf(source("a"))).reference) == (None, False)


def test_series_length_cut_series_begin_one_after_the_other(shelf: Callable[..., Reader]) -> None:
    series = shelf(source("a", columns={"recorded_at": 50.0}), series_length=5).read()
    assert [one.recorded_at for one in series] == [50.0, 50.005]


def test_sources_are_yielded_in_order_when_the_first_comes_last(shelf: Callable[..., Reader]) -> None:
    def slow() -> tuple[np.ndarray, None]:
        time.sleep(0.05)
        return SIGNAL, None

    stock = [Source("first", "shelf", slow), *(source(f"s{k}") for k in range(20))]
    assert [one.item for one in shelf(*stock).read()] == ["first", *(f"s{k}" for k in range(20))]


def test_bad_series_before_a_fault_of_structure_is_the_one_that_is_raised(shelf: Callable[..., Reader]) -> None:
    stock = [source("bad", SIGNAL * np.nan), source("a"), source("a")]
    with pytest.raises(DataError, match="sample 0 is nan"):
        list(shelf(*stock).read())


def test_series_length_cuts_item_and_moment(shelf: Callable[..., Reader]) -> None:
    reader = shelf(
        source("a"), series_length=5, constants={"motor": "M", "domain": "east", "label": "spark", "moment": "t"}
    )
    series = list(reader.read())
    assert [(one.item, one.moment) for one in series] == [("a#0", "t#0"), ("a#1", "t#1")]
    np.testing.assert_array_equal(np.concatenate([one.signal for one in series]), SIGNAL[:10])


def test_series_length_of_the_recording_leaves_it_whole(shelf: Callable[..., Reader]) -> None:
    assert only(shelf(source("a"), series_length=12)).item == "a"


def test_bad_series_are_skipped_and_listed(shelf: Callable[..., Reader]) -> None:
    half_dead = np.where(np.arange(12) < 6, 7.0, SIGNAL).astype(np.float32)
    stock = [source("good"), source("nan", SIGNAL * np.nan), source("short", SIGNAL[:3]), source("half", half_dead)]
    skipped: list[dict[str, str]] = []
    items = [one.item for one in shelf(*stock, series_length=6, on_bad_series="skip").read(skipped)]
    assert items == ["good#0", "good#1", "half#1"]
    assert [bad["item"] for bad in skipped] == ["nan", "short", "half#0"]
    assert "sample 0 is nan" in skipped[0]["reason"]


@pytest.mark.parametrize("bad", [{"columns": {"label": "x"}}, {"item": "good"}, {"own": {"domain": "north"}}])
def test_faults_of_structure_raise_even_under_skip(bad: dict[str, Any], shelf: Callable[..., Reader]) -> None:
    constants = {"motor": "M0", "label": "normal"}
    stock = [source("good", own={"domain": "east"}), source(**{"item": "b", "own": {"domain": "east"}, **bad})]
    with pytest.raises(DataError):
        list(shelf(*stock, on_bad_series="skip", constants=constants).read())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"pattern": "(?P<engine>.)"}, "engine.*allowed: motor, domain"),
        ({"pattern": "M.*"}, "named groups"),
        ({"pattern": "("}, "no regular expression"),
        ({"columns": {"speed": "rpm"}}, "unknown field 'speed'; allowed: label, motor"),
        ({"labels": {"ok": "fine"}}, "'fine', which is not in classes: normal, spark"),
        ({"classes": ("a", "a")}, "comes twice"),
        ({"constants": {"sampling_rate_hz": 1.0}}, "keep one of them"),
        ({"constants": {"engine": "x"}}, "engine"),
        ({"series_length": 1}, "series_length"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    settings: dict[str, Any], problem: str, shelf: Callable[..., Reader]
) -> None:
    with pytest.raises(ValidationError, match=f"(?s){problem}"):
        shelf(**settings)


def test_label_empty_cell_or_named_means_that_nobody_knows_the_class(shelf: Callable[..., Reader]) -> None:
    stock = [source(name, columns={"label": raw}) for name, raw in (("a", ""), ("b", None), ("c", "?"), ("d", "spark"))]
    reader = shelf(*stock, constants={"motor": "M0", "domain": "east"}, unlabelled="?")
    assert [recording.label for recording in reader.read()] == [None, None, None, "spark"]


def test_label_that_nothing_could_tell_is_an_error(shelf: Callable[..., Reader]) -> None:
    with pytest.raises(DataError, match="has no label; tried"):
        only(shelf(source("a"), constants={"motor": "M0", "domain": "east"}))


def test_unlabelled_cannot_be_a_class(shelf: Callable[..., Reader]) -> None:
    with pytest.raises(ValidationError, match="unlabelled is 'spark', which classes or labels name, too"):
        shelf(unlabelled="spark")


def test_unlabelled_that_is_not_set_enters_no_key(shelf: Callable[..., Reader]) -> None:
    assert "unlabelled" not in shelf().model_dump()
    assert shelf(unlabelled="?").model_dump()["unlabelled"] == "?"
