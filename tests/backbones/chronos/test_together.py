"""Sensors of one moment that see one another in Chronos-2."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.chronos.chronos2 import Chronos2
from motor.backbones.training import Training, train
from motor.backbones.weights import WeightsError

TINY = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
SMALL = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
CONTEXT, HORIZON = 64, 16
DOMAINS = ("ShengYing", "ZhenDong")
GROUPS = torch.tensor([7, 7, 3, 4, 4])  # two pairs, and a sensor alone
DOMAIN = torch.tensor([0, 1, 1, 1, 0])
NAMES = [DOMAINS[domain] for domain in DOMAIN]
TRAINING = Training(num_steps=100, learning_rate=5e-3, dropout_rate=0.0, validate_every=100, patience=None)


def create(domains=DOMAINS, context=CONTEXT, horizon=24, **settings):
    return Chronos2(**(TINY | {"sensors": "together"} | settings)).create(
        context, horizon, (0.1, 0.5, 0.9), 0.0, domains, 0
    )


@pytest.fixture(params=["told", "untold"])
def forecaster(request):
    return create(DOMAINS if request.param == "told" else ("both",))


@pytest.fixture
def context():
    return torch.randn(5, CONTEXT, generator=torch.Generator().manual_seed(7)) * 3 + 1


def test_rows_of_a_group_see_one_another_and_no_others(forecaster, context):
    changed = context.clone()
    changed[1] += torch.randn(CONTEXT)
    for call in (forecaster.predict_quantiles, forecaster.embed):
        moved = (
            (call(Batch(changed, None, DOMAIN, group_B=GROUPS)) - call(Batch(context, None, DOMAIN, group_B=GROUPS)))
            .abs()
            .flatten(1)
            .amax(dim=1)
        )
        assert (moved[:2] > 1e-4).all()
        assert (moved[2:] < 1e-5).all()


def test_rows_do_not_depend_on_the_batch_nor_on_the_groups_numbers(forecaster, context):
    for call in (forecaster.predict_quantiles, forecaster.embed):
        whole = call(Batch(context, None, DOMAIN, group_B=GROUPS))
        pair = call(Batch(context[3:], None, DOMAIN[3:], group_B=torch.tensor([0, 0])))
        torch.testing.assert_close(whole[3:], pair, atol=1e-5, rtol=0)
        alone = call(Batch(context[2:3], None, DOMAIN[2:3]))
        torch.testing.assert_close(whole[2:3], alone, atol=1e-5, rtol=0)


def test_rows_without_groups_are_each_alone(forecaster, context):
    for call in (forecaster.predict_quantiles, forecaster.embed):
        torch.testing.assert_close(
            call(Batch(context, None, DOMAIN)),
            call(Batch(context, None, DOMAIN, group_B=torch.arange(5))),
            atol=1e-6,
            rtol=0,
        )


def test_loss_of_rows_in_groups_is_the_mean_over_groups_alone(forecaster, context):
    future = torch.randn(5, 24)
    whole = forecaster.loss(Batch(context, future, DOMAIN, group_B=GROUPS))
    parts = [group == GROUPS for group in (7, 3, 4)]
    losses = [
        forecaster.loss(Batch(context[part], future[part], DOMAIN[part], group_B=GROUPS[part])) * part.sum()
        for part in parts
    ]
    torch.testing.assert_close(whole, sum(losses) / 5, atol=1e-6, rtol=0)


def test_forecast_and_embedding_equal_the_stock_pipelines(forecaster, context, stock, sorted_stock_forecast, tmp_path):
    forecaster.save(tmp_path)
    moments = GROUPS.tolist()
    expected = sorted_stock_forecast(tmp_path, forecaster, context, NAMES, moments=moments)
    np.testing.assert_allclose(
        forecaster.predict_quantiles(Batch(context, None, DOMAIN, group_B=GROUPS)), expected, atol=1e-5
    )
    embedding = stock.embed(tmp_path, context.numpy(), NAMES, moments)
    np.testing.assert_allclose(forecaster.embed(Batch(context, None, DOMAIN, group_B=GROUPS)), embedding, atol=1e-5)


@pytest.mark.filterwarnings("ignore:We recommend keeping prediction length")
def test_roll_out_equals_the_stock_pipelines_whatever_the_order(forecaster, context, sorted_stock_forecast, tmp_path):
    forecaster.save(tmp_path / "short")
    settings = Chronos2(weights=str(tmp_path / "short"), horizon="roll_out", sensors="together")
    rolled = settings.create(CONTEXT, 80, (0.1, 0.5, 0.9), 0.0, forecaster.domains, 0)
    assert rolled.horizon_method == "rolled_out"
    expected = sorted_stock_forecast(tmp_path / "short", rolled, context, NAMES, 80, GROUPS.tolist())
    order = torch.tensor([3, 0, 2, 4, 1])
    forecast = rolled.predict_quantiles(Batch(context[order], None, DOMAIN[order], group_B=GROUPS[order]))
    np.testing.assert_allclose(forecast, expected[order], atol=1e-5)
    np.testing.assert_allclose(
        rolled.predict_quantiles(Batch(context[2:3], None, DOMAIN[2:3])), expected[2:3], atol=1e-5
    )


def test_load_gives_back_what_was_saved_and_no_other_way(forecaster, context, tmp_path):
    forecaster.save(tmp_path)
    loaded = Chronos2(sensors="together").load(tmp_path, forecaster.domains)
    assert loaded.sees_together
    assert torch.equal(
        loaded.predict_quantiles(Batch(context, None, DOMAIN, group_B=GROUPS)),
        forecaster.predict_quantiles(Batch(context, None, DOMAIN, group_B=GROUPS)),
    )
    with pytest.raises(
        WeightsError, match=r"trained with backbone.sensors: together, but is loaded for sensors: apart"
    ):
        Chronos2().load(tmp_path, forecaster.domains)


def test_groups_where_each_is_alone_raise(context):
    with pytest.raises(ValueError, match="windows come in groups, but this forecaster sees each window alone"):
        create(sensors="apart").predict_quantiles(Batch(context, None, DOMAIN, group_B=GROUPS))


def test_groups_of_another_count_raise(forecaster, context):
    with pytest.raises(ValueError, match=r"group_B has shape \(4,\) for 5 windows"):
        forecaster.embed(Batch(context, None, DOMAIN, group_B=GROUPS[:4]))


def test_told_contexts_that_are_no_multiple_of_the_patch_are_incompatibilities():
    settings = Chronos2(sensors="together")
    assert [name for name, _ in settings.incompatibilities(50, 24, (0.5,), DOMAINS)] == ["context_length"]
    assert not list(settings.incompatibilities(50, 24, (0.5,), ("one",)))
    with pytest.raises(ValueError, match="multiples of its patch of 16, but context_length is 50"):
        create(context=50)


def shared_secret(step, n_moments=8):
    """The first sensor's future is +1 or -1, which the second sensor's context alone says; neither tells itself."""
    generator = np.random.default_rng([5, step])
    sign = np.repeat(generator.choice([-1.0, 1.0], n_moments), 2)[:, None]
    domain = np.tile([0, 1], n_moments)
    noise = generator.standard_normal((2 * n_moments, CONTEXT))
    wave = np.where(np.arange(CONTEXT) % 16 < 8, 1.0, -1.0)
    context = np.where(domain[:, None] == 0, noise, 0.2 * noise + sign * wave)
    future = np.where(domain[:, None] == 0, sign, 0.0) + 0.05 * generator.standard_normal((2 * n_moments, HORIZON))
    return Batch(context.astype("float32"), future.astype("float32"), domain, None, np.repeat(np.arange(n_moments), 2))


def one_noise(step, n_moments=8):
    """Both sensors hear the same noise; what follows is +1 in the first and -1 in the second."""
    batch = shared_secret(step, n_moments)
    context = np.repeat(np.random.default_rng([6, step]).standard_normal((n_moments, CONTEXT)), 2, axis=0)
    future = 1.0 - 2.0 * batch.domain_B[:, None] + np.zeros((1, HORIZON))
    return batch._replace(context_BT=context.astype("float32"), future_BH=future.astype("float32"))


def trained(windows_of, sensors):
    forecaster = create(horizon=HORIZON, sensors=sensors, **SMALL)
    alone = lambda batch: batch if sensors == "together" else batch._replace(group_B=None)  # noqa: E731
    steps = lambda first: (alone(windows_of(step)) for step in itertools.count(first))  # noqa: E731
    held_out = [alone(windows_of(10**6 + i)) for i in range(4)]
    train(forecaster, steps, lambda: held_out, TRAINING, 0, None, lambda row: None)
    return forecaster


def first_sensors_error(forecaster, windows_of):
    batch = windows_of(3, 32)
    groups = torch.tensor(batch.group_B) if forecaster.sees_together else None
    quantiles = forecaster.predict_quantiles(
        Batch(torch.tensor(batch.context_BT), None, torch.tensor(batch.domain_B), group_B=groups)
    )
    return np.abs(quantiles[::2, :, 1].numpy() - batch.future_BH[::2]).mean()


def test_together_learns_what_only_the_other_sensor_knows():
    assert first_sensors_error(trained(shared_secret, "together"), shared_secret) < 0.3
    assert first_sensors_error(trained(shared_secret, "apart"), shared_secret) > 0.9


def test_told_rows_of_one_group_are_told_apart():
    assert first_sensors_error(trained(one_noise, "together"), one_noise) < 0.3


def test_untold_rows_of_one_group_that_hear_the_same_forecast_the_same():
    batch, forecaster = one_noise(0), create(("both",), horizon=HORIZON)
    context, group = torch.tensor(batch.context_BT), torch.tensor(batch.group_B)
    quantiles = forecaster.predict_quantiles(
        Batch(context, None, torch.zeros(len(context), dtype=torch.long), group_B=group)
    )
    torch.testing.assert_close(quantiles[::2], quantiles[1::2], atol=1e-6, rtol=0)


@pytest.mark.slow
def test_saved_folder_forecasts_where_the_project_cannot_be_imported(forecaster, context, tmp_path):
    forecaster.save(tmp_path / "predictor")
    np.save(tmp_path / "contexts.npy", context.numpy())
    own = list(forecaster.model_levels)
    task = {"folder": str(tmp_path / "predictor"), "names": NAMES, "horizon": 24, "levels": own}
    task |= {"contexts": str(tmp_path / "contexts.npy"), "out": str(tmp_path / "out.npy"), "moments": GROUPS.tolist()}
    (tmp_path / "task.json").write_text(json.dumps(task))
    program = Path(__file__).with_name("stock_program.py")
    subprocess.run([sys.executable, "-I", program, tmp_path / "task.json"], check=True, cwd=tmp_path)
    given = np.sort(np.load(tmp_path / "out.npy"))[..., [own.index(level) for level in forecaster.quantile_levels]]
    np.testing.assert_allclose(
        forecaster.predict_quantiles(Batch(context, None, DOMAIN, group_B=GROUPS)), given, atol=1e-5
    )


def test_program_in_the_docs_gives_the_same_forecast(context, tmp_path, monkeypatch):
    text = (Path(__file__).parents[3] / "docs" / "domain.md").read_text()
    program = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[2]
    forecaster = create(context=512, horizon=64)
    forecaster.save(tmp_path / re.search(r'folder = Path\("(.+)"\)', program)[1])
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(program, "domain.md", "exec"), names)
    assert names["quantiles"][0].shape == (2, 64, 3)
    levels = list(forecaster.model_levels)  # sorted are all of the model's own
    (stock,), _ = names["pipeline"].predict_quantiles([{"target": names["told"]}], 64, levels)
    own = forecaster.predict_quantiles(
        Batch(names["context"], None, torch.tensor([0, 1]), group_B=torch.tensor([0, 0]))
    )
    of_levels = [levels.index(level) for level in forecaster.quantile_levels]
    torch.testing.assert_close(stock.sort(dim=-1).values[..., of_levels], own, atol=1e-5, rtol=0)
