"""The check: each faulty text gets exactly its faults, each at its place."""

import pickle
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from grid.config.check import ConfigError, Fault, check, check_or_raise, read_document


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LongCsv(Strict):
    kind: Literal["long_csv"] = "long_csv"
    path: str = "data.csv"


class Manifest(Strict):
    kind: Literal["manifest"] = "manifest"
    path: str
    labels: dict[str, str] = {}
    folds: tuple[int, int] = (1, 2)


class Parquet(Strict):
    kind: Literal["parquet"] = "parquet"
    path: str = Field("x", exclude=True)


Dataset = Annotated[LongCsv | Manifest | Parquet, Field(discriminator="kind")]


class Axes(Strict):
    classifier: tuple[Literal["lightgbm", "mlp", "svm"], ...] = Field(min_length=1)
    context_length: tuple[int, ...] = (2048,)


class Finetune(Strict):
    num_steps: int = Field(gt=0)
    learning_rate: float = 1e-4
    shuffle: bool = True
    warmup: int | Literal["auto"] | tuple[int, ...] = "auto"

    @model_validator(mode="after")
    def _is_sane(self) -> "Finetune":
        if self.learning_rate > self.num_steps:
            raise ValueError(f"learning_rate {self.learning_rate} is above num_steps {self.num_steps}")
        return self


class Grid(Strict):
    seed: int = 123
    note: str = Field("", pattern="^[a-z ]*$")
    dataset: Dataset
    spare: Dataset | None = None
    others: dict[str, tuple[Dataset, ...]] = {}
    axes: Axes
    finetune: Finetune | None = None
    constants: dict[str, str | float] = {}


GOOD = """\
seed: 7
note: all of it
dataset:
  kind: manifest
  path: here.csv
  labels: {0: normal, fault: spark}
spare: {kind: parquet}
others:
  ShengYing:
    - {kind: long_csv}
    - kind: manifest
      path: there.csv
axes:
  classifier: [lightgbm, svm]
  context_length: [2048, 8192]
finetune:
  num_steps: 200
  learning_rate: 5e-5
  warmup: [1, 2]
constants: {label: normal, rate: 8000}
"""

FAULTS = {
    "misspelt key": (
        "finetune:\n  num_steps: 1\n  num_step: 2",
        "8:3, finetune.num_step: unknown key 'num_step'; did you mean 'num_steps'? allowed: num_steps, learning_rate, "
        "shuffle, warmup",
    ),
    "unknown key": (
        "zzz: 1",
        "6:1, zzz: unknown key 'zzz'; allowed: seed, note, dataset, spare, others, axes, finetune, constants",
    ),
    "unknown key inside a tagged union": (
        "spare:\n  kind: parquet\n  pathh: x",
        "8:3, spare.pathh: unknown key 'pathh'; did you mean 'path'? allowed: kind, path",
    ),
    "unknown key in a list in a mapping": (
        "others:\n  Joint:\n    - kind: long_csv\n      lables: {}",
        "9:7, others.Joint[0].lables: unknown key 'lables'; allowed: kind, path",
    ),
    "missing key": ("finetune:\n  shuffle: false", "6:1, finetune: missing key 'num_steps'"),
    "missing key inside a tagged union": ("spare: {kind: manifest}", "6:1, spare: missing key 'path'"),
    "missing item": ("spare: {kind: manifest, path: x, folds: [1]}", "6:34, spare.folds: missing item [1]"),
    "too many items": (
        "spare: {kind: manifest, path: x, folds: [1, 2, 3]}",
        "6:34, spare.folds: folds must have at most 2 items, got the list [1, 2, 3]",
    ),
    "string for an integer": (
        "finetune: {num_steps: ten}",
        "6:12, finetune.num_steps: num_steps must be an integer, got the string 'ten'",
    ),
    "quoted integer": (
        "finetune: {num_steps: '10'}",
        "6:12, finetune.num_steps: num_steps must be an integer, got the string '10'",
    ),
    "float for an integer": (
        "finetune: {num_steps: 1e3}",
        "6:12, finetune.num_steps: num_steps must be an integer, got 1000.0",
    ),
    "boolean for an integer": ("seed: true", "6:1, seed: seed must be an integer, got true"),
    "string for a number": (
        "finetune: {num_steps: 1, learning_rate: 1_0}",
        "6:26, finetune.learning_rate: learning_rate must be a number, got the string '1_0'",
    ),
    "null for a string": ("note:", "6:1, note: note must be a string, got null"),
    "integer for a string": ("note: 5", "6:1, note: note must be a string, got 5"),
    "yes for a boolean": (
        "finetune:\n  num_steps: 1\n  shuffle: yes",
        "8:3, finetune.shuffle: shuffle must be true or false, got the string 'yes'",
    ),
    "string against a pattern": ("note: A1", "6:1, note: note must match pattern '^[a-z ]*$', got the string 'A1'"),
    "out of range": (
        "finetune: {num_steps: -1}",
        "6:12, finetune.num_steps: num_steps must be greater than 0, got -1",
    ),
    "mapping for a list": (
        "others: {Joint: {kind: parquet}}",
        "6:10, others.Joint: Joint must be a list, got the mapping {kind: 'parquet'}",
    ),
    "list for a mapping": ("others: [1]", "6:1, others: others must be a mapping, got the list [1]"),
    "scalar for a record": ("finetune: 200", "6:1, finetune: finetune must be a mapping, got 200"),
    "name for a plug-in": (
        "spare: parquet",
        "6:1, spare: spare must be a mapping, got the string 'parquet'; write {kind: parquet}",
    ),
    "unknown kind": (
        "spare:\n  kind: manifst\n  path: x",
        "7:3, spare.kind: unknown spare kind 'manifst'; there are: long_csv, manifest, parquet; did you mean "
        "'manifest'?",
    ),
    "unknown kind in a list": (
        "others:\n  Joint: [{kind: long_csv}, {kind: wav}]",
        "7:30, others.Joint[1].kind: unknown Joint kind 'wav'; there are: long_csv, manifest, parquet",
    ),
    "kind is no name": (
        "spare: {kind: [a]}",
        "6:9, spare.kind: unknown spare kind the list ['a']; there are: long_csv, manifest, parquet",
    ),
    "missing kind": (
        "spare:\n  path: x",
        "6:1, spare: missing key 'kind'; there are: long_csv, manifest, parquet",
    ),
    "wrong value in a mapping": (
        "spare:\n  kind: manifest\n  path: x\n  labels:\n    a: 1\n    b: spark",
        "10:5, spare.labels.a: a must be a string, got 1",
    ),
    "neither of several types": (
        "constants: {rate: true}",
        "6:13, constants.rate: rate must be a string or a number, got true",
    ),
    "misspelt word among several types": (
        "finetune: {num_steps: 1, warmup: atuo}",
        "6:26, finetune.warmup: warmup must be an integer or 'auto' or a list, got the string 'atuo'; did you mean "
        "'auto'?",
    ),
    "wrong item of one of several types": (
        "finetune: {num_steps: 1, warmup: [1, b]}",
        "6:38, finetune.warmup[1]: warmup[1] must be an integer, got the string 'b'",
    ),
    "a validator's own words": (
        "finetune: {num_steps: 1, learning_rate: 2.5}",
        "6:1, finetune: learning_rate 2.5 is above num_steps 1",
    ),
    "long value": (
        f"seed: {'a' * 100}",
        f"6:1, seed: seed must be an integer, got the string '{'a' * 47}...{'a' * 8}'",
    ),
}
BASE = "dataset:\n  kind: manifest\n  path: x\naxes:\n  classifier: [mlp]\n"  # five lines


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def faults_of(path: Path, *overrides: str) -> list[str]:
    faults = check(read_document(path, overrides, {}), Grid)[1]
    return [f"{fault.place}: {fault.message}".removeprefix(f"{path}:") for fault in faults]


@pytest.mark.parametrize("case", FAULTS)
def test_check_faulty_text_gives_its_one_fault_at_its_place(case, tmp_path):
    text, expected = FAULTS[case]
    assert faults_of(written(tmp_path, BASE + text)) == [expected]


def test_check_literal_in_a_list_suggests_the_name_that_was_meant(tmp_path):
    text = "axes:\n  classifier:\n    - mlp\n    - lgbm\n    - SVM\ndataset: {kind: long_csv}"
    assert faults_of(written(tmp_path, text)) == [
        "4:7, axes.classifier[1]: unknown value 'lgbm'; there are: lightgbm, mlp, svm; did you mean 'lightgbm'?",
        "5:7, axes.classifier[2]: unknown value 'SVM'; there are: lightgbm, mlp, svm; did you mean 'svm'?",
    ]


def test_check_empty_list_is_a_fault(tmp_path):
    found = faults_of(written(tmp_path, "axes: {classifier: []}\ndataset: {kind: long_csv}"))
    assert found == ["1:8, axes.classifier: classifier must have at least 1 item, got the list []"]


def test_check_only_plugin_of_its_kind_names_it(tmp_path):
    class Only(Strict):
        dataset: LongCsv

    document = read_document(written(tmp_path, "dataset: {kind: longcsv}"))
    message = "unknown dataset kind 'longcsv'; there are: long_csv; did you mean 'long_csv'?"
    assert check(document, Only)[1] == [Fault(f"{tmp_path}/mine.yaml:1:11, dataset.kind", message)]


def test_check_missing_section_points_at_the_file(tmp_path):
    assert faults_of(written(tmp_path, "# nothing\n\nseed: 1")) == [
        "3:1: missing key 'axes'",
        "3:1: missing key 'dataset'",
    ]


def test_check_several_faults_are_listed_at_once_in_the_order_of_the_lines(tmp_path):
    text = (
        BASE + "seed: a\nseed: 2\nspare: {kind: x, y: 1}\nnote: ${GONE}\nzzz: 1\nfinetune: 3\nconstants:\n  a: null\n"
    )
    found = faults_of(written(tmp_path, text), "axes.classifer=[mlp]", "seed")
    assert [re.split("[,:] ?(?=[^0-9])", fault)[0] for fault in found] == (
        ["6:1", "7:1", "8:9", "9:1", "10:1", "11:1", "13:3", "command line", "command line"]
    )


def test_check_bad_item_of_a_list_does_not_make_it_short(tmp_path):
    (found,) = faults_of(written(tmp_path, "axes: {classifier: [a]}\ndataset: {kind: long_csv}"))
    assert found == "1:21, axes.classifier[0]: unknown value 'a'; there are: lightgbm, mlp, svm"


def test_check_fault_of_the_command_line_says_so(tmp_path):
    found = faults_of(written(tmp_path, BASE), "finetune.num_steps=abc", "finetun.num_steps=1", "axes.classifier[0]=a")
    assert [fault.split(": ")[0] for fault in found] == [
        "command line, axes.classifier[0]=a",
        "command line, finetun.num_steps=1",
        "command line, finetune.num_steps=abc",
    ]
    assert found[2].endswith("num_steps must be an integer, got the string 'abc'")


def test_check_value_that_could_not_be_read_is_one_fault(tmp_path):
    (found,) = faults_of(written(tmp_path, BASE + "seed: ${SEED}"))
    assert found == ("6:1, seed: environment variable SEED is not set; set SEED or give seed=VALUE on the command line")


def test_check_good_text_gives_its_record(tmp_path):
    record, faults = check(read_document(written(tmp_path, GOOD)), Grid)
    assert faults == []
    assert record == Grid(
        seed=7,
        note="all of it",
        dataset=Manifest(path="here.csv", labels={"0": "normal", "fault": "spark"}),
        spare=Parquet(),
        others={"ShengYing": (LongCsv(), Manifest(path="there.csv"))},
        axes=Axes(classifier=("lightgbm", "svm"), context_length=(2048, 8192)),
        finetune=Finetune(num_steps=200, learning_rate=5e-5, warmup=(1, 2)),
        constants={"label": "normal", "rate": 8000.0},
    )


def test_check_or_raise_dumped_record_comes_back_the_same(tmp_path):
    record = check_or_raise(read_document(written(tmp_path, GOOD)), Grid)
    again = yaml.safe_dump(record.model_dump(mode="json"))
    assert check_or_raise(read_document(written(tmp_path, again)), Grid) == record


def test_check_or_raise_section_keeps_its_places(tmp_path):
    section = read_document(written(tmp_path, BASE + "finetune:\n  num_steps: 0")).section(("finetune",))
    with pytest.raises(ConfigError, match=r"mine.yaml:7:3, finetune.num_steps: num_steps must be greater than 0"):
        check_or_raise(section, Finetune)


def test_check_overlay_fault_points_into_the_overlay(tmp_path):
    text = BASE + "finetune: {num_steps: 5}\nby_method:\n  C:\n    finetune: {learning_rat: 1e-5}\n"
    document = read_document(written(tmp_path, text))
    overlaid = document.overlaid(("by_method", "C")).without(["by_method"])
    (fault,) = check(overlaid, Grid)[1]
    assert fault.place == f"{tmp_path}/mine.yaml:9:16, by_method.C.finetune.learning_rat"
    assert check(document.without(["by_method"]), Grid)[1] == []


def test_config_error_lists_each_fault_once_and_pickles():
    error = ConfigError(
        [Fault("a.yaml:10:1, x", "late"), Fault("a.yaml:9:1, y", "soon"), Fault("a.yaml:9:1, y", "soon")]
    )
    assert str(error) == "2 faults in the config:\n  a.yaml:9:1, y: soon\n  a.yaml:10:1, x: late"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def mutated(text: str, generator: random.Random) -> str:
    """Damage a text in one of the ways in which hands and editors do."""
    lines = text.splitlines()
    i, j = generator.randrange(len(lines)), generator.randrange(len(lines))
    column = generator.randrange(len(lines[i]) + 1)
    junk = generator.choice([*"[]{}:,&*!|>'\"%@`#-\t~0é\x07", "<<: ", "${X}", "? ", "&a ", "*a ", "null", "- ", " "])
    match generator.randrange(5):
        case 0:
            lines[i] = lines[i][:column] + junk + lines[i][column:]
        case 1:
            lines[i] = lines[i][:column] + lines[i][column + 1 :]
        case 2:
            lines[i], lines[j] = lines[j], lines[i]
        case 3:
            del lines[i]
        case 4:
            lines[i] = re.sub(r"[\w.-]+$", junk, lines[i])
    return "\n".join(lines)


def test_check_random_damage_gives_faults_with_places_and_never_raises(tmp_path):
    generator, n_faulty = random.Random(0), 0
    for _ in range(200):
        path = written(tmp_path, mutated(GOOD, generator))
        try:
            record, faults = check(read_document(path, (), {}), Grid)
        except ConfigError as error:
            record, faults = None, list(error.faults)
        assert (record is None) == bool(faults)
        assert all(re.match(rf"{re.escape(str(path))}:\d+:\d+", fault.place) and fault.message for fault in faults)
        n_faulty += record is None
    assert n_faulty > 100


def test_check_any_data_gives_faults_and_never_raises(tmp_path):
    generator = random.Random(1)
    junk = [None, True, -1, 1.5, float("nan"), "", "kind", "manifest", [], [[]], {}, {"kind": "manifest"}, {"kind": {}}]
    for _ in range(200):
        data = yaml.safe_load(GOOD)
        for _ in range(generator.randint(1, 3)):
            here = data
            while isinstance(here, dict | list) and here:
                keys = list(here) if isinstance(here, dict) else range(len(here))
                key, parent = generator.choice(keys), here
                here = parent[key]
                if generator.random() < 0.4:
                    break
            parent[key] = generator.choice(junk)
        path = written(tmp_path, yaml.safe_dump(data))
        record, faults = check(read_document(path), Grid)
        assert (record is None) == bool(faults)
        assert all(re.match(rf"{re.escape(str(path))}:\d+:\d+", fault.place) and fault.message for fault in faults)


def test_config_import_brings_nothing_heavy():
    code = "import sys, grid.config.check; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"motor", "ray", "torch", "numpy", "pandas"} & set(loaded)
