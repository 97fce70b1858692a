"""Checks of the counts themselves: of one kind in all frames, and what their type promises."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from detector.doctor.disorder import Disorder
from detector.doctor.findings import Exhibit, Finding, Severity, listed
from detector.doctor.scan import FrameFacts
from detector.thermal.io.temperatures import told

_FEW_BITS = 9
_EIGHT_BITS = 256
_STRETCH = 4
_EXHIBITS = 3


def check_counts(frames: Sequence[FrameFacts]) -> list[Finding]:
    """Everything this module looks at; frames: those of all splits that could be read."""
    checks = (_depths, _disorder, _shallow, _blank, _units)
    return [finding for check in checks for finding in check(frames)]


def _depths(frames: Sequence[FrameFacts]) -> list[Finding]:
    by_depth: dict[int, list[FrameFacts]] = defaultdict(list)
    for facts in frames:
        by_depth[facts.depth].append(facts)
    if len(by_depth) < 2:
        return []
    few, many = sorted(by_depth.values(), key=len)
    return [
        Finding(
            Severity.WARNING,
            "bit depth",
            f"{len(few)} frames have {few[0].depth} bits, {len(many)} have {many[0].depth} ({_names(few)})",
            "the gains percentile, plateau and clahe show both alike, those of fixed counts do not: export "
            "all frames with the same depth",
            tuple(str(f.record.path) for f in few),
            ((_of_depth(few[0]), _of_depth(many[0])),),
        )
    ]


def _shallow(frames: Sequence[FrameFacts]) -> list[Finding]:
    """16-bit files that hold no more than 8-bit ones could."""
    deep = [facts for facts in frames if facts.depth == 16 and facts.disorder is None]
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


def _disorder(frames: Sequence[FrameFacts]) -> list[Finding]:
    """Counts whose bytes were read in another order than they were written."""
    found = []
    for disorder in Disorder:
        wrong = [facts for facts in frames if facts.disorder is disorder]
        if wrong:
            found.append(
                Finding(
                    Severity.ERROR,
                    "byte order",
                    f"{len(wrong)} of {len(frames)} frames {disorder.value} ({_names(wrong)})",
                    disorder.remedy,
                    tuple(str(facts.record.path) for facts in wrong),
                    (tuple(Exhibit(f.record, f.record.path.name) for f in wrong[:_EXHIBITS]),),
                )
            )
    return found


def _blank(frames: Sequence[FrameFacts]) -> list[Finding]:
    found = []
    for zero, what in ((True, "are all zero"), (False, "have one count in every pixel")):
        blank = [facts for facts in frames if facts.levels == 1 and (facts.high == 0) is zero]
        if blank:
            found.append(
                Finding(
                    Severity.WARNING,
                    "blank frames",
                    f"{len(blank)} frames {what} ({_names(blank)})",
                    "take them out: a closed shutter or a failed export",
                    tuple(str(facts.record.path) for facts in blank),
                )
            )
    return found


def _units(frames: Sequence[FrameFacts]) -> list[Finding]:
    """What numbers were taken for, and whether temperatures are counted alike in all frames."""
    guesses = Counter(facts.taken_for for facts in frames if facts.taken_for is not None)
    found = [
        Finding(Severity.NOTE, "units", f"of {count} frames {told(unit)}") for unit, count in guesses.items()
    ]
    steps = Counter(facts.step for facts in frames)
    if len(steps) > 1 and steps.keys() != {None}:
        kinds = [
            f"{count} in counts" if step is None else f"{count} in steps of {step:g} K"
            for step, count in steps.most_common()
        ]
        odd = [facts for facts in frames if facts.step == steps.most_common()[-1][0]]
        found.append(
            Finding(
                Severity.ERROR,
                "units",
                f"the frames are not in one unit: {listed(kinds)} ({_names(odd)})",
                "export all frames alike, or say what they are with data.unit",
                tuple(str(facts.record.path) for facts in odd),
            )
        )
    return found


def _names(frames: Sequence[FrameFacts]) -> str:
    return listed([facts.record.path.name for facts in frames])


def _of_depth(facts: FrameFacts) -> Exhibit:
    return Exhibit(facts.record, f"{facts.depth} bits: {facts.record.path.name}")
