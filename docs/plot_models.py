"""Draws the search of docs/models.md: what each network found, over its time on a frame.

python docs/plot_models.py [picture.svg]

From docs/results/architecture.csv (`thermal-detector study study=architecture`) and architecture_latency.csv
(`benchmarks/latency.py --study architecture --csv FILE`).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from detector.charts.canvas import COLOURS, drawn, svg_file
from detector.tuning.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
METRIC, REFERENCE = "AP50", "nano"
COLUMNS = {"fp32": "float32", "INT8": "INT8"}
"""Of the latency file, and what it is called."""


def front(times: Mapping[str, float], found: Mapping[str, float]) -> list[str]:
    """Those that no other beats in both, the fastest first."""
    best, names = float("-inf"), []
    for name in sorted(times, key=lambda name: (times[name], -found[name])):
        if found[name] > best:
            best = found[name]
            names.append(name)
    return names


def panel(axes: Axes, times: Mapping[str, float], found: Mapping[str, float]) -> None:
    """A dot for each network; a line joins those that no other beats."""
    names = front(times, found)
    axes.plot([times[name] for name in names], [found[name] for name in names], color=COLOURS[0], linewidth=1)
    for name, time in times.items():
        shipped = name in ("pico", "nano", "small")
        axes.plot(time, found[name], "o", color=COLOURS[1 if shipped else 0], markersize=4)
        axes.annotate(
            name.replace("_", " "),
            (time, found[name]),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=7,
            weight="bold" if shipped else "normal",
        )
    axes.margins(x=0.12)
    axes.set_xlabel(f"time of a 320x256 frame, {REFERENCE} = 1")


def figure(results: Results, latency: list[dict[str, str]]) -> Figure:
    """float32 and INT8."""
    found = {arm: float(next(iter(results.of(arm).values()))[0]) for arm in results.arms}

    def draw(whole: Figure) -> None:
        grid = {"left": 0.08, "right": 0.97, "bottom": 0.15, "top": 0.9}
        panels = whole.subplots(1, len(COLUMNS), sharey=True, gridspec_kw=grid)
        for axes, (column, title) in zip(panels, COLUMNS.items(), strict=True):
            times = {row["model"]: float(row[column]) for row in latency if row["model"] in found}
            panel(axes, {name: time / times[REFERENCE] for name, time in times.items()}, found)
            axes.set_title(f"{METRIC}, {title}", loc="left")

    return drawn((7.6, 3.4), draw)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "images" / "study_architecture.svg"
    with (HERE / "results" / "architecture_latency.csv").open(encoding="utf-8") as file:
        latency = list(csv.DictReader(file))
    results = Results.read((HERE / "results" / "architecture.csv").read_text(), (METRIC,))
    target.write_text(svg_file(figure(results, latency)))
