"""A polite answer to Ctrl-C and SIGTERM: finish the step, save, stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

import torch

from detector import distributed
from detector.errors import Interrupted

SAME = 1.0
"""A signal within this many seconds of the first is the same request, passed on by terminal, scheduler or
parent."""


class Interrupt:
    """Context in which SIGINT and SIGTERM only raise a flag; one that comes later again acts as usual."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.raised = False
        self._since = 0.0
        self._message: str | None = None
        self._previous: dict[int, object] = {}
        self._clock = time.monotonic()
        self._looked = self._next = 0

    def __enter__(self) -> Interrupt:
        for number in self.SIGNALS:
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (signal's contract)
        if not self.raised:
            self.raised, self._since = True, time.monotonic()
            if self._message is not None:
                # No Exception: it comes in the middle of what may take every one of them for damage.
                raise KeyboardInterrupt
        elif time.monotonic() - self._since > SAME:
            self._restore()
            os.kill(os.getpid(), number)

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous = {}

    @contextmanager
    def at_once(self, message: str) -> Iterator[None]:
        """Context in which a signal raises Interrupted, for what has nothing to save and may take long."""
        self._message = message
        try:
            if self.raised:
                raise Interrupted(message)
            yield
        except KeyboardInterrupt:
            if not self.raised:
                raise
            raise Interrupted(message) from None
        finally:
            self._message = None

    def anywhere(self, device: torch.device) -> bool:
        """Whether any process was told to stop. Every process must ask at the same step."""
        return self._sums(device, 0.0)[0] > 0

    def due(self, device: torch.device, step: int, *, every: int) -> bool:
        """As `anywhere`, but asks the others about once a second only, and at least every so many steps.

        Every process must call it after every step, and all agree on when they ask.
        """
        if distributed.world_size() == 1:
            return self.raised
        if step < self._next:
            return False
        now = time.monotonic()
        pace = (now - self._clock) / max(1, step - self._looked)
        raised, pace = self._sums(device, pace)
        pace /= distributed.world_size()
        self._next = step + max(1, min(every, round(1 / max(pace, 1e-9))))
        self._clock, self._looked = time.monotonic(), step
        return raised > 0

    def _sums(self, device: torch.device, pace: float) -> tuple[float, float]:
        told = torch.tensor([float(self.raised), pace], device=device)
        raised, total = distributed.world_sum(told).tolist()
        return raised, total
