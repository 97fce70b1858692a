"""Checks of the picture files: readable, of one kind, and as deep as their type promises."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from detector.doctor.findings import Exhibit, Finding, Severity, listed, percent
from detector.doctor.limits import Limits
from detector.doctor.scan import FrameFacts, Scan, Unreadable
from detector.thermal.io.colour import ColourError

_FEW_BITS = 9
_EIGHT_BITS = 256
_STRETCH = 4
_EXHIBITS = 3
_CAUSES = 5


def check_files(scan: Scan, limits: Limits) -> list[Finding]:
    """Everything this module looks at."""
    checks = (_readable, _sizes, _depths, _shallow, _blank)
    found = [finding for check in checks for finding in check(scan)]
    return found + _saturated(scan, limits)


def _readable(scan: Scan) -> list[Finding]:
    """A finding for each cause, the commonest first; those of few frames share one where there are many."""
    groups: dict[str, list[Unreadable]] = defaultdict(list)
    for item in scan.unreadable:
        if not isinstance(item.error, ColourError):
            groups[re.sub(r"\d+", "#", _cause(item))].append(item)
    causes = sorted(groups.values(), key=len, reverse=True)
    if len(causes) > _CAUSES:
        causes[_CAUSES - 1 :] = [[item for cause in causes[_CAUSES - 1 :] for item in cause]]
    total = len(scan.unreadable) + len(scan.frames)
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


def _depths(scan: Scan) -> list[Finding]:
    by_depth: dict[int, list[FrameFacts]] = defaultdict(list)
    for facts in scan.frames:
        by_depth[facts.depth].append(facts)
    if len(by_depth) < 2:
        return []
    few, many = sorted(by_depth.values(), key=len)
    return [
        Finding(
            Severity.ERROR,
            "bit depth",
            f"{len(few)} frames have {few[0].depth} bits, {len(many)} have {many[0].depth} ({_names(few)})",
            "one network cannot see both alike: export all frames with the same depth",
            tuple(str(f.record.path) for f in few),
            ((_of_depth(few[0]), _of_depth(many[0])),),
        )
    ]


def _shallow(scan: Scan) -> list[Finding]:
    """16-bit files that hold no more than 8-bit ones could."""
    deep = [facts for facts in scan.frames if facts.depth == 16]
    shallow = [facts for facts in deep if is_shallow(facts)]
    if not shallow:
        return []
    every = len(shallow) == len(deep)
    return [
        Finding(
            Severity.WARNING if every else Severity.ERROR,
            "bit depth",
            f"{len(shallow)} of {len(deep)} 16-bit files hold 8-bit pictures ({_names(shallow)})",
            "look for the raw counts" if every else "export all frames alike, from the raw counts",
            tuple(f"{f.record.path}: {f.levels} different counts from {f.low} to {f.high}" for f in shallow),
        )
    ]


def is_shallow(facts: FrameFacts) -> bool:
    """Whether a 16-bit frame uses fewer than 9 bits, or at most 256 counts that lie far apart.

    Raw counts of a scene without contrast are few too, but they lie side by side, far from 0.
    """
    span = facts.high - facts.low + 1
    stretched = 1 < facts.levels <= _EIGHT_BITS and span > _STRETCH * facts.levels
    return facts.high < 2 ** (_FEW_BITS - 1) or stretched


def _blank(scan: Scan) -> list[Finding]:
    blank = [facts for facts in scan.frames if facts.levels == 1]
    if not blank:
        return []
    return [
        Finding(
            Severity.WARNING,
            "blank frames",
            f"{len(blank)} frames have one count in every pixel ({_names(blank)})",
            "take them out: a closed shutter or a failed export",
            tuple(str(f.record.path) for f in blank),
        )
    ]


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


def _of_depth(facts: FrameFacts) -> Exhibit:
    return Exhibit(facts.record, f"{facts.depth} bits: {facts.record.path.name}")
