"""Tiny forecasters of every Chronos family, and the library's own view of their folders."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from motor.backbones.chronos.backbone import ChronosBackbone
from motor.registry import plugins

KINDS = sorted(kind for kind, plugin in plugins("motor.backbones").items() if issubclass(plugin, ChronosBackbone))
TINY = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
LEVELS = (0.1, 0.5, 0.9)
DOMAINS = {"untold": ("ShengYing",), "told": ("ShengYing", "ZhenDong", "third")}
CONTEXT, HORIZON = 64, 24


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=sorted(DOMAINS))
def domains(request):
    return DOMAINS[request.param]


@pytest.fixture
def backbone(kind):
    return plugins("motor.backbones")[kind](**TINY)


@pytest.fixture
def create():
    """Build a forecaster; what is not said is tiny."""

    def build(backbone, domains=("one",), context=CONTEXT, horizon=HORIZON, levels=LEVELS, dropout=0.1, seed=0):
        return backbone.create(context, horizon, levels, dropout, domains, seed)

    return build


@pytest.fixture
def forecaster(create, backbone, domains):
    return create(backbone, domains)


@pytest.fixture
def windows(domains):
    """Contexts, futures and domains of five windows."""
    generator = torch.Generator().manual_seed(7)
    context = torch.randn(5, CONTEXT, generator=generator) * 3 + 1
    future = torch.randn(5, HORIZON, generator=generator) * 3 + 1
    return context, future, torch.arange(5) % len(domains)


@pytest.fixture(scope="session")
def stock():
    """The module that uses the library without this project."""
    file = Path(__file__).parent / "chronos" / "stock_program.py"
    spec = importlib.util.spec_from_file_location("stock_program", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def names(domains, windows):
    return [domains[i] for i in windows[2].tolist()]


@pytest.fixture
def saved(forecaster, tmp_path):
    forecaster.save(tmp_path / "predictor")
    return tmp_path / "predictor"


@pytest.fixture
def sorted_stock_forecast(stock):
    """The library's forecast with its quantiles sorted: at all of the model's levels, then the asked ones."""

    def forecast(folder, forecaster, context, names, horizon=None, moments=None):
        own = list(forecaster.model_levels)
        given = stock.forecast(folder, context.numpy(), names, horizon or forecaster.prediction_length, own, moments)
        return np.sort(given, axis=-1)[..., [own.index(level) for level in forecaster.quantile_levels]]

    return forecast
