"""What every split has to keep, on random tables; a new one is tested by being there."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas
import pytest

from motor.registry import plugins

SPLITS: dict[str, Any] = dict(plugins("motor.recordings.splits"))
LABELS = ("normal", "spark", "vibrate")
FIRST = {f"{label}-{k}": side for label in LABELS for k, side in enumerate(("train", "validation", "test"))}
SETTINGS: dict[str, dict[str, Any]] = {"named": {"names": ("f0", "f1", "f2", "f3", "f4")}, "growing": {"frozen": FIRST}}


@pytest.fixture(params=SPLITS)
def split(request: pytest.FixtureRequest) -> Any:
    return SPLITS[request.param](**SETTINGS.get(request.param, {}))


def random_rows(seed: int) -> list[tuple[str, str, str]]:
    """Return motors with one or two sensors, some of them healthy first and then ill."""
    generator = np.random.default_rng(seed)
    rows = []
    for label in LABELS:
        for k in range(5 * int(generator.integers(1, 6))):
            motor = f"{label}-{k}"
            domains = ("east", "west") if generator.random() < 0.8 or k < 5 else ("east",)
            fell_ill = k >= 5 and generator.random() < 0.3
            for _ in range(int(generator.integers(1, 4))):
                rows += [(motor, label, domain) for domain in domains]
                rows += [(motor, "normal", domain) for domain in domains if fell_ill]
    return rows


@pytest.mark.parametrize("seed", range(20))
def test_split_of_a_random_table_keeps_its_promises(
    seed: int, split: Any, table: Callable[..., pandas.DataFrame]
) -> None:
    meta = table(random_rows(seed))
    sides = split.split(meta, seed)
    assert list(sides.columns) == ["fold", "motor", "side"]
    assert set(sides["fold"]) == set(split.fold_names())
    assert set(sides["side"]) <= {"train", "validation", "test"}
    for _, fold in sides.groupby("fold"):
        assert sorted(fold["motor"]) == sorted(meta["motor"].unique())
        joined = meta.merge(fold, on="motor")
        assert (joined.groupby("motor")["side"].nunique() == 1).all()
        cells = set(zip(meta["label"], meta["domain"], strict=True))
        for side in ("train", "test"):
            rows = joined[joined["side"] == side]
            assert set(zip(rows["label"], rows["domain"], strict=True)) == cells
        validation = joined[(joined["side"] == "validation") & (joined["label"] == "normal")]
        assert set(validation["domain"]) == {"east", "west"}


def test_split_does_not_depend_on_the_order_of_rows(split: Any, table: Callable[..., pandas.DataFrame]) -> None:
    meta = table(random_rows(0))
    shuffled = meta.sample(frac=1.0, random_state=1)
    once_each = meta.drop_duplicates()
    for other in (shuffled, once_each):
        pandas.testing.assert_frame_equal(split.split(meta, 3), split.split(other, 3))


def test_split_seed_decides(split: Any, table: Callable[..., pandas.DataFrame]) -> None:
    meta = table(random_rows(1))
    drawn = {tuple(split.split(meta, seed)["side"]) for seed in range(4)}
    assert len(drawn) == (1 if split.kind == "named" else 4)


@pytest.mark.parametrize("seed", range(5))
def test_split_never_tests_what_it_trains_upon_down_to_the_recording(
    seed: int, split: Any, table: Callable[..., pandas.DataFrame]
) -> None:
    """A recording, its other sensor and its moment follow their motor in every fold."""
    meta = table(random_rows(seed)).reset_index(names="item")
    meta["moment"] = meta["motor"] + "@" + (meta["item"] // 2).astype(str)
    for _, fold in split.split(meta, seed).groupby("fold"):
        joined = meta.merge(fold, on="motor", validate="many_to_one")
        for unit in ("motor", "moment", "item"):
            seen = [set(rows[unit]) for _, rows in joined.groupby("side")]
            assert sum(map(len, seen)) == len(set().union(*seen))


def test_split_does_not_depend_on_what_motors_are_called(split: Any, table: Callable[..., pandas.DataFrame]) -> None:
    """Names that sort alike are dealt alike: nothing is read from a name but its order (and `named`'s patterns)."""
    if split.kind == "growing":
        pytest.skip("a side that no other motor can change is decided by the motor's name alone")
    meta = table(random_rows(2))
    renamed = meta.assign(motor="x" + meta["motor"])
    expected = split.split(meta, 1)
    found = split.split(renamed, 1)
    pandas.testing.assert_frame_equal(found.assign(motor=found["motor"].str[1:]), expected)
