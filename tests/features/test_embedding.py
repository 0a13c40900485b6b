import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import softmax

from motor.backbones.batch import Batch
from motor.features.base import WindowFeatures
from motor.features.embedding import Embedding, loc_scale, pool_tokens, window_weights

META = pd.DataFrame({"item": ["a", "b"], "motor": ["m1", "m2"], "domain": "left", "moment": None})


@pytest.fixture
def context(signal) -> np.ndarray:
    return signal[:, :64]


def windows(feature: Embedding, forecaster, context: np.ndarray) -> WindowFeatures:
    part = feature.per_window(forecaster, Batch(context, None, np.zeros(len(context), dtype=int)), 1000.0)
    return WindowFeatures.join([part], list("aaaabb"), [0, 1, 2, 3, 0, 1])


def test_window_columns_are_mean_and_spread_of_tokens(forecaster, context):
    frame = windows(Embedding(), forecaster, context).frame
    tokens = forecaster.embed(Batch(context, None, np.zeros(6))).numpy()
    np.testing.assert_allclose(frame.filter(like="embedding_mean_"), tokens.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(frame.filter(like="token_spread_"), tokens.std(axis=1), atol=1e-6)
    assert frame.columns[0] == "embedding_mean_000"


def test_window_domain_reaches_the_forecaster(forecaster, context):
    left, right = (Embedding().per_window(forecaster, Batch(context, None, np.full(6, d)), 1.0).frame for d in (0, 1))
    np.testing.assert_allclose(right["embedding_mean_000"] - left["embedding_mean_000"], 1.0, atol=1e-5)


def test_series_are_mean_and_spread_over_windows(forecaster, context):
    feature = Embedding()
    found = windows(feature, forecaster, context)
    table = feature.per_series(found, META)
    own = found.frame.iloc[:4].astype(float)
    np.testing.assert_allclose(table.loc["a", "embedding_mean_002"], own["embedding_mean_002"].mean(), atol=1e-6)
    np.testing.assert_allclose(table.loc["a", "embedding_window_spread_002"], np.std(own["embedding_mean_002"]), 1e-6)
    np.testing.assert_allclose(table.loc["a", "embedding_token_spread_002"], own["embedding_token_spread_002"].mean())


def test_series_without_spread_are_the_mean_alone(forecaster, context):
    feature = Embedding(spread=())
    table = feature.per_series(windows(feature, forecaster, context), META)
    assert list(table) == [f"embedding_mean_{i:03d}" for i in range(5)]


def test_series_with_level_carry_what_the_model_normalises_away(forecaster, context):
    feature = Embedding(level="loc_scale")
    quiet = feature.per_series(windows(feature, forecaster, context), META)
    loud = feature.per_series(windows(feature, forecaster, 10 * context + 3), META)
    np.testing.assert_allclose(loud["level_log_std"] - quiet["level_log_std"], np.log(10), atol=1e-5)
    np.testing.assert_allclose(loud["level_mean"], 10 * quiet["level_mean"] + 3, atol=1e-5)


def test_series_with_attention_are_named_so_and_differ(forecaster, context):
    feature = Embedding(tokens="attention", windows="attention", spread=("windows",))
    table = feature.per_series(windows(feature, forecaster, context), META)
    plain = Embedding(spread=("windows",))
    other = plain.per_series(windows(plain, forecaster, context), META)
    assert list(table)[:5] == [f"embedding_attention_{i:03d}" for i in range(5)]
    assert list(table)[5:] == [f"embedding_window_spread_{i:03d}" for i in range(5)]
    assert not np.allclose(table, other)


def test_pool_tokens_attention_agrees_with_a_slow_reference():
    tokens = np.random.default_rng(0).normal(size=(3, 7, 5)) + 0.5
    for row, pooled in zip(tokens, pool_tokens(torch.tensor(tokens), "attention").numpy(), strict=True):
        query = row.mean(axis=0)
        cosine = [token @ query / np.sqrt((token @ token) * (query @ query)) for token in row]
        np.testing.assert_allclose(pooled, softmax(np.array(cosine) / 0.1) @ row, atol=1e-9)


def test_window_weights_attention_is_that_of_tokens():
    embedding = np.random.default_rng(0).normal(size=(6, 5)) + 0.5
    pooled = pool_tokens(torch.tensor(embedding)[None], "attention").numpy()[0]
    np.testing.assert_allclose(window_weights(embedding, "attention") @ embedding, pooled, atol=1e-9)


def test_window_weights_leave_an_odd_window_out():
    embedding = np.ones((5, 8)) + 0.01 * np.random.default_rng(0).normal(size=(5, 8))
    embedding[4] = [1, -1] * 4
    weights = window_weights(embedding, "attention")
    assert weights.sum() == pytest.approx(1.0)
    assert weights[4] < 0.01 < 0.2 < weights[:4].min()


def test_window_weights_of_nothing_are_even():
    np.testing.assert_allclose(window_weights(np.zeros((4, 3)), "attention"), 0.25)


def test_loc_scale_of_a_flat_window_is_finite():
    level = loc_scale(np.full((1, 64), 0.1, dtype=np.float32))
    assert level["level_mean"].item() == pytest.approx(0.1)
    assert level["level_log_std"].item() == pytest.approx(np.log(1e-6))
