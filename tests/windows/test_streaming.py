"""Training windows through Ray Data are those of the memory map, wherever the stream begins."""

import numpy as np
import pytest

from motor.windows.augmentations.jitter import Jitter
from motor.windows.cutting import Series, WindowStream
from motor.windows.scaling import Scaler

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),  # Ray Data warns of its own defaults
]


class Noise:
    """Signals that are computed where they are asked for, as a file is opened."""

    def __len__(self):
        return 5

    def signal(self, index):
        return np.random.default_rng(index).normal(size=300 + index).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def one_ray():
    """An embedded Ray with no free CPU for the stream's tasks: a trial holds all of them while it trains."""
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    group = ray.util.placement_group([{"CPU": 1}])
    ray.get(group.ready())
    yield
    ray.shutdown()


@pytest.fixture
def stream():
    domains = ("east", "west")
    series = tuple(Series(f"s{i}", i, domains[i % 2], "normal", 1000.0, Scaler(0.1 * i, 1.0 + i)) for i in range(5))
    return WindowStream(Noise(), series, domains, 64, 2, 3, {"west": (Jitter(),)})


def read(stream, first, end, size):
    from motor.windows.streaming import ray_batches

    return list(ray_batches(stream, first, end, size))


@pytest.mark.parametrize(("first", "end", "size"), [(0, 40, 4), (12, 40, 4), (7, 9, 4)])
def test_stream_by_ray_data_gives_the_windows_of_the_memory_map(stream, first, end, size):
    batches = read(stream, first, end, size)
    expected = [stream.batch(np.arange(n, min(n + size, end))) for n in range(first, end, size)]
    assert len(batches) == len(expected)
    for found, wanted in zip(batches, expected, strict=True):
        for name in ("window", "domain", "number"):
            np.testing.assert_array_equal(found[name], wanted[name])
            assert found[name].dtype == wanted[name].dtype


def test_stream_by_ray_data_of_many_blocks_stays_in_order(stream, monkeypatch):
    from motor.windows import streaming

    monkeypatch.setattr(streaming, "BLOCK_BYTES", 3 * 4 * 64)  # three windows a task
    numbers = np.concatenate([batch["number"] for batch in read(stream, 5, 47, 4)])
    np.testing.assert_array_equal(numbers, np.arange(5, 47))


def test_stream_by_ray_data_with_nothing_left_is_empty(stream):
    assert read(stream, 8, 8, 4) == []


def test_fine_tune_by_ray_data_gives_the_bytes_of_the_memory_map(make_tiny, tmp_path):
    name, files = "predictor/model.safetensors", []
    for way in ("ray_data", "memory_map"):
        (tmp_path / way).mkdir()
        tiny = make_tiny(tmp_path / way, f"windows.stream={way}", "finetune.num_steps=20")
        tiny.build_stages("finetune", regime="Joint", labels="normal")
        files.append(tiny.folder(tiny.cell("A/Joint/64/lda").features[0].finetune) / name)
    assert files[0].read_bytes() == files[1].read_bytes()
