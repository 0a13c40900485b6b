"""What the fine-tunes of a grid forecast, gathered from their `forecasts.json`, all folds of one together."""

from collections.abc import Iterable, Sequence
from typing import Any

from grid.plan.plan import Cell
from grid.store.store import Store
from motor.evaluation.cells import CellResult, varying_axes
from motor.lazy import pandas as pd
from motor.report.findings.forecasts import SERIES, Forecasts, pooled
from motor.stages.forecasts import read_forecasts

OF_JUDGES = ("classifier", "pseudo_labels", "detector")  # axes that tell no fine-tunes apart
NO_TRAINING = "none"


def forecasts_of(cells: Sequence[Cell], results: Sequence[CellResult], store: Store) -> list[Forecasts]:
    """Return what each trained forecaster forecasts on test motors, in the cells' order.

    Cells that share a fine-tune are one, and its methods are named together. Left out are forecasters that were not
    trained, forecasters of single classes, and those whose folders are gone or older than these facts.
    """
    shared: dict[tuple[str, ...], tuple[list[Any], dict[str, Any]]] = {}
    named = [name for name in varying_axes([*results]) if name not in OF_JUDGES]
    for cell in cells:
        tuned = [one for features in getattr(cell.stage, "features", ()) for one in _trained(features)]
        if tuned:
            axes = {name: cell.axes[name] for name in named if cell.axes.get(name) is not None}
            _, known = shared.setdefault(tuple(one.key for one in tuned), (tuned, axes))
            methods = dict.fromkeys([*str(known["method"]).split("+"), str(axes["method"])])
            known["method"] = "+".join(methods)
    found = []
    for tuned, axes in shared.values():
        facts = [fact for fact in (_read(store, one) for one in tuned) if fact]
        if facts:
            drawn = [facts[0].get(name, ()) for name in ("by_speed", "worst")]  # regimes are numbered anew in each fold
            found.append(Forecasts(axes, tuned[0].backbone.kind, *pooled(facts), *drawn))
    return found


def forecasts_table(every: Iterable[Forecasts]) -> "pd.DataFrame":
    """Return one row a forecaster, domain and class."""
    rows = []
    for one in every:
        for row in one.classes:
            branches = row.get("branches", {}).items()
            of_gate = {f"{fact}_{name}": value for name, branch in branches for fact, value in branch.items()}
            if branches:
                of_gate["crps_equal_weights"] = row["crps_equal_weights"]
            fields = {name: row[name] for name in ("domain", "label", "n_windows", *SERIES)}
            rows.append(
                {**{f"axis_{name}": value for name, value in one.axes.items()}, "nominal": one.nominal}
                | fields
                | of_gate
            )
    return pd.DataFrame(rows)


def _trained(features: Any) -> list[Any]:
    """Return the fine-tune behind features of one forecaster."""
    tuned = getattr(features, "finetunes", ())
    return [one for one in tuned if one.labels != NO_TRAINING] if len(tuned) == 1 else []


def _read(store: Store, tuned: Any) -> dict[str, Any]:
    """Return how sure a fine-tune is; {} where it is gone, older than that, or nothing was held out."""
    record = read_forecasts(store.folder(tuned)) or {}
    found = record.get("sure") or {}
    return {**found, "worst": record.get("worst", ())} if found.get("classes") else {}
