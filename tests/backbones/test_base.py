import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from motor.registry import plugins


def weights_of(forecaster):
    return torch.cat([weight.detach().flatten() for weight in forecaster.model.parameters()])


def test_initial_random_keeps_the_weights_sizes_and_none_of_their_values(create, backbone, saved, forecaster, domains):
    settings = type(backbone)(weights=str(saved), initial="random")
    control, again, other = (create(settings, domains, seed=seed) for seed in (3, 3, 4))
    assert weights_of(control).shape == weights_of(forecaster).shape
    assert torch.equal(weights_of(control), weights_of(again))
    assert not torch.equal(weights_of(control), weights_of(other))
    assert not torch.equal(weights_of(control), weights_of(forecaster))
    assert control.model.config.to_dict() == create(type(backbone)(weights=str(saved)), domains).model.config.to_dict()


def test_initial_random_spreads_its_weights_as_a_fresh_model_does(create, backbone, saved):
    control = create(type(backbone)(weights=str(saved), initial="random"), seed=3)
    fresh = create(backbone, seed=3)
    assert weights_of(control).std() == pytest.approx(weights_of(fresh).std().item(), rel=0.1)


def test_source_is_the_weights_or_none(backbone, saved):
    assert backbone.source is None
    assert type(backbone)(weights=str(saved)).source == str(saved)


def test_sizes_beside_weights_raise_and_are_named(backbone):
    kind = type(backbone)
    with pytest.raises(
        ValidationError, match=r"d_model, num_heads are given beside weights: 'somewhere'.*weights: null"
    ):
        kind(weights="somewhere", num_heads=2, d_model=16)
    with pytest.raises(ValidationError, match=r"d_kv is given beside weights.*take it out"):
        kind(weights="somewhere", initial="random", d_kv=64)  # its default is no better
    assert kind.model_validate(kind(weights="somewhere").model_dump()).weights is None


def test_only_graphs_and_chronos2_with_its_sensors_together_see_them_together():
    backbones = plugins("motor.backbones")
    assert {name for name, plugin in backbones.items() if plugin().sees_together} == {"graph"}
    assert backbones["chronos2"](sensors="together").sees_together


@pytest.mark.parametrize("name", sorted(plugins("motor.backbones")))
def test_backbone_whose_package_is_missing_says_so(name, monkeypatch):
    plugin = plugins("motor.backbones")[name]
    monkeypatch.setattr(plugin, "PACKAGES", ("chronos-of-nowhere",))
    ((argument, why),) = plugin().incompatibilities(64, 16, (0.1, 0.5, 0.9), ("one",))
    assert argument == "kind"
    assert "needs the package chronos-of-nowhere" in why
    assert "pip install chronos-of-nowhere" in why


def test_plugins_import_nothing_heavy():
    code = (
        "import sys; from motor.registry import plugins; plugins('motor.backbones'); "
        "print({'sklearn', 'scipy', 'pandas', 'torch', 'transformers', 'chronos', 'safetensors'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"
