"""Sets of frames side by side: samples, a table of their looks, the distributions behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detector.charts import plots
from detector.data.looks import BINS, FREQUENCIES, table
from detector.doctor.set_looks import SetLooks
from detector.report.doctor.page import overlap_figure, size_figure
from detector.report.kit.frames import frame_picture
from detector.report.kit.page import Block, Drawing, Row, Section, Table


def side_by_side(sets: Sequence[SetLooks]) -> Section:
    """The sets next to each other; distances in the table are to the first."""
    blocks: list[Block] = []
    for one in sets:
        pictures = (frame_picture(record, caption=record.path.name) for record in one.samples)
        seen = tuple(picture for picture in pictures if picture is not None)
        blocks.append(Row(seen, caption=one.name))
    header, *rows = table({one.name: one.looks for one in sets})
    caption = "Median (10th to 90th percentile) after the same gain; intensities are shares of its range."
    blocks.append(Table(header, tuple(rows), caption))
    blocks.append(Row(_curves(sets)))
    return Section(" and ".join(one.name for one in sets), tuple(blocks))


def _curves(sets: Sequence[SetLooks]) -> tuple[Drawing, ...]:
    looks = {one.name: one.looks for one in sets}
    intensity = plots.curves(
        {name: ((np.arange(BINS) + 0.5) / BINS, item.histogram) for name, item in looks.items()},
        title="intensity after gain",
        x_label="share of the range",
        y_label="share of pixels",
    )
    spectrum = plots.curves(
        {name: (FREQUENCIES, item.spectrum) for name, item in looks.items()},
        title="power spectrum",
        x_label="cycles per pixel",
        y_label="share of power",
        scale="log",
    )
    contrast = plots.histograms(
        {name: item.contrasts for name, item in looks.items()},
        np.linspace(-6, 10, 49),
        title="object contrast",
        x="deviations of the surroundings",
    )
    noise = plots.histograms(
        {name: item.noise for name, item in looks.items()},
        np.linspace(0, 0.05, 26),
        title="noise between neighbours",
        x="share of the range",
    )
    return (
        Drawing(intensity, "histogram of intensities of each set"),
        Drawing(spectrum, "power spectrum of each set"),
        Drawing(noise, "histogram of noise of each set"),
        Drawing(contrast, "histogram of object contrasts of each set"),
        Drawing(size_figure({one.name: one.boxes.sides for one in sets}), "histogram of object sizes"),
        Drawing(overlap_figure({one.name: one.boxes.overlaps for one in sets}), "histogram of overlaps"),
    )
