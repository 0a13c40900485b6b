import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest

from motor.recordings.ordered import ordered_map, threads_of_a_generator


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_ordered_map_keeps_the_order_when_the_first_is_the_slowest(executor: ThreadPoolExecutor) -> None:
    def slow(item: int) -> int:
        time.sleep(0.05 if item == 0 else 0)
        return -item

    assert list(ordered_map(slow, range(20), executor, 3)) == [-item for item in range(20)]


def test_ordered_map_takes_no_more_than_it_may_be_ahead(executor: ThreadPoolExecutor) -> None:
    taken: list[int] = []
    items = (taken.append(k) or k for k in range(100))  # type: ignore[func-returns-value]
    results = ordered_map(str, items, executor, 5)
    assert next(results) == "0"
    assert taken == list(range(6))
    results.close()  # type: ignore[attr-defined]


def test_ordered_map_yields_what_came_before_a_failure_of_the_items(executor: ThreadPoolExecutor) -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise OSError("gone")

    results = ordered_map(str, items(), executor, 10)
    assert [next(results), next(results), next(results)] == ["1", "2", "3"]
    with pytest.raises(OSError, match="gone"):
        next(results)


def test_ordered_map_raises_what_the_function_raises(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(ordered_map(int, ["1", "x", "3"], executor, 2))


def test_ordered_map_takes_no_more_ahead_than_it_may_weigh(executor: ThreadPoolExecutor) -> None:
    taken: list[int] = []
    items = (taken.append(k) or k for k in range(6))  # type: ignore[func-returns-value]
    results = ordered_map(int, items, executor, 4, lambda item: 3.0 if item else 1.0, most=4.0)
    assert next(results) == 0
    assert taken == [0, 1, 2]  # the third waits, for it would weigh too much beside the second
    assert list(results) == [1, 2, 3, 4, 5]


def test_threads_are_no_obstacle_to_one_of_them_that_ends_the_generator() -> None:
    # As the garbage collector does with a generator that its caller left, on whatever thread it runs.
    def squares() -> Iterator[ThreadPoolExecutor]:
        with threads_of_a_generator(2) as threads:
            yield threads

    generator = squares()
    threads = next(generator)
    threads.submit(generator.close).result(timeout=30)  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="after shutdown"):
        threads.submit(str)


def test_threads_are_not_waited_for_where_the_generator_is_left() -> None:
    # The garbage collector may end it where a lock is held that the ends of these threads need.
    release, has_left = Event(), Event()

    def squares() -> Iterator[int]:
        with threads_of_a_generator(2) as threads:
            yield from ordered_map(lambda item: item if item == 0 else release.wait(30), range(3), threads, 2)

    generator = squares()
    assert next(generator) == 0

    def leave() -> None:
        generator.close()  # type: ignore[attr-defined]
        has_left.set()

    leaving = Thread(target=leave)
    leaving.start()
    try:
        assert has_left.wait(5)
    finally:
        release.set()
        leaving.join()
