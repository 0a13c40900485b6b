"""Records that are written one after the other, each from what the one before had."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from grid.canonical import dumped
from grid.layout import once
from grid.stage import Stage, when_set


@dataclass(frozen=True)
class Part(Stage):
    KIND: ClassVar[str] = "part"

    value: Any
    other: Any = ()
    start: "Part | None" = when_set(None)


VALUES = [1, 1.0, True, "1", None, (), (1,), (1.0,), {"a": 1}, {"a": 1.0}, [1], [True], -0.0, 0.0]


@pytest.mark.parametrize("first", VALUES)
def test_record_after_another_is_written_as_alone(first: Any) -> None:
    for second in VALUES:
        for value in (first, second, first):
            stage = Part(value)
            assert stage.record_text() == dumped(stage.record)


def test_record_whose_field_was_changed_in_place_is_written_anew() -> None:
    for shared in ({"a": 1}, [1], ({"a": 1},), ([1],)):
        before = Part(shared).key
        changed: Any = shared[0] if isinstance(shared, tuple) else shared
        changed.update(a=2) if isinstance(changed, dict) else changed.append(2)
        assert Part(shared).key != before


def test_record_in_one_of_its_own_class_does_not_stand_for_it() -> None:
    inner = Part(1, start=Part(2))
    for stage in (Part(3, start=inner), inner, Part(3), Part(3, start=inner)):
        assert stage.record_text() == dumped(stage.record)


def test_once_is_found_once() -> None:
    class Counted:
        found = 0

        @once
        def value(self) -> int:
            Counted.found += 1
            return Counted.found

    counted = Counted()
    assert (counted.value, counted.value, Counted().value) == (1, 1, 2)
    assert isinstance(Counted.value, once)
