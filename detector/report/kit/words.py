"""Numbers and lists as a reader wants them."""

from __future__ import annotations

from collections.abc import Sequence

from detector.evaluation.worst import MOST

NONE = "-"
"""Stands where nothing could be measured."""


def decimal(value: float | None, digits: int = 3) -> str:
    """A metric of fixed length."""
    return NONE if value is None else f"{value:.{digits}f}"


def whole_percent(share: float | None) -> str:
    """A share in [0, 1]: '62 %'."""
    return NONE if share is None else f"{100 * share:.0f} %"


def listed(names: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'; of many the first and how many there are more."""
    if len(names) > MOST:
        return f"{', '.join(names[:MOST])} and {len(names) - MOST} more"
    return " and ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


def duration(seconds: float) -> str:
    """'42 s', '39 min', '2 h 5 min'."""
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
