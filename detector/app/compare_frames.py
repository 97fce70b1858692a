"""The command that holds synthetic frames against real ones: a table, and a figure if a path is given."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from detector.data.annotations import Source
from detector.data.readers.coco import CocoSource
from detector.data.readers.hit_uav import HitUavSource
from detector.errors import UserError
from detector.structures import Frame
from detector.synth.realism import Looks, measure, table
from detector.synth.realism_figure import draw_comparison
from detector.thermal.io import read

SAMPLES = 6


def main() -> None:
    """Parse the command line; a UserError becomes one line and exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "roots", nargs="+", type=Path, help="COCO or HIT-UAV folders; the first is the reference"
    )
    parser.add_argument("--split", default="val")
    parser.add_argument("--frames", type=int, default=200, help="evenly spaced frames taken from each set")
    parser.add_argument("--figure", type=Path, help="PNG to write")
    arguments = parser.parse_args()
    try:
        sets = {
            _name(root): _look(root, split=arguments.split, count=arguments.frames)
            for root in arguments.roots
        }
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(table({name: looks for name, (_, looks) in sets.items()}))
    if arguments.figure is not None:
        draw_comparison(sets, arguments.figure)
        print(f"figure: {arguments.figure}")


def _name(root: Path) -> str:
    return root.resolve().name


def _look(root: Path, *, split: str, count: int) -> tuple[list[Frame], Looks]:
    """Sample frames of a split and the looks of `count` evenly spaced ones."""
    annotations = _open(root).load(split)
    records = annotations.records[:: max(1, len(annotations.records) // count)][:count]
    frames = [read(record.path) for record in records]
    boxes = [record.boxes[~record.ignored] for record in records]
    looks = measure(zip(frames, boxes, strict=True))
    return frames[:: max(1, len(frames) // SAMPLES)][:SAMPLES], looks


def _open(root: Path) -> Source:
    is_hit_uav = (root / "normal_json").is_dir() or root.name == "normal_json"
    return HitUavSource(root) if is_hit_uav else CocoSource(root)
