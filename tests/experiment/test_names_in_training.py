"""Names of classes and domains: refused before anything runs, or good for every folder, table and judge to come."""

import html
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from grid.config.document import ConfigError
from grid.plan.plan import make_plan
from grid.run.run import BuildContext, build_stage
from grid.store.store import Store
from motor.experiment.cells import make_cells, resources_of
from motor.experiment.reading import read_experiment
from motor.judges.lightgbm import Lightgbm
from motor.results.folder import results_folder, write_results
from motor.stages.judging import judging

pytestmark = pytest.mark.hostile

CONFIG = """\
dataset: {{kind: tree, path: nowhere, sampling_rate_hz: 1000, classes: {classes}, domains: {domains}}}
normal: {normal}
split: {{kind: ratio, train: 2, validation: 1, test: 1}}
windows: {{prediction_length: 32}}
backbone: {{kind: bolt, d_model: 16, d_ff: 32}}
axes: {{method: [class_forecasters, B], domain: {regimes}, context_length: [128], classifier: [lightgbm]}}
"""
# Classes (the first is normal), domains, and what is wrong with them ("": nothing).
NAMES: dict[str, tuple[list[str], list[str], str]] = {
    "json": (["normal", "OR@6:00, 7 mil", 'IR "028" [x]{y}'], ["DE:12k [g]", 'FE, "48k"'], ""),
    "slashes": (["normal", "inner/outer", "a\\b"], ["rig 1/top", "../rig2"], "cannot name a folder"),
    "slashes_in_classes": (["normal", "inner/outer", "a\\b"], ["rig"], ""),
    "chinese": (["\u6b63\u5e38", "\u6253\u706b\uff08\u4e25\u91cd\uff09"], ["\u58f0\u97f3", "\u632f\u52a8"], ""),
    "dots": (["normal", "spark"], ["..", "x y"], "'..' cannot name a folder"),
    "dot_as_a_class": (["normal", ".", "b "], ["x"], ""),
    "numbers": (["0", "1", "2"], ["1", "2"], ""),
    "yaml_words": (["normal", "yes", "null"], ["on", "true"], ""),
    "joint_name": (["normal", "spark"], ["Joint", "joint"], "'Joint' and 'joint' differ only in case"),
    "long": (["normal", "x" * 300], ["d" * 200, "e"], "has 300 bytes"),
    "case_only": (["normal", "Spark", "spark"], ["sound"], "'Spark' and 'spark' differ only in case"),
    "percent_hash": (["normal", "50%load", "a#b"], ["d%20e", "f#g?h=i&j"], ""),
    "newline": (["normal", "a\nb", "c\td"], ["x\ny", "z"], "no character to be read"),
    "emoji_quote": (["normal", "it's \U0001f525", "$HOME`ls`"], ["a'b", "c;d"], ""),
    "equals_comma": (["normal", "a=1", "b,c"], ["d=1,e=2", "f"], ""),
}


def read(folder: Path, classes: list[str], domains: list[str]) -> Any:
    regimes = ["Joint", *domains] if len(domains) > 1 else domains
    values: dict[str, Any] = {"classes": classes, "domains": domains, "normal": classes[0], "regimes": regimes}
    written = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    (folder / "names.yaml").write_text(CONFIG.format(**written), encoding="utf-8")
    return read_experiment(folder / "names.yaml", (), {})


@pytest.mark.parametrize("kind", NAMES)
def test_names_are_refused_at_once_or_name_every_folder(tmp_path: Path, kind: str) -> None:
    classes, domains, wrong = NAMES[kind]
    if wrong:
        with pytest.raises(ConfigError, match=wrong):
            read(tmp_path, classes, domains)
        return
    cells = make_cells(read(tmp_path, classes, domains), tmp_path / "storage", dry_run=True)
    stages = {stage.key: stage for cell in cells for stage in cell.walk()}
    store = Store(tmp_path / "storage")
    for stage in stages.values():
        folder = store.folder(stage)
        folder.mkdir(parents=True)
        assert folder.resolve().parent == store.root / stage.KIND, folder
    trained = {stage.labels for stage in stages.values() if stage.KIND == "finetune"}
    assert trained == {"normal", *(f"only {name.strip()}" for name in classes)}


@pytest.mark.parametrize("kind", [kind for kind, (_, _, wrong) in NAMES.items() if not wrong])
def test_names_of_classes_are_those_of_the_judges_columns_in_a_file(tmp_path: Path, kind: str) -> None:
    classes = tuple(NAMES[kind][0])
    random = np.random.default_rng(0)
    columns = [f"mae only {name}" for name in classes]
    table = pd.DataFrame(random.normal(size=(12 * len(classes), len(columns))), columns=columns)
    table["label"] = np.repeat(classes, 12)
    table["motor"] = table["item"] = [f"M{number}" for number in range(len(table))]
    table["domain"] = NAMES[kind][1][0]
    table.loc[table["label"] == classes[-1], columns[0]] += 6
    work = judging(Lightgbm(), columns, classes, classes[0], 0, 1)
    found = work.predicted(work.fit(table)[0], table)
    found.to_csv(tmp_path / "predictions.csv", index=False)
    read_back = pd.read_csv(tmp_path / "predictions.csv", dtype=str, keep_default_na=False)
    assert [name for name in read_back if name.startswith("probability_")] == [f"probability_{c}" for c in classes]
    assert read_back["label"].tolist() == table["label"].tolist()
    assert set(read_back["predicted"]) <= set(classes)


def built(folder: Path, classes: list[str], domains: list[str]) -> Any:
    """Build the joint cell of recordings whose classes and domains have some names, and its results."""
    rows = [
        {
            "item": f"{domain} {number}",
            "motor": f"M{number:02d}",
            "domain": domain,
            "label": classes[number % len(classes)],
            "signal": np.random.default_rng(number).normal(size=512) * np.sin(np.arange(512) / (2 + number % 3)),
        }
        for number in range(4 * len(classes))
        for domain in domains
    ]
    pd.DataFrame(rows).to_parquet(folder / "table.parquet")
    values = {"classes": classes, "domains": domains, "normal": classes[0], "regimes": ["Joint"]}
    text = CONFIG.format(**{name: json.dumps(value, ensure_ascii=False) for name, value in values.items()})
    text = text.replace("kind: tree, path: nowhere", f"kind: parquet, path: {folder / 'table.parquet'}")
    text = text.replace("[class_forecasters, B]", "[class_forecasters]")
    settings = "finetune: {num_steps: 2, validate_every: 2, batch_size: 4}\naudit: {accept: [quantisation, length]}\n"
    (folder / "names.yaml").write_text(text + settings, encoding="utf-8")
    experiment, store = read_experiment(folder / "names.yaml", (), {}), Store(folder / "storage")
    cells = make_cells(experiment, store.root, dry_run=False)
    plan = make_plan(cells, store)
    resources = resources_of(experiment, plan.stages.values())
    for key, stage in plan.stages.items():
        build_stage(stage, store, BuildContext(store, stage, resources[key], lambda progress: None))
    write_results(experiment, cells, plan, store, {}, "launch.py names.yaml")
    return store.folder(cells[0].stage), results_folder(experiment, store)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["json", "emoji_quote", "percent_hash"])
def test_names_go_through_training_to_the_report(tmp_path: Path, kind: str) -> None:
    classes, domains, _ = NAMES[kind]
    cell, results = built(tmp_path, classes, domains)
    predictions = pd.read_csv(cell / "predictions.csv", dtype=str, keep_default_na=False)
    assert {*predictions["domain"]} == {*domains}
    assert {*predictions["label"], *predictions["predicted"]} <= {*classes}
    assert [name for name in predictions if name.startswith("probability_")] == [f"probability_{c}" for c in classes]
    assert pd.read_csv(results / "cells.csv")["domain"].tolist() == ["Joint"]
    report = html.unescape((results / "report.html").read_text(encoding="utf-8"))
    assert classes[1] in report
