"""Checks of pictures in false colours: refused, or read as data.colour says and how well that fits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detector.data.annotations import ImageRecord
from detector.data.colour import LOOKED_AT, refusals, told
from detector.doctor.findings import Finding, Severity, listed
from detector.doctor.scan import Scan, Unreadable
from detector.thermal.io.colour import LUMINANCE, REFUSE, ColourError, advice
from detector.thermal.palettes import NAMES, fit


def check_colour(scan: Scan, records: Sequence[ImageRecord]) -> list[Finding]:
    """Both; records: of all splits. Nothing for a set in grey."""
    return check_refused(scan.unreadable, len(scan.unreadable) + len(scan.frames)) + _undone(records)


def check_refused(unreadable: Sequence[Unreadable], total: int) -> list[Finding]:
    """Pictures in colour that data.colour does not say how to read. total: frames, readable or not."""
    errors = [item.error for item in unreadable if isinstance(item.error, ColourError)]
    if not errors:
        return []
    some = errors[:: max(1, len(errors) // LOOKED_AT)]
    names = listed([Path(error.path).name for error in errors])
    message = f"{len(errors)} of {total} frames are in colour ({names})"
    return [
        Finding(Severity.ERROR, "colours", message, advice(some), tuple(str(error.path) for error in errors)),
    ]


def _undone(records: Sequence[ImageRecord]) -> list[Finding]:
    way = records[0].colour if records else REFUSE
    errors = [] if way == REFUSE else refusals(records)
    if not errors:
        return []
    message = told(way)
    if way in NAMES:
        message += f"; {fit(np.concatenate([error.colours for error in errors]), way)}"
    severity = Severity.WARNING if way == LUMINANCE else Severity.NOTE
    return [Finding(severity, "colours", message)]
