"""What each part of the evaluation costs, beside pycocotools on the same input.

    python benchmarks/evaluation.py [--frames 10000] [--detections 100] [--resamples 1000]

CPU seconds, the ratio to pycocotools' own evaluate() and accumulate(), and the most memory that the process
held, data included. Each part runs in a process of its own on one core; what several parts share, such as the
pool, is made once and listed once. The frames are made up: about six truths of four classes, detections near
them and anywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.data.annotations import Annotations, ImageRecord
from detector.evaluation.coco import coco_ground_truth
from detector.evaluation.errors.confusion import confusion
from detector.evaluation.errors.kinds import find_mistakes
from detector.evaluation.errors.tide import tide
from detector.evaluation.matching import match, pool
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.metrics.breakdown import break_down
from detector.evaluation.predictions import predictions_json
from detector.evaluation.scores.calibration import calibration
from detector.evaluation.scores.froc import froc
from detector.evaluation.scores.outcomes import outcomes
from detector.evaluation.scores.thresholds import score_thresholds
from detector.evaluation.split import evaluate
from detector.evaluation.uncertainty.bootstrap import weighted_metrics
from detector.evaluation.uncertainty.resampling import draw
from detector.structures import Detections

CLASSES = ("person", "car", "bicycle", "dog")
WIDTH, HEIGHT = 640, 512
TRUTHS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--detections", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    annotations, detections = simulate(options.frames, options.detections)
    entries = predictions_json(detections, annotations)
    ready = pool(annotations, entries)
    every = outcomes(ready, CLASSES)
    mistakes = find_mistakes(ready)
    truth = coco_ground_truth(annotations)
    reference = COCOeval(index(truth), index(with_results(truth, list(entries))), "bbox")
    reference.params.maxDets = [100]
    weights = draw(annotations.records, count=options.resamples).weights
    bins = Bins(overlap=(0.0, 0.1, 0.3), crowd_above=0.1, sizes=(6.0, 12.0, 24.0))
    print(
        f"{options.frames} frames, {len(ready.truths.crowd)} truths, {len(entries)} detections; "
        f"the data alone take {resident() / 2**30:.2f} GiB"
    )

    def run_reference() -> None:
        reference.evaluate()
        reference.accumulate()

    parts: dict[str, Callable[[], object]] = {
        "pycocotools evaluate + accumulate": run_reference,
        "entries of the results file": lambda: predictions_json(detections, annotations),
        "pool": lambda: pool(annotations, entries),
        "matching at ten thresholds": lambda: match(ready),
        "overlap, size, MR-2, JI": lambda: break_down(ready, bins=bins),
        "outcomes": lambda: outcomes(ready, CLASSES),
        "thresholds and curves": lambda: score_thresholds(every),
        "confusion": lambda: confusion(ready, CLASSES, confidence=0.3),
        "calibration": lambda: calibration(every, confidence=0.3),
        "FROC": lambda: froc(every),
        "TIDE, kinds of mistakes": lambda: find_mistakes(ready),
        "TIDE, dAP": lambda: tide(mistakes, CLASSES),
        "all of evaluate()": lambda: evaluate(annotations, entries, bins=bins),
        f"bootstrap, {options.resamples} resamples": lambda: weighted_metrics(
            ready, weights=weights, bins=bins
        ),
    }
    print(f"{'part':<36}{'CPU s':>8}{'ratio':>8}{'peak GiB':>10}")
    first = 0.0
    for name, part in parts.items():
        seconds, peak = measured(part)
        first = first or seconds
        print(f"{name:<36}{seconds:8.2f}{seconds / first:8.2f}{peak / 2**30:10.2f}", flush=True)


def simulate(frames: int, count: int) -> tuple[Annotations, dict[int, Detections]]:
    """Truths, a twentieth of them regions to ignore, and `count` detections for each frame."""
    rng = np.random.default_rng(0)
    records, detections = [], {}
    for image in range(frames):
        truths = int(rng.poisson(TRUTHS))
        boxes, labels = _boxes(rng, truths), rng.integers(0, len(CLASSES), truths)
        records.append(
            ImageRecord(
                image_id=image + 1,
                path=Path(f"{image}.png"),
                width=WIDTH,
                height=HEIGHT,
                boxes=boxes.astype(np.float32),
                labels=labels,
                ignored=rng.random(truths) < 0.05,
                sequence=None,
            )
        )
        near = np.repeat(np.arange(truths), 3)[:count]
        found = _boxes(rng, count)
        guesses = rng.integers(0, len(CLASSES), count)
        found[: len(near)] = boxes[near] + rng.normal(0, 2, (len(near), 4))
        guesses[: len(near)] = labels[near]
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        scores = np.concatenate((rng.beta(4, 3, len(near)), rng.beta(1, 6, count - len(near))))
        order = np.argsort(-scores)
        detections[image + 1] = Detections(
            boxes=found[order].astype(np.float32),
            scores=scores[order].astype(np.float32),
            labels=guesses[order],
        )
    return Annotations(CLASSES, tuple(records), tuple(range(1, len(CLASSES) + 1))), detections


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """[count, 4] xyxy of 6 to 60 pixels inside the frame."""
    sides = np.exp(rng.uniform(np.log(6), np.log(60), (count, 2)))
    corners = rng.random((count, 2)) * ((WIDTH, HEIGHT) - sides)
    return np.concatenate((corners, corners + sides), axis=1)


def with_results(truth: dict, entries: list) -> dict:
    """The entries as pycocotools' loadRes makes them."""
    results = [
        {**entry, "id": number, "area": entry["bbox"][2] * entry["bbox"][3]}
        for number, entry in enumerate(entries, start=1)
    ]
    return {**truth, "annotations": results}


def index(dataset: dict) -> COCO:
    coco = COCO()
    coco.dataset = dataset
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def measured(part: Callable[[], object]) -> tuple[float, int]:
    """CPU seconds and the most resident bytes of a part, run in a copy of this process."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        start = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            part()
        os.write(sender, f"{time.process_time() - start} {resident()}".encode())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"the part ended with status {status}")
    seconds, peak = os.read(receiver, 200).decode().split()
    os.close(receiver)
    os.close(sender)
    return float(seconds), int(peak)


def resident() -> int:
    """The most bytes this process has held in memory."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
