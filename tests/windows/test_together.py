"""Series of one motor and moment are cut at the same places, and come side by side."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from motor.windows import cutting
from motor.windows.augmentations.jitter import Jitter
from motor.windows.augmentations.shift import Shift
from motor.windows.cutting import WindowStream
from motor.windows.fixed import FixedWindows
from motor.windows.scaling import Scaler
from motor.windows.source import Series

RATE_HZ = 1000.0
LENGTH = 64
DOMAINS = ("sound", "vibration")


class Ramps:
    """Signal i rises by one a sample from 1000 * i, so that a window's first value tells its place."""

    n_samples = np.array([400, 400, 300, 300, 350])
    begins = np.cumsum(n_samples) - n_samples

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([np.arange(n) + 1000 * i for i, n in enumerate(self.n_samples)]).astype(np.float32)


def series(index: int, domain: str, motor: str, moment: str | None) -> Series:
    return Series(f"item_{index}", index, domain, "normal", RATE_HZ, Scaler(0.0, 1.0), motor, moment)


# two moments of both sensors, of which the second is listed apart; and one sensor alone
SERIES = (
    series(0, "sound", "m1", "t0"),
    series(2, "sound", "m1", "t1"),
    series(1, "vibration", "m1", "t0"),
    series(4, "vibration", "m2", "t0"),
    series(3, "vibration", "m1", "t1"),
)
STREAM = WindowStream(Ramps(), SERIES, DOMAINS, LENGTH, windows_per_series=3, seed=7, together=True)
FIXED = FixedWindows(Ramps(), SERIES, DOMAINS, LENGTH, windows_per_series=4, together=True)
APART = replace(STREAM, together=False)


def starts_of(batch: dict[str, np.ndarray]) -> np.ndarray:
    return batch["window"][:, 0] % 1000


def test_members_are_series_of_one_motor_and_moment():
    assert STREAM.members == ((0, 2), (1, 4), (3,))
    assert APART.members == ((0,), (1,), (2,), (3,), (4,))
    unknown = replace(STREAM, series=tuple(replace(one, moment=None) for one in SERIES))
    assert unknown.members == APART.members


def test_stream_group_is_cut_at_one_place_and_stands_together():
    batch = STREAM.batch(range(27))
    assert STREAM.windows_per_epoch == 9
    assert np.array_equal(batch["group"], batch["number"])
    for number in range(27):
        rows = np.flatnonzero(batch["group"] == number)
        assert len(set(starts_of(batch)[rows].tolist())) == 1
        assert rows.tolist() == list(range(rows[0], rows[-1] + 1))
        items = {SERIES[row].index for row in STREAM.members[STREAM._locate(np.array([number]))[0][0]]}
        assert {int(first) // 1000 for first in batch["window"][rows, 0]} == items


def test_stream_epoch_holds_every_group_equally_often():
    first_values = STREAM.batch(range(9))["window"][:, 0] // 1000
    assert Counter(first_values.tolist()) == {float(index): 3 for index in range(5)}


def test_stream_series_without_partner_gives_the_windows_that_it_gives_apart():
    whole, apart = STREAM.batch(range(18)), APART.batch(range(30))
    alone = {value for value in whole["window"][:, 0].tolist() if value >= 4000}
    assert alone == {value for value in apart["window"][:, 0].tolist() if value >= 4000}
    assert len(alone) == 6


def test_stream_order_of_series_does_not_change_the_windows():
    turned = replace(STREAM, series=SERIES[::-1]).batch(range(9))["window"][:, 0]
    assert sorted(turned.tolist()) == sorted(STREAM.batch(range(9))["window"][:, 0].tolist())


def test_stream_apart_is_that_of_series_whose_moment_is_unknown():
    unknown = replace(APART, series=tuple(replace(one, motor="", moment=None) for one in SERIES)).batch(range(20))
    for name, column in APART.batch(range(20)).items():
        np.testing.assert_array_equal(unknown[name], column)
    assert "group" not in unknown


def test_stream_batches_hold_whole_groups(monkeypatch):
    monkeypatch.setattr(cutting, "DRAWN_AT_ONCE", 9)
    batches = list(STREAM.batches(2, 24, 4))
    assert [len(set(batch["number"].tolist())) for batch in batches] == [4, 4, 4, 4, 4, 2]
    for name, column in STREAM.batch(range(2, 24)).items():
        np.testing.assert_array_equal(np.concatenate([batch[name] for batch in batches]), column)


def test_stream_shift_moves_a_whole_group_and_jitter_each_by_itself():
    both = (Shift(largest_share=0.9), Jitter())
    shifted = replace(STREAM, augmentations=dict.fromkeys(DOMAINS, both[:1])).batch(range(9))
    jittered = replace(STREAM, augmentations=dict.fromkeys(DOMAINS, both[1:])).batch(range(9))
    noise = jittered["window"] - STREAM.batch(range(9))["window"]
    for number in range(9):
        rows = np.flatnonzero(shifted["group"] == number)
        seams = shifted["window"][rows].argmin(axis=1)
        assert len(set(seams.tolist())) == 1
        assert len({float(value) for value in noise[rows, 0]}) == len(rows)
    assert len(set(shifted["window"].argmin(axis=1).tolist())) > 3


def test_stream_shift_of_one_sensor_alone_raises():
    with pytest.raises(ValueError, match=r"move the windows of one moment against one another.*vibration: none"):
        replace(STREAM, augmentations={"sound": (Shift(),)})
    replace(APART, augmentations={"sound": (Shift(),)})


@pytest.mark.parametrize("kind", [FIXED, STREAM])
@pytest.mark.parametrize(
    ("changed", "shown"),
    [({"sampling_rate_hz": 500.0}, "400 samples at 500 Hz"), ({"index": 2}, "300 samples at 1000 Hz")],
)
def test_windows_of_unequal_partners_raise(kind, changed, shown):
    unequal = (SERIES[0], replace(SERIES[2], **changed))
    with pytest.raises(ValueError, match=f"series of one moment cannot go in together: item_0 400.*{shown}.*apart"):
        replace(kind, series=unequal)
    replace(kind, series=unequal, together=False)


def test_windows_that_name_no_signal_raise_that_first():
    with pytest.raises(ValueError, match="signal 9 does not exist"):
        replace(STREAM, series=(SERIES[0], replace(SERIES[2], index=9)))


def test_fixed_windows_of_a_group_are_neighbours_of_one_number():
    cut = FIXED.batch(range(len(FIXED)))
    assert len(FIXED) == 20
    groups = [np.flatnonzero(cut["group"] == group) for group in np.unique(cut["group"])]
    assert [len(rows) for rows in groups] == [2] * 8 + [1] * 4
    for rows in groups:
        assert np.ptp(rows) == len(rows) - 1
        assert len(set(starts_of(cut)[rows].tolist())) == len(set(cut["window_index"][rows].tolist())) == 1
    apart = replace(FIXED, together=False)
    assert {tuple(row) for row in FIXED.rows.tolist()} == {tuple(row) for row in apart.rows.tolist()}


@pytest.mark.parametrize(
    ("size", "lengths"), [(1, [2] * 8 + [1] * 4), (3, [2] * 7 + [3, 3]), (5, [4, 4, 4, 5, 3]), (99, [20])]
)
def test_fixed_windows_batches_never_part_a_group(size, lengths):
    batches = list(FIXED.batches(size))
    assert [len(batch["group"]) for batch in batches] == lengths
    for name, column in FIXED.batch(range(20)).items():
        np.testing.assert_array_equal(np.concatenate([batch[name] for batch in batches]), column)


@pytest.mark.parametrize("stream", [APART, STREAM], ids=["apart", "together"])
@pytest.mark.parametrize("world_size", [2, 3])
def test_stream_of_several_workers_is_dealt_out_without_a_rest(stream, world_size, monkeypatch):
    monkeypatch.setattr(cutting, "DRAWN_AT_ONCE", 9)
    whole = list(stream.batches(4, 32, 4))
    shares = [list(stream.batches(4, 32, 4, rank, world_size)) for rank in range(world_size)]
    for step, batch in enumerate(whole):
        found = [share[step] for share in shares]
        numbers = [set(part["number"].tolist()) for part in found]
        assert set.union(*numbers) == set(batch["number"].tolist())
        assert sum(map(len, numbers)) == 4  # no two see the same
        order = np.argsort(np.concatenate([part["number"] for part in found]), kind="stable")
        windows = np.concatenate([part["window"] for part in found])[order]
        np.testing.assert_array_equal(windows, batch["window"])


@pytest.mark.parametrize(("end", "smallest"), [(8, 4), (10, 2)])
def test_stream_of_more_workers_than_windows_raises(end, smallest):
    with pytest.raises(ValueError, match=f"a batch of {smallest} windows cannot be dealt to 5 workers"):
        next(STREAM.batches(0, end, 4, 0, 5))
