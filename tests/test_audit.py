"""The leak audit, stage by stage: each planted leak is found under its name, and clean data raises nothing."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from grid.config.check import ConfigError
from grid.stage import InputError
from grid.store.manifest import MANIFEST, manifest_of
from grid.store.store import write_json

pytestmark = pytest.mark.leak

CLASSES = ("normal", "spark", "vibrate")
CONFIG = """\
dataset:
  kind: parquet
  path: {data}
  domains: [{domains}]
  classes: [normal, spark, vibrate]
audit: {{accept: [{accept}]}}
split: {split}
windows: {{prediction_length: 16}}
backbone: {{kind: bolt, d_model: 16, d_ff: 16}}
axes: {{method: [A], domain: [{first}], context_length: [64], classifier: [lda]}}
"""
RATIO = "{kind: ratio, train: 2, validation: 0, test: 1}"
Rows = list[dict[str, Any]]


def plant_of_motors(
    seed: int,
    motors_of_class: tuple[int, int, int] = (8, 8, 8),
    n_samples: int = 2048,
    n_series: int = 2,
    domains: tuple[str, ...] = ("east",),
) -> Rows:
    """Make motors with truly different states: a tone of their speed in noise of their structure, and impacts.

    Offset and gain are each motor's own, whatever its state; a fault is louder. All run at one speed.
    """
    random = np.random.default_rng(seed)
    states = random.permutation(np.repeat(CLASSES, motors_of_class))
    rows = []
    for number, label in enumerate(states):
        for domain in domains:
            gain, offset, pole = random.lognormal(0, 0.5), random.normal(0, 0.2), random.uniform(0.2, 0.7)
            for series in range(n_series):
                noise = random.normal(size=n_samples + 64) * (1.0 + 0.5 * (label == "spark"))
                coloured = np.convolve(noise, pole ** np.arange(32))[64 : 64 + n_samples]
                tone = (1 + (label == "vibrate")) * np.sin(0.2 * np.arange(n_samples) + random.uniform(0, 6))
                signal = gain * (coloured + tone) + offset
                row = {"item": f"{random.integers(10**9)}-{number}-{series}-{domain}", "motor": f"motor_{number:02d}"}
                row |= {"domain": domain, "label": str(label), "sampling_rate_hz": 4096.0}
                rows.append({**row, "signal": signal.astype(np.float32)})
    return rows


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., tuple[Any, Callable[[Any], Path]]]:
    """Import and split recordings; return the stage `cleared`, and a function that builds a stage and its folder."""
    from grid.plan.plan import make_plan
    from grid.run.build import BuildContext, build_stage
    from grid.stage import Resources
    from grid.store.store import Store
    from motor.experiment.cells import make_cells
    from motor.experiment.reading import read_experiment

    def make(rows: Rows, split: str = RATIO, accept: str = "") -> tuple[Any, Callable[[Any], Path]]:
        table, store = pd.DataFrame(rows), Store(tmp_path / "storage")
        table.to_parquet(tmp_path / "data.parquet")
        domains = sorted(table["domain"].unique())
        values = {"data": tmp_path / "data.parquet", "domains": ", ".join(domains), "first": domains[0]}
        (tmp_path / "audit.yaml").write_text(CONFIG.format(**values, split=split, accept=accept))
        experiment = read_experiment(tmp_path / "audit.yaml", (), {})
        plan = make_plan(make_cells(experiment, store.root, dry_run=False), store)

        def build(stage: Any) -> Path:
            build_stage(stage, store, BuildContext(store, stage, Resources(), lambda progress: None))
            return store.folder(stage)

        (cleared,) = {stage.key: stage for stage in plan.stages.values() if stage.KIND == "cleared"}.values()
        build(cleared.audit.prepared.recordings)
        build(cleared.audit.prepared)
        return cleared, build

    return make


@pytest.fixture
def audited(prepare: Callable[..., Any], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return what the audit writes about recordings; a function may first spoil the prepared folder."""

    def audit(rows: Rows, split: str = RATIO, spoil: Callable[[Path], None] = lambda folder: None) -> dict[str, Any]:
        cleared, build = prepare(rows, split)
        spoil(next((tmp_path / "storage" / "prepare").iterdir()))
        return json.loads((build(cleared.audit) / "audit.json").read_text())

    return audit


def names(audit: dict[str, Any]) -> set[str]:
    return {finding["name"] for finding in audit["findings"]}


def sides(rows: Rows) -> tuple[str, str]:
    """Name the folds of a split after a column: half of each class's motors tests in `a`, half in `b`."""
    motors = pd.DataFrame(rows).drop_duplicates("motor")
    motors["half"] = motors.groupby("label").cumcount() % 2
    for row in rows:
        row["fold"] = "ab"[int(motors.set_index("motor")["half"][row["motor"]])]
    return "a", "b"


def copied(change: Callable[[np.ndarray], np.ndarray]) -> Rows:
    """Give a motor in fold b a changed copy of a recording of a motor in fold a."""
    rows = plant_of_motors(1)
    sides(rows)
    source = next(row for row in rows if row["fold"] == "a")
    target = next(row for row in rows if row["fold"] == "b" and row["label"] == source["label"])
    target["signal"] = change(source["signal"].astype(np.float64)).astype(np.float32)
    return rows


NAMED = "{kind: named, names: [a, b], validation: none}"
COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exact": lambda signal: signal,
    "gain_offset_and_sign": lambda signal: 3.7 - 0.02 * signal,
    "noise": lambda signal: signal + 0.1 * signal.std() * np.random.default_rng(9).normal(size=len(signal)),
    "overlapping_cut": lambda signal: signal[len(signal) // 3 + 5 :],
    "rounded": lambda signal: np.round(signal / np.abs(signal).max() * 2**10),
}


@pytest.mark.parametrize("kind", COPIES)
def test_audit_copy_across_the_split_is_found(audited, kind):
    audit = audited(copied(COPIES[kind]), NAMED)
    (finding,) = [found for found in audit["findings"] if found["name"] == "duplicates"]
    assert finding["evidence"]["n_exact"] + finding["evidence"]["n_near"] == 1


def test_audit_copy_within_one_motor_is_no_finding(audited):
    rows = plant_of_motors(1)
    rows[1]["signal"] = rows[0]["signal"]
    assert rows[0]["motor"] == rows[1]["motor"]
    assert names(audited(rows)) == set()


def by_label(change: Callable[[dict[str, Any], int], None]) -> Rows:
    """Change each recording by its class, a number from 0 to 2."""
    rows = plant_of_motors(2)
    for row in rows:
        change(row, CLASSES.index(row["label"]))
    return rows


def add_offset(row: dict[str, Any], label: int) -> None:
    row["signal"] = row["signal"] - row["signal"].mean() + np.float32(0.5 * label)


def quantise(row: dict[str, Any], label: int) -> None:
    step = (1e-3, 1e-3, 2e-3)[label]
    row["signal"] = (np.round(row["signal"] / step) * step).astype(np.float32)


def clip(row: dict[str, Any], label: int) -> None:
    most = np.quantile(np.abs(row["signal"]), 0.99) if label == 1 else np.inf
    row["signal"] = np.clip(row["signal"], -most, most)


def add_hum(row: dict[str, Any], label: int) -> None:
    hum = np.sin(2 * np.pi * 50 / 4096 * np.arange(len(row["signal"]))) * row["signal"].std() * (label == 0)
    row["signal"] = (row["signal"] + 2 * hum).astype(np.float32)


def set_rate(row: dict[str, Any], label: int) -> None:
    row["sampling_rate_hz"] = (4096.0, 4096.0, 4000.0)[label]


def set_length(row: dict[str, Any], label: int) -> None:
    row["signal"] = row["signal"][: 2048 - 100 * (label == 2)]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dc_offset", add_offset),
        ("quantisation", quantise),
        ("clipping", clip),
        ("mains_hum", add_hum),
        ("sampling_rate", set_rate),
        ("length", set_length),
    ],
)
def test_audit_mark_of_the_class_is_found_alone(audited, name, change):
    assert names(audited(by_label(change))) == {name}


def turning(speeds_rpm: tuple[float, ...], faults_line: int) -> Rows:
    """Return motors at speeds, with a line of the shaft at one harmonic that is strong where a fault raises it."""
    rows = plant_of_motors(2)
    for row in rows:
        row["speed_rpm"] = speeds_rpm[int(row["motor"][-2:]) % len(speeds_rpm)]
        at = 2 * np.pi * faults_line * row["speed_rpm"] / 60 / 4096 * np.arange(len(row["signal"]))
        line = np.sin(at) * row["signal"].std() * (row["label"] == "vibrate")
        row["signal"] = (row["signal"] + 2 * line).astype(np.float32)
    return rows


@pytest.mark.parametrize(("speed_rpm", "faults_line"), [(1500.0, 2), (3000.0, 1), (1800.0, 2), (3600.0, 1)])
def test_audit_fault_that_raises_a_known_shafts_line_at_the_mains_is_no_hum(audited, speed_rpm, faults_line):
    rows = turning((speed_rpm,), faults_line)
    assert names(audited(rows)) == set()
    untold = [{name: value for name, value in row.items() if name != "speed_rpm"} for row in rows]
    assert names(audited(untold)) == {"mains_hum"}  # nobody says that it is the shaft's


def test_audit_hum_of_one_class_is_found_where_some_shafts_turn_at_its_half(audited):
    rows = turning((1500.0, 1130.0, 2200.0), 2)
    for row in rows:
        add_hum(row, CLASSES.index(row["label"]))
    assert names(audited(rows)) == {"mains_hum"}


def test_audit_classes_recorded_one_after_the_other_are_found(audited):
    rows = sorted(plant_of_motors(3), key=lambda row: CLASSES.index(row["label"]))
    assert names(audited(rows)) == {"file_order"}


def test_audit_running_number_in_names_is_an_order(audited):
    rows = sorted(plant_of_motors(3), key=lambda row: CLASSES.index(row["label"]))
    for number, row in enumerate(rows):
        row["item"] = f"recordings/{number:04d}.wav"
    assert names(audited(rows)) == {"file_order"}


def test_audit_folders_of_classes_are_no_order(audited):
    rows = plant_of_motors(3)
    for number, row in enumerate(rows):
        row["item"] = f"{row['label']}/{row['motor']}_{number % 2}.wav"
    assert names(audited(sorted(rows, key=lambda row: row["item"]))) == set()


def test_audit_motor_on_both_sides_is_found(prepare):
    from dataclasses import replace

    cleared, build = prepare(plant_of_motors(4))
    by_series = replace(cleared.audit.prepared, unit="series")
    audit = replace(cleared.audit, prepared=by_series)
    build(by_series)
    assert "shared_motors" in names(json.loads((build(audit) / "audit.json").read_text()))


def refit(folder: Path) -> None:
    """Fit the scalers on all recordings, those of test motors too."""
    from motor.recordings.table import open_recordings

    recordings = open_recordings(folder)
    heard = np.concatenate([recordings.signal(i) for i in range(len(recordings))]).astype(np.float64)
    stored = json.loads((folder / "scalers.json").read_text())
    stored["by_fold"] = {
        fold: {domain: {"loc": heard.mean(), "scale": heard.std()} for domain in of_fold}
        for fold, of_fold in stored["by_fold"].items()
    }
    (folder / "scalers.json").write_text(json.dumps(stored))
    write_json(folder / MANIFEST, manifest_of(folder))  # as a stage that fits them so would leave it


def test_audit_scaler_fitted_on_test_motors_is_found(audited):
    assert names(audited(plant_of_motors(4), spoil=refit)) == {"fitted_statistics"}


SLOW = ("two_domains", "many_motors", "many_series")
CLEAN: dict[str, dict[str, Any]] = {
    "balanced": {"seed": 11},
    "unbalanced": {"seed": 12, "motors_of_class": (20, 6, 4)},
    "two_domains": {"seed": 13, "domains": ("east", "west")},
    "many_motors": {"seed": 14, "motors_of_class": (40, 40, 40), "n_samples": 600, "n_series": 1},
    "few_motors": {"seed": 15, "motors_of_class": (2, 2, 2)},
    "short_series": {"seed": 16, "n_samples": 128, "n_series": 6},
    "many_series": {"seed": 17, "n_series": 8, "n_samples": 512},
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] if kind in SLOW else []) for kind in CLEAN]
)
def test_audit_clean_data_raises_nothing(audited, kind):
    audit = audited(plant_of_motors(**CLEAN[kind]))
    assert names(audit) == set()
    assert all(check["passed"] for check in audit["checks"] if check["name"] != "probe_power")


def simulated(**settings: Any) -> Iterator[dict[str, Any]]:
    """Yield the recordings of the project's own simulator as rows."""
    from motor.recordings.readers.simulator import Simulator

    for made in Simulator(**settings).read():
        row = {"item": made.item, "motor": made.motor, "domain": made.domain, "label": made.label}
        yield {**row, "sampling_rate_hz": made.sampling_rate_hz, "signal": made.signal}


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"seed": 1, "motors_per_class": 20, "recordings_per_motor": 1, "difficulty": 0.25},
        {"seed": 2, "motors_per_class": 6, "recordings_per_motor": 3, "difficulty": 0.0},
        {"seed": 3, "motors_per_class": 4, "recordings_per_motor": 1, "labels_per_motor": "all"},
    ],
    ids=["one_recording", "easy", "every_label_of_a_motor"],
)
def test_audit_simulated_motors_raise_nothing(audited, settings):
    rows = list(simulated(n_samples=8192, sampling_rate_hz=16384.0, **settings))
    assert names(audited(rows)) == set()


def test_cleared_names_each_finding_its_evidence_and_how_to_accept_it(prepare):
    cleared, build = prepare(by_label(add_offset))
    build(cleared.audit)
    with pytest.raises(InputError, match=r"dc_offset.*macro_f1.*(\n.*)*audit: \{accept: \[dc_offset\]\}"):
        build(cleared)


def test_cleared_with_the_finding_accepted_lets_the_grid_begin(prepare):
    cleared, build = prepare(by_label(add_offset), accept="dc_offset")
    build(cleared.audit)
    assert json.loads((build(cleared) / "cleared.json").read_text()) == {"accepted": ["dc_offset"]}


def test_cleared_with_an_unknown_name_says_which_there_are(prepare):
    with pytest.raises(ConfigError, match="unknown value 'dcoffset'; there are: shared_motors, duplicates"):
        prepare(plant_of_motors(1), accept="dcoffset")


def test_cleared_window_longer_than_a_series_stops_before_anything_is_trained(prepare):
    rows = plant_of_motors(1)
    rows[3]["signal"] = rows[3]["signal"][:79]  # context_length + prediction_length is 80
    cleared, build = prepare(rows, accept="length")
    assert cleared.windows == {"east": 80}
    build(cleared.audit)
    with pytest.raises(InputError, match=f"{rows[3]['item']}: its series has 79 samples, but a window .* needs 80"):
        build(cleared)
