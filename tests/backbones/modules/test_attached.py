"""Modules beside forecasters: what every module and every forecaster with modules keeps to."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.modules.attached.forecaster import attached, loaded
from motor.backbones.modules.base import in_order
from motor.backbones.modules.gram import PLUGIN as Gram
from motor.backbones.modules.tapr import PLUGIN as Tapr
from motor.backbones.training import Trainer, Training, TrainingData
from motor.backbones.weights import WeightsError
from motor.registry import installed, load, plugins, using
from motor.retrieval.memory import Memory, Remembered
from motor.retrieval.search import ExactSearch, OwnMotorError

PAGE = Path(__file__).parents[3] / "docs" / "examples" / "forecaster.md"
CONTEXT, HORIZON, LEVELS = 64, 24, (0.1, 0.5, 0.9)
MOTORS = ("m0", "m1", "m2")
MODULES = {"tapr": Tapr(n_scales=2, width=8), "gram": Gram(top_k=4, key_length=32, stride=4, width=8)}
SMALL = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
SIZES = {"width": 16, "n_layers": 1, "n_heads": 2}
BACKBONES = {
    "bolt": SMALL,
    "chronos2": SMALL,
    "time_llm": {"patch": 16, "stride": 8, "width": 8, "sizes": SIZES, "prototypes": {"n": 8, "of": "pca"}},
    "tft": {},  # shows no tokens
}


def sines(number: int, n_domains: int, n_windows: int = 4) -> Batch:
    generator = np.random.default_rng([5, number])
    phase_B1 = generator.uniform(0, 6.28, (n_windows, 1))
    window_BN = np.sin(np.arange(CONTEXT + HORIZON) * 0.4 + phase_B1) * 2 + 1
    window_BN = (window_BN + 0.2 * generator.standard_normal(window_BN.shape)).astype(np.float32)
    motor_B = np.array(MOTORS)[np.arange(n_windows) % 3]
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], np.arange(n_windows) % n_domains, motor_B=motor_B)


class Sines(TrainingData):
    def __init__(self, n_domains: int) -> None:
        self.n_domains = n_domains

    def batches(self, first_step):
        return (sines(step, self.n_domains) for step in itertools.count(first_step))

    def validation(self):
        held_out = sines(10**6, self.n_domains, 16)
        return [held_out._replace(motor_B=np.full(16, "held out"))]

    def even(self, windows_per_series):
        return [sines(number, self.n_domains, windows_per_series) for number in range(3)]


@pytest.fixture(scope="module")
def memory():
    generator = np.random.default_rng(6)
    waves = (np.sin(np.arange(160) * 0.4 + place) + 0.1 * generator.standard_normal(160) for place in range(3))
    return Memory.of(Remembered(motor, wave) for motor, wave in zip(MOTORS, waves, strict=True))


@pytest.fixture(params=[*BACKBONES, "patches"])
def backbone(request, tmp_path_factory):
    """A forecaster of the project, or the one of one's own that the documentation shows."""
    if request.param in BACKBONES:
        return plugins("motor.backbones")[request.param](**BACKBONES[request.param])
    file = tmp_path_factory.mktemp("mine") / "patches.py"
    file.write_text(re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1], encoding="utf-8")
    with using(load(installed(), str(file), file.parent)):
        return plugins("motor.backbones")["patches"]()


@pytest.fixture(params=[("one",), ("left", "right")], ids=["untold", "told"])
def domains(request):
    return request.param


@pytest.fixture
def create(backbone, domains, memory):
    def create(*names):
        base = backbone.create(CONTEXT, HORIZON, LEVELS, 0.1, domains, 0)
        forecaster = attached(base, [MODULES[name] for name in names], seed=1)
        forecaster.remember(memory)
        return forecaster

    return create


def fitted(forecaster, folder=None, report=lambda row: None, data=None, **settings):
    given = {"num_steps": 5, "learning_rate": 1e-2, "validate_every": 2, "log_every": 1, "checkpoint_every": 1}
    trainer = Trainer(Training(**(given | settings)), 3, folder, report)
    history = forecaster.fit(data or Sines(len(forecaster.domains)), trainer)
    return forecaster, history


def state_of(forecaster):
    return {name: value.clone() for name, value in forecaster.model.state_dict().items()}


def test_every_module_has_small_settings_here():
    assert MODULES.keys() == plugins("motor.backbones.modules").keys()


@pytest.mark.parametrize("names", [("tapr",), ("gram",), ("tapr", "gram")])
def test_untrained_modules_change_nothing(backbone, create, names):
    forecaster, batch = create(*names), sines(0, 2, 8)
    assert torch.equal(forecaster.predict_quantiles(batch), forecaster.base.predict_quantiles(batch))
    if "embedding" in backbone.gives:
        assert torch.equal(forecaster.embed(batch), forecaster.base.embed(batch))


def test_untrained_modules_leave_the_forecasters_loss(create):
    forecaster, batch = create("tapr", "gram"), sines(0, 2, 8)
    batch.future_BH[2, 5:9] = np.nan
    own, whole = (one.losses(batch)["quantile"][1].item() for one in (forecaster.base, forecaster))
    assert whole == pytest.approx(own, rel=1e-5)


def test_trained_modules_change_the_forecast_and_are_told_one_by_one(create):
    forecaster, history = fitted(create("tapr", "gram"), learning_rate=3e-2, validate_every=5)
    batch = sines(0, 2, 8)
    assert not torch.equal(forecaster.predict_quantiles(batch), forecaster.base.predict_quantiles(batch))
    losses = {f"loss_tapr_{name}" for name in ("direction", "size", "agreement")}
    assert losses < history[-1].keys()
    assert history[-1]["loss"] == pytest.approx(sum(v for k, v in history[-1].items() if k.startswith("loss_")))
    assert {name for row in history for name in row if "validation" in name} == {"validation_wql", "validation_mae"}


def test_losses_of_no_weight_are_not_told(create, memory):
    base = create("tapr").base
    weighty = [MODULES["tapr"].model_copy(update={"lambda_trend": 0.0}), Gram(**_changed(lambda_retrieval=0.1))]
    forecaster = attached(base, weighty)
    forecaster.remember(memory)
    told = forecaster.losses(sines(0, len(base.domains)))
    assert {name for name in told if "tapr" in name or "gram" in name} == {"gram_entropy", "gram_steadiness"}


def _changed(**settings):
    return MODULES["gram"].model_dump(exclude={"kind"}) | settings


@pytest.mark.parametrize("step", [1, 3, 5])
def test_interrupted_at_any_step_ends_with_the_same_bits(create, tmp_path, step, domains):
    if domains == ("one",) and step != 3:
        return

    def stop(row):
        if row["step"] == step:
            raise KeyboardInterrupt

    whole, _ = fitted(create("tapr", "gram"))
    with pytest.raises(KeyboardInterrupt):
        fitted(create("tapr", "gram"), tmp_path, report=stop)
    torch.rand(3)
    again, _ = fitted(create("tapr", "gram"), tmp_path)
    assert all(torch.equal(value, state_of(whole)[name]) for name, value in state_of(again).items())


def test_saved_beside_the_forecaster_and_loaded(backbone, create, domains, memory, tmp_path):
    forecaster, _ = fitted(create("tapr", "gram"), validate_every=5)
    forecaster.save(tmp_path)
    batch = sines(0, 2, 8)
    alone = backbone.load(tmp_path, domains)
    assert torch.equal(alone.predict_quantiles(batch), forecaster.base.predict_quantiles(batch))
    whole = loaded(alone, forecaster.settings, tmp_path)
    whole.remember(memory)
    assert torch.equal(whole.predict_quantiles(batch), forecaster.predict_quantiles(batch))
    with pytest.raises(WeightsError, match="was trained with the modules"):
        loaded(alone, [MODULES["tapr"]], tmp_path)
    (tmp_path / "modules.json").unlink()
    with pytest.raises(WeightsError, match="no whole"):
        loaded(alone, forecaster.settings, tmp_path)


def test_stock_library_forecasts_what_is_forecast_without_modules(create, stock, domains, tmp_path):
    forecaster, _ = fitted(create("tapr", "gram"), validate_every=5)
    if not hasattr(forecaster.base, "domain_recipe"):
        pytest.skip("no Chronos")
    forecaster.save(tmp_path)
    batch = sines(0, len(domains), 6)
    names = [domains[place] for place in batch.domain_B]
    levels = list(forecaster.model_levels)
    given = stock.forecast(tmp_path, batch.context_BT, names, HORIZON, levels, None)
    own = forecaster.base._pass(forecaster._checked(batch)._replace(future_BH=None), HORIZON).quantiles_BHQ
    np.testing.assert_allclose(np.sort(given, axis=-1), own.detach().sort(dim=-1).values, atol=1e-6)


def test_a_row_is_forecast_alone_as_among_others(create):
    forecaster, batch = fitted(create("tapr", "gram"))[0], sines(0, 2, 8)
    alone = [forecaster.predict_quantiles(batch.rows(slice(row, row + 1))) for row in range(8)]
    torch.testing.assert_close(torch.cat(alone), forecaster.predict_quantiles(batch), atol=1e-5, rtol=0)


class Overlapping(ExactSearch):
    """The peers' rule: a window's own motor is searched, and only what overlaps is left out."""

    def nearest(self, queries_QD, k, motor_Q):
        return super().nearest(queries_QD, k, ["nobody"] * len(motor_Q))


def test_the_peers_rule_fails_the_check(create):
    forecaster = create("gram")
    unfolded = forecaster.parts["gram"].unfolded
    unfolded.__dict__["search"] = Overlapping(unfolded.search._ordered.keys_ND, sorted(unfolded.motor_N))
    with pytest.raises(OwnMotorError, match="own motor"):
        fitted(forecaster)


def test_training_windows_have_to_say_whose_they_are(create):
    with pytest.raises(RuntimeError, match="do not say whose they are"):
        create("gram").losses(sines(0, 1)._replace(motor_B=None))
    with pytest.raises(RuntimeError, match="no memory"):
        attached(create("gram").base, [MODULES["gram"]]).losses(sines(0, 1))


def test_neighbours_of_training_windows_are_of_other_motors(create):
    forecaster, batch = create("gram"), sines(0, 1, 32)
    unfolded = forecaster.parts["gram"].unfolded
    found = unfolded.nearest(torch.as_tensor(batch.context_BT[:, -32:]), 4, batch.motor_B)
    assert not (unfolded.motor_N[found.place_QK] == batch.motor_B[:, None]).any()


def test_names_are_put_in_order_and_checked():
    assert [in_order(use) for use in ("none", "gram", "gram+tapr")] == ["none", "gram", "tapr+gram"]
    for use, why in {"tapr+best": "unknown module 'best'", "gram+gram": "named 2 times"}.items():
        with pytest.raises(ValueError, match=why):
            in_order(use)


def test_lora_trains_modules_whole(create):
    forecaster, _ = fitted(create("tapr"), lora={"rank": 2}, validate_every=5)
    if forecaster.base.blocks().repeated:
        assert forecaster.model.parts["tapr"].scales.weight.any()


def test_settings_of_modules_are_in_the_folder(create, tmp_path):
    create("tapr").save(tmp_path)
    assert [one["kind"] for one in json.loads((tmp_path / "modules.json").read_text())["modules"]] == ["tapr"]
