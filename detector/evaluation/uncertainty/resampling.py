"""A split's images drawn again, as if the split had been made again: one by one, or whole recordings.

Frames of one recording resemble each other, so a thousand of them say less than a thousand frames of a
thousand places. Drawn one by one they pass for independent, and intervals come out too narrow. Drawn by whole
recordings the intervals hold for other recordings too, if there are enough of them to draw from.

Letters: I images, S resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.data.annotations import ImageRecord
from detector.errors import UserError

UNITS = ("auto", "images", "recordings")

ENOUGH_RECORDINGS = 20
"""Of fewer a 95 % interval holds the true value in clearly less than 95 % of cases (docs/comparing.md)."""


@dataclass(frozen=True, eq=False)
class Draws:
    """weights: [I, S] int32, how often each resample has each image. unit: images or recordings.

    reason: why that unit. caution: what the intervals are not good for, "" where they are. Both are for the
    user, without a full stop.
    """

    weights: np.ndarray
    unit: str
    reason: str
    caution: str


def draw(records: Sequence[ImageRecord], *, count: int, unit: str = "auto", seed: int = 0) -> Draws:
    """`count` resamples of the images, each as many units as there are, drawn with replacement.

    unit: images, recordings, or auto: recordings where all are known and at least ENOUGH_RECORDINGS.
    Raises UserError for another unit, and for recordings where they are not known or only one.
    """
    if unit not in UNITS:
        raise UserError(f"unit={unit}: must be one of {', '.join(UNITS)}")
    named = [record.sequence for record in records]
    recordings = sorted({name for name in named if name is not None})
    unknown = named.count(None)
    if unit == "recordings" and (unknown or len(recordings) < 2):
        raise UserError(
            f"unit=recordings: of {len(records)} images {unknown} have no known recording, the others are of "
            f"{len(recordings)}; it takes all known and at least 2: use unit=images"
        )
    whole = unit == "recordings" or (unit == "auto" and not unknown and len(recordings) >= ENOUGH_RECORDINGS)
    rng = np.random.default_rng(seed)
    if whole:
        of_image = np.searchsorted(recordings, np.array(named, dtype=str))
        weights = _multiplicities(rng, len(recordings), count)[of_image]
        reason = f"whole recordings are drawn, {len(recordings)} of them"
        few = f"{_counted(recordings)}: from fewer than {ENOUGH_RECORDINGS} the intervals are too narrow"
        return Draws(weights, "recordings", reason, few if len(recordings) < ENOUGH_RECORDINGS else "")
    return Draws(
        weights=_multiplicities(rng, len(records), count),
        unit="images",
        reason="single frames are drawn" + (", as asked" if unit == "images" else ""),
        caution="" if len(recordings) == len(records) else _caution(recordings, unknown),
    )


def _multiplicities(rng: np.random.Generator, units: int, count: int) -> np.ndarray:
    """[units, count] int32, drawn one after the other: all at once take four times the memory."""
    weights, shares = np.empty((units, count), np.int32), np.full(units, 1 / units)
    for resample in range(count):
        weights[:, resample] = rng.multinomial(units, shares)
    return weights


def _caution(recordings: Sequence[str], unknown: int) -> str:
    """What is wrong with drawing single frames."""
    alike = "Frames of a recording resemble each other, so the intervals are too narrow"
    if unknown:
        return f"Which recording a frame is of is not known. {alike} if one gave many frames"
    if len(recordings) < ENOUGH_RECORDINGS:
        return (
            f"{_counted(recordings)}: too few to tell what holds for others. {alike} for anything but more "
            "frames of these"
        )
    return f"{alike}: unit=recordings draws whole ones"


def _counted(recordings: Sequence[str]) -> str:
    return f"{len(recordings)} recording{'s' if len(recordings) != 1 else ''}"
