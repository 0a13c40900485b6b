"""A network that starts from an encoder without labels: what is frozen stays, classes count alike, bits are kept."""

import numpy as np
import pytest

from motor.judges.estimators.deep.classifier import PretrainedClassifier, blocks_of
from motor.judges.estimators.deep.networks import Encoder

SETTINGS = {"n_latent": 8, "n_pretrain_epochs": 2, "n_epochs": 3, "batch_size": 16, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def images():
    """Images of 16 by 16 whose upper or lower half is louder, one kind of them rare."""
    generator = np.random.default_rng(0)
    label = np.array(["upper"] * 60 + ["lower"] * 12)
    image = generator.normal(size=(72, 16, 16))
    image[label == "upper", :8] += 1.5
    image[label == "lower", 8:] += 1.5
    return image.reshape(72, -1).astype(np.float32), label


def fitted(images, n_unfrozen, **more):
    settings = {**SETTINGS, "weight_decay": 0.0, **more}
    return PretrainedClassifier(n_unfrozen=n_unfrozen, random_state=3, **settings).fit(*images)


@pytest.mark.parametrize("n_unfrozen", [0, 1, 2, 99])
def test_blocks_are_trained_from_the_last_one_on_and_no_others(images, n_unfrozen):
    untouched, found = fitted(images, 0).state_, fitted(images, n_unfrozen).state_
    moved = {
        name.split(".")[2]
        for name, value in found.items()
        if name.startswith("0.") and (value != untouched[name]).any()
    }
    layers = [name.split(".")[2] for name in found if name.startswith("0.")]
    assert moved == set(layers[len(layers) - min(n_unfrozen, len(layers)) :])


def test_encoder_starts_from_the_autoencoder(images):
    untrained = fitted(images, 0, n_pretrain_epochs=0).state_
    assert any((value != untrained[name]).any() for name, value in fitted(images, 0).state_.items() if name[0] == "0")


def test_classes_are_told_apart_the_rare_one_as_well(images):
    found = fitted(images, 2, n_epochs=15)
    X, label = images
    assert [np.mean(found.predict(X)[label == name] == name) for name in ("upper", "lower")] == pytest.approx(
        [1, 1], abs=0.1
    )
    assert found.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(72))


def test_answer_of_a_row_is_the_same_bits_alone_and_among_others(images):
    found, X = fitted(images, 1), images[0]
    assert (found.predict_proba(X)[5] == found.predict_proba(X[5:6])[0]).all()
    assert (found.predict_proba(X) == fitted(images, 1).predict_proba(X)).all()


@pytest.mark.parametrize("n_columns", [256, 40])
def test_every_block_has_weights(n_columns):
    blocks = blocks_of(Encoder(n_columns, 4))
    assert len(blocks) == (5 if n_columns == 256 else 3)
    assert sum(weight.numel() for block in blocks for weight in block.parameters()) == sum(
        weight.numel() for weight in Encoder(n_columns, 4).parameters()
    )
