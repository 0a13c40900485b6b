"""Keys: what enters them, what does not, and what has no stable form."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import BaseModel, Field

from grid.stage import KEY_LENGTH, Resources, Stage, beside, canonical, digest


class Reader(BaseModel, frozen=True):
    kind: str = "csv"
    rate_hz: float = 8192.0
    path: str = Field(default="/here", exclude=True)


class FastReader(Reader):
    skip: int = 1


class Nested(BaseModel, frozen=True):
    reader: Reader = Reader()
    readers: tuple[Reader, ...] = (Reader(),)


@dataclass(frozen=True)
class Import(Stage):
    KIND: ClassVar[str] = "import"

    reader: Reader = Reader()
    cache: str = beside(default="/tmp")


@dataclass(frozen=True)
class Train(Stage):
    KIND: ClassVar[str] = "train"

    source: Import
    settings: dict[str, Any] = dataclasses.field(default_factory=lambda: {"rate": 0.5, "steps": 3})
    domains: tuple[str, ...] = ("ShengYing", "ZhenDong")
    start: "Train | None" = None


@dataclass(frozen=True)
class Anything(Stage):
    KIND: ClassVar[str] = "anything"

    value: Any


def test_key_known_records_is_pinned() -> None:
    first = Train(Import())
    assert Import().key == "3f6f10b25333b063"
    assert first.key == "dfd0705cfe70648c"
    assert Train(Import(), {"rate": 1e-05, "note": "声音"}, (), start=first).key == "720a913321990b44"


def test_key_is_the_hash_of_the_record_as_it_is_written_here() -> None:
    text = '{"kind":"import","reader":{"kind":"csv","rate_hz":8192.0},"version":1}'
    assert Import().key == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_record_is_json_with_kind_and_version_and_inputs() -> None:
    record = Train(Import()).record
    assert json.loads(json.dumps(record)) == record
    assert record["kind"] == "train"
    assert record["version"] == 1
    assert record["source"] == Import().record
    assert record["start"] is None


def test_key_order_of_fields_and_of_dicts_does_not_enter() -> None:
    @dataclass(frozen=True)
    class Turned(Stage):
        KIND: ClassVar[str] = "train"

        start: "Train | None" = None
        domains: tuple[str, ...] = ("ShengYing", "ZhenDong")
        settings: dict[str, Any] = dataclasses.field(default_factory=lambda: {"steps": 3, "rate": 0.5})
        source: Import = Import()

    assert Turned().key == Train(Import()).key


def test_key_beside_fields_do_not_enter() -> None:
    assert Import(cache="/elsewhere").key == Import().key
    assert Import(cache="/elsewhere") == Import()
    assert "cache" not in Import().record


def test_key_excluded_settings_do_not_enter_however_deep() -> None:
    elsewhere = Reader(path="/there")
    moved = Nested(reader=elsewhere, readers=(elsewhere,))
    assert Import(elsewhere).key == Import().key
    assert Anything({"nested": [moved]}).key == Anything({"nested": [Nested()]}).key
    assert "/there" not in json.dumps(Anything(moved).record)


def test_key_setting_of_a_subclass_enters_where_its_parent_was_declared() -> None:
    one, two = (Nested(reader=FastReader(skip=skip)) for skip in (1, 2))
    assert Anything(one).key != Anything(two).key


@pytest.mark.parametrize(
    "changed",
    [
        Train(Import(Reader(rate_hz=1.0))),
        Train(Import(), {"rate": 0.5, "steps": 4}),
        Train(Import(), domains=("ZhenDong", "ShengYing")),
        Train(Import(), start=Train(Import())),
    ],
)
def test_key_every_deciding_field_enters(changed: Train) -> None:
    assert changed.key != Train(Import()).key


def test_key_version_enters_and_descendants_follow() -> None:
    @dataclass(frozen=True)
    class Import2(Import):
        VERSION: ClassVar[int] = 2

    assert Import2().key != Import().key
    assert Train(Import2()).key != Train(Import()).key


def test_key_kind_enters() -> None:
    @dataclass(frozen=True)
    class Export(Import):
        KIND: ClassVar[str] = "export"

    assert Export().key != Import().key


def test_key_one_and_one_float_and_true_are_three_values() -> None:
    values = [1, 1.0, True, "1", [1], None, {"1": 1}]
    assert len({Anything(value).key for value in values}) == len(values)


def test_key_list_and_tuple_are_one_value() -> None:
    assert Anything([1, (2,)]).key == Anything((1, [2])).key


@pytest.mark.parametrize("value", [0.1, 1e-300, 123456789012345678901234567890, -0.5, "", "声音\n", 1e22])
def test_canonical_plain_value_survives_json_unchanged(value: Any) -> None:
    back = json.loads(json.dumps(canonical(value, "x")))
    assert back == value
    assert type(back) is type(value)


class Colour(Enum):
    RED = 1


class Shade(StrEnum):
    DARK = "dark"


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        np.float64(0.5),
        np.float32(0.5),
        np.int64(1),
        np.zeros(2),
        Path("/data"),
        {1, 2},
        b"bytes",
        Colour.RED,
        Shade.DARK,
        Resources(),
        lambda: 1,
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_record_unstable_value_raises_with_its_place(value: Any) -> None:
    stage = Anything({"nested": [0, value]})
    with pytest.raises(TypeError, match=r"^Anything\.value\.nested\[1\] is .*which has no stable form"):
        _ = stage.key


def test_record_mapping_with_a_key_that_is_no_text_raises_with_its_place() -> None:
    with pytest.raises(TypeError, match=r"^Anything\.value\.nested has the key 1 \(int\); keys must be strings"):
        _ = Anything({"nested": {1: "a"}}).key


def test_record_class_without_decorator_raises() -> None:
    class Deeper(Import):
        depth: int = 3

    with pytest.raises(TypeError, match="Deeper is not decorated"):
        _ = Deeper().key


def test_record_class_without_kind_raises() -> None:
    @dataclass(frozen=True)
    class Nameless(Stage):
        pass

    with pytest.raises(TypeError, match="KIND is ''"):
        _ = Nameless().key


@pytest.mark.parametrize("name", ["kind", "version"])
def test_record_field_that_would_hide_what_it_says_raises(name: str) -> None:
    hiding = dataclasses.make_dataclass("Hiding", [(name, int, 1)], bases=(Stage,), frozen=True)
    hiding.KIND = "hiding"
    with pytest.raises(TypeError, match=rf"Hiding\.{name} would hide"):
        _ = hiding().key


def test_inputs_stages_anywhere_in_deciding_fields_are_found_once() -> None:
    one, two, three = (Anything(number) for number in range(3))
    stage = Anything({"a": (one, [two]), "b": {"c": three, "d": one}, "e": "none"})
    assert stage.inputs == (one, two, three)


def test_inputs_stage_beside_is_none() -> None:
    @dataclass(frozen=True)
    class Hinted(Stage):
        KIND: ClassVar[str] = "hinted"

        hint: Stage | None = beside(default=None)

    assert Hinted(Import()).inputs == ()
    assert Hinted(Import()).key == Hinted().key


def test_walk_diamond_gives_inputs_first_and_each_once() -> None:
    leaf = Import()
    first, second = Train(leaf), Train(leaf, domains=())
    end = Anything((first, second))
    assert list(end.walk()) == [leaf, first, second, end]


def test_digest_is_a_sha256_that_the_key_starts() -> None:
    stage = Import()
    assert len(digest(stage.record)) == 64
    assert digest(stage.record)[:KEY_LENGTH] == stage.key


def test_key_when_more_texts_are_made_than_kept_is_that_of_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grid.canonical.MOST_TEXTS", 3)
    leaf = Import()
    trained = tuple(Train(leaf, domains=(str(number),)) for number in range(10))
    ends = [Anything(trained[:5]), Anything(trained[3:]), Anything((leaf, *trained))]
    keys = [stage.key for end in ends for stage in end.walk()]
    assert keys == [digest(stage.record)[:KEY_LENGTH] for end in ends for stage in end.walk()]


def test_build_of_the_bare_class_raises_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Import does not say how it is built"):
        Import().build(tmp_path, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("resources", "text"),
    [(Resources(), "1 CPU"), (Resources(0.5, 1), "0.5 CPU, 1 GPU"), (Resources(2, memory_gb=1.5), "2 CPU, 1.5 GB")],
)
def test_resources_describe_names_only_what_is_asked_for(resources: Resources, text: str) -> None:
    assert resources.describe() == text


def again(stage: Stage) -> Stage:
    """The stage as a file holds it, with a record of its own fields."""
    return dataclasses.replace(Stage.from_record(json.loads(json.dumps(stage.record))))


@dataclass(frozen=True)
class Loaded(Stage):
    KIND: ClassVar[str] = "loaded"

    reader: Reader = Reader()
    cache: str = beside(default="/tmp")


@dataclass(frozen=True)
class Model(Stage):
    KIND: ClassVar[str] = "model"

    source: Loaded
    settings: dict[str, Any] = dataclasses.field(default_factory=lambda: {"rate": 0.5, "steps": 3})
    domains: tuple[str, ...] = ("ShengYing", "ZhenDong")
    start: "Model | None" = None


@dataclass(frozen=True)
class Holder(Stage):
    KIND: ClassVar[str] = "holder"

    models: tuple[Model, ...]
    by_name: dict[str, tuple[Nested, ...]]
    pair: tuple[int, float] = (1, 1.0)
    maybe: Nested | None = None
    twice: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "twice", 2 * self.pair[0])


class Choice(BaseModel, frozen=True):
    kind: str

    @classmethod
    def from_record(cls, settings: dict[str, Any]) -> "Choice":
        return {"fast": Fast}[settings["kind"]].model_validate(settings)


class Fast(Choice):
    kind: str = "fast"
    speed: int = 3


@dataclass(frozen=True)
class Chosen(Stage):
    KIND: ClassVar[str] = "chosen"

    choice: Choice


STAGES = {
    "nested": Model(Loaded(Reader(rate_hz=1.5)), start=Model(Loaded(), {"steps": 4})),
    "tuples": Holder((Model(Loaded()), Model(Loaded(), domains=())), {"one": (Nested(), Nested())}, (2, 0.5)),
    "given": Holder((), {}, maybe=Nested(readers=())),
}


@pytest.mark.parametrize("name", STAGES)
def test_stage_from_its_record_is_equal_and_has_the_same_key(name: str) -> None:
    found = again(STAGES[name])
    assert found == STAGES[name]
    assert found.key == STAGES[name].key


def test_stage_from_its_record_reads_plug_ins_by_their_own_hook() -> None:
    found = again(Chosen(Fast()))
    assert found == Chosen(Fast())


def test_stage_from_a_record_without_a_field_of_later_keeps_the_key() -> None:
    record = {**Model(Loaded()).record}
    del record["domains"]
    found = Stage.from_record(record)
    assert found.domains == ("ShengYing", "ZhenDong")
    assert found.key == digest(record)[:KEY_LENGTH]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "gone"}, "of kind 'gone', but none such is imported; there are: .*model"),
        ({"version": 7}, "its version is 7, not 1; build it again"),
        ({"colour": "red"}, "it has the unknown field 'colour'; build it again"),
    ],
)
def test_stage_from_a_record_of_another_program_is_said(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Stage.from_record(Model(Loaded()).record | change)


def test_inputs_of_fields_whose_types_hold_no_stage_are_not_looked_for() -> None:
    @dataclass(frozen=True)
    class Plain(Stage):
        KIND: ClassVar[str] = "plain"

        name: str
        numbers: tuple[float, ...]
        by_name: dict[str, int] | None
        reader: Reader
        made_from: dict[str, tuple[Import, ...]]
        anything: Any

    one, two = Import(Reader(rate_hz=1.0)), Import(Reader(rate_hz=2.0))
    made = Plain("a", (1.0,), None, Reader(), {"x": (one,)}, [two])
    assert made.inputs == (one, two)
    assert made.waits_for is made.inputs


def test_key_of_shared_tuples_and_fresh_ones_is_one() -> None:
    levels = (0.1, 0.5, 0.9, 0.95, 0.99)
    fresh = [tuple(json.loads("[0.1, 0.5, 0.9, 0.95, 0.99]")) for _ in range(3)]
    assert {Anything(values).key for values in (levels, levels, *fresh, list(levels))} == {Anything(levels).key}
    assert Anything((1, 2, 3, 4, 5)).key != Anything((1.0, 2.0, 3.0, 4.0, 5.0)).key
    assert Anything((1, 2, 3, 4, True)).key != Anything((1, 2, 3, 4, 1)).key


def test_key_of_a_dict_that_was_changed_in_place_follows() -> None:
    held: dict[str, Any] = {"a": 1}
    first = Anything((held, held, held, held, held)).key
    held["a"] = 2
    assert Anything((held, held, held, held, held)).key != first
