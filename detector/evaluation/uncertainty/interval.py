"""95 % intervals of single values: from resamples, and exact ones of counts where each thing is by itself.

Resamples of a set in which all went well are all alike: one right detection of one gives precision 1 in each,
and an interval without width. The exact intervals of a share and of a count know better, so what is counted
gets the wider of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TAIL = 0.025
"""What a 95 % interval leaves out at each end."""


@dataclass(frozen=True)
class Interval:
    """Where a value may lie, ends included."""

    low: float
    high: float


def middle(resamples: np.ndarray, *, units: int | None = None) -> Interval | None:
    """Of the values of S resamples; those that are NaN are left out, and of nothing else there is none.

    units: how many frames or recordings were drawn from. Percentiles are then taken as far out as Student's t
    lies beyond the normal distribution (Hesterberg, The American Statistician 69, 2015): a bootstrap of few
    units is too narrow. None: the middle 95 %.
    """
    measured = resamples[~np.isnan(resamples)]
    if not len(measured):
        return None
    tail = TAIL
    if units is not None:
        from scipy import special  # slow to load, and many commands tell no interval

        wide = np.sqrt(units / (units - 1)) * special.stdtrit(units - 1, TAIL)
        tail = float(special.ndtr(wide))
    low, high = np.percentile(measured, (100 * tail, 100 * (1 - tail)))
    return Interval(float(low), float(high))


def of_share(part: float, whole: float) -> Interval:
    """Of the chance behind `part` of `whole` independent trials (Clopper and Pearson 1934)."""
    from scipy import special

    low = special.betaincinv(part, whole - part + 1, TAIL) if part else 0.0
    high = special.betaincinv(part + 1, whole - part, 1 - TAIL) if part < whole else 1.0
    return Interval(float(low), float(high))


def of_count(count: int) -> Interval:
    """Of the mean behind a number of independent events (Garwood 1936)."""
    from scipy import special

    low = special.gammaincinv(count, TAIL) if count else 0.0
    return Interval(float(low), float(special.gammaincinv(count + 1, 1 - TAIL)))
