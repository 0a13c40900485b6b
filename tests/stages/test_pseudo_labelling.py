"""Cells that learn from series without a label: the twin without them, what is proven, and what no test motor moves."""

import json
import pickle
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from grid.stage import Resources
from motor.pseudo_labels.base import Proposal
from motor.recordings.readers.simulator import Simulator
from motor.stages import classify
from motor.stages.classify import Classify
from motor.stages.prepare import Prepared
from motor.stages.pseudo_labelling import PseudoLabelling
from motor.stages.review_queue import Queue
from motor.stages.unlabelled import FILE_NAME, TRUTH, UnlabelledSeries

OVERRIDES = (
    "axes.method=[classical]",
    "axes.domain=[ZhenDong]",
    "features.classical.high_frequencies_hz=[500, 1000]",
    "axes.labelled_share=[0.5]",
    "axes.classifier=[lda, mahalanobis]",
    "pseudo_labels.self_training.precision=0",
    "pseudo_labels.self_training.probability=0.4",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A tree of 24 simulated motors, of which 12 train."""
    root = tmp_path_factory.mktemp("motors")
    for recording in Simulator(motors_per_class=8, n_samples=512, sampling_rate_hz=4096).read():
        file = root / recording.domain / recording.label / f"{recording.moment}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, recording.signal)
    return root


@pytest.fixture(scope="module")
def tiny(make_tiny, tmp_path_factory, data):
    """Cells of each labeller with the labels of half of the motors; self-training is believed without proof."""
    folder, labellers = tmp_path_factory.mktemp("pseudo"), "axes.pseudo_labels=[none, scores, self_training]"
    return make_tiny(folder, *OVERRIDES, f"dataset.path={data}", labellers).build_all()


def stage_of(tiny, kind, classifier="lda"):
    wanted = {"pseudo_labels": kind, "classifier": classifier}
    (stage,) = (cell.stage for cell in tiny.plan.cells if wanted.items() <= cell.axes.items())
    return stage


def read(tiny, kind, name, classifier="lda"):
    return (tiny.folder(stage_of(tiny, kind, classifier)) / name).read_text()


def test_cell_without_pseudo_labels_has_the_key_of_before(tiny, make_tiny, tmp_path, data):
    before = make_tiny(tmp_path, *OVERRIDES, f"dataset.path={data}")
    stages = {cell.axes["classifier"]: cell.stage for cell in before.plan.cells}
    (stage,) = (cell.stage for cell in tiny.plan.cells if cell.axes["pseudo_labels"] == "none")
    assert stage.record.keys() == stages["lda"].record.keys()
    assert stage.features == stages["lda"].features


def test_cell_of_a_detector_has_no_twins(tiny):
    assert [cell.axes["pseudo_labels"] for cell in tiny.plan.cells if cell.axes["classifier"] == "mahalanobis"] == [
        None
    ]


def test_cell_whose_labels_are_not_proven_says_so_and_equals_its_twin(tiny):
    (told,) = json.loads(read(tiny, "scores", "metrics.json"))["pseudo_labels"]["folds"]
    assert told["refused"]
    assert told["n_taken"] == 0
    for name in ("predictions.csv", "held_out.csv"):
        assert read(tiny, "scores", name) == read(tiny, "none", name)


def test_cell_that_believes_its_labels_learns_from_them(tiny):
    (told,) = json.loads(read(tiny, "self_training", "metrics.json"))["pseudo_labels"]["folds"]
    assert told["n_unlabelled"] >= told["n_taken"] > 0
    assert read(tiny, "self_training", "fold-0/pseudo_labels.csv").count("\n") == told["n_taken"] + 1
    assert read(tiny, "self_training", "predictions.csv") != read(tiny, "none", "predictions.csv")


@pytest.mark.leak
def test_cell_that_believes_its_labels_is_moved_by_no_test_series(tiny, make_tiny, data, tmp_path, sides_of):
    shutil.copytree(data, tmp_path / "data")
    tested = [motor for motor, side in sides_of(tiny).items() if side == "test"]
    for seed, file in enumerate(sorted((tmp_path / "data").rglob("*.npy"))):
        if file.name.partition("-")[0] in tested:
            np.save(file, np.random.default_rng(seed).normal(size=512).astype(np.float32))
    noise = make_tiny(tmp_path, *OVERRIDES, "axes.pseudo_labels=[self_training]", f"dataset.path={tmp_path / 'data'}")
    noise.build_all()
    for name in ("fold-0/pseudo_labels.csv", "held_out.csv"):
        assert read(noise, "self_training", name) == read(tiny, "self_training", name)


def removed(table):
    return table[table["side"] != "test"]


def shuffled(table):
    labels = table["label"].to_numpy(dtype=object).copy()
    tested = (table["side"] == "test").to_numpy()
    labels[tested] = np.roll(labels[tested], tested.sum() // 3)
    return table.assign(label=labels)


def noise(table):
    changed = table.copy()
    numbers = changed.select_dtypes("number").columns
    tested = changed["side"] == "test"
    changed.loc[tested, numbers] = np.random.default_rng(0).normal(size=(tested.sum(), len(numbers)))
    return changed


def as_it_is(table):
    return table


def other_truth(table):
    return table.assign(**{TRUTH: np.roll(table[TRUTH].to_numpy(dtype=object), 7)})


class Fold:
    """The first fold of a cell with pseudo-labels, built again with other test series, or other hidden labels."""

    def __init__(self, tiny, folder):
        self.tiny, self.folder, self.stage = tiny, folder, stage_of(tiny, "self_training")

    def moved(self, monkeypatch, *changes):
        """Return those of some changes that move a byte of what the fold learned."""
        plain = self.learned(monkeypatch)
        return {change for change in changes if self.learned(monkeypatch, change) != plain}

    def learned(self, monkeypatch, changed=as_it_is):
        change, truth = (as_it_is, changed) if changed is other_truth else (changed, as_it_is)
        features, unlabelled = self.stage.features[0], self.stage.unlabelled[0]
        shutil.rmtree(self.folder, ignore_errors=True)
        places = {features.key: self.folder / "features", unlabelled.key: self.folder / "unlabelled"}
        for key, place in places.items():
            shutil.copytree(self.tiny.folder(features if key == features.key else unlabelled), place)
        table = change(pd.read_parquet(places[features.key] / "features.parquet"))
        table.to_parquet(places[features.key] / "features.parquet")
        context = SimpleNamespace(
            folder=lambda stage: places.get(stage.key) or self.tiny.folder(stage),
            resources=Resources(),
            device="cpu",
        )
        with monkeypatch.context() as patch:
            if change is removed:
                self._remove_tested(patch, features.of_fold[0])
            unlabelled.build(places[unlabelled.key], context)
        beside = places[unlabelled.key] / FILE_NAME
        truth(pd.read_parquet(beside)).to_parquet(beside)
        built = self.folder / "built"
        built.mkdir()
        fold = self.stage._fold(0, context, built, classify.Threads.of(context.resources))
        told = {name: value for name, value in fold.pseudo_labels.items() if name != "true_precision"}
        files = [(file.name, file.read_bytes()) for file in sorted(built.rglob("*")) if file.is_file()]
        return pickle.dumps((files, fold.held_out.to_csv(), json.dumps([fold.thresholds, fold.queue, told])))

    def _remove_tested(self, patch, prepare):
        sides, everything = pd.read_csv(self.tiny.folder(prepare) / "split.csv"), Prepared.meta_with_unlabelled
        gone = set(sides[sides["side"] == "test"]["motor"])

        def without(prepared, *of):
            meta = everything(prepared, *of)
            return meta[~meta["motor"].isin(gone)]

        patch.setattr(Prepared, "meta_with_unlabelled", without)


def classifier_fitted_on_test_motors_too(monkeypatch):
    sides = classify.sides

    def leaky(table):
        train, validation, test = sides(table)
        return pd.concat([train, test]), validation, test

    monkeypatch.setattr(classify, "sides", leaky)


def unlabelled_series_of_test_motors_taken_for_training(monkeypatch):
    def leaky(stage, prepared, fold, domains):
        meta = prepared.meta_with_unlabelled(fold, domains)
        return meta[meta["label"].isna() | (meta["side"] == "test")]

    monkeypatch.setattr(UnlabelledSeries, "_meta", leaky)


def hidden_labels_taken_for_pseudo_labels(monkeypatch):
    monkeypatch.setattr(
        PseudoLabelling,
        "proposal",
        property(lambda self: Proposal(self.unlabelled[TRUTH].to_numpy(dtype=object), np.ones(len(self.unlabelled)))),
    )


def proof_over_test_motors_too(monkeypatch):
    honest, sides, seen = PseudoLabelling.proofs.func, classify.sides, []

    def keep(table):
        seen[:] = [table]
        return list(sides(table))

    monkeypatch.setattr(classify, "sides", keep)
    monkeypatch.setattr(PseudoLabelling, "proofs", property(lambda self: honest(replace(self, train=seen[0]))))


def threshold_chosen_on_test_motors(monkeypatch):
    honest = Classify._thresholds

    def leaky(stage, at_work, of_validation, reference, context):
        train, _, test = classify.sides(pd.read_parquet(context.folder(stage.features[0]) / "features.parquet"))
        seen = pd.concat([of_validation, at_work.predicted(at_work.fit(train)[0], test)])
        return honest(stage, at_work, seen, reference, context)

    monkeypatch.setattr(Classify, "_thresholds", leaky)


def queue_scored_by_a_detector_that_knows_test_motors(monkeypatch):
    sides, of, tested = classify.sides, Queue.of, []

    def seen(table):
        found = list(sides(table))
        tested[:] = found[2:]
        return found

    monkeypatch.setattr(classify, "sides", seen)
    monkeypatch.setattr(Queue, "of", lambda self, train, *others: of(self, pd.concat([train, *tested]), *others))


LEAKS = {
    classifier_fitted_on_test_motors_too: {removed, shuffled, noise},
    unlabelled_series_of_test_motors_taken_for_training: {removed},
    hidden_labels_taken_for_pseudo_labels: {other_truth},
    proof_over_test_motors_too: {removed, noise},
    threshold_chosen_on_test_motors: {removed},
    queue_scored_by_a_detector_that_knows_test_motors: {removed, noise},
}


@pytest.mark.leak
def test_fold_is_moved_by_nothing_of_test_motors_and_by_no_hidden_label(tiny, tmp_path, monkeypatch):
    assert Fold(tiny, tmp_path / "fold").moved(monkeypatch, removed, shuffled, noise, other_truth) == set()


@pytest.mark.leak
@pytest.mark.slow
@pytest.mark.parametrize("plant", LEAKS, ids=lambda plant: plant.__name__)
def test_planted_leak_of_few_labels_is_found(plant, tiny, tmp_path, monkeypatch):
    with monkeypatch.context() as planted:
        plant(planted)
        assert Fold(tiny, tmp_path / "fold").moved(planted, *LEAKS[plant]) == LEAKS[plant]
