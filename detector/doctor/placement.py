"""Do boxes lie on their objects, or half their size beside them?

x, y of a box mean its corner to some files and its centre to others, and who reads one as the other moves
every box by half its size. A thermal object differs from what is around it, so boxes are tried in many places
about where they were read: where they stand out most, there they belong.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from detector.data.annotations import ImageRecord
from detector.doctor.findings import Exhibit, Finding, Severity

SHIFTS = np.arange(-4, 5) / 4
"""Places tried in each direction, in sizes of the box; 0 is where it was read."""
_HOME = len(SHIFTS) // 2
_STEP = 2  # of SHIFTS: half a size
MIN_BOXES = 30
CLEAR = 2.0
"""How far the best place must stand above the median of all places."""
_EXHIBITS = 3
_MOST = 10.0  # a box that stands out from a flat surrounding counts no more than this many deviations


class Placement:
    """How much the boxes of a split stand out from their surroundings, by shift."""

    def __init__(self) -> None:
        self._total = np.zeros((len(SHIFTS), len(SHIFTS)))
        self._count = np.zeros((len(SHIFTS), len(SHIFTS)), np.int64)
        self.boxes = 0

    def add(self, counts: np.ndarray, boxes: np.ndarray) -> None:
        """Take in a frame [H, W] and its boxes [N, 4]; boxes at the border may be cut and are skipped."""
        height, width = counts.shape
        inside = (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < (width, height)).all(axis=1)
        if not inside.any():
            return
        contrasts = shifted_contrasts(counts, boxes[inside])
        self._total += np.nansum(contrasts, axis=0)
        self._count += np.isfinite(contrasts).sum(axis=0)
        self.boxes += int(inside.sum())

    @property
    def contrasts(self) -> np.ndarray:
        """[S, S] mean contrast by shift down and shift right; 0 where no box could be moved to."""
        return self._total / np.maximum(self._count, 1)

    @property
    def best(self) -> tuple[float, float] | None:
        """(right, down) shift in box sizes at which boxes stand out most; None where that is not clear."""
        contrasts = self.contrasts
        if self.boxes < MIN_BOXES or contrasts.max() < CLEAR * np.median(contrasts):
            return None
        row, column = np.unravel_index(int(contrasts.argmax()), contrasts.shape)
        return float(SHIFTS[column]), float(SHIFTS[row])

    @property
    def read_as_is(self) -> float:
        """Mean contrast where the boxes were read."""
        return float(self.contrasts[_HOME, _HOME])

    @property
    def as_centres(self) -> float:
        """Mean contrast if x, y as read were centres: boxes moved up and left by half their size."""
        return float(self.contrasts[_HOME - _STEP, _HOME - _STEP])

    @property
    def as_corners(self) -> float:
        """Mean contrast if corners were read as centres: boxes moved down and right by half their size."""
        return float(self.contrasts[_HOME + _STEP, _HOME + _STEP])


def unmoved(contrasts: np.ndarray) -> np.ndarray:
    """[N] of `shifted_contrasts`: where the boxes were read."""
    return contrasts[:, _HOME, _HOME]


def check_placement(split: str, placement: Placement, records: Sequence[ImageRecord]) -> list[Finding]:
    """What the pictures say of the boxes of a split; nothing for a split without boxes."""
    if not placement.boxes:
        return []
    contrasts = (
        f"contrast {placement.read_as_is:.2f} as read, {placement.as_centres:.2f} if x, y were centres read "
        f"as corners, {placement.as_corners:.2f} if corners read as centres"
    )
    best = placement.best
    if best is None:
        few = placement.boxes < MIN_BOXES
        reason = f"only {placement.boxes} boxes clear of the border" if few else contrasts
        message = f"{split}: cannot tell corner from centre: {reason}"
        advice = "" if few else "boxes stand out nowhere: are they of these frames?"
        return [Finding(Severity.NOTE if few else Severity.WARNING, "box convention", message, advice)]
    near = np.abs(np.subtract(best, ((0, 0), (-0.5, -0.5), (0.5, 0.5)))).max(axis=1) <= SHIFTS[1] - SHIFTS[0]
    if near[0]:
        message = f"{split}: corner: boxes lie on their objects as they are read ({contrasts})"
        return [Finding(Severity.NOTE, "box convention", message)]
    if near[1]:
        message = f"{split}: centre: x, y of the file are centres and were read as corners ({contrasts})"
        advice = "read them as centres, or move every box up and left by half its size"
    elif near[2]:
        message = f"{split}: corner: x, y of the file are corners and were read as centres ({contrasts})"
        advice = "read them as corners, or move every box down and right by half its size"
    else:
        message = f"{split}: boxes lie beside their objects: they stand out most {_direction(best)}"
        advice = "look at the pictures: were frames shifted, cropped or mirrored after they were labelled?"
    return [
        Finding(Severity.ERROR, "box convention", message, advice, exhibits=_moved(records, best)),
    ]


def _direction(best: tuple[float, float]) -> str:
    right, down = best
    across = f"{abs(right):g} widths to the {'right' if right > 0 else 'left'}"
    along = f"{abs(down):g} heights {'down' if down > 0 else 'up'}"
    return " and ".join(text for text, shift in ((across, right), (along, down)) if shift)


def _moved(records: Sequence[ImageRecord], shift: tuple[float, float]) -> tuple[tuple[Exhibit, ...], ...]:
    """The frames with most objects, with their boxes where they stand out most."""
    fullest = sorted(records, key=lambda record: -int((~record.ignored).sum()))[:_EXHIBITS]
    exhibits = []
    for record in fullest:
        boxes = record.boxes[~record.ignored]
        offset = (boxes[:, 2:] - boxes[:, :2]) * np.array(shift, np.float32)
        moved = boxes + np.tile(offset, 2)
        exhibits.append(Exhibit(record, f"{record.path.name}; red: where boxes stand out", moved))
    return (tuple(exhibits),)


def shifted_contrasts(counts: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """[N, S, S] |mean inside - mean of a ring around| / deviation of the ring, for each box and shift.

    counts [H, W]; boxes [N, 4] xyxy in pixels. The ring is a third of the shorter side wide, at least 2
    pixels. NaN where less than half of the moved box lies in the frame. Box sums come from integral images,
    so the time does not grow with a box's size.
    """
    image = counts.astype(np.float64)
    image -= image.mean()
    integrals = cv2.integral2(image)
    flat = 0.01 * float(image.std()) + 1e-9  # the least deviation a ring is given

    whole = np.rint(boxes).astype(np.int64)
    sizes = np.maximum(whole[:, 2:] - whole[:, :2], 1)
    moves = np.stack(np.meshgrid(SHIFTS, SHIFTS), axis=-1)  # [down, right, (x, y)]
    corners = whole[:, None, None, :2] + np.rint(moves * sizes[:, None, None]).astype(np.int64)
    ends = corners + sizes[:, None, None]
    margin = np.maximum(2, np.rint(sizes.min(axis=1) / 3).astype(np.int64))[:, None, None, None]

    inner, inner_sum, inner_square = _sums(integrals, corners, ends)
    outer, outer_sum, outer_square = _sums(integrals, corners - margin, ends + margin)
    ring = outer - inner
    known = (inner > 0.5 * sizes.prod(axis=1)[:, None, None]) & (ring > 0)
    ring_mean = (outer_sum - inner_sum) / np.maximum(ring, 1)
    variance = (outer_square - inner_square) / np.maximum(ring, 1) - ring_mean**2
    deviation = np.maximum(np.sqrt(np.maximum(variance, 0)), flat)
    contrast = np.abs(inner_sum / np.maximum(inner, 1) - ring_mean) / deviation
    return np.where(known, np.minimum(contrast, _MOST), np.nan)


def _sums(
    integrals: tuple[np.ndarray, np.ndarray], corners: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pixels, sum, sum of squares), each [...], of the parts in the frame of boxes [..., 2] to [..., 2]."""
    height, width = integrals[0].shape[0] - 1, integrals[0].shape[1] - 1
    x0, x1 = (np.clip(points[..., 0], 0, width) for points in (corners, ends))
    y0, y1 = (np.clip(points[..., 1], 0, height) for points in (corners, ends))
    total, square = (i[y1, x1] - i[y0, x1] - i[y1, x0] + i[y0, x0] for i in integrals)
    return (x1 - x0) * (y1 - y0), total, square
