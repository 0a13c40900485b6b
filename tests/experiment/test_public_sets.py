"""The public data sets: each reads a tree of its layout to the bit, pairs what belongs together, and can be split."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from grid.config.check import ConfigError
from grid.stage import InputError
from grid.store.store import Store
from motor.commands.check_data import check_data
from motor.experiment.first_config import QUESTION, first_config
from motor.experiment.public_sets import FOLDER, names, public_set
from motor.experiment.reading import Experiment, read_experiment
from motor.recordings.checks import check_dataset
from motor.recordings.describing import look_into
from motor.recordings.life import labels_by_life
from motor.recordings.table import labelled, open_recordings, relabelled, write_recordings

spec = importlib.util.spec_from_file_location("public_trees", Path(__file__).with_name("public_trees.py"))
assert spec is not None
assert spec.loader is not None
public_trees = importlib.util.module_from_spec(spec)
spec.loader.exec_module(public_trees)
TREES = public_trees.TREES

SPEEDS = {"cwru": 1797, "mfpt": 1500, "paderborn": 1500, "jnu": 600, "seu-gearbox": 1200, "dirg": 6000}
RATES = {"cwru": 12000, "mfpt": 97656, "paderborn": 64000, "ottawa-2018": 200000, "uored-vafcls": 42000, "jnu": 50000}
RATES |= {"seu-gearbox": 5120, "hust-hanoi": 51200, "hust-wuhan": 25600, "mafaulda": 50000, "dirg": 51200}
RATES |= {"mimii": 16000, "dcase-task2": 16000, "xjtu-sy": 25600, "pronostia": 25600, "ims": 20000}
SPEEDS |= {"xjtu-sy": 2250, "pronostia": 1650, "ims": 2000}
DETECTED = ("mimii", "dcase-task2")  # whose normal series alone train
LAST = ("/10.csv", "/acc_00005.csv", "4.12.06.24")  # the files of a run to failure that are made last
ABOUT = {"title", "where", "licence", "citation", "motor", "split_advice", "confounders", "layout"}


def experiment(folder: Path, name: str, **dataset: Any) -> Experiment:
    """Read a config that says no more of its data than which public set it is, and where."""
    of = public_set(name).document.data["dataset"]
    config = {
        "dataset": {"use": name, "path": str(folder), **dataset},
        "windows": {"prediction_length": 8},
        "backbone": {"kind": "bolt", "d_model": 16, "d_ff": 32},
        "evaluation": {"rank_by": "roc_auc_faulty"},
        "axes": {
            "method": ["classical"],
            "domain": list(dataset.get("domains", of["domains"]))[:1],
            "context_length": [32],
            "classifier": ["mahalanobis" if name in DETECTED else "lda"],
        },
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return read_experiment(folder / "mine.yaml", (), {})


@pytest.mark.parametrize("name", TREES)
def test_public_set_reads_its_layout_to_the_bit(tmp_path: Path, name: str) -> None:
    truth = TREES[name](tmp_path / "tree")
    base = experiment(tmp_path, name, path=str(tmp_path / "tree"), series_length=None).base
    read = {one.item: one for one in base.dataset.read()}
    assert read.keys() == truth.keys()
    for item, one in read.items():
        np.testing.assert_array_equal(one.signal, truth[item].astype(np.float32), err_msg=item)
    assert RATES[name] in {one.sampling_rate_hz for one in read.values()}
    assert name not in SPEEDS or SPEEDS[name] in {one.speed_rpm for one in read.values()}
    if len(base.dataset.domains) > 1:
        assert {one.moment for one in read.values()} == {item.rpartition(":")[0] for item in read}
    write_recordings(iter(read.values()), tmp_path)
    meta = open_recordings(tmp_path).meta
    if base.dataset.life is not None:
        meta = relabelled(meta, labels_by_life(meta, base.dataset.life))
        assert set(meta.groupby("motor")["label"].agg(lambda labels: tuple(labels.value_counts()))) <= {
            (2,) * 3,
            (1,) * 3,
        }
        last = meta.iloc[[item.endswith(LAST) for item in meta["item"].str.partition(":")[0]]]
        assert set(last["label"]) == {"failing"}
    check_dataset(meta, base.dataset.classes, base.dataset.domains)
    if "normal" in base.dataset.classes:
        base.split.split(labelled(meta), 0, base.normal)


@pytest.mark.parametrize("name", names())
def test_public_set_says_what_it_is(name: str) -> None:
    about = public_set(name).about
    assert about.keys() == ABOUT
    assert all(about.values())


def test_every_public_set_has_a_tree_or_lies_here() -> None:
    assert set(names()) == {*TREES, "hit-sm"} == {file.stem for file in FOLDER.glob("*.yaml")}


def test_page_of_public_sets_is_as_their_files_have_it() -> None:
    file = FOLDER.parents[1] / "docs" / "write_public_data.py"
    spec = importlib.util.spec_from_file_location("write_public_data", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert file.with_name("public-data.md").read_text(encoding="utf-8") == module.page()


def test_config_overrules_its_public_set_and_leaves_channels_out(tmp_path: Path) -> None:
    base = experiment(tmp_path, "cwru", domains=["DE"], series_length=100).base
    assert (base.dataset.domains, list(base.dataset.channels), base.dataset.series_length) == (("DE",), ["DE"], 100)
    assert base.dataset.units == {"DE": "g"}
    assert base.split.kind == "named"


def test_config_with_an_unknown_public_set_names_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("dataset: {use: cwur, path: x}\naxes: {}\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml:1:11, dataset\.use: .*'cwur'; did you mean 'cwru'\?.*are: cwru"):
        read_experiment(tmp_path / "mine.yaml", (), {})


def test_file_that_no_table_knows_is_named(tmp_path: Path) -> None:
    TREES["cwru"](tmp_path / "tree")
    (tmp_path / "tree" / "98.mat").rename(tmp_path / "tree" / "350.mat")
    with pytest.raises(ValueError, match=r"350\.mat.*dataset\.lookup\.number does not know"):
        list(experiment(tmp_path, "cwru", path=str(tmp_path / "tree"), series_length=None).base.dataset.read())


def test_check_data_of_another_layout_says_what_it_expected_and_what_it_found(tmp_path: Path) -> None:
    put = tmp_path / "tree" / "IR007" / "signal.mat"
    put.parent.mkdir(parents=True)
    put.write_bytes(b"x")
    with pytest.raises(InputError) as caught:
        check_data(experiment(tmp_path, "cwru", path=str(tmp_path / "tree")), Store(tmp_path / "storage"))
    message = str(caught.value)
    assert "cwru expects:" in message
    assert "X097_DE_time" in message
    assert message.endswith("IR007/signal.mat")


@pytest.mark.parametrize("name", TREES)
def test_data_describe_finds_what_lies_in_a_public_set(tmp_path: Path, name: str) -> None:
    truth = TREES[name](tmp_path)
    look = look_into(tmp_path)
    group, dataset = look.groups[0], public_set(name).document.data["dataset"]
    assert group.suffix in ("*", *dataset.get("suffixes", (".csv", ".npy", ".wav", ".mat")))
    files = {item.rpartition(":")[0] for item in truth}
    assert len(group.signals()) >= len(truth) // len(files) >= 1
    assert not group.faults
    assert group.skip_rows == dataset.get("skip_rows")
    assert (group.rate_hz() is not None) == (group.suffix == ".wav")
    assert QUESTION in first_config(look)
