import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.chronos import domain_mark
from motor.backbones.training import Training, train
from motor.registry import plugins

CONTEXT, HORIZON = 64, 16
TRAINING = Training(
    num_steps=160, learning_rate=5e-3, dropout_rate=0.0, validate_every=80, patience=None, warmup_ratio=0.05
)


def windows_of(step, n_windows=16):
    """Contexts are the same noise in both domains; what follows is +1 in one and -1 in the other."""
    generator = np.random.default_rng([5, step])
    domain = generator.integers(0, 2, n_windows)
    context = generator.standard_normal((n_windows, CONTEXT)).astype("float32")
    noise = 0.05 * generator.standard_normal((n_windows, HORIZON))
    return Batch(context, (1.0 - 2.0 * domain[:, None] + noise).astype("float32"), domain)


def trained(kind, domains):
    sizes = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    forecaster = plugins("motor.backbones")[kind](**sizes).create(CONTEXT, HORIZON, (0.1, 0.5, 0.9), 0.0, domains, 0)
    held_out = [windows_of(10**6 + i) for i in range(4)]
    steps = lambda first: (windows_of(step) for step in itertools.count(first))  # noqa: E731
    history = train(forecaster, steps, lambda: held_out, TRAINING, 0, None, lambda row: None)
    return forecaster, history[-1]["validation_mae"]


def test_told_model_solves_what_the_untold_cannot(kind, tmp_path, stock, sorted_stock_forecast):
    untold = trained(kind, ("both",))[1]
    forecaster, told = trained(kind, ("ShengYing", "ZhenDong"))
    assert untold > 0.9
    assert told < 0.3
    forecaster.save(tmp_path)
    context, _, domain = (torch.tensor(part) for part in windows_of(3)[:3])
    names = [forecaster.domains[i] for i in domain.tolist()]
    expected = sorted_stock_forecast(tmp_path, forecaster, context, names)
    np.testing.assert_allclose(forecaster.predict_quantiles(Batch(context, None, domain)), expected, atol=1e-5)


@pytest.mark.slow
def test_saved_folder_forecasts_where_the_project_cannot_be_imported(forecaster, windows, names, saved, tmp_path):
    np.save(tmp_path / "contexts.npy", windows[0].numpy())
    own = list(forecaster.model_levels)
    task = {"folder": str(saved), "names": names, "horizon": forecaster.prediction_length, "levels": own}
    task |= {"contexts": str(tmp_path / "contexts.npy"), "out": str(tmp_path / "out.npy")}
    (tmp_path / "task.json").write_text(json.dumps(task))
    program = Path(__file__).with_name("stock_program.py")
    subprocess.run([sys.executable, "-I", program, tmp_path / "task.json"], check=True, cwd=tmp_path)
    given = np.sort(np.load(tmp_path / "out.npy"))[..., [own.index(level) for level in forecaster.quantile_levels]]
    np.testing.assert_allclose(forecaster.predict_quantiles(Batch(windows[0], None, windows[2])), given, atol=1e-5)


@pytest.mark.parametrize("n_domains", [2, 3, 5, 15])
def test_marks_tell_every_domain_from_every_other(n_domains):
    patterns = np.array([domain_mark.pattern(domain, n_domains) for domain in range(n_domains)])
    np.testing.assert_array_equal(patterns @ patterns.T, 16 * np.eye(n_domains))
    assert not patterns.sum(axis=1).any()
    assert len(set(domain_mark.missing_positions(n_domains, 16))) == n_domains


def test_marks_for_too_many_domains_raise():
    with pytest.raises(ValueError, match="16 domains cannot be told apart in Chronos-2"):
        domain_mark.pattern(0, 16)
    with pytest.raises(ValueError, match="17 domains cannot be told apart by one missing sample"):
        domain_mark.missing_positions(17, 16)


def test_mark_context_blanks_one_sample_a_patch_of_a_copy():
    context = torch.randn(3, 48)
    marked = domain_mark.mark_context(context, torch.tensor([0, 1, 2]), n_domains=4)
    assert marked.isnan().nonzero().tolist() == [[b, 16 * p + 4 * b] for b in range(3) for p in range(3)]
    assert torch.equal(marked.nan_to_num(), torch.where(marked.isnan(), 0, context))
    assert not context.isnan().any()


def test_mark_context_of_odd_length_raises():
    with pytest.raises(ValueError, match="50 samples, which is no multiple of the patch of 16"):
        domain_mark.mark_context(torch.randn(1, 50), torch.tensor([0]), n_domains=2)


def test_covariate_is_counted_from_the_start_of_the_forecast():
    domain = torch.tensor([2, 0])
    whole = domain_mark.covariate(domain, 3, -40, 24)
    assert torch.equal(whole[:, :40], domain_mark.covariate(domain, 3, -40, 0))
    assert torch.equal(whole[:, 40:], domain_mark.covariate(domain, 3, 0, 24))
    assert whole[1, 40:44].tolist() == [1, -1, 1, -1]
    assert whole[0, 40:44].tolist() == [1, -1, -1, 1]


def test_bolt_told_with_an_odd_context_raises(create):
    with pytest.raises(ValueError, match="multiples of its patch of 16, but context_length is 50"):
        create(plugins("motor.backbones")["bolt"](), ("a", "b"), context=50)
