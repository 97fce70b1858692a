"""Draws the learning curves of docs/weights.md from what `thermal-detector study study=few_frames` measured.

python docs/plot_few_frames.py [picture.svg]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detector.charts.canvas import COLOURS, drawn, svg_file
from detector.tuning.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
METRIC = "AP50"
SETS = {
    "seek": ("phone camera, near", 142),
    "drone_ir": ("sky from the ground", 1808),
    "hit_uav": ("drone, from above", 1793),
}
"""Of docs/results/few_frames_NAME.csv: what it shows, and its training frames."""
ARMS = {"from_weights": "from weights that have not seen the set", "from_nothing": "from nothing"}


def curves(axes: Axes, results: Results, *, frames: int) -> None:
    """The mean of the draws over the number of frames, and each draw as a faint dot."""
    numbers = {name: frames if name == "all" else int(name) for name in dict.fromkeys(results.conditions)}
    for colour, arm in zip(COLOURS, ARMS, strict=False):
        points = {
            number: np.concatenate(list(found.values()))
            for name, number in numbers.items()
            if (found := results.of(arm, condition=name))
        }
        x = sorted(points)
        axes.plot(x, [points[at].mean() for at in x], color=colour, marker="o", markersize=4, label=ARMS[arm])
        for at in x:
            axes.plot([at] * len(points[at]), points[at], ".", color=colour, alpha=0.35, markersize=4)
    axes.set_xscale("log")
    axes.set_xticks(list(numbers.values()), [f"{number:,}" for number in numbers.values()])
    axes.minorticks_off()
    axes.set_xlabel("labelled frames")


def figure(found: dict[str, Results]) -> Figure:
    """A panel for each set."""

    def draw(whole: Figure) -> None:
        grid = {"left": 0.06, "right": 0.99, "bottom": 0.24, "top": 0.8, "wspace": 0.2}
        panels = whole.subplots(1, len(found), gridspec_kw=grid, squeeze=False)[0]
        for axes, (name, results) in zip(panels, found.items(), strict=True):
            title, frames = SETS[name]
            curves(axes, results, frames=frames)
            axes.set_title(f"{METRIC}: {title}", loc="left")
            axes.tick_params(axis="x", rotation=35)
        whole.legend(*panels[0].get_legend_handles_labels(), loc="upper left", ncols=len(ARMS))

    return drawn((7.6, 3.0), draw)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "images" / "few_frames.svg"
    files = {name: HERE / "results" / f"few_frames_{name}.csv" for name in SETS}
    target.write_text(
        svg_file(figure({name: Results.read(file.read_text(), (METRIC,)) for name, file in files.items()}))
    )
