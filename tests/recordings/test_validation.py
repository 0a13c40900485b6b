"""Findings: what has to be found is found, and good data raises nothing but what is true of it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from motor.recordings.data_report import describe
from motor.recordings.recording import Recording
from motor.recordings.validation import Validation


def plant(n_motors: int = 8, gain_of_spark: float = 1.0, step: float | None = None, **of_spark: Any) -> list[Recording]:
    """Return motors of two classes by one sensor; what is given differs for one class."""
    made = []
    for motor in range(2 * n_motors):
        label = "spark" if motor % 2 else "normal"
        signal = np.random.default_rng(motor).normal(scale=1 + 0.02 * motor, size=3000)
        gain = gain_of_spark if label == "spark" else 1.0
        signal = signal * gain if step is None else np.round(signal / step) * step * gain
        recording = Recording(f"r{motor}", f"M{motor}", "east", label, 1000.0, signal.astype(np.float32))
        made.append(replace(recording, **of_spark) if label == "spark" else recording)
    return made


def findings(recordings: list[Recording]) -> dict[str, Any]:
    """Return what is found, by name."""
    validation = Validation()
    assert list(validation.watch(recordings)) == recordings
    return {finding.name: finding for finding in validation.findings()}


def test_validation_of_good_data_says_only_that_motors_have_one_class() -> None:
    assert set(findings(plant(step=0.01))) == {"motors_with_one_class"}


def test_validation_motors_with_all_classes_leave_nothing_to_say() -> None:
    both = [replace(one, motor=f"M{k // 2}") for k, one in enumerate(plant())]
    assert findings(both) == {}


def test_validation_gain_that_differs_by_class_is_found_by_the_step() -> None:
    found = findings(plant(gain_of_spark=2.0, step=0.01))["gain_differs_by_class"]
    assert found.evidence["differences"][0]["median_db"] == pytest.approx(6.02, abs=0.1)
    assert "6.0 dB higher for spark than for normal" in found.what


def test_validation_level_that_differs_by_class_is_found() -> None:
    found = findings(plant(gain_of_spark=2.0))
    assert "level_differs_by_class" in found
    assert "gain_differs_by_class" not in found


@pytest.mark.parametrize(("gain", "is_found"), [(1.2, False), (5.0, True)])
def test_validation_of_few_motors_names_wide_gaps_only(gain: float, is_found: bool) -> None:
    assert ("level_differs_by_class" in findings(plant(n_motors=2, gain_of_spark=gain))) == is_found


@pytest.mark.parametrize(
    ("difference", "name"),
    [({"sampling_rate_hz": 900.0}, "sampling_rate_hz_differs_by_class")],
)
def test_validation_rate_that_tells_the_class_is_found(difference: dict[str, Any], name: str) -> None:
    assert findings(plant(**difference))[name].evidence["recordings"]["spark"] == {"900": 8}


def test_validation_length_that_tells_the_class_is_found() -> None:
    recordings = [replace(one, signal=one.signal[:2000]) if one.label == "spark" else one for one in plant()]
    assert "n_samples_differs_by_class" in findings(recordings)


def test_validation_duplicates_are_named_and_those_across_motors_counted() -> None:
    recordings = plant()
    again = [replace(recordings[0], item="copy"), replace(recordings[2], item="other", motor="M99")]
    found = findings([*recordings, *again])["duplicate_signals"]
    assert found.evidence == {"groups": [["r0", "copy"], ["r2", "other"]], "crossing_motors_or_labels": 1}
    assert "r2, other" in found.what


def test_validation_clipped_signals_are_counted_by_class() -> None:
    recordings = [replace(one, signal=np.clip(one.signal, -2, 2)) if one.label == "spark" else one for one in plant()]
    found = findings(recordings)["clipped_signals"]
    assert found.evidence["by_domain_label"] == {"east": {"spark": 8}}


def test_summary_counts_what_passed(recordings: list[Recording]) -> None:
    validation = Validation()
    list(validation.watch(recordings))
    summary = validation.summary()
    assert summary["n_recordings"] == 6
    assert summary["n_motors"] == 3
    assert summary["n_samples"] == sum(range(40, 46))
    assert summary["recordings_by_domain"] == {"east": 3, "west": 3}
    assert summary["recordings_by_label"] == {"normal": 4, "spark": 2}
    assert summary["motors_by_domain_label"]["west"] == {"normal": 2, "spark": 1}
    assert summary["recordings_by_sampling_rate_hz"] == {"1000": 6}
    assert summary["recordings_by_n_samples"]["45"] == 1


def test_report_names_every_motor_and_is_json(recordings: list[Recording]) -> None:
    validation = Validation()
    list(validation.watch(recordings))
    report = json.loads(json.dumps(validation.report(), allow_nan=False))
    assert report["recordings_by_motor_label"] == {"M1": {"normal": 2}, "M2": {"normal": 2}, "M3": {"spark": 2}}
    assert report["level_db_by_domain_label"]["east"]["normal"]["median"] == pytest.approx(0, abs=2)


def test_described_dataset_shows_counts_findings_and_skipped() -> None:
    validation = Validation()
    list(validation.watch(plant(gain_of_spark=4.0)))
    skipped = [{"item": f"bad{k}", "reason": f"x.csv, line {k}: NaN"} for k in range(30)]
    text = describe({**validation.summary(), "skipped": skipped}, validation.report())
    lines = text.splitlines()
    assert lines[0] == "16 series of 16 motors, 48000 samples"
    assert [line.split()[:4] for line in lines[3:5]] == [["east", "normal", "8", "8"], ["east", "spark", "8", "8"]]
    assert "- level_differs_by_class: in domain east" in text
    assert "30 series were skipped:\n- bad0: x.csv, line 0: NaN" in text
    assert lines[-1] == "- and 10 more"
    assert max(map(len, lines)) <= 120


def test_validation_step_that_differs_by_less_than_float32_tells_is_no_gain() -> None:
    assert "gain_differs_by_class" not in findings(plant(gain_of_spark=1.0005, step=0.01))


def seen_with(make_signal, n=12, domains=("east",), moment=None):
    random = np.random.default_rng(0)
    made = [
        Recording(
            item=f"{domain}/{k}",
            motor=f"M{k}",
            domain=domain,
            label="normal",
            sampling_rate_hz=1000.0,
            signal=make_signal(random.normal(size=1024), k).astype(np.float32),
            moment=None if moment is None else moment(domain, k),
        )
        for domain in domains
        for k in range(n)
    ]
    validation = Validation()
    list(validation.watch(made))
    return validation


def names_of(validation):
    return [finding.name for finding in validation.findings()]


@pytest.mark.parametrize("code", [-99999.0, 32767.0, 1e15])
@pytest.mark.parametrize("count", [1, 20])
def test_unmeasured_samples_are_named(code, count):
    def with_code(signal, number):
        signal[500 : 500 + (count if number in (1, 3) else 0)] = code
        return signal

    (finding,) = (one for one in seen_with(with_code).findings() if one.name == "unmeasured_samples")
    assert finding.evidence["items"] == {"east/1": np.float32(code), "east/3": np.float32(code)}


def test_unmeasured_samples_shocks_and_clicks_are_none():
    def with_shocks(signal, number):
        signal *= 0.1
        signal[:: 100 + number] += 60.0  # 600 times the noise
        return signal

    assert "unmeasured_samples" not in names_of(seen_with(with_shocks))
    assert "unmeasured_samples" not in names_of(seen_with(lambda signal, number: np.round(0.3 * signal)))


def test_moments_that_two_sensors_share_are_counted_and_none_is_a_finding():
    tied = seen_with(lambda signal, number: signal, domains=("east", "west"), moment=lambda domain, number: "t1")
    assert tied.summary()["n_shared_moments"] == 12
    assert "untied_sensors" not in names_of(tied)
    apart = seen_with(lambda signal, k: signal, domains=("east", "west"), moment=lambda domain, k: f"{domain}-t1")
    assert apart.summary()["n_shared_moments"] == 0
    assert "untied_sensors" in names_of(apart)
