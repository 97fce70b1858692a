"""Items come in their order from another thread, which is never far ahead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from detector.inference.prefetch import ahead


def test_the_same_items_in_their_order_made_elsewhere():
    makers = set()

    def items() -> Iterator[int]:
        for number in range(50):
            makers.add(threading.current_thread())
            yield number

    assert list(ahead(items(), 3)) == list(range(50))
    assert len(makers) == 1
    assert threading.current_thread() not in makers


@pytest.mark.parametrize("count", [1, 4])
def test_never_more_than_count_ahead(count):
    made = 0

    def endless() -> Iterator[int]:
        nonlocal made
        while True:
            made += 1
            yield made

    items = ahead(endless(), count)
    for number in range(1, 20):
        assert next(items) == number
        time.sleep(0.002)
        assert made <= number + count
    items.close()
    assert not any(thread.name.startswith("prefetch") for thread in threading.enumerate())
    before = made
    time.sleep(0.01)
    assert made == before


def test_an_error_comes_in_its_place():
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    items = ahead(broken(), 8)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="third"):
        next(items)


def test_nothing_comes_of_nothing():
    assert list(ahead([], 2)) == []
