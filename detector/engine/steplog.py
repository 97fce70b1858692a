"""What happened in each step, fetched from the device once in a while."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from detector.errors import NonFiniteError

GRADIENT = "gradient_norm"
MOST_OVERFLOWS = 20
"""Steps in a row. Loss scaling halves with each: after so many it is a millionth of what it was, and what
still overflows is no matter of scale."""


@dataclass(frozen=True)
class StepRecord:
    """Values of one step by name."""

    step: int
    values: dict[str, float]


class NonFiniteStep(NonFiniteError):
    """One that says where: step, the bad terms, the images."""

    def __init__(self, step: int, terms: list[str], images: list[int], said: str) -> None:
        super().__init__(f"step {step}: {', '.join(terms)} not finite, images {images}; {said}")
        self.step, self.terms, self.images = step, terms, images

    def __reduce__(self) -> tuple[type[NonFiniteError], tuple[str]]:
        return NonFiniteError, (str(self),)  # from a process to its parent


class StepLog:
    """Keeps each step's scalars on the device and moves them to the host together.

    Reading a number makes the host wait for the device, so it happens once per `flush` and not per step.
    scaled: the loss is scaled, so that the scaler leaves out a step whose gradient overflows: no movement,
    and as long as it does not last no sign of trouble.
    """

    def __init__(self, *, scaled: bool = False) -> None:
        self.scaled = scaled
        self.moved = self.steps = self.overflows = 0
        self._pending: list[tuple[int, tuple[str, ...], Tensor, Tensor]] = []

    def add(self, step: int, values: dict[str, Tensor], image_ids: Tensor) -> None:
        """values: detached scalars on one device, the same names at every step."""
        stacked = torch.stack([value.float() for value in values.values()])
        self._pending.append((step, tuple(values), stacked, image_ids))

    def flush(self) -> list[StepRecord]:
        """The steps added since the last flush, oldest first; those without movement lack GRADIENT.

        Raises NonFiniteStep naming the first step, its bad terms and its images.
        """
        pending, self._pending = self._pending, []
        if not pending:
            return []
        rows = torch.stack([stacked for _, _, stacked, _ in pending]).tolist()
        records = []
        for (step, names, _, image_ids), row in zip(pending, rows, strict=True):
            values = dict(zip(names, row, strict=True))
            bad = [name for name, value in values.items() if not math.isfinite(value)]
            overflow = self.scaled and bad == [GRADIENT]
            self._count(overflow)
            if overflow and self.overflows < MOST_OVERFLOWS:
                del values[GRADIENT]
            elif bad:
                lasted = f"overflows for {self.overflows} steps in fp16; " if overflow else ""
                raise NonFiniteStep(
                    step,
                    bad,
                    image_ids.tolist(),
                    f"{lasted}no weights from this step were saved. Lower optimizer.lr, or look at these "
                    "images' boxes",
                )
            records.append(StepRecord(step, values))
        return records

    def require_movement(self) -> None:
        """NonFiniteError where steps were taken and not one of them had a finite gradient."""
        if self.steps and not self.moved:
            raise NonFiniteError(
                f"none of {self.steps} steps had a finite gradient in fp16: nothing was learnt; "
                "take engine.precision=bf16 or fp32"
            )

    def _count(self, overflow: bool) -> None:
        self.steps += 1
        self.moved += not overflow
        self.overflows = self.overflows + 1 if overflow else 0
