"""What the checks say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from detector.data.annotations import ImageRecord


class Severity(Enum):
    """ERROR: the set is not fit to train on; WARNING: look before you train; NOTE: good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A frame to look at. marked [N, 4]: boxes (xyxy, pixels) to point at, beside those of the record."""

    record: ImageRecord
    caption: str
    marked: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))


@dataclass(frozen=True, eq=False)
class Finding:
    """One statement about the set.

    check: what was looked at, in a word or two. message: what was found, with figures. advice: what to do
    about it, empty where nothing need be done. details: files or values, one a line. exhibits: groups of
    frames, those of one group to be seen side by side.
    """

    severity: Severity
    check: str
    message: str
    advice: str = ""
    details: tuple[str, ...] = ()
    exhibits: tuple[tuple[Exhibit, ...], ...] = ()

    @property
    def line(self) -> str:
        """The finding on one line that any terminal can show, whatever a file's name holds."""
        advice = f"; {self.advice}" if self.advice else ""
        text = f"{self.severity.value:8s} {self.check}: {self.message}{advice}"
        return "".join(letter if letter.isprintable() else "?" for letter in text)


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage; never 0 % nor 100 % where it is neither."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    if 0.999 < share < 1:
        return "over 99.9 %"
    return f"{100 * share:.1f} %"


def evenly_spaced(count: int, max_count: int) -> list[int]:
    """At most `max_count` indices into `count` things, evenly spaced, first and last included."""
    return sorted({round(position) for position in np.linspace(0, count - 1, min(count, max_count))})


def listed(names: Sequence[str], max_names: int = 3) -> str:
    """The first few names and how many more there are."""
    rest = f" and {len(names) - max_names} more" if len(names) > max_names else ""
    return ", ".join(names[:max_names]) + rest
