import json

import numpy as np
import pandas as pd
import pytest

from motor.recordings.recording import Recording
from motor.recordings.table import open_recordings, write_recordings
from motor.registry import plugins
from motor.stages.scalers import Scalers, fit_domains, fit_references
from motor.windows.references import scored
from motor.windows.scaling import Scaling

BY_REFERENCE = {"east": Scaling(by="reference"), "west": Scaling()}


def made(gain_of_faults: float = 1.0) -> list[Recording]:
    """Three motors, each much louder than the last, five recordings each by two sensors; m2 is ill in the end."""
    generator, found = np.random.default_rng(0), []
    for number, motor in enumerate(("m0", "m1", "m2")):
        for domain in ("east", "west"):
            for day in range(5):
                is_ill = motor == "m2" and day >= 3
                gain = 10.0**number * (gain_of_faults if is_ill else 1.0)
                found.append(
                    Recording(
                        item=f"{domain}/{motor}/{day}",
                        motor=motor,
                        domain=domain,
                        label="spark" if is_ill else "normal",
                        sampling_rate_hz=1000.0,
                        signal=(gain * generator.standard_normal(400)).astype(np.float32),
                        recorded_at=86400.0 * day,
                        reference=day == 0,
                    )
                )
    return found


@pytest.fixture
def opened(tmp_path):
    """Return a function that writes recordings and opens them."""

    def make(*arguments):
        write_recordings(made(*arguments), tmp_path)
        return open_recordings(tmp_path)

    return make


def test_scalers_by_reference_bring_loud_and_quiet_machines_to_one_strength(opened):
    recordings = opened()
    fitted = fit_references(recordings, BY_REFERENCE, {"east": 0}, "normal")
    assert sorted(fitted) == [("m0", "east"), ("m1", "east"), ("m2", "east")]
    scaling, rows = BY_REFERENCE["east"], scored(recordings.meta, {"east": 0}, "normal").query("domain == 'east'")
    for row, known in rows.iterrows():
        signal = recordings.signal(row)
        scaler = scaling.scaler(fitted, known["item"], "east", signal, known["motor"])
        assert scaler.apply(signal).std() == pytest.approx(1.0, abs=0.2)


def test_scalers_by_reference_read_nothing_but_references(opened):
    quiet = fit_references(opened(), BY_REFERENCE, {"east": 0}, "normal")
    assert fit_references(opened(50.0), BY_REFERENCE, {"east": 0}, "normal") == quiet


def test_scalers_by_domain_read_the_rows_they_are_given(opened):
    recordings = opened()
    rows = recordings.meta.query("motor == 'm1' and label == 'normal'")
    fitted = fit_domains(recordings, rows, BY_REFERENCE)
    expected = np.concatenate([recordings.signal(row) for row in rows.index[rows["domain"] == "west"]])
    assert list(fitted) == ["west"]
    assert fitted["west"].scale == pytest.approx(expected.astype(np.float64).std(), rel=1e-9)


def test_scalers_survive_json_and_are_found_by_fold(opened):
    recordings = opened()
    by_motor = fit_references(recordings, BY_REFERENCE, {"east": 2}, "normal")
    scalers = Scalers({"r1f1": fit_domains(recordings, recordings.meta, BY_REFERENCE)}, by_motor)
    again = Scalers.from_json(json.loads(json.dumps(scalers.to_json())))
    assert again == scalers
    assert set(again.of_fold("r1f1")) == {"west", *by_motor}


def random_meta(seed: int) -> pd.DataFrame:
    """Motors of three classes, healthy at first, of which one to three recordings are marked or early."""
    generator, rows = np.random.default_rng(seed), []
    for label in ("normal", "spark", "vibrate"):
        for number in range(5, 9):
            motor = f"{label}-{number}"
            n_references = int(generator.integers(1, 4))
            for domain in ("east", "west"):
                for day in range(6):
                    known = "normal" if day < n_references else label
                    rows.append((f"{domain}/{motor}/{day}", motor, domain, known, 86400.0 * day, day < n_references))
    names = ["item", "motor", "domain", "label", "recorded_at", "reference"]
    return pd.DataFrame(rows, columns=names).assign(fold=None)


@pytest.mark.parametrize("kind", ["ratio", "folds", "repeated", "combinations"])
@pytest.mark.parametrize("seed", range(5))
def test_splits_of_what_is_scored_meet_no_reference_on_any_side(seed, kind):
    meta = random_meta(seed)
    split = plugins("motor.recordings.splits")[kind](**({"k": 4} if kind in ("folds", "repeated") else {}))
    left = scored(meta, {"east": 0, "west": 0}, "normal")
    sides = split.split(left, seed)
    for _, fold in sides.groupby("fold"):
        joined = left.merge(fold, on="motor")
        assert len(joined) == len(left)
        assert not joined["reference"].any()
        assert joined.groupby("side")["label"].nunique()[["train", "test"]].eq(3).all()
