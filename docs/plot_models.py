"""Draws the figure of docs/models.md into docs/images and prints its table.

python docs/plot_models.py [folder]

From docs/results/architecture.csv (study=architecture) and docs/results/latency.csv (benchmarks/latency.py
--study architecture --csv ...), by the names of the study's arms.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results"
SIZE = {"width": "320", "height": "256", "threads": "1"}


@dataclass(frozen=True)
class Network:
    """One arm: what it costs and what it finds. ms by precision; AP and AP50 are means over seeds."""

    name: str
    gflop: float
    parameters: int
    ms: dict[str, float]
    ap: float
    ap50: float


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    networks = sorted(read(), key=lambda one: one.ms["fp32"])
    best = {one.name for one in front(networks)}
    print("| network | GFLOP | M parameters | ms fp32 | ms INT8 | AP | AP50 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for one in networks:
        name = f"**`{one.name}`**" if one.name in best else f"`{one.name}`"
        cost = f"{one.gflop:.2f} | {one.parameters / 1e6:.2f} | {one.ms['fp32']:.1f} | {one.ms['INT8']:.1f}"
        print(f"| {name} | {cost} | {one.ap:.3f} | {one.ap50:.3f} |")
    draw(networks).savefig(folder / "models.svg")


def read() -> list[Network]:
    """Every arm that was both timed and trained."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows("architecture.csv"):
        found[row["arm"]].append((float(row["AP"]), float(row["AP50"])))
    return [
        Network(
            name=row["model"],
            gflop=float(row["gflop"]),
            parameters=int(row["parameters"]),
            ms={precision: float(row[precision]) for precision in ("fp32", "INT8")},
            ap=mean(ap for ap, _ in found[row["model"]]),
            ap50=mean(ap50 for _, ap50 in found[row["model"]]),
        )
        for row in rows("latency.csv")
        if row["model"] in found and SIZE.items() <= row.items()
    ]


def rows(name: str) -> list[dict[str, str]]:
    with (RESULTS / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def front(networks: list[Network]) -> list[Network]:
    """Those that no faster one beats, fastest first."""
    chosen: list[Network] = []
    for one in sorted(networks, key=lambda one: one.ms["fp32"]):
        if not chosen or one.ap > chosen[-1].ap:
            chosen.append(one)
    return chosen


def draw(networks: list[Network]) -> plt.Figure:
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    best = front(networks)
    axes.plot([one.ms["fp32"] for one in best], [one.ap for one in best], "-", color="0.7", zorder=0)
    for one in networks:
        axes.plot(one.ms["fp32"], one.ap, "o", color="C1" if one in best else "C0")
        axes.annotate(
            one.name, (one.ms["fp32"], one.ap), (4, 3), textcoords="offset points", fontsize="x-small"
        )
    axes.set_xlabel("ms a frame of 320x256 in ONNX Runtime, one thread")
    axes.set_ylabel("AP on other days")
    axes.grid(alpha=0.3)
    return figure


if __name__ == "__main__":
    main()
