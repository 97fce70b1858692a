"""Pictures that EXIF says to turn: do boxes lie on their objects in the turned or in the stored ones?"""

from __future__ import annotations

import numpy as np

from detector.data.annotations import ImageRecord
from detector.data.frames import NOT_TURNED
from detector.doctor.findings import Finding, Severity
from detector.doctor.placement import shifted_contrasts, unmoved
from detector.structures import Frame
from detector.thermal.io.exif import turned_back

MIN_BOXES = 5
CLEAR = 2.0
"""How many times as much boxes must stand out in the one as in the other."""


class TurnWatch:
    """Takes in the frames of a set that were turned on reading."""

    def __init__(self) -> None:
        self.frames = 0
        self.sized_as_stored = 0
        self._turned: list[np.ndarray] = []
        self._stored: list[np.ndarray] = []

    def add(self, frame: Frame, record: ImageRecord) -> None:
        """Take in a frame that was turned, and its truth."""
        self.frames += 1
        stored = turned_back(frame.counts, frame.orientation)
        said = (record.height, record.width)
        if said != frame.size:
            self.sized_as_stored += said == stored.shape
            return
        boxes = record.boxes[~record.ignored]
        # Boxes that are shares of the sides, as YOLO's, are of other pixels in a picture on its side.
        shares = np.array(stored.shape[::-1]) / np.array(frame.size[::-1])
        self._turned.append(unmoved(shifted_contrasts(frame.counts, boxes)))
        self._stored.append(unmoved(shifted_contrasts(stored, boxes * np.tile(shares, 2))))

    @property
    def boxes(self) -> int:
        """How many were compared."""
        return sum(map(len, self._turned))

    @property
    def contrasts(self) -> tuple[float, float]:
        """How much boxes stand out, on average, in the pictures as turned and as stored."""
        turned, stored = (np.concatenate(parts) for parts in (self._turned, self._stored))
        return float(np.nanmean(turned)), float(np.nanmean(stored))


def check_turned(watch: TurnWatch) -> list[Finding]:
    """Nothing where no picture is turned."""
    if watch.frames == 0:
        return []
    told = f"{watch.frames} pictures are turned on reading, as their EXIF tag says"
    if watch.sized_as_stored:
        message = f"{told}; of {watch.sized_as_stored} the annotations give the size before turning"
        advice = f"if their boxes are of the pictures as stored, {NOT_TURNED}"
        return [Finding(Severity.ERROR, "turned pictures", message, advice)]
    if watch.boxes < MIN_BOXES:
        return [Finding(Severity.NOTE, "turned pictures", f"{told}; too few boxes to say whether they fit")]
    turned, stored = watch.contrasts
    message = f"{told}; boxes stand out {turned:.2f} so, {stored:.2f} in the pictures as stored"
    if stored > CLEAR * turned:
        advice = f"the boxes were drawn on the pictures as stored: {NOT_TURNED}"
        return [Finding(Severity.ERROR, "turned pictures", message, advice)]
    if turned > CLEAR * stored:
        return [Finding(Severity.NOTE, "turned pictures", f"{message}: they fit")]
    return [Finding(Severity.WARNING, "turned pictures", message, "look at some: do boxes lie on objects?")]
