"""The size of batches is found from what a pass takes, is the same each time, and changes no result."""

import json

import numpy as np
import pytest
import torch

from motor.backbones import batching
from motor.backbones.batch import Batch
from motor.backbones.batching import BatchSize, counting, limit_bytes
from motor.backbones.training.memory import note_tried, shrink_batch

KILOBYTE = 1 << 10


def passes_of(size, n_windows, bytes_of_window, **more):
    """The lengths of the batches that a pass of so many bytes a window is done in."""

    def work(numbers):
        torch.zeros(len(numbers) * bytes_of_window, dtype=torch.uint8)
        return len(numbers)

    return list(size.passes(n_windows, work, **more))


def running_out(most, error):
    """Work that runs out of memory with more than so many windows."""

    def work(numbers):
        if len(numbers) > most:
            raise error
        return list(numbers)

    return work


@pytest.fixture
def said():
    return []


@pytest.fixture
def found(said, monkeypatch):
    monkeypatch.setattr(batching, "CPU_BYTES", 64 * KILOBYTE)
    return BatchSize(None, "cpu", said.append)


def test_batch_size_grows_until_a_pass_would_take_more_than_the_limit(found):
    assert passes_of(found, 40, 5 * KILOBYTE) == [1, 2, 4, 8, 8, 8, 8, 1]  # 16 would take 80 of 64 KB


def test_batch_size_found_is_kept_for_the_next_windows(found):
    passes_of(found, 40, 5 * KILOBYTE)
    assert passes_of(found, 20, 1) == [8, 8, 4]


def test_batch_size_is_found_over_several_short_runs(found):
    assert [passes_of(found, 3, 5 * KILOBYTE) for _ in range(4)] == [[1, 2], [3], [3], [3]]
    assert found.size == 4


def test_batch_size_asked_for_is_taken():
    assert passes_of(BatchSize(3, "cpu", print), 7, 500 * KILOBYTE) == [3, 3, 1]


def test_batch_size_window_beyond_the_limit_goes_alone(found):
    assert passes_of(found, 2, 65 * KILOBYTE) == [1, 1]


def test_batch_size_batches_end_where_they_may(found):
    pairs = passes_of(found, 7, 10 * KILOBYTE, end_of_batch=lambda first, size: min(7, first + size + size % 2))
    assert pairs == [2, 2, 3]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    ],
)
def test_batch_size_memory_runs_out_halves_says_so_once_and_loses_no_window(error, said):
    done = list(BatchSize(8, "cpu", said.append).passes(11, running_out(3, error)))
    assert done == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10]]
    assert said == ["memory ran out with 8 windows a pass; going on with 4, or fewer if need be"]


def test_batch_size_memory_runs_out_while_it_is_sought_ends_the_search(found):
    assert [len(part) for part in found.passes(12, running_out(3, MemoryError()))] == [1, 2, 2, 2, 2, 2, 1]


def test_batch_size_memory_runs_out_with_one_window_raises(found):
    with pytest.raises(MemoryError, match=r"with 1 window a pass .*shorten context_length"):
        list(found.passes(2, running_out(0, MemoryError())))


def test_batch_size_other_errors_are_not_caught(found):
    with pytest.raises(RuntimeError, match="not finite"):
        list(found.passes(2, running_out(0, RuntimeError("not finite"))))


def test_counting_counts_what_lives_at_one_time():
    with counting() as counted:
        kept = torch.zeros(KILOBYTE, dtype=torch.uint8)
        for _ in range(3):
            kept + 1
        kept[:10].view(2, 5)  # of what is counted already
    assert counted.peak_bytes == 2 * KILOBYTE


def test_batch_size_notes_what_it_is_about_to_try(tmp_path):
    size, noted = BatchSize(None, "cpu", print, tmp_path), []

    def work(numbers):
        noted.append(json.loads((tmp_path / "tried.json").read_text())["micro_batch"])
        return len(numbers)

    assert list(size.passes(9, work)) == [1, 2, 4, 2]
    assert noted == [1, 2, 4, 8]


def test_batch_size_two_of_one_folder_note_the_one_that_works(tmp_path):
    large, small = BatchSize(16, "cpu", print, tmp_path), BatchSize(2, "cpu", print, tmp_path)
    for size in (large, small, large):
        list(size.passes(1, len))
    assert shrink_batch(tmp_path, 1) == 8


@pytest.mark.parametrize(("asked", "sizes"), [(None, [1, 2, 4, 4, 4]), (16, [4, 4, 4, 3]), (2, [2] * 7 + [1])])
def test_shrunk_batch_size_takes_no_more(tmp_path, asked, sizes):
    note_tried(tmp_path, 8)
    assert shrink_batch(tmp_path, 1) == 4
    assert list(BatchSize(asked, "cpu", print, tmp_path).passes(15, len)) == sizes


@pytest.mark.parametrize("horizon", ["resize", "roll_out"])
def test_counting_a_forecast_changes_it_by_rounding_alone_and_counts_the_same_again(kind, create, horizon, windows):
    from motor.registry import plugins

    forecaster = create(plugins("motor.backbones")[kind](d_model=16, d_kv=8, d_ff=32, horizon=horizon))
    context, _, domain = windows
    plain, counts = forecaster.predict_quantiles(Batch(context, None, domain)), []
    for _ in range(3):
        with counting() as counted:
            again = forecaster.predict_quantiles(Batch(context, None, domain))
        counts.append(counted.peak_bytes)
        torch.testing.assert_close(again, plain, rtol=0, atol=1e-6)
    assert len(set(counts)) == 1
    assert counts[0] > 5 * 64 * 4


@pytest.mark.parametrize(("batch_size", "n_threads"), [(3, 1), (32, 1), (32, 2)])
def test_forecasts_and_embeddings_do_not_depend_on_batch_size_and_threads(
    create, backbone, domains, batch_size, n_threads
):
    forecaster, generator = create(backbone, domains), np.random.default_rng(0)
    context = torch.as_tensor(generator.standard_normal((33, 64)), dtype=torch.float32)
    domain = torch.arange(33) % len(domains)
    outputs = forecaster.predict_quantiles, forecaster.embed
    batch = Batch(context, None, domain)
    alone = [torch.cat([of(batch.rows(slice(i, i + 1))) for i in range(33)]) for of in outputs]
    torch.set_num_threads(n_threads)  # the fixture `one_thread` sets it back
    for of, expected in zip(outputs, alone, strict=True):
        parts = BatchSize(batch_size, "cpu", print).passes(33, lambda n, of=of: of(batch.rows(n)))
        torch.testing.assert_close(torch.cat(list(parts)), expected, rtol=0, atol=1e-5)


def test_limit_of_a_cpu_is_that_of_its_caches(monkeypatch):
    monkeypatch.setattr(batching, "CPU_BYTES", 7)
    assert limit_bytes("cpu") == 7


@pytest.mark.gpu
def test_limit_of_a_gpu_is_a_share_of_its_memory():
    total = torch.cuda.get_device_properties(0).total_memory
    assert limit_bytes("cuda") == min(batching.GPU_BYTES, int(batching.GPU_SHARE * total))
