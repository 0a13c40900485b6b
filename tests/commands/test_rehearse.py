"""The rehearsal: how it is read, what a grid costs at a measured speed, and a tiny one as it is typed."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

import launch
from grid.config.check import ConfigError
from grid.run.build import BuildContext, build_stage
from grid.stage import Resources
from grid.store.store import Store
from motor.backbones.modules.tapr.settings import Tapr
from motor.commands.pricing import cost
from motor.commands.rehearse import is_rehearsal, priced_stages, read_rehearsal_config, resources_of, stages_of
from motor.stages.features import Features
from motor.stages.finetune import Finetune
from motor.stages.rehearse import Rehearse, read_rehearsal

ROOT = Path(launch.__file__).parent
TINY_REHEARSAL = """\
rehearsal:
  grid: tiny.yaml
  series: 200
  context_length: 64
  prediction_length: 16
  batch_size: 4
  micro_batch: 2
  num_steps: 2
  backbones:
    small-bolt: {kind: bolt, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_decoder_layers: 1, num_heads: 2}
    small-2: {kind: chronos2, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_heads: 2}
resources: {cpus: 1, gpus: 0}
"""
MEASURED = {
    "patch": 16,
    "n_tokens": 9,  # 8 patches of the rehearsed context, and [REG]
    "seconds_a_step": 2.0,
    "peak_memory_gb": 3.0,
    "embeddings_a_second": 10.0,
    "forecasts_a_second": 5.0,
}


@pytest.fixture
def config(tiny_text, tmp_path):
    (tmp_path / "tiny.yaml").write_text(tiny_text, encoding="utf-8")
    file = tmp_path / "rehearsal.yaml"
    file.write_text(TINY_REHEARSAL, encoding="utf-8")
    return file


@pytest.fixture
def of_tiny(config, tmp_path):
    """The tiny grid's stages."""
    return priced_stages(config.parent / "tiny.yaml", {}, Store(tmp_path / "store"))[1]


@pytest.fixture
def rehearsed(config):
    """A stage of twice the grid's context and batch size."""
    overrides = ["rehearsal.context_length=128", "rehearsal.batch_size=8"]
    return stages_of(read_rehearsal_config(config, overrides, {}))[0]


def test_is_rehearsal_knows_the_section(config):
    assert is_rehearsal(config)
    assert not is_rehearsal(config.parent / "tiny.yaml")
    assert not is_rehearsal(config.parent / "missing.yaml")


def test_shipped_rehearsal_has_the_real_shapes():
    stages = stages_of(read_rehearsal_config(ROOT / "configs" / "rehearsal.yaml", [], {}))
    assert [(stage.name, stage.context_length, stage.prediction_length) for stage in stages] == [
        ("chronos-bolt-base", 8192, 1024),
        ("chronos-2", 8192, 1024),
    ]
    assert {stage.backbone.d_model for stage in stages} == {768}


def test_rehearsal_config_names_every_fault_with_its_place(config):
    text = config.read_text().replace("num_steps: 2", "num_stepps: 2").replace("cpus: 1", "cpus: 0")
    config.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_rehearsal_config(config, [], {})
    assert "rehearsal.yaml:8" in str(caught.value)
    assert "unknown key 'num_stepps'" in str(caught.value)
    assert "cpus must be greater than 0, got 0" in str(caught.value)


def test_rehearsal_of_what_has_no_steps_is_a_fault(config):
    config.write_text(config.read_text().replace("small-2: {kind: chronos2, ", "small-2: {kind: linear} #"))
    with pytest.raises(ConfigError, match=r"rehearsal\.yaml:11.*closed form"):
        read_rehearsal_config(config, ["rehearsal.grid=missing.yaml"], {})
    with pytest.raises(ConfigError, match=r"there is no .*missing\.yaml"):
        read_rehearsal_config(config, ["rehearsal.grid=missing.yaml"], {})


BACKBONE = """
from typing import Literal

from motor.backbones.chronos.bolt import Bolt


class Mine(Bolt):
    kind: Literal["mine"] = "mine"


PLUGIN = Mine
"""


def test_rehearsal_takes_a_backbone_of_ones_own(config):
    (config.parent / "mine.py").write_text(BACKBONE, encoding="utf-8")
    config.write_text("plugins: [mine.py]\n" + config.read_text().replace("kind: bolt", "kind: mine"))
    assert [stage.backbone.kind for stage in stages_of(read_rehearsal_config(config, [], {}))] == ["mine", "chronos2"]


def test_resources_are_those_of_the_config_where_it_says_them(config):
    asked = read_rehearsal_config(config, ["resources={cpus: 3, gpus: 0.5, memory_gb: 4}"], {}).resources
    assert resources_of(asked, None) == Resources(3, 0.5, 4)


def test_cost_of_fine_tunes_goes_with_windows_and_tokens(of_tiny, rehearsed):
    of = cost(of_tiny, MEASURED, rehearsed, n_series=200, n_domains=2)
    trained = [stage for stage in of_tiny if isinstance(stage, Finetune) and stage.is_trained]
    assert of.n_finetunes == len(trained) == 9
    assert of.n_steps == 9 * 4
    # half of the rehearsed batch, and 5 of its 9 tokens
    assert of.finetune_hours * 3600 == pytest.approx(9 * 4 * 2.0 * (4 / 8) * (5 / 9))
    assert of.memory_gb == 3.0


def test_cost_of_features_goes_with_series_windows_and_passes(of_tiny, rehearsed):
    of = cost(of_tiny, MEASURED, rehearsed, n_series=200, n_domains=2)
    described = [stage for stage in of_tiny if isinstance(stage, Features)]
    windows = {len(stage.of_fold[2]): 2 * 100 * len(stage.of_fold[2]) for stage in described}
    expected = {"embedding": 1 / 10.0, "residual": 1 / 5.0}
    seconds = sum(windows[len(s.of_fold[2])] * sum(expected[name] for name in s.names) * 5 / 9 for s in described)
    assert of.feature_hours * 3600 == pytest.approx(seconds)
    assert of.hours == pytest.approx(of.finetune_hours + of.feature_hours)


def test_rehearse_builds_what_it_measured(config, tmp_path):
    store = Store(tmp_path / "store")
    stages = stages_of(read_rehearsal_config(config, [], {}))
    for stage in stages:
        build_stage(stage, store, BuildContext(store, stage, Resources(), lambda progress: None))
    tokens = {stage.name: read_rehearsal(store.folder(stage))["n_tokens"] for stage in stages}
    assert tokens == {"small-bolt": 4 + 1, "small-2": 4 + 1 + 1}
    for stage in stages:
        measured = read_rehearsal(store.folder(stage))
        assert min(measured[name] for name in ("seconds_a_step", "embeddings_a_second", "forecasts_a_second")) > 0
        assert 0 < measured["share_of_peak"] < 1
        assert 0.05 < measured["peak_memory_gb"] < 8
        assert measured["device"] == "cpu"


def test_rehearse_key_depends_on_what_is_measured_alone(config):
    def keys(*overrides):
        return [stage.key for stage in stages_of(read_rehearsal_config(config, list(overrides), {}))]

    assert keys() == keys("rehearsal.series=7", "resources.cpus=2", "name=other")
    assert not set(keys()) & set(keys("rehearsal.num_steps=3"))


@pytest.mark.ray
@pytest.mark.slow
def test_rehearsal_as_it_is_typed_measures_once_and_prices_the_grid(config):
    def typed(*words):
        command = [sys.executable, str(ROOT / "launch.py"), str(config), "--storage", str(config.parent / "storage")]
        return subprocess.run([*command, *words], capture_output=True, text=True, cwd=config.parent, timeout=300)

    first = typed()
    assert first.returncode == 0, first.stderr
    assert "What tiny.yaml would cost here" in first.stdout
    assert "Nothing to measure" in typed().stdout
    told = json.loads((config.parent / "storage/results/rehearsal/rehearsal.json").read_text())
    assert [of["measured"]["name"] for of in told["backbones"]] == ["small-bolt", "small-2"]
    assert told["backbones"][0]["cost"]["n_finetunes"] == 9
    assert Rehearse.KIND in first.stdout


def test_modules_are_measured_beside_the_backbone_alone(config, tmp_path):
    overrides = ["rehearsal.modules={use: tapr+gram, tapr: {n_scales: 1}, gram: {key_length: 32}}"]
    alone, beside = stages_of(read_rehearsal_config(config, overrides, {}))[:2]
    assert [module.kind for module in beside.modules] == ["tapr", "gram"]
    assert alone == stages_of(read_rehearsal_config(config, [], {}))[0]
    built = {stage: build_in(stage, tmp_path) for stage in (alone, beside)}
    assert built[beside]["n_parameters"] > built[alone]["n_parameters"]
    assert built[beside]["forecasts_a_second"] > 0


def test_modules_of_too_many_scales_are_a_fault_before_anything_is_measured(config):
    with pytest.raises(ConfigError, match=r"tapr\.n_scales"):
        read_rehearsal_config(config, ["rehearsal.modules={use: tapr}"], {})


def test_stages_with_modules_are_priced_by_what_modules_took(of_tiny, rehearsed):
    slower = MEASURED | {"seconds_a_step": 6.0}
    tuned = [stage for stage in of_tiny if isinstance(stage, Finetune) and stage.is_trained]
    changed = dataclasses.replace(tuned[0], modules=(Tapr(),))
    plain = cost(tuned[:1], MEASURED, rehearsed, 200, 2)
    assert cost(tuned[:1], slower, rehearsed, 200, 2, MEASURED) == plain
    assert cost([changed], slower, rehearsed, 200, 2, MEASURED).finetune_hours == pytest.approx(
        3 * plain.finetune_hours
    )


def build_in(stage, folder):
    store = Store(folder / "store")
    build_stage(stage, store, BuildContext(store, stage, Resources(), lambda progress: None))
    return read_rehearsal(store.folder(stage))
