"""Training windows as a Ray Data stream, in the order of their numbers.

What travels is where the windows begin: the trainer cuts them from its own memory map, which costs less than to take
them through the object store. Windows that have to be augmented are cut and changed inside Ray Data's tasks, beside
the training, and travel whole. Either way a window is a function of its number, so that neither the number of tasks
nor where they run can change it, and a stream can begin anywhere (a resumed training). Until Ray Data's first block
has come, which takes seconds where worker processes have to start, the trainer makes its batches by itself; and all of
them where they are so few that Ray Data takes longer to start.

The tasks ask for no CPU: the trainer holds those of its trial, and would wait for ever for tasks that need one. On
several nodes each opens the recordings by their path, so `--storage` has to lie where every node sees it.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from motor.lazy import pyarrow
from motor.lazy_ray import ray
from motor.windows.draws import Draws, batch_places, check_shares, dealt

if TYPE_CHECKING:
    from motor.windows.cutting import WindowStream

CONCURRENCY = 2  # tasks that ask for no CPU would otherwise all start at once, each in a process of its own
FIRST_BYTES = (
    1 << 20
)  # of the first block, for a first batch soon; each next one is twice as large, up to the last size
ALONE_BYTES = 512 << 20  # of a stream that the trainer cuts by itself; some seconds with all augmentations
BLOCK_BYTES = 16 << 20  # of windows, in the object store; a task's start and a block's way cost some 10 ms
PLACES = 1 << 17  # windows a block where only their places travel: 40 bytes each
PLACE_BYTES = 40


class Share(NamedTuple):
    """Which windows of each batch a worker gets."""

    batch_size: int
    rank: int
    world_size: int

    def numbers(self, first: int, end: int) -> np.ndarray:
        """Return its numbers of those from `first` to `end`, which begin with a whole batch."""
        return dealt(first, end, *self)


def ray_batches(
    stream: "WindowStream", first: int, end: int, batch_size: int, rank: int = 0, world_size: int = 1
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the batches that `WindowStream.batches` gives for numbers `first` to `end`, in that order.

    Parameters
    ----------
    stream : WindowStream
        Where the windows come from; it is sent to the tasks, once.
    first, end : int
        Numbers of windows, `end` excluded.
    batch_size : int
        Numbers a batch.
    rank, world_size : int
        Which worker this is, and of how many.

    Yields
    ------
    dict
        As `WindowStream.batch`.

    Raises
    ------
    ValueError
        If a batch is too small for each worker to get a share.
    """
    check_shares(first, end, batch_size, world_size)
    if 4 * stream.window_length * (end - first) <= ALONE_BYTES:
        yield from stream.batches(first, end, batch_size, rank, world_size)
        return

    # Here and not in the thread: what the stream computes once, the trainer may be computing there and then. As bytes,
    # so that a node that does not see the recordings fails as a task does; Ray would retry for ever what it cannot
    # unpickle by itself.
    pickled, share = ray.cloudpickle.dumps(stream), Share(batch_size, rank, world_size)
    with _Ahead(lambda: _blocks(stream, pickled, first, end, share)) as ahead:
        own, number = stream.batches(first, end, *share), first
        while number < end and not ahead.is_ready():
            yield next(own)
            number += batch_size
        if number < end:
            yield from _from(number, ahead, stream, end, share)


def _blocks(stream: "WindowStream", pickled: bytes, first: int, end: int, share: Share) -> "Iterator[pyarrow.Table]":
    """Start Ray Data, and return its blocks in their order."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    context.print_on_execution_start = False
    dataset = windows_dataset(stream, pickled, first, end, share)
    return iter(dataset.iter_batches(batch_size=None, batch_format="pyarrow"))


def _from(
    first: int, blocks: "Iterable[pyarrow.Table]", stream: "WindowStream", end: int, share: Share
) -> Iterator[dict[str, np.ndarray]]:
    """Yield batches from number `first` on, where a batch begins; what lies before it in the blocks is passed over."""
    for block in blocks:
        numbers = block["number"].to_numpy()
        stop = min(end, int(numbers[-1]) + 1)
        for places in batch_places(numbers, first, stop, share.batch_size) if first < stop else ():
            yield _batch(stream, block.slice(places.start, places.stop - places.start))
            first += share.batch_size


class _Ahead:
    """Takes blocks one ahead of who reads them, in a thread, and tells whether the next has come."""

    def __init__(self, start: "Callable[[], Iterator[pyarrow.Table]]") -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._blocks = self._pool.submit(start)
        self._coming = self._pool.submit(self._next)

    def __enter__(self) -> "_Ahead":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)  # a block that is being waited for comes soon

    def is_ready(self) -> bool:
        return self._coming.done()

    def __iter__(self) -> "Iterator[pyarrow.Table]":
        while (block := self._coming.result()) is not None:
            self._coming = self._pool.submit(self._next)
            yield block

    def _next(self) -> "pyarrow.Table | None":
        return next(self._blocks.result(), None)


def windows_dataset(stream: "WindowStream", pickled: bytes, first: int, end: int, share: Share) -> "ray.data.Dataset":
    """Return a worker's share of `first` to `end` of a stream as a Ray data set whose blocks hold whole batches.

    Its columns are number, row (the place in `series`) and start; and window, where windows are augmented. `pickled`
    is the stream, as tasks get it.
    """
    source = _source(stream, pickled, _ranges(stream, first, end, share.batch_size), share)
    n_tasks = len(source.ranges)
    return ray.data.read_datasource(
        source, num_cpus=0, override_num_blocks=n_tasks, concurrency=min(CONCURRENCY, n_tasks)
    )


def _ranges(stream: "WindowStream", first: int, end: int, batch_size: int) -> tuple[tuple[int, int], ...]:
    """Return the numbers of each block, from small blocks to the size that they keep."""
    row_bytes = 4 * stream.window_length if stream.is_augmented else PLACE_BYTES
    largest = min(BLOCK_BYTES // row_bytes, PLACES)
    size, ranges = FIRST_BYTES // row_bytes, []
    while first < end:
        step = max(1, min(size, largest) // batch_size) * batch_size
        ranges.append((first, min(first + step, end)))
        first, size = first + step, 2 * size
    return tuple(ranges)


def _source(
    stream: "WindowStream", pickled: bytes, numbers: tuple[tuple[int, int], ...], share: Share
) -> "ray.data.Datasource":
    sent = ray.put(pickled)
    row_bytes = PLACE_BYTES + (4 * stream.window_length if stream.is_augmented else 0)

    class WindowSource(ray.data.Datasource):
        """A read task for each run of numbers."""

        ranges = numbers

        def estimate_inmemory_data_size(self) -> int:
            return (numbers[-1][1] - numbers[0][0]) * row_bytes

        def get_read_tasks(self, parallelism: int, *_: object, **__: object) -> list[ray.data.ReadTask]:
            return [
                ray.data.ReadTask(
                    lambda start=start, stop=stop: [_table(_fetched(sent), share.numbers(start, stop))],
                    ray.data.block.BlockMetadata(
                        num_rows=stop - start, size_bytes=(stop - start) * row_bytes, input_files=None, exec_stats=None
                    ),
                )
                for start, stop in numbers
            ]

    return WindowSource()


@lru_cache(maxsize=1)
def _fetched(sent: "ray.ObjectRef") -> "WindowStream":
    """Return the stream; a worker process keeps it from task to task."""
    return ray.cloudpickle.loads(ray.get(sent))


def _table(stream: "WindowStream", numbers: np.ndarray) -> "pyarrow.Table":
    draws = stream.draw(numbers)
    columns = {"number": draws.numbers_B, "row": draws.rows_B, "start": draws.starts_B}
    if stream.is_augmented:
        flat = pyarrow.array(stream.windows(draws).ravel())
        columns["window"] = pyarrow.FixedSizeListArray.from_arrays(flat, stream.window_length)
    return pyarrow.table(columns)


def _batch(stream: "WindowStream", table: "pyarrow.Table") -> dict[str, np.ndarray]:
    """Return a batch in arrays of its own: a block is freed as soon as it was read."""
    numbers, rows, starts = (table[name].to_numpy().copy() for name in ("number", "row", "start"))
    if "window" in table.column_names:
        flat = table["window"].combine_chunks().flatten().to_numpy()
        return stream.described(numbers, rows, starts, flat.reshape(len(rows), -1).copy())
    return stream.drawn(Draws(numbers, rows, starts))
