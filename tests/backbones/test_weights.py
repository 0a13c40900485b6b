import shutil

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.utils import logging

from motor.backbones.weights import WeightsError, is_at_hand, model_files, quiet, save_model, weights_folder
from motor.registry import plugins

HEAD = "output_patch_embedding"


@pytest.fixture
def folder(create, backbone, tmp_path):
    create(backbone).save(tmp_path / "stock")
    return tmp_path / "stock"


@pytest.fixture
def from_folder(create, backbone, folder):
    return lambda weights=folder, **asked: create(backbone.model_copy(update={"weights": str(weights)}), **asked)


def change_tensors(folder, change):
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


def test_weights_missing_folder_raises(from_folder, tmp_path):
    with pytest.raises(WeightsError, match=r"no folder .*nowhere'; give a local folder"):
        from_folder(tmp_path / "nowhere")


def test_weights_missing_head_is_named(from_folder, folder):
    change_tensors(folder, lambda tensors: {name: t for name, t in tensors.items() if not name.startswith(HEAD)})
    with pytest.raises(WeightsError, match=r"lacks 6 of the model's \d+ tensors: output_patch_embedding\.hidden"):
        from_folder()


def test_weights_wrong_shape_is_named(from_folder, folder):
    change_tensors(folder, lambda tensors: tensors | {"shared.weight": torch.zeros(2, 3)})
    with pytest.raises(WeightsError, match=r"shared\.weight \(2, 3\) for \(2, 16\)"):
        from_folder()


def test_weights_extra_tensor_is_let_through_in_silence(from_folder, folder, capfd):
    change_tensors(folder, lambda tensors: tensors | {"lm_head.extra": torch.zeros(2)})
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    from_folder()
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (verbosity, bars)


def test_weights_half_precision_is_loaded_as_float32(from_folder, folder):
    change_tensors(folder, lambda tensors: {name: tensor.bfloat16() for name, tensor in tensors.items()})
    assert all(weight.dtype == torch.float32 for weight in from_folder().model.parameters())


def test_weights_cut_short_raises(from_folder, folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"model\.safetensors \(\d+ bytes\) is cut short"):
        from_folder()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_weights_missing_file_is_named(from_folder, folder, name):
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=name):
        from_folder()


def test_weights_damaged_config_raises(from_folder, folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="not valid JSON"):
        from_folder()


def test_weights_of_another_family_raises(create, folder, kind):
    other = next(plugin for name, plugin in plugins("motor.backbones").items() if name != kind)
    with pytest.raises(WeightsError, match="needs"):
        create(other(weights=str(folder)))


def test_weights_adapter_raises(from_folder, folder):
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(WeightsError, match="merge_and_unload"):
        from_folder()


def test_weights_in_shards_are_loaded_and_a_missing_one_is_named(from_folder, folder, tmp_path):
    model = from_folder().model
    with quiet():
        model.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert torch.equal(from_folder(tmp_path / "shards").model.shared.weight, model.shared.weight)
    next((tmp_path / "shards").glob("model-00001-of-*.safetensors")).unlink()
    with pytest.raises(WeightsError, match="lacks model-00001-of-"):
        from_folder(tmp_path / "shards")


def test_weights_model_files_are_config_and_tensors(folder):
    (folder / "README.md").write_text("not read")
    assert [file.name for file in model_files(folder)] == ["config.json", "model.safetensors"]


def test_weights_hub_name_is_answered_by_the_local_cache(folder, tmp_path, monkeypatch):
    cached = tmp_path / "hub" / "models--lab--motor"
    shutil.copytree(folder, cached / "snapshots" / "0123abc")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0123abc")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert weights_folder("lab/motor") == cached / "snapshots" / "0123abc"
    assert is_at_hand("lab/motor")
    assert not is_at_hand("lab/other")


def test_weights_hub_name_out_of_reach_raises(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="no local folder 'lab/motor', and the hub did not give it"):
        weights_folder("lab/motor")


def test_save_half_precision_raises(create, backbone, tmp_path):
    with pytest.raises(WeightsError, match="to be saved in float32"):
        save_model(create(backbone).model.bfloat16(), tmp_path)


def test_save_is_silent_and_leaves_the_library_as_it_was(create, backbone, tmp_path, capfd):
    forecaster = create(backbone)
    before = logging.get_verbosity(), logging.is_progress_bar_enabled(), torch.get_rng_state()
    forecaster.save(tmp_path)
    backbone.load(tmp_path, ("one",))
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before[:2]
    assert torch.equal(torch.get_rng_state(), before[2])
