"""A fine-tune by adapters whose whole weights went comes back from what was kept, to the bit."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from motor.commands.prune import prune
from motor.stages import finetune
from motor.stages.adapters import FOLDER, TENSORS, keep_adapter

LORA = ("axes.method=[C_lora]", "axes.domain=[Joint]", "axes.classifier=[lda]")
KEPT = ("predictor/model.safetensors", "training.json", "skill.json", "forecasts.json", f"{FOLDER}/{TENSORS}")


@pytest.fixture(scope="module")
def trained(make_tiny, tmp_path_factory):
    root = tmp_path_factory.mktemp("adapters")
    return make_tiny(root, *LORA, f"finetune.adapters={root / 'kept'}").build_stages("finetune"), root / "kept"


def tuned(tiny):
    (stage,) = tiny.stages("finetune")
    return stage


def content(folder):
    return {name: (folder / name).read_bytes() for name in KEPT}


@pytest.fixture
def gone(trained):
    """The fine-tune's adapter kept, and its folder gone; what it held is returned."""
    tiny, kept = trained
    stage = tuned(tiny)
    folder = tiny.folder(stage)
    before = content(folder)
    assert keep_adapter(folder, stage.key)
    shutil.rmtree(folder)
    return tiny, kept / stage.key, before


def test_whole_weights_come_back_from_the_adapter_without_training(gone, monkeypatch):
    tiny, kept, before = gone

    def trains(*given):
        raise AssertionError("it was trained")

    monkeypatch.setattr(finetune, "fitted", trains)
    tiny.build_stage(tuned(tiny))
    assert content(tiny.folder(tuned(tiny))) == before
    told = json.loads((kept / "adapter.json").read_text(encoding="utf-8"))
    assert told["base"] == {"weights": None, "start": None, "seed": tuned(tiny).seed}


def test_adapter_that_gives_other_weights_is_not_taken(gone):
    tiny, kept, before = gone
    tensors = load_file(str(kept / TENSORS))
    name = next(name for name in tensors if "lora_B" in name)
    save_file({**tensors, name: tensors[name] + 1}, str(kept / TENSORS))
    tiny.build_stage(tuned(tiny))
    assert content(tiny.folder(tuned(tiny))) == before


def test_adapters_are_in_no_key_and_others_write_none(make_tiny, trained, tmp_path):
    tiny = make_tiny(tmp_path, *LORA).build_stages("finetune")
    assert tuned(tiny).key == tuned(trained[0]).key
    assert not (tiny.folder(tuned(tiny)) / FOLDER).exists()


def test_adapter_holds_the_factors_and_the_head_alone(trained):
    tiny, _ = trained
    folder = tiny.folder(tuned(tiny))
    adapter = load_file(str(folder / FOLDER / TENSORS))
    whole = load_file(str(folder / "predictor" / "model.safetensors"))
    assert {name for name in adapter if ".lora_" not in name} <= {*whole}
    frozen = {name for name in whole if name not in adapter}
    assert any("encoder" in name for name in frozen)


def test_prune_keeps_the_adapters_of_what_goes(make_tiny, tmp_path):
    kept = tmp_path / "kept"
    tiny = make_tiny(tmp_path, *LORA, f"finetune.adapters={kept}").build_stages("finetune")
    stage = tuned(tiny)
    other = tmp_path / "other.yaml"
    other.write_text(
        "dataset: {kind: simulator}\nsplit: {kind: ratio}\nbackbone: {kind: linear}\n"
        "axes: {method: [orders], domain: [Joint], context_length: [64], classifier: [lda]}\n",
        encoding="utf-8",
    )
    prune([other], (), {}, tiny.store, agrees=lambda found: True)
    assert not tiny.store.holds(stage)
    assert (kept / stage.key / "adapter.json").is_file()
