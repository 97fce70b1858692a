"""Draws the figure of docs/experiments.md from what `thermal-detector study study=overlap` measured.

python docs/plot_overlap.py [results.csv [picture.svg]]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detector.charts.canvas import COLOURS, drawn, svg_file
from detector.tuning.results import Results
from detector.tuning.statistics import Mean, differences, means

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
METRIC, BASELINE = "AP50", "composite"
APART = 0.012
"""Between the whiskers of two arms at one overlap, in IoU."""


def curves(axes: Axes, found: Mapping[str, Mapping[float, Mean]], arms: list[str]) -> None:
    """A line for each arm over the overlap, with 95 % intervals."""
    for name, points in found.items():
        place = arms.index(name)
        x = np.array(sorted(points))
        axes.errorbar(
            x + (place - (len(arms) - 1) / 2) * APART,
            [points[at].value for at in sorted(points)],
            [points[at].half for at in sorted(points)],
            color=COLOURS[place],
            marker="o",
            markersize=4,
            linewidth=1.2,
            elinewidth=1,
            label=name,
        )
    axes.set_xlabel("IoU of neighbours")


def figure(results: Results) -> Figure:
    """AP50 by overlap, and its difference to the composite's."""
    arms = list(dict.fromkeys(results.arms))
    levels = {name: int(name.removeprefix("overlap_")) / 100 for name in dict.fromkeys(results.conditions)}
    values: dict[str, dict[float, Mean]] = {arm: {} for arm in arms}
    apart: dict[str, dict[float, Mean]] = {arm: {} for arm in arms if arm != BASELINE}
    for name, level in levels.items():
        for arm, (mean,) in means(results, condition=name).items():
            values[arm][level] = mean
        for arm, (difference,) in differences(results, BASELINE, condition=name).items():
            apart[arm][level] = difference.mean

    def draw(whole: Figure) -> None:
        left, right = whole.subplots(
            1, 2, gridspec_kw={"left": 0.08, "right": 0.99, "bottom": 0.17, "top": 0.82}
        )
        curves(left, values, arms)
        left.set_title(METRIC, loc="left")
        curves(right, apart, arms)
        right.axhline(0, color=COLOURS[arms.index(BASELINE)], linewidth=1, linestyle="--")
        right.set_title(f"{METRIC} minus {BASELINE}'s, by seed", loc="left")
        whole.legend(*left.get_legend_handles_labels(), loc="upper left", ncols=len(arms))

    return drawn((7.6, 3.0), draw)


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "results" / "overlap.csv"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "images" / "study_overlap.svg"
    target.write_text(svg_file(figure(Results.read(source.read_text(), (METRIC,)))))
