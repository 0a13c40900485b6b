"""What stands in the report besides the cells: data, split, settings, audit, digests, versions."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grid.plan.plan import Cell
from grid.run.run import versions
from grid.stage import digest
from grid.store.store import Store
from motor.evaluation.cells import JOINT, cell_key
from motor.experiment.reading import Experiment
from motor.lazy import pandas as pd
from motor.report import FailedCell, ReportContext
from motor.stages.audit import Audit
from motor.stages.classify import Classify
from motor.stages.finetune import Finetune
from motor.stages.given import GivenVectors
from motor.stages.labels import ASSUMED
from motor.stages.prepare import Prepare


def report_context(
    experiment: Experiment, cells: list[Cell], store: Store, failed: list[FailedCell], command: str
) -> ReportContext:
    """Return what stands in the report besides the cells.

    Parameters
    ----------
    experiment, cells
        The config, and the whole grid that it asks for.
    store : Store
    failed : list of FailedCell
    command : str
        The command that makes this result.
    """
    base = experiment.base
    prepared = _with_tested(cells[0])
    methods = list(dict.fromkeys(cell.axes["method"] for cell in cells))
    return ReportContext(
        name=experiment.name,
        command=command,
        classes=tuple(base.dataset.classes),
        normal=base.normal,
        joint=JOINT,
        two_stage_pairs={"C": "C_two_stage"},
        descriptions={method: experiment.method(method).describe() for method in methods},
        families={method: experiment.method(method).family for method in methods},
        controls={method: control for method in methods if (control := experiment.method(method).control)},
        audit=_audit(cells, store),
        accepted=tuple(base.audit.accept),
        rank_by=base.ranking(),
        goal=base.evaluation.goal,
        language=base.report.language,
        settings=_settings_rows(experiment),
        dataset=_dataset(store, prepared),
        split=_split(store, prepared),
        versions=versions(),
        digests={"data": prepared.recordings.content_digest or "simulated", "cells": _cells_digest(cells)},
        failed=tuple(failed),
        protocol=_protocol(experiment, store, prepared),
        backbones={cell_key(cell.axes): described for cell in cells if (described := _described_by(cell, store))},
    )


def _with_tested(cell: Cell) -> Prepare:
    """Return the recordings of a cell, prepared, with the labels of test motors; where those come later, the audit's.

    What the cell is trained by knows none of them then.
    """
    stage: Classify = cell.stage  # type: ignore[assignment]
    audits = [one for check in cell.checks for one in check.walk() if isinstance(one, Audit)]
    return audits[0].prepared if stage.scored and audits else stage.features[0].of_fold[0]


def _protocol(experiment: Experiment, store: Store, stage: Prepare) -> dict[str, Any]:
    """Return what figures have to agree in to be compared: the data, its labels, and who is on which side."""
    reader, path = stage.recordings.reader, Path(stage.recordings.reader.path or "")
    split = store.folder(stage) / "split.csv"
    return {
        "dataset": experiment.public_set or path.name or reader.kind,
        "files": stage.recordings.content_digest,
        "data": digest(stage.recordings.record),
        "sides": _sides_digest(split) if split.exists() else None,
        "split": {**stage.split.model_dump(mode="json"), "unit": stage.unit, "seed": stage.seed},
        "labels": None if stage.labels is None else digest(stage.labels.record),
        "references": dict(stage.references) or None,
    }


def _sides_digest(split: Path) -> str:
    """Return the digest of which motors train, validate and test in each fold, in whatever order they were written."""
    lines = split.read_text(encoding="utf-8").splitlines()
    return hashlib.sha256("\n".join([lines[0], *sorted(lines[1:])]).encode()).hexdigest()


def _described_by(cell: Cell, store: Store) -> dict[str, Any] | None:
    """Return the forecaster of a cell, or where its vectors come from; None where there is neither."""
    stage: Classify = cell.stage  # type: ignore[assignment]
    for one in stage.features[0].walk():
        if isinstance(one, GivenVectors):
            return {"kind": one.KIND, "is_given": True, "pretrained_on": _pretrained_on(store, one)}
        if isinstance(one, Finetune):
            source = one.backbone.source
            name = Path(source).name if source and Path(source).is_dir() else source
            return {"kind": one.backbone.kind, "weights": name}
    return None


def _pretrained_on(store: Store, stage: GivenVectors) -> list[str] | None:
    """Return what a table of vectors says that its model was pretrained on."""
    path = store.folder(stage) / "summary.json"
    given = json.loads(path.read_text(encoding="utf-8"))["given"] if path.exists() else {}
    return given.get("pretrained_on")


def _audit(cells: list[Cell], store: Store) -> dict[str, Any] | None:
    """Return what the leak audit found, None where it was not done."""
    for stage in (stage for check in cells[0].checks for stage in check.walk() if stage.KIND == Audit.KIND):
        path = store.folder(stage) / "audit.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
    return None


def _cells_digest(cells: list[Cell]) -> str:
    """Return one digest of all that decides the grid's numbers: equal settings and data give equal ones anywhere."""
    return hashlib.sha256("\n".join(cell.stage.key for cell in cells).encode()).hexdigest()


def _settings_rows(experiment: Experiment) -> tuple[tuple[str, str], ...]:
    """Return the settings that all cells share, as a config has them; what it leaves empty is left out."""
    base = experiment.base
    named = {
        "backbone": _backbone(base.backbone),
        "windows": base.windows.model_dump(),
        "representation": base.representation.model_dump(),
        "scaling": base.scaling.model_dump(),
        "finetune": base.finetune.model_dump(),
        "augmentation": base.augmentation.model_dump(exclude_none=True),
        "by_method": base.by_method,
        "by_domain": base.by_domain,
        "by_representation": base.by_representation,
        "by_backbone": base.by_backbone,
        "by_objective": base.by_objective,
        "speed": base.speed.model_dump(),
        "audit": {"accept": list(base.audit.accept)},
        "seed": base.seed,
    }
    return tuple((name, json.dumps(value, ensure_ascii=False)) for name, value in named.items() if value != {})


def _backbone(backbone: Any) -> dict[str, Any]:
    """Return a backbone's settings; of one that is read from a folder or a hub, its source and its horizon."""
    if not backbone.source:
        return dict(backbone.model_dump())
    return {"source": backbone.source} | ({"horizon": backbone.horizon} if hasattr(backbone, "horizon") else {})


def _summary(store: Store, stage: Prepare) -> dict[str, Any]:
    """Return the counts of the import, as other labels than its own change them."""
    paths = [store.folder(of) / "summary.json" for of in (stage.recordings, stage.labels) if of is not None]
    found: dict[str, Any] = {}
    for path in paths:
        found |= json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _dataset(store: Store, stage: Prepare) -> dict[str, Any]:
    summary = _summary(store, stage)
    if not summary:
        return {}
    motors = summary.pop("motors_by_domain_label")
    counts = summary.pop("recordings_by_domain_label")
    rows = [
        {"domain": domain, "label": label, "series": number, "motors": motors[domain][label]}
        for domain, labels in counts.items()
        for label, number in labels.items()
    ]
    skipped = summary.pop("skipped")
    n_unlabelled, n_motors = summary.pop("n_unlabelled", 0), summary.pop("n_unlabelled_motors", 0)
    without = f"{n_unlabelled}, never scored ({n_motors} motors have no other)"
    plain = {name: value for name, value in summary.items() if not isinstance(value, dict)}
    return {
        **plain,
        "sampling rates (Hz: series)": summary["recordings_by_sampling_rate_hz"],
        "skipped series": len(skipped),
        **({"series without a label": without} if n_unlabelled else {}),
        **({ASSUMED: summary[ASSUMED]} if ASSUMED in summary else {}),
        "counts": rows,
    }


def _split(store: Store, stage: Prepare) -> dict[str, Any]:
    path = store.folder(stage) / "split.csv"
    if not path.exists():
        return {}
    sides = pd.read_csv(path, dtype=str)
    counts = sides.groupby(["fold", "side"], sort=False).size().reset_index(name="motors")
    aside = _set_aside(_summary(store, stage), sides)
    return {"kind": stage.split.kind, **aside, "counts": counts.to_dict("records")}


def _set_aside(summary: Mapping[str, Any], sides: "pd.DataFrame") -> dict[str, str]:
    """Return how many series of test motors have no label, by fold: neither trained upon nor scored."""
    by_motor = summary.get("unlabelled_by_motor")
    if not by_motor:
        return {}
    tested = sides[sides["side"] == "test"]
    n_aside = tested.assign(series=tested["motor"].map(by_motor).fillna(0).astype(int)).groupby("fold")["series"].sum()
    text = ", ".join(f"fold {fold}: {number}" for fold, number in n_aside.items())
    return {"series of test motors without a label, set aside": text}
