"""The next items are made while the last ones are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


def ahead(items: Iterable[T], count: int) -> Iterator[T]:
    """The same items in their order, made by another thread, which is never more than `count` ahead.

    What making an item raises is raised in its place. An iteration that is left early ends the thread.
    """
    iterator = iter(items)
    maker = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
    try:
        made: deque[Future[T]] = deque(maker.submit(next, iterator, _END) for _ in range(count))
        while (item := made.popleft().result()) is not _END:
            made.append(maker.submit(next, iterator, _END))
            yield item
    finally:
        maker.shutdown(cancel_futures=True)
