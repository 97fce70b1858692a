"""A polite answer to Ctrl-C and SIGTERM: finish the step, save, stop."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

import torch

from detector import distributed


class Interrupt:
    """Context in which SIGINT and SIGTERM only raise a flag; a second one acts as usual."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.raised = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Interrupt:
        for number in self.SIGNALS:
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (signal's contract)
        self.raised = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous = {}

    def anywhere(self, device: torch.device) -> bool:
        """Whether any process was told to stop. Every process must ask at the same step."""
        flag = torch.tensor(float(self.raised), device=device)
        return bool(distributed.world_sum(flag) > 0)
