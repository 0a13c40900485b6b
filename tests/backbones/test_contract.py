"""What every forecaster keeps to: those of the folder, and one that is a plug-in from outside; none is named here."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from motor.backbones.base import missing_packages
from motor.backbones.batch import Batch
from motor.backbones.forecaster import Forecaster
from motor.backbones.lora import Lora, adapt, merge
from motor.backbones.training import Trainer, Training, TrainingData
from motor.backbones.training.checkpointing import checkpoint_gradients
from motor.registry import installed, load, plugins, using

PAGE = Path(__file__).parents[2] / "docs" / "examples" / "forecaster.md"
CONTEXT, HORIZON, LEVELS = 64, 24, (0.1, 0.5, 0.9)
TRAINING = {"num_steps": 6, "learning_rate": 1e-3, "validate_every": 3, "log_every": 1, "checkpoint_every": 2}
SHIPPED = plugins("motor.backbones")
PARTS = {"regimes": "regimes_BLK", "gate": "gate_BN"}  # of a `Forecast`, by the name in which features ask for it


@pytest.fixture(scope="session")
def backbones(tmp_path_factory):
    """Every backbone with its own settings, and the one of the documentation."""
    text = PAGE.read_text(encoding="utf-8")
    file = tmp_path_factory.mktemp("mine") / "patches.py"
    file.write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
    with using(load(installed(), str(file), file.parent)):
        return {name: plugin() for name, plugin in plugins("motor.backbones").items()}


@pytest.fixture(params=[*SHIPPED, "patches"])
def backbone(request, backbones):
    made = backbones[request.param]
    if missing := missing_packages(made.PACKAGES):
        pytest.skip(f"backbone {made.kind} is of an extra: {', '.join(missing)} is not installed here")
    return made


@pytest.fixture(params=[("one",), ("left", "right")], ids=["untold", "told"])
def domains(request):
    return request.param


@pytest.fixture
def create(backbone, domains):
    return lambda seed=0, dropout=0.1: backbone.create(CONTEXT, HORIZON, LEVELS, dropout, domains, seed)


@pytest.fixture
def batch(domains):
    return sines(0, len(domains), 32)


def sines(number: int, n_domains: int, n_windows: int = 4) -> Batch:
    """Windows of a sine in noise, of each domain in turn."""
    generator = np.random.default_rng([5, number])
    phase_B1 = generator.uniform(0, 6.28, (n_windows, 1))
    window_BN = np.sin(np.arange(CONTEXT + HORIZON) * 0.4 + phase_B1) * 2 + 1
    window_BN = (window_BN + 0.2 * generator.standard_normal(window_BN.shape)).astype(np.float32)
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], np.arange(n_windows) % n_domains)


class Sines(TrainingData):
    """Batches of sines, the same each time."""

    def __init__(self, n_domains: int) -> None:
        self.n_domains = n_domains

    def batches(self, first_step):
        return (sines(step, self.n_domains) for step in itertools.count(first_step))

    def validation(self):
        return [sines(10**6, self.n_domains)]

    def even(self, windows_per_series):
        batches = [sines(number, self.n_domains, windows_per_series) for number in range(3)]
        return [one._replace(motor_B=np.full(one.n_windows, f"m{place}")) for place, one in enumerate(batches)]


def fitted(forecaster: Forecaster, folder=None, report=lambda row: None, **settings) -> Forecaster:
    trainer = Trainer(Training(**(TRAINING | settings)), 3, folder, report)
    forecaster.fit(Sines(len(forecaster.domains)), trainer)
    return forecaster


def weights_of(forecaster: Forecaster) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in forecaster.model.named_parameters()}


def differing(one: Forecaster, other: Forecaster) -> list[str]:
    """Names of weights that are not the same to the bit."""
    ones, others = weights_of(one), weights_of(other)
    assert ones.keys() == others.keys()
    return [name for name in ones if not torch.equal(ones[name], others[name])]


def answers(backbone, forecaster: Forecaster, batch: Batch) -> dict[str, torch.Tensor]:
    """All that can be asked of it."""
    said = {"quantiles": forecaster.predict_quantiles(batch)}
    said |= {"embedding": forecaster.embed(batch)} if "embedding" in backbone.gives else {}
    parts = forecaster.forecast(batch)._asdict()
    said |= {given: parts[part] for given, part in PARTS.items() if given in backbone.gives}
    return said | {f"branch {name}": values for name, values in (parts["branches"] or {}).items()}


def test_forecaster_same_seed_gives_the_same_bits_whatever_the_global_state(create):
    torch.manual_seed(1)
    first = create()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert differing(create(), first) == []
    assert torch.equal(torch.get_rng_state(), before)


def test_forecaster_says_its_geometry(create, domains):
    forecaster = create()
    assert (forecaster.context_length, forecaster.prediction_length) == (CONTEXT, HORIZON)
    assert (forecaster.quantile_levels, forecaster.domains) == (LEVELS, domains)
    assert not forecaster.model.training


def test_forecaster_asked_twice_answers_the_same_bits(backbone, create, batch):
    forecaster = create()
    once, twice = (answers(backbone, forecaster, batch) for _ in range(2))
    assert all(torch.equal(once[name], twice[name]) for name in once)


def test_forecaster_answers_a_row_alone_as_among_others(backbone, create, batch):
    forecaster = fitted(create())
    together = answers(backbone, forecaster, batch)
    alone = [answers(backbone, forecaster, batch.rows(slice(row, row + 1))) for row in range(batch.n_windows)]
    for name, values in together.items():
        joined = torch.cat([one[name] for one in alone])
        torch.testing.assert_close(joined, values, atol=1e-5, rtol=0)


def test_forecaster_answers_in_the_promised_shapes(backbone, create, batch):
    forecaster = create()
    said = answers(backbone, forecaster, batch)
    assert said["quantiles"].shape == (32, HORIZON, 3)
    assert said["quantiles"].dtype == torch.float32
    assert (said["quantiles"].diff(dim=-1) >= 0).all()
    if "embedding" in said:
        assert said["embedding"].shape[:2] == (32, forecaster.n_tokens(CONTEXT))


def test_forecaster_cuts_no_context_that_is_too_long(create, batch):
    longer = batch._replace(context_BT=np.concatenate([batch.context_BT, batch.context_BT[:, :16]], axis=1))
    with pytest.raises(ValueError, match="at most context_length = 64"):
        create().predict_quantiles(longer)


def test_forecaster_does_not_look_at_the_future(backbone, create, batch):
    forecaster = fitted(create())
    known = answers(backbone, forecaster, batch)
    for future_BH in (None, batch.future_BH + 3, np.full_like(batch.future_BH, np.nan)):
        other = answers(backbone, forecaster, batch._replace(future_BH=future_BH))
        assert all(torch.equal(known[name], other[name]) for name in known)


def test_forecaster_follows_the_scale_of_its_context(create, batch):
    forecaster = fitted(create())
    forecast = forecaster.predict_quantiles(batch)
    moved = forecaster.predict_quantiles(batch._replace(context_BT=4 * batch.context_BT + 2))
    torch.testing.assert_close(moved, 4 * forecast + 2, atol=1e-4, rtol=1e-4)


def test_forecaster_gives_what_its_backbone_says(backbone, create, batch):
    forecast = create().forecast(batch)
    assert forecast.levels == LEVELS
    for given, part in PARTS.items():
        values = getattr(forecast, part)
        assert (values is not None) == (given in backbone.gives)
        if values is not None:
            assert values.shape[0] == 32
            torch.testing.assert_close(values.sum(dim=-1), torch.ones(values.shape[:-1]))


def test_forecaster_trains_within_three_steps_every_weight_that_is_not_frozen(backbone, create, domains):
    forecaster = create(dropout=0.0)
    free = {name: weight for name, weight in forecaster.model.named_parameters() if weight.requires_grad}
    assert bool(free) != backbone.CLOSED_FORM
    optimizer = torch.optim.AdamW(free.values(), lr=1e-3, weight_decay=0.0) if free else None
    learned: set[str] = set()
    for step in range(3 if free else 0):
        forecaster.loss(sines(step, len(domains))).backward()
        learned |= {name for name, weight in free.items() if weight.grad is not None and weight.grad.any()}
        optimizer.step()
        optimizer.zero_grad()
    assert [name for name in free.keys() - learned if _moves_the_forecast(forecaster, name, len(domains))] == []


def _moves_the_forecast(forecaster: Forecaster, name: str, n_domains: int) -> bool:
    """Tell whether other values of a weight give another forecast."""
    batch = sines(3, n_domains)
    forecast = forecaster.predict_quantiles(batch)
    with torch.no_grad():
        forecaster.model.get_parameter(name).add_(0.5)
    return not torch.equal(forecaster.predict_quantiles(batch), forecast)


def test_forecaster_missing_samples_are_forecast_and_not_trained_on(create, batch):
    forecaster = create(dropout=0.0)
    gappy = batch._replace(context_BT=batch.context_BT.copy(), future_BH=batch.future_BH.copy())
    gappy.context_BT[:, 20:24] = np.nan
    gappy.future_BH[:, 5:] = np.nan
    assert forecaster.predict_quantiles(gappy).isfinite().all()
    assert forecaster.loss(gappy).isfinite()
    gappy.future_BH[:] = np.nan
    assert forecaster.losses(gappy)["quantile"][1] == 0


def test_forecaster_saves_every_weight_that_moves_its_forecast(backbone, create, batch, domains, tmp_path):
    forecaster = create()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weight in forecaster.model.parameters():
            weight += 0.01 * torch.randn(weight.shape, generator=generator)
    forecaster.save(tmp_path / "predictor")
    loaded = backbone.load(tmp_path / "predictor", domains)
    assert differing(loaded, forecaster) == []
    said, again = (answers(backbone, one, batch) for one in (forecaster, loaded))
    assert all(torch.equal(said[name], again[name]) for name in said)
    for name in ("context_length", "prediction_length", "quantile_levels", "domains", "horizon_method"):
        assert getattr(loaded, name) == getattr(forecaster, name)
    with pytest.raises(ValueError, match="was trained on the domains"):
        backbone.load(tmp_path / "predictor", ("x", "y"))


def test_forecaster_interrupted_and_taken_up_ends_with_the_same_bits(create, tmp_path):
    def stop(row):
        if row["step"] == 3:
            raise KeyboardInterrupt

    undisturbed, interrupted = fitted(create()), create()
    try:
        fitted(interrupted, tmp_path, report=stop)
    except KeyboardInterrupt:
        torch.rand(3)
        interrupted = fitted(create(), tmp_path)
    assert differing(interrupted, undisturbed) == []
    assert differing(undisturbed, create()) != []


def test_forecaster_learns(create, domains):
    held_out = sines(10**6, len(domains), 32)
    forecaster = create(dropout=0.0)
    before = forecaster.loss(held_out).item()
    fitted(forecaster, num_steps=40, learning_rate=5e-3, validate_every=40, dropout_rate=0.0)
    assert forecaster.loss(held_out).item() < 0.9 * before


def test_forecaster_freezes_by_blocks(create, batch):
    encoder = create().blocks().encoder
    for n_blocks in range(len(encoder) + 1):
        forecaster = create().train_only_last(n_blocks)
        blocks = forecaster.blocks()
        frozen = [*blocks.inputs, *blocks.encoder[: len(encoder) - n_blocks]]
        free = [*blocks.encoder[len(encoder) - n_blocks :], *blocks.decoder, *blocks.head]
        assert not any(weight.requires_grad for part in frozen for weight in part.parameters())
        assert all(weight.requires_grad for part in free for weight in part.parameters())
        assert forecaster.loss(batch).isfinite()
    with pytest.raises(ValueError, match=f"this model has {len(encoder)}"):
        create().train_only_last(len(encoder) + 1)


def test_forecaster_adapted_and_merged_has_the_weights_that_it_had(create, batch):
    forecaster = create(dropout=0.0)
    if not forecaster.blocks().repeated:
        with pytest.raises(ValueError, match="no linear layers in its blocks"):
            adapt(forecaster, Lora(rank=2), 0)
        return
    names, forecast = weights_of(forecaster).keys(), forecaster.predict_quantiles(batch)
    adapt(forecaster, Lora(rank=2), 0)
    # torch runs recurrent layers by another kernel with frozen weights
    torch.testing.assert_close(forecaster.predict_quantiles(batch), forecast, atol=1e-5, rtol=0)
    forecaster.loss(batch).backward()
    trained = {name for name, weight in forecaster.model.named_parameters() if weight.grad is not None}
    assert any(".lora_B." in name for name in trained)
    assert weights_of(merge(forecaster)).keys() == names
    assert all(weight.requires_grad for weight in forecaster.model.parameters())


def test_forecaster_recomputed_has_the_same_gradients(create, batch):
    forecaster = create()
    if not forecaster.blocks().repeated:
        with pytest.raises(ValueError, match=r"set finetune\.gradient_checkpointing to false"):
            checkpoint_gradients(forecaster)
        return

    def gradients():
        forecaster.model.train().zero_grad()
        torch.manual_seed(5)
        forecaster.loss(batch).backward()
        named = forecaster.model.named_parameters()
        return {name: weight.grad.clone() for name, weight in named if weight.grad is not None}

    plain = gradients()
    with checkpoint_gradients(forecaster):
        recomputed = gradients()
    assert plain.keys() == recomputed.keys()
    assert all(torch.equal(plain[name], recomputed[name]) for name in plain)


def test_forecaster_of_masks_answers_a_row_alone_as_among_others(backbone, domains, batch, tmp_path):
    """Dropout that stays on: wherever it can be asked for, a window's answer depends on neither batch nor place."""
    if "dropout_masks" not in type(backbone).model_fields or backbone.CLOSED_FORM:
        pytest.skip(f"{backbone.kind} has no masks of dropout")
    masked = type(backbone)(**backbone.model_dump() | {"dropout_masks": 3})
    plain = backbone.create(CONTEXT, HORIZON, LEVELS, 0.2, domains, 0)
    if not plain.has_dropout():
        with pytest.raises(ValueError, match="has no layer of dropout"):
            masked.create(CONTEXT, HORIZON, LEVELS, 0.2, domains, 0)
        return
    forecaster = masked.create(CONTEXT, HORIZON, LEVELS, 0.2, domains, 0)
    fitted(forecaster, dropout_rate=0.2)
    plain.model.load_state_dict(forecaster.model.state_dict())
    together = forecaster.predict_quantiles(batch)
    assert not torch.allclose(together, plain.predict_quantiles(batch), atol=1e-3)
    assert torch.equal(forecaster.predict_quantiles(batch), together)
    alone = [forecaster.predict_quantiles(batch.rows(slice(row, row + 1))) for row in reversed(range(batch.n_windows))]
    torch.testing.assert_close(torch.cat(alone[::-1]), together, atol=1e-5, rtol=0)
    forecaster.save(tmp_path)
    assert torch.equal(backbone.load(tmp_path, domains).predict_quantiles(batch), together)
