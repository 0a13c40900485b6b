"""A trained cell says of recordings what its stages said of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from motor.predicting import PredictingError, Predictor, recording
from motor.predicting.cell import completed
from motor.recordings.recording import Recording

RATE_HZ = 4096.0


def probabilities(table: pd.DataFrame) -> np.ndarray:
    return table.filter(regex="^probability_").to_numpy()


def by_item(table: pd.DataFrame, root: Path) -> pd.DataFrame:
    items = [Path(item).relative_to(root).as_posix() for item in table["item"]]
    return table.assign(item=items).set_index("item").sort_index()


@pytest.mark.parametrize("name", ["A/Joint/64/lda", "B/Joint/64/lda", "C/Joint/64/lda", "A/ZhenDong/64/lda"])
def test_cell_test_series_predicted_as_when_it_was_built(
    storage: Path, tiny_data: Path, judged: Callable[[str], pd.DataFrame], name: str
) -> None:
    stored = judged(name)
    found = Predictor.load(storage, name).predict([tiny_data / item for item in stored.index])
    found = by_item(found, tiny_data)
    assert list(found.index) == list(stored.index)
    np.testing.assert_allclose(probabilities(found), probabilities(stored), atol=1e-6)
    assert list(found["label"]) == list(stored["predicted"])
    assert list(found["alarm"]) == list(stored["alarm"])


def test_cell_recording_alone_or_among_others_same_bits(joint: Any, tiny_data: Path) -> None:
    together = joint.predict(sorted(tiny_data.glob("ShengYing/*/*.npy")))
    alone = pd.concat([joint.predict([item]) for item in together["item"]], ignore_index=True)
    pd.testing.assert_frame_equal(together, alone, check_exact=True)


def test_cell_partner_of_the_same_moment_changes_what_residuals_say(joint: Any, tiny_data: Path) -> None:
    sound = sorted(tiny_data.glob("ShengYing/*/*.npy"))[0]
    vibration = next(tiny_data.glob(f"ZhenDong/*/{sound.name}"))
    pair, alone = joint.predict([sound, vibration]), joint.predict([sound])
    assert not np.array_equal(probabilities(pair)[0], probabilities(alone)[0])


def test_cell_long_recording_cut_into_series_of_the_training_length(joint: Any) -> None:
    signal = np.random.default_rng(0).normal(size=512 * 2 + 100)
    found = joint.predict([recording(signal, RATE_HZ, "ShengYing", "long")])
    assert list(found["item"]) == ["long#0", "long#1"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signal": np.ones(512, np.float32)}, "every sample is 1"),
        ({"signal": np.arange(300, dtype=np.float32)}, "too short: 300 samples"),
        ({"sampling_rate_hz": 8000.0}, "the sampling rate is 8000 Hz, but the cell was trained on 4096 Hz"),
        ({"domain": "sonar"}, "unknown domain 'sonar'"),
    ],
)
def test_cell_recording_at_fault_told_and_others_judged(joint: Any, changes: dict[str, Any], words: str) -> None:
    signal = np.random.default_rng(0).normal(size=512)
    good = recording(signal, RATE_HZ, "ShengYing", "good")
    bad = replace(recording(signal, RATE_HZ, "ShengYing", "bad"), **changes)
    with pytest.raises(PredictingError, match=words) as caught:
        joint.predict([bad, good])
    assert list(caught.value.predictions["item"]) == ["good"]
    assert [fault.item for fault in caught.value.faults] == ["bad"]


def test_cell_fold_that_is_not_there_named(storage: Path) -> None:
    with pytest.raises(ValueError, match="no fold '7'; there are: 0"):
        Predictor.load(storage, "A/Joint/64/lda", folds=["7"])


def test_predictor_of_one_cell_a_domain_keeps_the_order_asked_for(storage: Path, two_files: list[Path]) -> None:
    from motor.predicting.stored import find_cells

    names = ("A/ShengYing/64/lda", "A/ZhenDong/64/lda")
    parts = [find_cells(storage, name)[0].parts() for name in names]
    predictor = Predictor.open(parts)
    found = predictor.predict(two_files[::-1])
    assert list(found["domain"]) == ["ZhenDong", "ShengYing"]
    assert predictor.domains == ("ShengYing", "ZhenDong")


def test_predictor_three_lines_of_the_documentation(storage: Path, two_files: list[Path]) -> None:
    predictor = Predictor.load(storage, "C/Joint/64/lda")
    table = predictor.predict([str(file) for file in two_files])
    assert list(table.columns[:3]) == ["item", "domain", "label"]
    assert list(table.columns[-2:]) == ["alarm", "unlike"]
    np.testing.assert_allclose(probabilities(table).sum(axis=1), 1.0, atol=1e-8)


def test_cell_columns_that_a_lone_recording_lacks_are_told_as_in_training() -> None:
    lone = [Recording("a", "", "ZhenDong", "", RATE_HZ, np.zeros(2, np.float32))]
    frame = pd.DataFrame({"mae": [0.5]}, index=pd.Index(["a"], name="item"))
    columns = ["only normal: has_partner", "mae", "domain_is_ShengYing", "domain_is_ZhenDong"]
    np.testing.assert_array_equal(completed(frame, columns, lone), [[0.0, 0.5, 0.0, 1.0]])


def test_cell_column_that_nothing_gives_is_named() -> None:
    frame = pd.DataFrame({"mae": [0.5]}, index=pd.Index(["a"], name="item"))
    with pytest.raises(KeyError, match="rmse"):
        completed(frame, ["mae", "rmse"], [Recording("a", "", "ZhenDong", "", RATE_HZ, np.zeros(2, np.float32))])
