"""Draws the first figure of docs/experiments.md from what `study=full_length` measured.

python docs/plot_full_length.py [results.csv [picture.svg]]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from detector.charts.canvas import COLOURS, drawn, svg_file
from detector.tuning.results import Results
from detector.tuning.statistics import differences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
BASELINE = "composite"
TITLES = {
    "AP50": "AP50",
    "AP": "AP",
    "overlap/0/AP50": "AP50, alone",
    "overlap/0.1-0.3/AP50": "AP50, overlap 0.1-0.3",
    "overlap/>0.3/AP50": "AP50, overlap > 0.3",
    "precision_at_recall_0.5": "precision at recall 0.5",
}


def figure(results: Results) -> Figure:
    """Each metric of each arm minus the composite's: mean of the seeds, 95 % interval."""
    found = differences(results, BASELINE, condition="")
    arms = sorted(found, key=lambda arm: found[arm][0].mean.value)

    def draw(whole: Figure) -> None:
        panels = whole.subplots(
            1,
            len(TITLES),
            sharey=True,
            gridspec_kw={"left": 0.1, "right": 0.99, "bottom": 0.12, "top": 0.88, "wspace": 0.1},
        )
        for place, (axes, title) in enumerate(zip(panels, TITLES.values(), strict=True)):
            for row, arm in enumerate(arms):
                mean = found[arm][place].mean
                told = abs(mean.value) > mean.half
                axes.errorbar(
                    mean.value,
                    row,
                    xerr=mean.half,
                    color=COLOURS[1 if told else 0],
                    marker="o",
                    markersize=4,
                    elinewidth=1.2,
                )
            axes.axvline(0, color="grey", linewidth=1, linestyle="--")
            axes.set_title(title, loc="left", fontsize=8)
            axes.tick_params(labelsize=7)
            axes.locator_params(axis="x", nbins=3)
            axes.set_yticks(range(len(arms)), arms)

    return drawn((9.6, 2.6), draw)


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "results" / "full_length.csv"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "images" / "study_full_length.svg"
    target.write_text(svg_file(figure(Results.read(source.read_text(), tuple(TITLES)))))
