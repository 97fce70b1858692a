"""The figure of a study: what its runs measured, arm by arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detector.charts.canvas import COLOURS, drawn, svg_file
from detector.report.kit.words import decimal
from detector.report.study.page import Study, title_of
from detector.tuning.results import Results
from detector.tuning.statistics import Mean, means

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 4
"""Panels side by side at most."""
_PANEL, _GAP, _ABOVE, _BELOW, _EDGE = 1.6, 0.25, 0.28, 0.3, 0.2
"""Inches: a panel's width, between two, for its title, for its numbers, around everything."""


def figure(study: Study, results: Results) -> str:
    """An SVG file: a panel for each metric, a line for each arm, conditions by colour.

    A dot is the mean, a whisker its 95 % interval, faint dots are single runs, a dashed line is the
    baseline's mean. A panel shows where most runs are: whiskers may leave it, and an arm whose mean is far
    away stands at its edge with a number.
    """
    count = len(results.metrics)
    down = math.ceil(count / _ACROSS)
    across = math.ceil(count / down)
    names = 0.075 * max(map(len, study.arms)) + 0.15
    high = len(study.arms) * max(0.2, 0.1 * len(study.places) + 0.06)
    legend = 0.3 if len(study.places) > 1 else 0.0
    width = 2 * _EDGE + names + across * _PANEL + (across - 1) * _GAP
    height = 2 * _EDGE + legend + down * (_ABOVE + high + _BELOW)

    def draw(whole: Figure) -> None:
        for k, metric in enumerate(results.metrics):
            left = _EDGE + names + k % across * (_PANEL + _GAP)
            top = _EDGE + legend + k // across * (_ABOVE + high + _BELOW) + _ABOVE
            bottom = height - top - high
            axes = whole.add_axes((left / width, bottom / height, _PANEL / width, high / height))
            _panel(axes, study, results, metric)
            axes.set_yticks(range(len(study.arms)), list(study.arms) if k % across == 0 else [])
            if legend and k == 0:
                whole.legend(
                    *axes.get_legend_handles_labels(),
                    loc="upper left",
                    bbox_to_anchor=(_EDGE / width, 1 - _EDGE / height),
                    ncols=len(study.places),
                    borderaxespad=0,
                )

    return svg_file(drawn((width, height), draw))


def _panel(axes: Axes, study: Study, results: Results, metric: str) -> None:
    place, rows = results.metrics.index(metric), {arm: row for row, arm in enumerate(study.arms)}
    found = {where: means(results, condition=where, folds=study.folds) for where in study.places}
    low, high = _limits(
        results.values[:, place], [row[place] for by_arm in found.values() for row in by_arm.values()]
    )
    step = 0.8 / len(study.places)
    for k, (where, by_arm) in enumerate(found.items()):
        colour, offset = COLOURS[k % len(COLOURS)], (k - (len(study.places) - 1) / 2) * step
        if study.baseline in by_arm:
            axes.axvline(
                by_arm[study.baseline][place].value, color=colour, linewidth=1, linestyle="--", alpha=0.6
            )
        for arm, values in by_arm.items():
            single = np.array([run[place] for run in results.of(arm, condition=where).values()])
            y, mean = rows[arm] + offset, values[place]
            _arm(axes, y, single, mean, colour)
            if mean.value < low or mean.value > high:
                _beyond(axes, y, mean.value, low=mean.value < low, colour=colour)
        axes.plot([], [], "o", color=colour, markersize=5, label=where)
    axes.set_xlim(low, high)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=3)
    axes.tick_params(axis="y", length=0)
    axes.set_title(title_of(metric), loc="left")


def _arm(axes: Axes, y: float, runs: np.ndarray, mean: Mean, colour: str) -> None:
    axes.plot(runs, np.full(len(runs), y), "o", color=colour, markersize=4.5, alpha=0.4, markeredgewidth=0)
    axes.hlines(y, mean.value - mean.half, mean.value + mean.half, color=colour, linewidth=1)
    axes.plot(mean.value, y, "o", color=colour, markersize=5)


def _beyond(axes: Axes, y: float, value: float, *, low: bool, colour: str) -> None:
    """An arrow at the edge and the mean that lies behind it."""
    edge = 0.03 if low else 0.97
    axes.plot(edge, y, "<" if low else ">", color=colour, markersize=5, transform=axes.get_yaxis_transform())
    axes.annotate(
        decimal(value),
        (edge, y),
        (5 if low else -5, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        ha="left" if low else "right",
        va="center",
        fontsize=8,
    )


def _limits(runs: np.ndarray, found: Sequence[Mean]) -> tuple[float, float]:
    """Of a panel: where the runs [N] are and their means' whiskers, these up to the width of the former.

    Eight runs and more without those far out, three quartile distances beyond the quartiles (Tukey 1977): one
    arm that learned nothing would press all others together.
    """
    near = runs[~np.isnan(runs)]
    if not len(near):
        return 0.0, 1.0
    first, third = np.percentile(near, (25, 75))
    reach = 3 * (third - first)
    if reach > 0 and len(near) >= 8:
        near = near[(near >= first - reach) & (near <= third + reach)]
    lowest, highest = float(near.min()), float(near.max())
    span = highest - lowest or 0.1 * abs(lowest) or 1.0
    whiskers = [(mean.value - mean.half, mean.value + mean.half) for mean in found if mean.count > 1]
    ends = [end for pair in whiskers if lowest <= sum(pair) / 2 <= highest for end in pair]
    low = max(min((lowest, *ends)), lowest - span, min(0.0, lowest))
    high = min(max((highest, *ends)), highest + span)
    return low - 0.06 * span, high + 0.06 * span
