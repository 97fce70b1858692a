"""The contract of an assigner."""

from __future__ import annotations

from typing import Protocol

from detector.tensors import Assignment, HeadOutput, Targets


class Assigner(Protocol):
    """Decides which points answer for which truth. Pure: no state, no gradient, static shapes."""

    def __call__(self, head_output: HeadOutput, targets: Targets) -> Assignment: ...
