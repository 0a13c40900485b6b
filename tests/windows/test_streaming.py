"""Training windows through Ray Data are those of the memory map, wherever the stream begins."""

import threading
import time
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from ray import cloudpickle

from motor.windows import streaming
from motor.windows.augmentations.jitter import Jitter
from motor.windows.cutting import WindowStream
from motor.windows.scaling import Scaler
from motor.windows.source import Series

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),  # Ray Data warns of its own defaults
    # ... and leaves the log file of each data set to the garbage collector.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning"),
]


class Noise:
    """Signals that are computed where they are asked for, as a file is opened."""

    n_samples = np.arange(300, 305)
    begins = np.cumsum(n_samples) - n_samples

    @property
    def samples(self):
        return np.random.default_rng(0).normal(size=self.n_samples.sum()).astype(np.float32)


class Unreachable(Noise):
    """Signals that lie where only this process sees them."""

    def __reduce__(self):
        return open, ("/nowhere/recordings.arrow",)


@pytest.fixture(scope="module", autouse=True)
def one_ray():
    """An embedded Ray with no free CPU for the stream's tasks: a trial holds all of them while it trains."""
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    group = ray.util.placement_group([{"CPU": 1}])
    ray.get(group.ready())
    yield
    ray.shutdown()


@pytest.fixture(autouse=True)
def small_streams_too(monkeypatch):
    """Also what the trainer would cut by itself goes through Ray Data."""
    monkeypatch.setattr(streaming, "ALONE_BYTES", 0)


@pytest.fixture
def plain():
    domains = ("east", "west")
    series = tuple(Series(f"s{i}", i, domains[i % 2], "normal", 1000.0, Scaler(0.1 * i, 1.0 + i)) for i in range(5))
    return WindowStream(Noise(), series, domains, 64, 2, 3)


@pytest.fixture(params=["plain", "augmented"])
def stream(request, plain):
    return plain if request.param == "plain" else replace(plain, augmentations={"west": (Jitter(),)})


def joined(batches, name):
    return np.concatenate([batch[name] for batch in batches])


def from_blocks(stream, first, end, size, rank=0, world_size=1):
    """Batches of Ray Data's blocks alone."""
    share = streaming.Share(size, rank, world_size)
    blocks = streaming._blocks(stream, cloudpickle.dumps(stream), first, end, share)
    return list(streaming._from(first, blocks, stream, end, share))


@pytest.mark.parametrize("read", [from_blocks, lambda *which: list(streaming.ray_batches(*which))])
@pytest.mark.parametrize(("first", "end", "size"), [(0, 40, 4), (13, 38, 4)])
def test_stream_by_ray_data_gives_the_batches_of_the_memory_map(stream, read, first, end, size):
    batches, expected = read(stream, first, end, size), list(stream.batches(first, end, size))
    assert len(batches) == len(expected)
    for found, wanted in zip(batches, expected, strict=True):
        for name in ("window", "domain", "number"):
            np.testing.assert_array_equal(found[name], wanted[name])
            assert found[name].dtype == wanted[name].dtype
            assert found[name].flags.writeable


class Even(Noise):
    """Signals of one length."""

    n_samples = np.full(5, 300)
    begins = np.cumsum(n_samples) - n_samples


@pytest.mark.parametrize("augmentations", [{}, {"west": (Jitter(),)}], ids=["plain", "augmented"])
def test_stream_by_ray_data_gives_a_worker_its_share_of_whole_groups(plain, augmentations, monkeypatch):
    monkeypatch.setattr(streaming, "FIRST_BYTES", 40 * 8)  # several blocks
    series = tuple(replace(one, motor="m", moment=f"t{one.index // 2}") for one in plain.series)
    stream = replace(plain, signals=Even(), series=series, together=True, augmentations=augmentations)
    found, expected = from_blocks(stream, 3, 41, 4, 1, 2), list(stream.batches(3, 41, 4, 1, 2))
    assert [len(set(batch["number"].tolist())) for batch in found] == [2] * 9 + [1]
    for batch, wanted in zip(found, expected, strict=True):
        for name, column in wanted.items():
            np.testing.assert_array_equal(batch[name], column)


def test_stream_by_ray_data_of_many_blocks_stays_in_order(stream, monkeypatch):
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 8 * 4 * 64)  # eight windows a task
    monkeypatch.setattr(streaming, "PLACES", 8)
    assert len(streaming._ranges(stream, 5, 47, 4)) == 6
    np.testing.assert_array_equal(joined(from_blocks(stream, 5, 47, 4), "number"), np.arange(5, 47))


def test_stream_by_ray_data_takes_over_from_the_trainer_without_a_gap(stream, monkeypatch):
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 8 * 4 * 64)
    monkeypatch.setattr(streaming, "PLACES", 8)
    taken = []
    monkeypatch.setattr(streaming, "_batch", lambda *block, made=streaming._batch: taken.append(1) or made(*block))
    batches = []
    for batch in streaming.ray_batches(stream, 5, 1205, 4):
        batches.append(batch)
        time.sleep(0.1 if not taken else 0.0)
    assert len(batches) > len(taken) > 0
    np.testing.assert_array_equal(joined(batches, "number"), np.arange(5, 1205))
    np.testing.assert_array_equal(joined(batches, "window"), stream.batch(range(5, 1205))["window"])


def test_stream_by_ray_data_begins_at_once_and_stops_when_left(stream):
    batches = streaming.ray_batches(stream, 0, 10**6, 4)
    began = time.monotonic()
    next(batches)
    assert time.monotonic() - began < 1
    batches.close()


class Watched(Noise):
    """Signals that note which thread pickles them."""

    threads: ClassVar[list[int]] = []

    def __reduce__(self):
        self.threads.append(threading.get_ident())
        return Noise, ()


def test_stream_is_pickled_by_who_uses_it_not_while_another_thread_does(plain):
    list(streaming.ray_batches(replace(plain, signals=Watched()), 0, 40, 4))
    assert set(Watched.threads) == {threading.get_ident()}


def test_stream_that_is_small_starts_no_ray_data(stream, monkeypatch):
    monkeypatch.setattr(streaming, "ALONE_BYTES", 4 * 64 * 40)
    monkeypatch.setattr(streaming, "_Ahead", None)
    batches = list(streaming.ray_batches(stream, 0, 40, 4))
    assert [batch["number"].tolist() for batch in batches] == np.arange(40).reshape(10, 4).tolist()
    with pytest.raises(TypeError):  # one window more
        list(streaming.ray_batches(stream, 0, 41, 4))


def test_stream_by_ray_data_with_nothing_left_is_empty(stream):
    assert list(streaming.ray_batches(stream, 8, 8, 4)) == []


def test_stream_by_ray_data_says_when_a_node_does_not_see_the_recordings(plain):
    with pytest.raises(Exception, match=r"/nowhere/recordings\.arrow"):
        from_blocks(replace(plain, signals=Unreachable()), 0, 40, 4)


@pytest.mark.slow
def test_fine_tune_by_ray_data_gives_the_bytes_of_the_memory_map(make_tiny, tmp_path):
    name, files = "predictor/model.safetensors", []
    for way in ("ray_data", "memory_map"):
        (tmp_path / way).mkdir()
        tiny = make_tiny(tmp_path / way, f"windows.stream={way}", "finetune.num_steps=20")
        tiny.build_stages("finetune", regime="Joint", labels="normal")
        files.append(tiny.folder(tiny.cell("A/Joint/64/lda").features[0].finetunes[0]) / name)
    assert files[0].read_bytes() == files[1].read_bytes()
