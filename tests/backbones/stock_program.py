"""What a user who has the library and a predictor folder, but not this project, writes; also run as a program."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from chronos import BaseChronosPipeline


def read_mark(folder: Path) -> dict | None:
    file = folder / "domain_mark.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def told_inputs(folder: Path, contexts: np.ndarray, names: list[str], horizon: int) -> object:
    """Say the domain as domain_mark.json says, and nothing else."""
    mark = read_mark(folder)
    if mark is None:
        return torch.tensor(contexts)[:, None] if is_chronos2(folder) else torch.tensor(contexts)
    if "missing_position" in mark:
        contexts = contexts.copy()
        for context, name in zip(contexts, names, strict=True):
            context[mark["missing_position"][name] :: mark["patch"]] = np.nan
        return torch.tensor(contexts)
    inputs = []
    for context, name in zip(contexts, names, strict=True):
        pattern, key = np.array(mark["patterns"][name], dtype="float32"), mark["covariate"]
        item = {"target": context, "past_covariates": {key: pattern[np.arange(-len(context), 0) % 16]}}
        if horizon:
            item["future_covariates"] = {key: pattern[np.arange(horizon) % 16]}
        inputs.append(item)
    return inputs


def is_chronos2(folder: Path) -> bool:
    return json.loads((folder / "config.json").read_text())["chronos_pipeline_class"] == "Chronos2Pipeline"


def forecast(folder: Path, contexts: np.ndarray, names: list[str], horizon: int, levels: list[float]) -> np.ndarray:
    """Forecast: (windows, horizon, levels), as the library gives it, not sorted."""
    pipeline = BaseChronosPipeline.from_pretrained(str(folder))
    inputs = told_inputs(folder, contexts, names, horizon)
    quantiles, _ = pipeline.predict_quantiles(inputs, prediction_length=horizon, quantile_levels=levels)
    return (torch.cat(quantiles) if isinstance(quantiles, list) else quantiles).numpy()


def embed(folder: Path, contexts: np.ndarray, names: list[str]) -> np.ndarray:
    """Embeddings: (windows, tokens, d_model)."""
    pipeline = BaseChronosPipeline.from_pretrained(str(folder))
    embeddings, _ = pipeline.embed(told_inputs(folder, contexts, names, 0))
    return (torch.cat(embeddings) if isinstance(embeddings, list) else embeddings).numpy()


if __name__ == "__main__":
    sys.modules["motor"] = sys.modules["grid"] = None  # importing them raises
    task = json.loads(Path(sys.argv[1]).read_text())
    given = np.load(task["contexts"])
    np.save(task["out"], forecast(Path(task["folder"]), given, task["names"], task["horizon"], task["levels"]))
