"""The doctor's page: verdict, findings with the frames they speak of, the figures behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from detector.charts import plots
from detector.doctor.classes import rarest
from detector.doctor.examination import Examination
from detector.doctor.findings import Exhibit, Finding
from detector.doctor.placement import SHIFTS
from detector.report.kit.frames import frame_picture
from detector.report.kit.page import Block, Drawing, Notice, Page, Pair, Picture, Row, Section, Table, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DETAILS = 200
_STRIDES = (4, 8)


def doctor_page(examination: Examination, *, name: str, root: str, more: tuple[Section, ...] = ()) -> Page:
    """The page of one examination. name: the data set's; root: where it lies; more: sections to add."""
    frames = len(examination.scan.frames) + len(examination.scan.unreadable)
    return Page(
        f"Data set {name}",
        f"{frames} frames in {', '.join(examination.splits)}, under {root}",
        (
            Section("Verdict", (_verdict(examination), _splits(examination))),
            Section("Findings", _findings(examination)),
            *more,
            Section("Objects", _objects(examination)),
            Section("Frames", _frames(examination)),
        ),
    )


def _verdict(examination: Examination) -> Notice:
    return Notice("good" if examination.fit else "error", examination.verdict)


def _splits(examination: Examination) -> Table:
    names = rarest(examination.splits)
    rows = []
    for split, truth in examination.splits.items():
        counts = dict(zip(truth.classes, truth.object_counts().tolist(), strict=True))
        recordings = {record.sequence for record in truth.records if record.sequence is not None}
        empty = sum(record.ignored.all() for record in truth.records)
        row = (split, len(truth.records), len(recordings) or "-", empty)
        rows.append(tuple(map(str, (*row, *(counts.get(name, "-") for name in names)))))
    return Table(("split", "frames", "recordings", "without object", *names), tuple(rows))


def _findings(examination: Examination) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for finding in examination.findings:
        blocks.append(_notice(finding))
        if finding.exhibits:
            blocks.append(_exhibits(finding.exhibits))
    return tuple(blocks)


def _exhibits(groups: tuple[tuple[Exhibit, ...], ...]) -> Row:
    """Pairs where every group is of two frames, else all frames in a row."""
    seen: list[list[Picture]] = []
    for group in groups:
        pictures = [frame_picture(e.record, caption=e.caption, marked=e.marked) for e in group]
        seen.append([picture for picture in pictures if picture is not None])
    if all(len(pictures) == 2 for pictures in seen):
        return Row(tuple(Pair((left, right)) for left, right in seen))
    return Row(tuple(picture for pictures in seen for picture in pictures))


def _notice(finding: Finding) -> Notice:
    details = finding.details[:_DETAILS]
    if len(finding.details) > _DETAILS:
        details = (*details, f"and {len(finding.details) - _DETAILS} more")
    advice = finding.advice[:1].upper() + finding.advice[1:]
    return Notice(finding.severity.value, finding.check, finding.message, advice, details)


def _objects(examination: Examination) -> tuple[Block, ...]:
    sides = {split: facts.sides for split, facts in examination.boxes.items()}
    overlaps = {split: facts.overlaps for split, facts in examination.boxes.items()}
    figures = [
        Drawing(size_figure(sides), "histogram of object sizes", "Dashed: strides of the two finest levels."),
        Drawing(overlap_figure(overlaps), "histogram of overlaps", "1 is an object drawn twice."),
    ]
    for split, placement in examination.scan.placements.items():
        if placement.boxes:
            figure = plots.heatmap(
                placement.contrasts,
                SHIFTS,
                title=f"{split}: contrast of shifted boxes",
                x="shift right (box widths)",
                y="shift down (box heights)",
            )
            caption = "Brightest at 0, 0: boxes lie where they were read."
            figures.append(Drawing(figure, f"contrast by shift of boxes, {split}", caption))
    return (Row(tuple(figures)),)


def size_figure(sides: Mapping[str, np.ndarray]) -> Figure:
    """Histogram of object sides by set, in pixels."""
    bins = np.geomspace(1, 512, 37)
    return plots.histograms(
        sides, bins, title="object side (root of area)", x="pixels", log=True, mark=_STRIDES
    )


def overlap_figure(overlaps: Mapping[str, np.ndarray]) -> Figure:
    """Histogram of the overlaps of those objects that overlap, by set."""
    touching = {
        f"{name} ({(values > 0).mean() if len(values) else 0:.0%} overlap)": values[values > 0]
        for name, values in overlaps.items()
    }
    bins = np.linspace(0, 1, 21)
    return plots.histograms(
        touching, bins, title="overlap with another object", x="highest IoU, where above 0"
    )


def _frames(examination: Examination) -> tuple[Block, ...]:
    if not examination.scan.frames:
        return (Text("No frame could be read."),)
    of_split = {split: examination.scan.of(split) for split in examination.splits}
    top = max(facts.high for facts in examination.scan.frames)
    counts = np.linspace(0, top + 1, 41)
    shares = np.geomspace(1e-5, 1, 31)
    lowest = {split: np.array([f.low for f in frames]) for split, frames in of_split.items()}
    highest = {split: np.array([f.high for f in frames]) for split, frames in of_split.items()}
    clipped = {
        split: np.array([max(f.at_low, f.at_high) for f in frames]) for split, frames in of_split.items()
    }
    levels = {split: np.array([f.levels for f in frames]) for split, frames in of_split.items()}
    drawn = (
        ("a frame's lowest count", plots.histograms(lowest, counts, title="lowest count", x="counts")),
        ("a frame's highest count", plots.histograms(highest, counts, title="highest count", x="counts")),
        (
            "pixels at one end of the range",
            plots.histograms(clipped, shares, title="pixels at one end of the range", x="share", log=True),
        ),
        (
            "different counts in a frame",
            plots.histograms(
                levels, np.geomspace(1, 65536, 33), title="different counts in a frame", x="counts", log=True
            ),
        ),
    )
    return (Row(tuple(Drawing(figure, f"histogram: {alt}") for alt, figure in drawn)),)
