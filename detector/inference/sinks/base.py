"""What every sink is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

from detector.inference.prediction import Prediction

S = TypeVar("S", bound="Sink")


class Sink(ABC):
    """Takes predictions one by one; a context manager.

    Files and folders appear with the first prediction. What was written is on disk when something breaks.
    """

    @abstractmethod
    def write(self, prediction: Prediction) -> None:
        """Add one prediction."""
        ...

    @abstractmethod
    def close(self) -> None:
        """Nothing more will come, because that was all or because something broke."""
        ...

    def __enter__(self: S) -> S:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
