"""The figure of a tuning: the score of every trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detector.charts.canvas import COLOURS, drawn, svg_file
from detector.tuning.record import Record
from detector.tuning.trials import best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = (5.6, 2.9)
_MARGINS = {"left": 0.12, "right": 0.98, "bottom": 0.16, "top": 0.86}
_BEST = COLOURS[5]


def figure(record: Record) -> str:
    """An SVG file: by trial a faint dot for each fold, the mean with its standard error, a ring at the best.

    A colour for each phase. A pruned trial has dots alone, and so has no mean.
    """

    def draw(whole: Figure) -> None:
        _panel(whole.subplots(gridspec_kw=_MARGINS), record)

    return svg_file(drawn(_SIZE, draw))


def _panel(axes: Axes, record: Record) -> None:
    phases = list(dict.fromkeys(one.trial.phase for one in record.trials))
    for k, phase in enumerate(phases):
        colour = COLOURS[k % len(COLOURS)]
        members = [one for one in record.trials if one.trial.phase == phase]
        for one in members:
            places = np.full(len(one.scores), one.trial.number)
            axes.plot(places, one.scores, "o", color=colour, markersize=3.5, alpha=0.45, markeredgewidth=0)
        whole = [one for one in members if not one.pruned]
        axes.errorbar(
            [one.trial.number for one in whole],
            [one.mean for one in whole],
            [one.spread / np.sqrt(len(one.scores)) for one in whole],
            fmt="_",
            color=colour,
            markersize=9,
            markeredgewidth=1.5,
            linewidth=1.2,
            label=phase,
        )
    if leader := best(record.trials):
        place = (leader.trial.number, leader.mean)
        axes.plot(*place, "o", color=_BEST, fillstyle="none", markersize=12, label="best")
    axes.locator_params(axis="x", integer=True)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("trial")
    axes.set_ylabel(record.metric)
    # Above the axes: inside it would hide dots.
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        ncols=len(phases) + 1,
        borderaxespad=0,
        handletextpad=0.4,
        columnspacing=1.2,
    )
