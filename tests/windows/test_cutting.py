import pickle
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import pytest

from motor.registry import plugins
from motor.windows import cutting
from motor.windows.augmentations.amplitude import Amplitude
from motor.windows.augmentations.tone import Tone
from motor.windows.cutting import WindowStream
from motor.windows.draws import share_of
from motor.windows.fixed import FixedWindows, even_starts
from motor.windows.scaling import Scaler
from motor.windows.source import Series

RATE_HZ = 8000.0
LENGTH = 64
UNSCALED = Scaler(0.0, 1.0)
ALL = tuple(plugin(classes=None) for plugin in plugins("motor.windows.augmentations").values())


@dataclass(frozen=True)
class Ramps:
    """Signal i rises by one a sample from 1000 * i, so that a window's first value tells its place."""

    sizes: tuple[int, ...] = (400, 500, 64, 600)

    @property
    def n_samples(self) -> np.ndarray:
        return np.array(self.sizes, dtype=np.int64)

    @property
    def begins(self) -> np.ndarray:
        return np.cumsum(self.n_samples) - self.n_samples

    @property
    def samples(self) -> np.ndarray:
        samples = np.concatenate([np.arange(size) + 1000 * i for i, size in enumerate(self.sizes)]).astype(np.float32)
        samples.setflags(write=False)
        return samples

    def signal(self, index: int) -> np.ndarray:
        return self.samples[self.begins[index] :][: self.sizes[index]]


def series(index: int, domain: str = "sound", label: str = "normal", scaler: Scaler = UNSCALED) -> Series:
    return Series(f"motor_{index}", index, domain, label, RATE_HZ, scaler)


SERIES = (series(0), series(1, "vibration"), series(2), series(3, "vibration", "spark"))
STREAM = WindowStream(Ramps(), SERIES, ("sound", "vibration"), LENGTH, windows_per_series=3, seed=7)
AUGMENTED = replace(STREAM, augmentations={"sound": ALL, "vibration": ALL})

PINNED_PLACES = [(1, 1), (2, 0), (3, 1), (0, 0)]
PINNED_FIRST_VALUES = [1244, 2000, 3133, 169]


def by_place(stream: WindowStream, n_epochs: int = 3) -> dict[tuple[str, int, int], np.ndarray]:
    """Windows by (item, epoch, k)."""
    numbers = range(n_epochs * stream.windows_per_epoch)
    places = [(stream.series[row].item, epoch, k) for row, epoch, k in map(stream.locate, numbers)]
    return dict(zip(places, map(stream.cut, numbers), strict=True))


@pytest.mark.parametrize(
    ("n_samples", "count", "expected"),
    [(100, 1, [45]), (100, 2, [0, 90]), (100, 4, [0, 30, 60, 90]), (10, 5, [0]), (12, 9, [0, 1, 2])],
)
def test_even_starts_reach_from_first_to_last_sample(n_samples, count, expected):
    assert even_starts(n_samples, 10, count).tolist() == expected


@pytest.mark.parametrize(("n_samples", "window_length", "count"), [(9, 10, 1), (10, 0, 1), (10, 10, 0)])
def test_even_starts_impossible_counts_raise(n_samples, window_length, count):
    with pytest.raises(ValueError, match=f"cannot cut {count} windows of {window_length} samples from {n_samples}"):
        even_starts(n_samples, window_length, count)


def test_stream_window_is_a_contiguous_piece_of_its_series():
    for (item, _, _), window_N in by_place(STREAM).items():
        index = int(item.removeprefix("motor_"))
        start = int(window_N[0]) - 1000 * index
        assert 0 <= start <= Ramps().sizes[index] - LENGTH
        np.testing.assert_array_equal(window_N, Ramps().signal(index)[start : start + LENGTH])


def test_stream_epoch_holds_every_series_equally_often():
    for epoch in range(3):
        numbers = range(epoch * 12, (epoch + 1) * 12)
        places = [STREAM.locate(number) for number in numbers]
        assert {found for _, found, _ in places} == {epoch}
        assert Counter((row, k) for row, _, k in places) == Counter((row, k) for row in range(4) for k in range(3))


def test_stream_epochs_have_different_orders_and_starts():
    orders = [[STREAM.locate(number)[::2] for number in range(e * 12, e * 12 + 12)] for e in range(2)]
    assert orders[0] != orders[1]
    starts = {window_N[0] for (item, _, _), window_N in by_place(STREAM, 10).items() if item == "motor_3"}
    assert len(starts) > 20


def test_stream_starts_are_uniform():
    stream = replace(STREAM, series=(series(0),), windows_per_series=2000)
    starts = np.array([stream.cut(number)[0] for number in range(2000)])
    assert starts.min() <= 2
    assert starts.max() >= 334
    counts, _ = np.histogram(starts, bins=8, range=(0, 337))
    assert counts.min() > 190


def test_stream_starts_reach_the_last_place():
    stream = WindowStream(Ramps((LENGTH + 1,)), (series(0),), ("sound",), LENGTH, windows_per_series=40, seed=0)
    assert {stream.cut(number)[0] for number in range(40)} == {0, 1}


def test_stream_batch_equals_single_cuts_at_any_batch_size():
    numbers = np.arange(30)
    whole = AUGMENTED.batch(numbers)["window"]
    for size in (1, 7):
        parts = [AUGMENTED.batch(numbers[first : first + size])["window"] for first in range(0, 30, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(np.stack([AUGMENTED.cut(number) for number in range(30)]), whole)


@pytest.mark.parametrize(("first", "end", "size"), [(0, 30, 7), (5, 26, 4), (11, 12, 8)])
def test_stream_batches_are_those_of_batch_from_anywhere_on(monkeypatch, first, end, size):
    monkeypatch.setattr(cutting, "DRAWN_AT_ONCE", 9)  # several runs of draws
    batches = list(AUGMENTED.batches(first, end, size))
    assert [len(batch["number"]) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    for name, column in AUGMENTED.batch(range(first, end)).items():
        np.testing.assert_array_equal(np.concatenate([batch[name] for batch in batches]), column)


def test_stream_window_is_scaled_to_the_last_bit_as_its_scaler_does():
    scaler = Scaler(1000.3, 7.7)
    stream = replace(STREAM, series=(series(1, "vibration", scaler=scaler),))
    plain = replace(STREAM, series=(series(1, "vibration"),))
    np.testing.assert_array_equal(stream.batch(range(9))["window"], scaler.apply(plain.batch(range(9))["window"]))


def test_stream_starts_are_exact_for_long_series():
    """The start is the high half of a 128-bit product, here in whole numbers and there in halves."""
    entropy = [sha256(bytes([k])).digest() for k in range(50)]
    for n_places in (1, 2**31 - 1, 2**32 - 1):
        fractions = [int.from_bytes(bits[:8]) for bits in entropy]
        found = share_of(np.array(fractions, np.uint64), np.full(50, n_places, np.uint64))
        assert found.tolist() == [fraction * n_places >> 64 for fraction in fractions]


def test_stream_order_of_asking_does_not_matter():
    backwards = [AUGMENTED.cut(number) for number in reversed(range(30))]
    np.testing.assert_array_equal(np.stack(backwards[::-1]), AUGMENTED.batch(range(30))["window"])


def test_stream_batch_has_the_promised_columns():
    batch = STREAM.batch([5, 3, 40])
    assert {name: (column.dtype, column.shape) for name, column in batch.items()} == {
        "window": (np.float32, (3, LENGTH)),
        "domain": (np.int64, (3,)),
        "item": (np.int64, (3,)),
        "start": (np.int64, (3,)),
        "number": (np.int64, (3,)),
    }
    assert batch["number"].tolist() == [5, 3, 40]
    assert batch["item"].tolist() == [STREAM.locate(number)[0] for number in (5, 3, 40)]
    assert batch["domain"].tolist() == [STREAM.locate(number)[0] % 2 for number in (5, 3, 40)]


def test_stream_other_items_do_not_change_an_items_windows():
    alone = by_place(replace(AUGMENTED, series=(SERIES[3],)))
    together = by_place(AUGMENTED)
    assert len(alone) == 9
    for place, window_N in alone.items():
        np.testing.assert_array_equal(together[place], window_N)


def test_stream_order_of_series_does_not_change_their_windows():
    turned = by_place(replace(AUGMENTED, series=SERIES[::-1]))
    for place, window_N in by_place(AUGMENTED).items():
        np.testing.assert_array_equal(turned[place], window_N)


def test_stream_more_windows_keep_the_first_ones():
    more = by_place(replace(AUGMENTED, windows_per_series=5))
    for place, window_N in by_place(AUGMENTED).items():
        np.testing.assert_array_equal(more[place], window_N)


def test_stream_survives_pickle_after_use():
    AUGMENTED.batch(range(5))
    copy = pickle.loads(pickle.dumps(AUGMENTED))
    np.testing.assert_array_equal(copy.batch(range(30))["window"], AUGMENTED.batch(range(30))["window"])


def test_stream_other_seed_gives_other_windows_and_order():
    other = replace(STREAM, seed=8)
    assert [STREAM.locate(number) for number in range(12)] != [other.locate(number) for number in range(12)]
    assert not np.array_equal(by_place(STREAM)["motor_3", 0, 0], by_place(other)["motor_3", 0, 0])


def test_stream_draws_are_pinned():
    """A change here changes every trained model: raise the VERSION of the stage that trains."""
    assert [STREAM.locate(number)[::2] for number in range(4)] == PINNED_PLACES
    assert [int(STREAM.cut(number)[0]) for number in range(4)] == PINNED_FIRST_VALUES


def test_stream_window_is_scaled_and_writable():
    stream = replace(STREAM, series=(series(2, scaler=Scaler(2000.0, 4.0)),))
    window_N = stream.cut(0)
    np.testing.assert_array_equal(window_N, np.arange(LENGTH) / 4)
    window_N[0] = 5


def test_stream_augmentations_differ_by_domain():
    stream = replace(STREAM, augmentations={"vibration": (Amplitude(factor=(2.0, 2.0)),)})
    plain, changed = by_place(STREAM), by_place(stream)
    for place, window_N in plain.items():
        factor = 2 if place[0] in ("motor_1", "motor_3") else 1
        np.testing.assert_array_equal(changed[place], factor * window_N)


def test_stream_augmentation_differs_between_windows_of_one_start():
    stream = replace(STREAM, series=(series(2),), augmentations={"sound": (Amplitude(),)})
    assert len({float(stream.cut(number)[0]) for number in range(12)}) == 12


def test_stream_negative_number_raises():
    with pytest.raises(IndexError, match="window -1 does not exist"):
        STREAM.cut(-1)


@pytest.mark.parametrize("kind", [FixedWindows, WindowStream])
def test_windows_short_series_raises_with_lengths_and_next_step(kind):
    settings = {"seed": 0} if kind is WindowStream else {}
    with pytest.raises(
        ValueError,
        match=r"motor_2: its series has 64 samples.*needs 128; choose a shorter context_length or prediction",
    ):
        kind(Ramps(), SERIES, ("sound", "vibration"), 128, windows_per_series=1, **settings)


def test_stream_all_faults_are_named_at_once():
    with pytest.raises(ValueError, match="windows_per_series is 0") as error:
        replace(
            STREAM, windows_per_series=0, seed=-1, domains=("sound",), augmentations={"heat": ()}, window_length=600
        )
    for fault in ("seed is -1", "'heat'", "motor_0: its series has 400", "motor_1: unknown domain", "more"):
        assert fault in str(error.value)


def test_stream_repeated_name_raises():
    with pytest.raises(ValueError, match="motor_0: 2 series have this name"):
        replace(STREAM, series=(series(0), series(0)))


def test_stream_missing_signal_raises():
    with pytest.raises(ValueError, match="motor_9: signal 9 does not exist; there are 4"):
        replace(STREAM, series=(series(9),))


def test_stream_without_series_raises():
    with pytest.raises(ValueError, match="no series to cut"):
        replace(STREAM, series=())


def test_stream_tone_above_nyquist_raises_only_where_it_would_sound():
    tones = {"vibration": (Tone(frequency_hz=(200.0, 5000.0), classes=("spark",)),)}
    with pytest.raises(ValueError, match=r"motor_3: augmentation tone.*5000 Hz"):
        replace(STREAM, augmentations=tones)
    replace(STREAM, series=SERIES[:3], augmentations=tones)


FIXED = FixedWindows(Ramps(), SERIES, ("sound", "vibration"), LENGTH, windows_per_series=3)


def test_fixed_windows_are_evenly_spaced_and_plain():
    for (place, window_index, start), window_N in zip(
        FIXED.rows, FIXED.batch(range(len(FIXED)))["window"], strict=True
    ):
        signal = Ramps().signal(SERIES[place].index)
        assert start == even_starts(signal.size, LENGTH, 3)[window_index]
        np.testing.assert_array_equal(window_N, signal[start : start + LENGTH])


def test_fixed_windows_have_no_place_for_augmentations():
    assert not hasattr(FIXED, "augmentations")
    with pytest.raises(TypeError, match="augmentations"):
        replace(FIXED, augmentations={"sound": ALL})


def test_fixed_windows_series_without_room_gives_fewer():
    assert Counter(FIXED.rows[:, 0].tolist()) == {0: 3, 1: 3, 2: 1, 3: 3}
    assert len(FIXED) == 10


@pytest.mark.parametrize("batch_size", [1, 4, 10, 99])
def test_fixed_windows_batches_cover_all_in_order(batch_size):
    batches = list(FIXED.batches(batch_size))
    assert all(len(batch["window"]) <= batch_size for batch in batches)
    whole = FIXED.batch(range(10))
    for name, column in whole.items():
        np.testing.assert_array_equal(np.concatenate([batch[name] for batch in batches]), column)
    assert whole["item"].tolist() == [0, 0, 0, 1, 1, 1, 2, 3, 3, 3]
    assert whole["window_index"].tolist() == [0, 1, 2, 0, 1, 2, 0, 0, 1, 2]
    assert whole["domain"].tolist() == [0, 0, 0, 1, 1, 1, 0, 1, 1, 1]


def test_fixed_windows_survive_pickle_and_scale():
    fixed = replace(FIXED, series=(series(2, scaler=Scaler(2000.0, 4.0)),))
    copy = pickle.loads(pickle.dumps(fixed))
    np.testing.assert_array_equal(copy.batch([0])["window"][0], np.arange(LENGTH) / 4)


def test_fixed_windows_below_one_raises():
    with pytest.raises(ValueError, match="windows_per_series is 0"):
        replace(FIXED, windows_per_series=0)
