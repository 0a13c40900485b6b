"""The order that a class rests on is estimated from lines of all orders."""

import numpy as np
import pandas as pd
import pytest

from motor.evaluation.fundamentals import explained, fundamentals
from motor.features.order_lines import OrderLines

RATE_HZ, SPEED_RPM = 12800.0, 1500.0
ORDERS = {"outer": 3.58, "inner": 5.42}


def struck(order: float | None, seed: int) -> np.ndarray:
    """Return noise, with a resonance at 2 kHz that is struck so often a turn."""
    time = np.arange(12800) / RATE_HZ
    noise = 0.3 * np.random.default_rng(seed).normal(size=time.size)
    since = time % (60 / SPEED_RPM / order) if order else np.full(time.size, 1.0)
    return noise + np.exp(-500 * since) * np.sin(2 * np.pi * 2000 * since)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rows = []
    for label in ("normal", *ORDERS):
        for motor in range(3):
            signal = struck(ORDERS.get(label), motor)
            columns = OrderLines().from_recording(signal, RATE_HZ, SPEED_RPM)
            rows.append({"motor": f"{label}-{motor}", "label": label, **columns})
    return pd.DataFrame(rows)


def test_fundamentals_of_classes_are_those_that_were_planted(table):
    found = {one["label"]: one for one in fundamentals(table, "normal")}
    assert {label: one["order"] for label, one in found.items()} == pytest.approx(ORDERS, abs=0.06)
    assert min(one["gain_db"] for one in found.values()) > 6


def test_fundamentals_of_a_class_like_the_normal_one_are_none(table):
    twin = table[table["label"] == "normal"].assign(label="worn")
    assert fundamentals(pd.concat([table[table["label"] == "normal"], twin]), "normal") == []


def test_fundamentals_without_lines_or_a_normal_class_are_none(table):
    assert fundamentals(table[["motor", "label"]], "normal") == []
    assert fundamentals(table, "healthy") == []


def test_order_is_explained_by_a_part_or_its_multiple_alone():
    parts = [("outer_race", 3.58), ("inner_race", 5.42)]
    assert explained(3.6, parts) == "outer_race"
    assert explained(7.2, parts) == "outer_race"
    assert explained(4.4, parts) is None
