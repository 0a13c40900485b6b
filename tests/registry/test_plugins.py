"""Plug-ins from outside: found, named in a config, digested, kept apart, and told clearly where they are at fault."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from grid.config.check import ConfigError
from grid.stage import canonical
from motor.experiment.cells import make_cells
from motor.experiment.reading import read_experiment
from motor.registry import from_record, installed, load, plugins, using
from motor.registry.sources import SOURCE, Carried, PluginError, packages_of, source_of, sources_in, without_text

ROOT = Path(__file__).parents[2]
REPRESENTATION = """
from typing import Literal

from motor.windows.representations.base import Representation


class Halved(Representation):
    kind: Literal["{name}"] = "{name}"

    def represent(self, signal, sampling_rate_hz, speed_rpm):
        return signal / {divisor}, sampling_rate_hz


PLUGIN = Halved
"""
ROOM = "motor.windows.representations"


def written(folder, name="halved", divisor=2):
    """Write a plug-in's file and return it."""
    file = folder / f"{name}.py"
    file.write_text(REPRESENTATION.format(name=name, divisor=divisor), encoding="utf-8")
    return file


def faulty(folder, text, name="mine"):
    """Write a file at fault and return what is said of it."""
    (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    with pytest.raises(PluginError) as caught:
        load(installed(), f"{name}.py", folder)
    return str(caught.value)


def test_load_file_adds_it_to_its_room_while_it_is_in_use(tmp_path):
    written(tmp_path)
    outside = load(installed(), "halved.py", tmp_path)
    with using(outside):
        assert "halved" in plugins(ROOM)
        assert "halved" not in plugins("motor.judges")
    assert "halved" not in plugins(ROOM)


def test_load_folder_takes_all_but_helpers(tmp_path):
    written(tmp_path)
    written(tmp_path, "thirds", 3)
    (tmp_path / "_help.py").write_text("raise RuntimeError('nobody imports me')", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a plug-in", encoding="utf-8")
    assert [cls.__name__ for cls in load((), str(tmp_path), tmp_path)] == ["Halved", "Halved"]


def test_load_helper_that_a_file_names_belongs_to_its_source(tmp_path):
    file = written(tmp_path)
    file.write_text("from ._help import TWO\nfrom typing import Literal\n" + file.read_text().replace("/ 2", "/ TWO"))
    (tmp_path / "_help.py").write_text("TWO = 2\n", encoding="utf-8")
    (tmp_path / "_other.py").write_text("THREE = 3\n", encoding="utf-8")
    (cls,) = load((), "halved.py", tmp_path)
    assert sorted(source_of(cls)["files"]) == ["_help.py", "halved.py"]


def test_load_package_is_one_plugin_of_several_files(tmp_path):
    package = tmp_path / "halved"
    package.mkdir()
    (package / "__init__.py").write_text("from .inside import PLUGIN\n__all__ = ['PLUGIN']\n", encoding="utf-8")
    written(tmp_path).rename(package / "inside.py")
    (cls,) = load((), "halved", tmp_path)
    assert sorted(source_of(cls)["files"]) == ["halved/__init__.py", "halved/inside.py"]


def test_load_several_plugins_of_one_file(tmp_path):
    text = written(tmp_path).read_text().replace("PLUGIN = Halved", "")
    more = 'class Other(Halved):\n    kind: Literal["other"] = "other"\n\nPLUGINS = (Halved, Other)\n'
    (tmp_path / "halved.py").write_text(text + more, encoding="utf-8")
    with using(load((), "halved.py", tmp_path)):
        assert {"halved", "other"} <= plugins(ROOM).keys()


def test_load_changed_file_is_another_class_and_the_first_goes_on(tmp_path):
    written(tmp_path)
    (first,) = load((), "halved.py", tmp_path)
    written(tmp_path, divisor=4)
    (second,) = load((), "halved.py", tmp_path)
    assert first is not second
    assert source_of(first) != source_of(second)
    with using((first,)):
        assert plugins(ROOM)["halved"] is first
    with using((second,)):
        assert plugins(ROOM)["halved"] is second


def test_record_holds_the_source_and_gives_the_plugin_back(tmp_path):
    written(tmp_path)
    (cls,) = load((), "halved.py", tmp_path)
    record = canonical(cls(), "here")
    assert record[SOURCE] == source_of(cls)
    assert "plugin_source" not in cls().model_dump()
    assert from_record(ROOM, record) == cls()


def test_pickle_is_read_by_a_process_that_has_the_package_alone(tmp_path):
    written(tmp_path)
    (cls,) = load((), "halved.py", tmp_path)
    (package,) = packages_of([cls])
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer).kind)"
    paths = ":".join([*sys.path, str(package.parent)])
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(cls()), capture_output=True, env={"PYTHONPATH": paths}
    )
    assert done.stdout == b"halved\n"


def test_carried_value_is_read_by_a_process_that_has_the_project_alone(tmp_path):
    written(tmp_path)
    (cls,) = load((), "halved.py", tmp_path)
    carried = Carried([cls()], tuple(sources_in(canonical(cls(), "here"))))
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer).value[0].kind)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(carried),
        capture_output=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == b"halved\n", done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "defines no PLUGIN; end it with PLUGIN ="),
        ("def", "mine.py, line 1: SyntaxError"),
        ("\nimport not_there", "mine.py, line 2: ModuleNotFoundError: No module named 'not_there'"),
        ("PLUGIN = 3", "3 is no plug-in; derive it from a base class"),
        ("from motor.registry import Plugin\nclass P(Plugin):\n    kind: str = 'mine'\nPLUGIN = P", "is no plug-in"),
        (REPRESENTATION.format(name="other", divisor=2), "kind is 'other'; give the file that name"),
        (
            REPRESENTATION.replace('Literal["{name}"] = "{name}"', "str").format(divisor=2),
            'give it kind: Literal["mine"]',
        ),
    ],
    ids=["no plug-in", "syntax", "import", "no class", "no room", "other name", "no name"],
)
def test_load_file_at_fault_is_told_with_the_next_step(text, words, tmp_path):
    assert words in faulty(tmp_path, text)


def test_load_taken_name_is_refused(tmp_path):
    written(tmp_path, "raw")
    with pytest.raises(PluginError, match="has a plug-in 'raw' already"):
        load((), "raw.py", tmp_path)


def test_config_names_its_plugins_seen_from_its_folder(tiny_text, tmp_path):
    written(tmp_path)
    config = tmp_path / "tiny.yaml"
    config.write_text(f"plugins: [halved.py]\nrepresentation: {{kind: halved}}\n{tiny_text}", encoding="utf-8")
    experiment = read_experiment(config, [], {})
    assert experiment.base.representation.kind == "halved"
    assert "halved" not in plugins(ROOM)


def test_config_without_the_plugin_does_not_know_what_another_has_named(tiny_text, tmp_path):
    written(tmp_path)
    with_it, without = tmp_path / "with.yaml", tmp_path / "without.yaml"
    with_it.write_text(f"plugins: [halved.py]\n{tiny_text}", encoding="utf-8")
    without.write_text(f"representation: {{kind: halved}}\n{tiny_text}", encoding="utf-8")
    read_experiment(with_it, [], {})
    with pytest.raises(ConfigError, match="unknown representation kind 'halved'"):
        read_experiment(without, [], {})


@pytest.mark.parametrize("entry", ["/dev/zero", "/proc/self/mem", "a" * 5000, "a/" * 3000, "pipe.py", "~nobody/x.py"])
def test_plugin_that_is_no_file_is_one_fault_of_the_config(tiny_text, tmp_path, entry):
    os.mkfifo(tmp_path / "pipe.py")
    config = tmp_path / "tiny.yaml"
    config.write_text(f"{tiny_text}plugins:\n  - {entry}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plugins\[0\]: .*name a|correct the path") as caught:
        read_experiment(config, [], {})
    assert len(str(caught.value)) < 3000


def test_config_with_a_plugin_at_fault_names_the_line_of_the_config(tiny_text, tmp_path):
    config = tmp_path / "tiny.yaml"
    config.write_text(f"{tiny_text}plugins:\n  - not_there.py\n  - also_not.py\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_experiment(config, [], {})
    n_lines = tiny_text.count("\n")
    assert f"tiny.yaml:{n_lines + 2}:5, plugins[0]: there is no file, folder or module 'not_there.py'" in str(
        caught.value
    )
    assert "plugins[1]" in str(caught.value)


def test_changed_plugin_changes_the_keys_of_what_it_decides_alone(tiny_text, tmp_path):
    config = tmp_path / "tiny.yaml"
    config.write_text(f"plugins: [halved.py]\nrepresentation: {{kind: halved}}\n{tiny_text}", encoding="utf-8")

    def keys(divisor):
        written(tmp_path, divisor=divisor)
        cells = make_cells(read_experiment(config, [], {}), tmp_path, dry_run=True)
        return {stage.KIND: stage.key for stage in cells[0].stage.walk()}

    first, second = keys(2), keys(3)
    assert {kind for kind in first if first[kind] == second[kind]} == {"recordings"}
    assert keys(2) == first


def test_unused_plugin_changes_no_key(tiny_text, tmp_path):
    written(tmp_path)
    plain, named = tmp_path / "plain.yaml", tmp_path / "named.yaml"
    plain.write_text(tiny_text, encoding="utf-8")
    named.write_text(f"plugins: [halved.py]\n{tiny_text}", encoding="utf-8")
    of = [
        {cell.name(): cell.stage.key for cell in make_cells(read_experiment(file, [], {}), tmp_path, dry_run=True)}
        for file in (plain, named)
    ]
    assert of[0] == of[1]


def test_installed_package_adds_its_entry_points(tmp_path):
    written(tmp_path)
    information = tmp_path / "outside_grid-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: outside-grid\nVersion: 1.0\n", encoding="utf-8")
    (information / "entry_points.txt").write_text("[motor_grid.plugins]\nhalved = halved\n", encoding="utf-8")
    program = f"from motor.registry import plugins; print(plugins({ROOM!r})['halved'].__module__)"
    environment = {"PYTHONPATH": ":".join([*sys.path, str(tmp_path)])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout.startswith("outside_"), done.stderr


def test_record_for_people_names_a_source_and_leaves_out_its_text(tmp_path):
    written(tmp_path)
    (cls,) = load((), "halved.py", tmp_path)
    shown = without_text({"representation": canonical(cls(), "here"), "seed": 1})
    assert shown == {"representation": {"kind": "halved", SOURCE: shown["representation"][SOURCE]}, "seed": 1}
    name, digest = shown["representation"][SOURCE].split()
    assert (name, f"outside_{digest}.halved") == ("halved", cls.__module__)


@pytest.mark.parametrize(
    ("room", "record", "was"),
    [
        ("motor.features", {"kind": "order_lines"}, {"slip": 0.0, "ceiling_db": None}),
        ("motor.features", {"kind": "found_lines"}, {"slip": 0.0, "ceiling_db": None}),
        ("motor.features", {"kind": "regime"}, {"least": None}),
        ("motor.backbones", {"kind": "tft"}, {"embedding": "context"}),
        ("motor.backbones", {"kind": "retrieval", "blend": "linear"}, {"temperature": None}),
    ],
)
def test_record_without_a_field_is_what_it_was_before_the_field_was_there(room, record, was):
    made = from_record(room, record)
    assert {name: getattr(made, name) for name in was} == was
    assert from_record(room, json.loads(made.model_dump_json())) == made
    fresh = type(made).model_validate(record)
    assert from_record(room, json.loads(fresh.model_dump_json())) == fresh


def test_record_within_a_record_is_what_it_was_before_too():
    branches = {name: {"settings": {"kind": name, "patch": 32}} for name in ("tft", "vssm")}
    made = from_record("motor.backbones", {"kind": "hybrid", "branches": branches})
    assert made.branches.tft.settings.embedding == "context"
    assert made.branches.vssm.settings.embedding == "states_and_read"
