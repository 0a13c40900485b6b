"""A fine-tune by adapters, kept as these alone: some megabytes, from which its whole weights come back to the bit."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grid.store.store import write_json
from motor.backbones.lora import restored
from motor.lazy import safetensors
from motor.recordings.digest import content_digest

if TYPE_CHECKING:
    from motor.backbones.forecaster import Forecaster
    from motor.backbones.training import History, Training
    from motor.stages.finetune import Finetune

FOLDER, TENSORS, RECORD = "adapter", "adapter.safetensors", "adapter.json"


def write_adapter(stage: "Finetune", forecaster: "Forecaster", history: "History", draft: Path) -> None:
    """Write what training learned beside frozen weights, where the settings say that it is to be kept.

    Parameters
    ----------
    stage : Finetune
    forecaster : Forecaster
        Trained, and written to ``predictor/`` in `draft`.
    history : list of dict
        Its curves.
    draft : Path
    """
    if stage.training.adapters is None or not forecaster.learned_beside:
        return

    folder = draft / FOLDER
    folder.mkdir()
    safetensors.torch.save_file(forecaster.learned_beside, str(folder / TENSORS))
    base = {"weights": stage.weights_digest, "start": stage.start and stage.start.key, "seed": stage.seed}
    record = {"base": base, "history": history, "trained_in": forecaster.trained_in, "predictor": _digest(draft)}
    write_json(folder / RECORD, record | {"keep_in": stage.training.adapters})


def keep_adapter(finetune: Path, key: str) -> bool:
    """Keep the adapter of a built fine-tune whose folder is about to go; return whether it has one."""
    source = finetune / FOLDER
    if not (source / RECORD).is_file():
        return False
    target = Path(json.loads((source / RECORD).read_text(encoding="utf-8"))["keep_in"]) / key
    target.mkdir(parents=True, exist_ok=True)
    for name in (TENSORS, RECORD):  # the record last: what has it is whole
        shutil.copyfile(source / name, target / f"{name}.draft")
        (target / f"{name}.draft").replace(target / name)
    return True


def kept_adapter(stage: "Finetune") -> Mapping[str, Any] | None:
    """Return what was kept of a fine-tune: its record, and in `tensors` what it learned; None where nothing was."""
    if stage.training.adapters is None:
        return None
    folder = Path(stage.training.adapters) / stage.key
    if not (folder / RECORD).is_file():
        return None

    record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return record | {"tensors": safetensors.torch.load_file(str(folder / TENSORS))}


def put_adapter(forecaster: "Forecaster", training: "Training", seed: int, kept: Mapping[str, Any]) -> "History":
    """Give a forecaster what it had learned, in place, in the place of training it; return its curves."""
    assert training.lora is not None
    forecaster.set_dropout(training.dropout_rate)
    restored(forecaster, training.lora, seed, kept["tensors"])
    forecaster.trained_in = kept["trained_in"]
    history: History = kept["history"]
    return history


def is_as_it_was(draft: Path, kept: Mapping[str, Any]) -> bool:
    """Tell whether ``predictor/`` holds what it held when the adapter was written."""
    return _digest(draft) == kept["predictor"]


def _digest(draft: Path) -> str:
    folder = draft / "predictor"
    return content_digest((file for file in folder.rglob("*") if file.is_file()), folder, None)
