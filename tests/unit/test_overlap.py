import threading
import time
from collections.abc import Iterator

import pytest

from vidremove.overlap import prefetch


def test_items_come_in_order() -> None:
    assert list(prefetch(iter(range(100)), depth=3)) == list(range(100))


def test_an_error_comes_at_its_place() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("three")

    seen = []
    with pytest.raises(KeyError, match="three"):  # noqa: PT012
        for item in prefetch(broken()):
            seen.append(item)
    assert seen == [1, 2]


def test_no_more_than_depth_is_made_ahead() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    line = prefetch(items(), depth=2)
    assert next(line) == 0
    time.sleep(0.3)
    assert len(made) <= 5
    line.close()


def test_closing_stops_the_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    before = threading.active_count()
    line = prefetch(endless())
    next(line)
    line.close()
    assert closed.is_set()
    assert threading.active_count() == before
