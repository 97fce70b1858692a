"""Write tide.json: hostile cases and what the tidecv package says of them.

tidecv is no dependency of ours, for it brings opencv-python, which overwrites the headless build. Run this in
an environment of its own, from the repository's root:

    python -m venv /tmp/tide && /tmp/tide/bin/pip install tidecv==1.0.1
    /tmp/tide/bin/python tests/unit/evaluation/golden/make_tide_golden.py

The cases come from fixed seeds, so the file changes only with tidecv or this script.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tidecv import TIDE, Data

FILE = Path(__file__).with_name("tide.json")
SEEDS = range(10)
CLASSLESS = -1
KINDS = {
    "classification": "Cls",
    "localisation": "Loc",
    "both": "Both",
    "duplicate": "Dupe",
    "background": "Bkg",
    "missed": "Miss",
}


def on_the_edge() -> dict[str, Any]:
    """Overlaps of exactly 0.5 and 0.1, with truths found and free, and half of a box in a region."""
    truths = [[0, 0, 20, 10, 0, 0], [40, 0, 60, 10, 0, 0], [0, 40, 20, 50, 1, 0], [80, 0, 100, 10, 1, 1]]
    detections = [
        [0, 0, 10, 10, 0.9, 0],  # half of the first truth: a hit
        [0, 0, 20, 10, 0.8, 0],  # all of it, but found: a duplicate
        [10, 0, 10, 10, 0.7, 0],  # its other half: half is enough to be misplaced
        [40, 0, 2, 10, 0.6, 0],  # a tenth of the second
        [40, 0, 2, 10, 0.6, 1],  # the same of another class
        [0, 40, 10, 10, 0.5, 0],  # half of the third, of another class
        [90, 0, 20, 10, 0.4, 1],  # half inside the region: not enough to be ignored
        [89, 0, 20, 10, 0.3, 1],  # more than half
    ]
    return {
        "name": "overlaps on the edge",
        "classes": 2,
        "images": [{"id": 1, "truths": truths}],
        "detections": [[1, *row] for row in detections],
    }


def one_of_each() -> dict[str, Any]:
    """Every kind ahead of the hits, so that each costs AP."""
    truths = [[0, 0, 20, 10, 0, 0], [40, 0, 60, 10, 0, 0], [0, 40, 20, 50, 1, 0], [80, 80, 90, 90, 1, 0]]
    detections = [
        [200, 0, 9, 9, 0.95, 0],  # background
        [0, 40, 20, 10, 0.9, 0],  # classification: it is the third truth, of class 1
        [0, 41, 5, 5, 0.85, 0],  # both: a part of the third truth, of another class
        [0, 0, 20, 10, 0.8, 0],  # a hit
        [0, 0, 20, 9, 0.75, 0],  # duplicate
        [40, 0, 7, 10, 0.7, 0],  # localisation: a third of the second truth
        [40, 0, 6, 10, 0.65, 0],  # localisation of the same truth, the worse one
        [40, 0, 19, 10, 0.6, 0],  # a hit after all
    ]
    return {
        "name": "one of each",
        "classes": 2,
        "images": [{"id": 7, "truths": truths}],
        "detections": [[7, *row] for row in detections],
    }


def recall_on_the_grid() -> dict[str, Any]:
    """7 of 10 found: recall 0.7 is 70 / 100 to the last digit, but less than the 0.7 of COCO's linspace."""
    boxes = [[20 * column, 20 * row, 10, 10] for row in range(2) for column in range(5)]
    return {
        "name": "recall on the grid",
        "classes": 1,
        "images": [{"id": 0, "truths": [[x, y, x + w, y + h, 0, 0] for x, y, w, h in boxes]}],
        "detections": [[0, *box, 0.9, 0] for box in boxes[:7]],
    }


def hostile(seed: int) -> dict[str, Any]:
    """Boxes on a coarse grid, tied scores and overlaps, regions, images without either, > 100 detections."""
    rng = np.random.default_rng(seed)
    classes = 1 + seed % 3
    images, detections = [], []
    for image in rng.permutation(50)[: 3 + seed % 2].tolist():
        boxes = _boxes(rng, count=int(rng.integers(0, 9)))
        labels = rng.integers(0, classes, len(boxes))
        ignored = rng.random(len(boxes)) < 0.25
        labels[ignored & (rng.random(len(boxes)) < 0.5)] = CLASSLESS
        images.append({"id": image, "truths": np.column_stack((boxes, labels, ignored)).tolist()})
        count = 75 if seed == 4 else int(rng.choice([0, 6, 25]))
        near = boxes[rng.integers(0, len(boxes), count)] if len(boxes) else _boxes(rng, count=count)
        found = np.concatenate((near + rng.choice([0, 0, 4, 8], (count, 1)), _boxes(rng, count=count // 2)))
        found[:, 2:] -= found[:, :2]
        scores = rng.random(len(found)).round(1 if seed % 2 else 3)
        guesses = rng.integers(0, classes, len(found))
        rows = np.column_stack((found, scores, guesses)).tolist()
        detections += [[image, *map(int, row[:4]), row[4], int(row[5])] for row in rows]
    return {"name": f"seed {seed}", "classes": classes, "images": images, "detections": detections}


def _boxes(rng: np.random.Generator, *, count: int) -> np.ndarray:
    """[count, 4] int64 xyxy, multiples of 4."""
    corner, size = rng.integers(0, 16, (count, 2)), rng.integers(1, 9, (count, 2))
    return 4 * np.concatenate((corner, corner + size), axis=1)


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """tidecv's numbers in [0, 1], and how many mistakes of each kind there are but for ignored detections."""
    truth, predictions = Data("truth"), Data("predictions")
    for image in case["images"]:
        truth.add_image(image["id"], str(image["id"]))
        for x1, y1, x2, y2, label, ignored in image["truths"]:
            add = truth.add_ignore_region if ignored else truth.add_ground_truth
            add(image["id"], label, box=[x1, y1, x2 - x1, y2 - y1])
    for image, *box, score, label in case["detections"]:
        predictions.add_detection(image, label, score, box=box)
    run = TIDE().evaluate(truth, predictions, mode=TIDE.BOX)
    gains = {kind.short_name: value / 100 for kind, value in run.fix_main_errors().items()}
    special = {kind.short_name: value / 100 for kind, value in run.fix_special_errors().items()}
    counts = {
        kind.short_name: sum(not hasattr(error, "pred") or error.pred["used"] is not None for error in errors)
        for kind, errors in run.error_dict.items()
    }
    return {
        "ap": run.ap / 100,
        "gains": {name: gains[short] for name, short in KINDS.items()},
        "false_positives": special["FalsePos"],
        "false_negatives": special["FalseNeg"],
        "counts": {name: counts[short] for name, short in KINDS.items()},
    }


def main() -> None:
    cases = [on_the_edge(), one_of_each(), recall_on_the_grid(), *(hostile(seed) for seed in SEEDS)]
    lines = [json.dumps({**case, "expected": expected(case)}, separators=(",", ":")) for case in cases]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
