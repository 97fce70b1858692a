"""What the doctor would say of a set's pictures, in lines, for commands that look no further."""

from __future__ import annotations

from collections.abc import Mapping

from detector.data.annotations import Annotations
from detector.data.frames import read_frame
from detector.doctor.colour import check_refused
from detector.doctor.counts import check_counts
from detector.doctor.files import check_readable
from detector.doctor.findings import Severity, evenly_spaced
from detector.doctor.scan import FrameFacts, Unreadable, facts_of
from detector.doctor.turned import TurnWatch, check_turned
from detector.errors import UserError

LOOKED_AT = 500
"""Frames of a split that tell what is wrong with all."""


def warnings_of(splits: Mapping[str, Annotations]) -> list[str]:
    """Of evenly spaced frames of each split: files that cannot be read, colours, counts, turned pictures."""
    frames: list[FrameFacts] = []
    unreadable: list[Unreadable] = []
    turns = TurnWatch()
    for split, truth in splits.items():
        for record in (truth.records[index] for index in evenly_spaced(len(truth.records), LOOKED_AT)):
            try:
                frame = read_frame(record)
            except UserError as error:
                unreadable.append(Unreadable(record, error))
                continue
            frames.append(facts_of(frame, record, split))
            if frame.orientation != 1:
                turns.add(frame, record)
    total = len(frames) + len(unreadable)
    findings = [
        *check_readable(unreadable, total),
        *check_refused(unreadable, total),
        *check_counts(frames),
        *(finding for finding in check_turned(turns) if finding.severity is not Severity.NOTE),
    ]
    return [f"{found.message}; {found.advice}" if found.advice else found.message for found in findings]
