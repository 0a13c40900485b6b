"""Time-LLM as a forecaster: its folder holds what was trained, and says which language model it was trained around."""

import json
from pathlib import Path

from motor.backbones.forecaster import SIDECAR
from motor.backbones.torch_forecaster import TorchForecaster

LLM = "language_model"


class TimeLlmForecaster(TorchForecaster):
    """A torch forecaster around frozen tensors, which are never saved."""

    def save(self, folder: Path) -> None:
        """Write model.safetensors, of trained tensors alone, and forecaster.json with the language model's digest."""
        super().save(folder)
        sidecar = Path(folder) / SIDECAR
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        source = getattr(self.settings, "weights", None)
        record[LLM] = {"weights": source, "digest": self.model.frozen_digest()}
        sidecar.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
