"""Work out what a grid would cost at a measured speed; see `motor.commands.rehearse`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grid.stage import Stage
from grid.store.store import Store
from motor.stages.passes import TRAINING, Passes
from motor.stages.rehearse import Rehearse, read_rehearsal


@dataclass(frozen=True)
class Cost:
    """The cost of a grid with one of the backbones.

    Attributes
    ----------
    n_finetunes, n_steps : int
        Trained fine-tunes, and their steps together.
    finetune_hours : float
    n_features, n_windows : int
        Stages that describe series by a forecaster, and the forward passes of windows in them together.
    feature_hours : float
    memory_gb : float
        The most that one fine-tune holds.
    """

    n_finetunes: int
    n_steps: int
    finetune_hours: float
    n_features: int
    n_windows: int
    feature_hours: float
    memory_gb: float

    @property
    def hours(self) -> float:
        """Of one device that does it all, one stage after the other."""
        return self.finetune_hours + self.feature_hours


Priced = tuple[Rehearse, Mapping[str, Any], Cost]  # a backbone, what was measured of it, and the grid's cost with it


def price(
    stages: Iterable[Rehearse], store: Store, of_grid: Sequence[Stage], n_series: int, n_domains: int
) -> list[Priced]:
    """Return what a grid would cost with each backbone that was measured; see `cost`."""
    measured = [(stage, read_rehearsal(store.folder(stage))) for stage in stages if store.holds(stage)]
    alone = {stage.backbone: found for stage, found in measured if not stage.modules}
    return [
        (stage, found, cost(of_grid, found, stage, n_series, n_domains, alone.get(stage.backbone)))
        for stage, found in measured
    ]


def cost(
    stages: Iterable[Stage],
    measured: Mapping[str, Any],
    rehearsed: Rehearse,
    n_series: int,
    n_domains: int,
    alone: Mapping[str, Any] | None = None,
) -> Cost:
    """Return what a grid's stages would cost at a measured speed.

    A step's time goes with its windows and with the encoder's tokens. That is what matrix products do; attention's
    share falls faster, so shorter contexts than the rehearsed cost at most this. All weights count as trained, and
    neither validation nor the forecasts of the skill are counted.

    Parameters
    ----------
    stages : iterable of Stage
        Distinct.
    measured : mapping
        As `read_rehearsal` gives it.
    rehearsed : Rehearse
        What was measured.
    n_series : int
        Recordings of all domains.
    n_domains : int
    alone : mapping, optional
        What was measured of the backbone without modules, by which stages without any are priced.
    """
    work = [passes for stage in stages if (passes := stage.workload(n_series / n_domains))]
    trained = [one for passes in work for one in passes if one.what == TRAINING]
    others = [one for passes in work for one in passes if one.what != TRAINING]

    def share(context_length: int) -> float:
        """Tokens at a context, over those that were rehearsed."""
        patch = measured["patch"]
        fewer = math.ceil(rehearsed.context_length / patch) - math.ceil(context_length / patch)
        return (measured["n_tokens"] - fewer) / measured["n_tokens"]

    def rehearsed_windows(passes: Passes) -> float:
        """Windows of the rehearsed length that cost as much."""
        return passes.n_windows * sum(map(share, passes.context_lengths)) / len(passes.context_lengths)

    def seconds(passes: Passes) -> float:
        of = measured if passes.has_modules or alone is None else alone
        if passes.what == TRAINING:
            return rehearsed_windows(passes) / rehearsed.batch_size * of["seconds_a_step"]
        rate = of.get("embeddings_a_second") if passes.what == "embedding" else None
        return rehearsed_windows(passes) / (rate or of["forecasts_a_second"])

    return Cost(
        n_finetunes=len(trained),
        n_steps=sum(one.n_steps for one in trained),
        finetune_hours=sum(map(seconds, trained)) / 3600,
        n_features=sum(any(one.what != TRAINING for one in passes) for passes in work),
        n_windows=sum(one.n_windows for one in others),
        feature_hours=sum(map(seconds, others)) / 3600,
        memory_gb=measured["peak_memory_gb"],
    )


def report(rows: Sequence[Priced], grid: str, n_series: int) -> str:
    """Return Markdown: what was measured, where and when, and what the grid would cost."""
    lines = ["# Rehearsal", "", *_measured_lines(rows), "", f"## What {grid} would cost here", ""]
    lines += [
        "| Backbone | Fine-tunes | Steps | Hours | Feature stages | Forward passes | Hours | All, hours | Memory |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for _, measured, of in rows:
        cells = [measured["name"], of.n_finetunes, f"{of.n_steps:,}", f"{of.finetune_hours:,.1f}", of.n_features]
        cells += [f"{of.n_windows:,}", f"{of.feature_hours:,.1f}", f"{of.hours:,.1f}", f"{of.memory_gb:.1f} GB"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", *_caveats(rows, n_series), ""])


def _measured_lines(rows: Sequence[Priced]) -> list[str]:
    lines = [
        "| Backbone | Parameters | Context | Horizon | Batch | Steps a second | Memory | Of the peak | Products in |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | :--- |",
    ]
    for stage, measured, _ in rows:
        at_once = f" ({stage.micro_batch} at once)" if stage.micro_batch else ""
        cells = [measured["name"], f"{measured['n_parameters'] / 1e6:.1f}M", stage.context_length]
        cells += [stage.prediction_length, f"{stage.batch_size}{at_once}", f"{1 / measured['seconds_a_step']:.3g}"]
        peak = f"{measured['peak_flops_a_second'] / 1e12:.3g}"
        cells += [f"{measured['peak_memory_gb']:.1f} GB", f"{measured['share_of_peak']:.0%} of {peak} TFLOP/s"]
        lines.append(f"| {' | '.join(map(str, [*cells, measured['precision']]))} |")
    lines.append("")
    for _, measured, _ in rows:
        on = f"{measured['device_name']}, {measured['threads']} threads, torch {measured['torch']}"
        lines.append(f"{measured['name']}: measured {measured['measured']} on {measured['host']} ({on}).")
    return lines


def _caveats(rows: Sequence[Priced], n_series: int) -> list[str]:
    memory = "GPU memory" if rows[0][1]["device"] == "cuda" else "memory of the process"
    return [
        f"Hours are those of one such device, one stage after the other, for {n_series:,} recordings. A step's time is",
        "scaled by its windows and its tokens, which is at most what shorter contexts cost; frozen layers count as",
        f"trained; validation, other stages and waiting are not counted. Memory: {memory}, at its peak, of a fine-tune",
        "at the rehearsed context. A row with modules prices stages that have any by what these took, the others by",
        "what the backbone took alone; what modules look at before and after the steps is not counted.",
    ]
