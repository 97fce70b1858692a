"""Checks of the boxes as the files have them, before a reader clips them to the frame or drops them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.doctor.findings import Exhibit, Finding, Severity, evenly_spaced, percent

_EXHIBITS = 3
_BEYOND = 1.0  # pixels past the border that rounding explains
_SOME, _MANY = 0.01, 0.1  # shares of all boxes


class Fault(Enum):
    """What is wrong with a box, as its check's name and as a message says it."""

    EMPTY = ("zero-size boxes", "have no area")
    AWAY = ("boxes outside", "lie wholly outside their frame")
    OVER = ("boxes outside", "reach beyond their frame")


def check_stored(records: Sequence[ImageRecord]) -> list[Finding]:
    """A finding for each kind of fault; none where readers keep no boxes as stored."""
    known = [(record, boxes) for record in records if (boxes := record.stored) is not None]
    total = sum(len(boxes) for _, boxes in known)
    findings = []
    for fault in Fault:
        faulty = [(record, boxes[faults_of(boxes, record)[fault]]) for record, boxes in known]
        faulty = [(record, boxes) for record, boxes in faulty if len(boxes)]
        if faulty:
            findings.append(_finding(fault, faulty, total))
    return findings


def label_warnings(splits: Mapping[str, Annotations]) -> list[str]:
    """What is wrong with the boxes of a set, in lines, without a look at its pictures."""
    records = [record for annotations in splits.values() for record in annotations.records]
    lines = [
        f"{finding.check}: {finding.message}; {finding.advice}"
        for finding in check_stored(records)
        if finding.severity is not Severity.NOTE
    ]
    empty = [split for split, annotations in splits.items() if not annotations.object_counts().any()]
    if empty:
        lines.append(f"no frame of {', '.join(empty)} has an object: is it the right file?")
    return lines


def faults_of(boxes: np.ndarray, record: ImageRecord) -> dict[Fault, np.ndarray]:
    """Which of the stored boxes [M, 4] have which fault, [M] bool each; no box has two."""
    frame = np.array((record.width, record.height))
    starts, ends = boxes[:, :2], boxes[:, 2:]
    empty = np.any(ends <= starts, axis=1)
    away = np.any((starts >= frame) | (ends <= 0), axis=1)
    over = np.any((starts < -_BEYOND) | (ends > frame + _BEYOND), axis=1)
    return {Fault.EMPTY: empty, Fault.AWAY: away & ~empty, Fault.OVER: over & ~away & ~empty}


def _finding(fault: Fault, faulty: list[tuple[ImageRecord, np.ndarray]], total: int) -> Finding:
    count = sum(len(boxes) for _, boxes in faulty)
    share = count / total
    harmless = fault is Fault.OVER and share <= _SOME  # objects at the border, cut by the reader
    severity = Severity.NOTE if harmless else Severity.WARNING if share <= _MANY else Severity.ERROR
    shown = [faulty[index] for index in evenly_spaced(len(faulty), _EXHIBITS)] if fault is Fault.OVER else []
    return Finding(
        severity,
        fault.value[0],
        f"{count} of {total} boxes {fault.value[1]} ({percent(share)})",
        "" if harmless else "check the box format and the frame size the boxes were made for",
        tuple(f"{record.path}: {box.round(2).tolist()}" for record, boxes in faulty for box in boxes),
        (tuple(Exhibit(record, record.path.name, boxes) for record, boxes in shown),) if shown else (),
    )
