"""Checks of the picture files: readable, of the size annotated, not clipped."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from detector.doctor.findings import Exhibit, Finding, Severity, listed, percent
from detector.doctor.limits import Limits
from detector.doctor.scan import FrameFacts, Scan, Unreadable
from detector.thermal.io.colour import ColourError

_EXHIBITS = 3
_CAUSES = 5


def check_files(scan: Scan, limits: Limits) -> list[Finding]:
    """Everything this module looks at."""
    frames = len(scan.unreadable) + len(scan.frames)
    return [*check_readable(scan.unreadable, frames), *_sizes(scan), *_saturated(scan, limits)]


def check_readable(unreadable: Sequence[Unreadable], total: int) -> list[Finding]:
    """A finding for each cause, the commonest first; those of few frames share one where there are many.

    total: frames, readable or not.
    """
    groups: dict[str, list[Unreadable]] = defaultdict(list)
    for item in unreadable:
        if not isinstance(item.error, ColourError):
            groups[re.sub(r"\d+", "#", _cause(item))].append(item)
    causes = sorted(groups.values(), key=len, reverse=True)
    if len(causes) > _CAUSES:
        causes[_CAUSES - 1 :] = [[item for cause in causes[_CAUSES - 1 :] for item in cause]]
    return [
        Finding(
            Severity.ERROR,
            "files",
            f"{len(items)} of {total} frames cannot be read: {_cause(items[0])} "
            f"({listed([item.record.path.name for item in items])})",
            "mend them or take them out of the annotations",
            tuple(str(item.error) for item in items),
        )
        for items in causes
    ]


def _cause(item: Unreadable) -> str:
    """The error without the file that it is of."""
    return str(item.error).replace(f"{item.record.path}: ", "").replace(str(item.record.path), "the file")


def _sizes(scan: Scan) -> list[Finding]:
    findings = []
    wrong = [f for f in scan.frames if f.size != (f.record.height, f.record.width)]
    if wrong:
        findings.append(
            Finding(
                Severity.ERROR,
                "frame size",
                f"{len(wrong)} frames have another size than the annotations say ({_names(wrong)})",
                "the boxes are of other pictures: scale them or correct width and height",
                tuple(
                    f"{f.record.path}: {f.size[1]}x{f.size[0]}, annotated {f.record.width}x{f.record.height}"
                    for f in wrong
                ),
            )
        )
    sizes = Counter(f.size for f in scan.frames)
    if len(sizes) > 1:
        kinds = [f"{count} of {width}x{height}" for (height, width), count in sizes.most_common()]
        findings.append(Finding(Severity.NOTE, "frame size", f"frames differ in size: {listed(kinds, 5)}"))
    return findings


def _saturated(scan: Scan, limits: Limits) -> list[Finding]:
    seen = [facts for facts in scan.frames if facts.levels > 1]
    clipped = [f for f in seen if max(f.at_low, f.at_high) > limits.saturated]
    if not clipped:
        return []
    share = len(clipped) / len(seen)
    worst = sorted(clipped, key=lambda f: -max(f.at_low, f.at_high))
    return [
        Finding(
            Severity.WARNING if share > limits.saturated_warning else Severity.NOTE,
            "saturation",
            f"{percent(share)} of frames have more than {percent(limits.saturated)} of their pixels at one "
            f"end of their range ({_names(worst)})",
            "what is clipped there is lost: take raw counts or a wider gain",
            tuple(_clipping(f) for f in worst),
            (tuple(Exhibit(f.record, f.record.path.name) for f in worst[:_EXHIBITS]),),
        )
    ]


def _clipping(facts: FrameFacts) -> str:
    ends = f"{percent(facts.at_low)} at {facts.low}, {percent(facts.at_high)} at {facts.high}"
    return f"{facts.record.path}: {ends}"


def _names(frames: Sequence[FrameFacts]) -> str:
    return listed([facts.record.path.name for facts in frames])
