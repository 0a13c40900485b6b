"""What a user who has the library and a predictor folder, but not this project, writes; also run as a program."""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import torch
from chronos import BaseChronosPipeline


def read_mark(folder: Path) -> dict | None:
    file = folder / "domain_mark.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def told_inputs(folder: Path, contexts: np.ndarray, names: list[str], horizon: int, together: bool = False) -> object:
    """Say the domain as domain_mark.json says, and nothing else; `together` makes one item of all contexts."""
    mark = read_mark(folder)
    if mark is not None and "missing_position" in mark:
        contexts = contexts.copy()
        for context, name in zip(contexts, names, strict=True):
            context[mark["missing_position"][name] :: mark["patch"]] = np.nan
    if mark is None or "missing_position" in mark:
        if not is_chronos2(folder):
            return torch.tensor(contexts)
        return [{"target": contexts}] if together else torch.tensor(contexts)[:, None]
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


def moment_by_moment(moments: list[int] | None, n_contexts: int) -> list[slice]:
    """Where the contexts of each moment stand, side by side; the library wants as many rows of all items of a call."""
    if moments is None:
        return [slice(None)]
    edges = [0, *(np.flatnonzero(np.diff(moments)) + 1).tolist(), n_contexts]
    return [slice(first, end) for first, end in itertools.pairwise(edges)]


def forecast(
    folder: Path,
    contexts: np.ndarray,
    names: list[str],
    horizon: int,
    levels: list[float],
    moments: list[int] | None = None,
) -> np.ndarray:
    """Forecast: (windows, horizon, levels), as the library gives it, not sorted; contexts of one moment see another."""
    pipeline, parts = BaseChronosPipeline.from_pretrained(str(folder)), []
    for rows in moment_by_moment(moments, len(contexts)):
        inputs = told_inputs(folder, contexts[rows], names[rows], horizon, moments is not None)
        quantiles, _ = pipeline.predict_quantiles(inputs, prediction_length=horizon, quantile_levels=levels)
        parts += quantiles if isinstance(quantiles, list) else [quantiles]
    return torch.cat(parts).numpy()


def embed(folder: Path, contexts: np.ndarray, names: list[str], moments: list[int] | None = None) -> np.ndarray:
    """Embeddings: (windows, tokens, d_model)."""
    pipeline, parts = BaseChronosPipeline.from_pretrained(str(folder)), []
    for rows in moment_by_moment(moments, len(contexts)):
        embeddings, _ = pipeline.embed(told_inputs(folder, contexts[rows], names[rows], 0, moments is not None))
        parts += embeddings if isinstance(embeddings, list) else [embeddings]
    return torch.cat(parts).numpy()


if __name__ == "__main__":
    sys.modules["motor"] = sys.modules["grid"] = None  # importing them raises
    task = json.loads(Path(sys.argv[1]).read_text())
    given = np.load(task["contexts"])
    asked = task["names"], task["horizon"], task["levels"], task.get("moments")
    np.save(task["out"], forecast(Path(task["folder"]), given, *asked))
