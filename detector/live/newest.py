"""The newest frame of a source. Frames that nobody had time for are dropped and counted, never queued."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Condition, Event, Thread
from types import TracebackType

from detector.live.source import Lost, Source, Tell
from detector.structures import Frame

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""Seconds to the next try of a source that is lost: doubled each time, up to the second."""


@dataclass(frozen=True)
class Taken:
    """A frame, and when it arrived, by time.monotonic()."""

    frame: Frame
    arrived: float


@dataclass(frozen=True)
class Counts:
    """Of frames since the start, and of connections made anew."""

    received: int = 0
    dropped: int = 0
    reconnected: int = 0


class Newest:
    """Reads a source in a thread of its own; an iteration gives the newest frame, each once.

    tell: for the log. silence: seconds without a frame, and again, after which a line says so. keep: is given
    every frame in the reading thread, dropped or not. To be entered once.
    """

    def __init__(self, source: Source, *, tell: Tell, silence: float, keep: Callable[[Frame], None]) -> None:
        self._source, self._tell, self._silence, self._keep = source, tell, silence, keep
        self._changed = Condition()
        self._stop = Event()
        self._waiting: Taken | None = None
        self._ended = False
        self._error: Exception | None = None
        self._counts = Counts()
        # A daemon: a read that blocks in a driver must not keep the program from ending.
        self._thread = Thread(target=self._read, name="source", daemon=True)

    @property
    def counts(self) -> Counts:
        """As they stand now."""
        return self._counts

    def __enter__(self) -> Newest:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def __iter__(self) -> Iterator[Taken]:
        """Until the source is at its end; what it raised then, UserError above all, is raised here."""
        while (taken := self._next()) is not None:
            yield taken
        if self._error is not None:
            raise self._error

    def _next(self) -> Taken | None:
        waited = time.monotonic()
        with self._changed:
            while self._waiting is None and not self._ended:
                if not self._changed.wait(self._silence):
                    self._tell(f"{self._source.name}: no frame for {time.monotonic() - waited:.0f} s")
            taken, self._waiting = self._waiting, None
            return taken

    def _read(self) -> None:
        try:
            self._connect_again_and_again()
        except Exception as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _connect_again_and_again(self) -> None:
        delay = FIRST_DELAY
        while not self._stop.is_set():
            before = self._counts.received
            try:
                self._receive()
                return
            except Lost as error:
                if self._counts.received > before:
                    delay = FIRST_DELAY
                self._tell(f"{error}; next try in {delay:g} s")
            self._stop.wait(delay)
            delay = min(2 * delay, LONGEST_DELAY)
            self._counts = replace(self._counts, reconnected=self._counts.reconnected + 1)

    def _receive(self) -> None:
        with closing(self._source.frames(self._stop)) as frames:
            for frame in frames:
                taken = Taken(frame, time.monotonic())
                with self._changed:
                    dropped = self._counts.dropped + (self._waiting is not None)
                    self._counts = replace(self._counts, received=self._counts.received + 1, dropped=dropped)
                    self._waiting = taken
                    self._changed.notify_all()
                self._keep(frame)
