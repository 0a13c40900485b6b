"""Training windows as a Ray Data stream of Arrow blocks.

The windows are cut from the memory map inside Ray Data's read tasks, by their numbers, so that neither the
number of tasks nor where they run can change them, and a stream can begin anywhere (a resumed training).
The tasks ask for no CPU: the trainer holds those of its trial, and would wait for ever for tasks that need one.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow
    import ray.data

    from motor.windows.cutting import WindowStream

CONCURRENCY = 2  # tasks that ask for no CPU would otherwise all start at once, each in a process of its own
BLOCK_BYTES = 4 << 20  # small enough for a first batch soon, large enough that a task's start does not count


def ray_batches(stream: "WindowStream", first: int, end: int, batch_size: int) -> Iterator[dict[str, np.ndarray]]:
    """Yield the batches that `WindowStream.batch` gives for windows `first` to `end`, in that order.

    Parameters
    ----------
    stream : WindowStream
        Where the windows come from; it is sent to the tasks.
    first, end : int
        Numbers of windows, `end` excluded.
    batch_size : int
        Windows a batch.

    Yields
    ------
    dict
        As `WindowStream.batch`.
    """
    import ray.data

    if first >= end:
        return
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    context.print_on_execution_start = False
    dataset = windows_dataset(stream, first, end)
    for batch in dataset.iter_batches(batch_size=batch_size, batch_format="pyarrow", prefetch_batches=2):
        yield _arrays(batch)


def windows_dataset(stream: "WindowStream", first: int, end: int) -> "ray.data.Dataset":
    """Return windows `first` to `end` of a stream as a Ray data set with columns window, domain and number."""
    import ray.data

    source = _source(stream, first, end)
    n_tasks = len(source.ranges)
    return ray.data.read_datasource(
        source, num_cpus=0, override_num_blocks=n_tasks, concurrency=min(CONCURRENCY, n_tasks)
    )


def _source(stream: "WindowStream", first: int, end: int) -> "ray.data.Datasource":
    import ray.data
    from ray.data.block import BlockMetadata

    row_bytes = 4 * stream.window_length
    step = max(1, BLOCK_BYTES // row_bytes)

    class WindowSource(ray.data.Datasource):
        """A read task for each run of numbers."""

        ranges = tuple((start, min(start + step, end)) for start in range(first, end, step))

        def estimate_inmemory_data_size(self) -> int:
            return (end - first) * row_bytes

        def get_read_tasks(self, parallelism: int, *_: object, **__: object) -> list[ray.data.ReadTask]:
            return [
                ray.data.ReadTask(
                    lambda start=start, stop=stop: [_table(stream, start, stop)],
                    BlockMetadata(
                        num_rows=stop - start, size_bytes=(stop - start) * row_bytes, input_files=None, exec_stats=None
                    ),
                )
                for start, stop in self.ranges
            ]

    return WindowSource()


def _table(stream: "WindowStream", start: int, stop: int) -> "pyarrow.Table":
    import pyarrow as pa

    cut = stream.batch(np.arange(start, stop))
    windows = pa.FixedSizeListArray.from_arrays(pa.array(cut["window"].ravel()), stream.window_length)
    return pa.table({"window": windows, "domain": cut["domain"], "number": cut["number"]})


def _arrays(table: "pyarrow.Table") -> dict[str, np.ndarray]:
    windows = table["window"].combine_chunks()
    n_windows = len(windows)
    flat = windows.flatten().to_numpy(zero_copy_only=False)
    return {
        "window": flat.reshape(n_windows, -1),
        "domain": table["domain"].to_numpy(),
        "number": table["number"].to_numpy(),
    }
