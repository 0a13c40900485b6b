"""A map over other threads or processes that keeps the order, and runs only a bounded number ahead."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    executor: Executor,
    n_ahead: int,
    weigh: Callable[[Item], float] = lambda item: 0.0,
    most: float = math.inf,
) -> Iterator[Result]:
    """Yield what a function returns for each item, in the items' order.

    Parameters
    ----------
    function : callable
        Has to pickle where the executor's workers are processes.
    items : iterable
        Taken one by one, only as fast as results are: `Executor.map` would take all of them at once.
    executor : Executor
    n_ahead : int
        How many items are computed, or have been, beyond the one that is yielded: what bounds the memory.
    weigh : callable, optional
        Returns what an item weighs, say in bytes; with the next item together no more than `most` is computed ahead,
        but for a single item.
    most : float

    Raises
    ------
    Exception
        What `items` or the function raised, after the results of the items before it.
    """
    waiting: deque[Future[Result]] = deque()
    weights: deque[float] = deque()
    failures: list[Exception] = []
    try:
        for item in _until_failure(items, failures):
            weight = weigh(item)
            while waiting and sum(weights) + weight > most:
                weights.popleft()
                yield waiting.popleft().result()
            waiting.append(executor.submit(function, item))
            weights.append(weight)
            if len(waiting) > n_ahead:
                weights.popleft()
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
    if failures:
        raise failures[0]


@contextmanager
def threads_of_a_generator(n_threads: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads, and wait for them at the end, unless the generator that has them is left before it.

    The garbage collector ends a generator that its caller left, on whatever thread it runs, in the middle of whatever
    that does: on one of these threads, which cannot wait for itself, or on one that holds a lock of Python's own which
    the end of a thread needs, as the start of another does. They end by themselves, after what they do just then.
    """
    executor = ThreadPoolExecutor(n_threads)
    is_left = False
    try:
        yield executor
    except GeneratorExit:
        is_left = True
        raise
    finally:
        executor.shutdown(wait=not is_left, cancel_futures=True)


def _until_failure(items: Iterable[Item], failures: list[Exception]) -> Iterator[Item]:
    """Yield items; note what ends them before their end."""
    try:
        yield from items
    except Exception as error:
        failures.append(error)
