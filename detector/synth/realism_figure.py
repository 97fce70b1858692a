"""Sets of frames side by side in one picture: samples, histogram, spectrum, contrast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from detector.structures import Frame
from detector.synth.realism import BINS, FREQUENCIES, GAIN, Looks


def draw_comparison(sets: dict[str, tuple[list[Frame], Looks]], path: Path) -> None:
    """Write a PNG: one row of sample frames to each set, and the measured curves of all below."""
    columns = max(len(samples) for samples, _ in sets.values())
    figure = Figure(figsize=(2.4 * columns, 1.9 * len(sets) + 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.add_gridspec(2, 1, height_ratios=(1.9 * len(sets), 3.2))
    pictures, curves = (figure.add_subfigure(rows[index]) for index in range(2))
    grid = pictures.subplots(len(sets), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, (name, (samples, _)) in zip(grid, sets.items(), strict=True):
        for axes, frame in zip(row, samples, strict=False):
            axes.imshow(GAIN(frame), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        row[0].set_title(name, loc="left", fontsize=9)
    histogram, spectrum, contrast = curves.subplots(1, 3)
    for name, (_, looks) in sets.items():
        histogram.plot((np.arange(BINS) + 0.5) / BINS, looks.histogram, label=name)
        spectrum.loglog(FREQUENCIES, looks.spectrum, label=name)
        contrast.hist(looks.contrasts, np.linspace(-6, 10, 49), density=True, histtype="step", label=name)
    for axes, title in (
        (histogram, "intensity after gain"),
        (spectrum, "power by cycles per pixel"),
        (contrast, "object contrast (ring deviations)"),
    ):
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=7)
    spectrum.xaxis.set_minor_formatter(NullFormatter())
    histogram.legend(fontsize=8)
    figure.savefig(path, dpi=100)
