"""How often a 95 % interval of thermal-detector compare holds the true value, on sets made by known chances.

    python benchmarks/bootstrap_coverage.py [--sets 200] [--resamples 200]
    python benchmarks/bootstrap_coverage.py --headline     # of what evaluate says of the first detector

Two detectors are simulated on recordings that differ in how hard they are, as real ones do, or not at all.
The true values are those of one very large set. For each number of recordings and each unit of resampling,
the share of the simulated sets whose interval holds the true value, for the AP of one detector and for the
difference of the two. 0.95 is right, less is too narrow.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.evaluation.matching import pool
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.uncertainty.bootstrap import weighted_metrics
from detector.evaluation.uncertainty.headline import Estimate, headline
from detector.evaluation.uncertainty.resampling import draw

FRAMES = 10
"""Of each recording."""

BINS = Bins(overlap=(0.5,), crowd_above=0.5, sizes=(100,))
FIGURES = ("AP", "AP50", "found", "right", "false_alarms")
METRICS = ("AP", "AP50", "MR-2")
SKILLS = (1.2, 0.9)
"""Of the two detectors: the better one finds more, and finds it with higher scores."""

Entries = list[dict[str, Any]]


def simulate(
    recordings: int, *, spread: float, rng: np.random.Generator
) -> tuple[Annotations, tuple[Entries, Entries]]:
    """A set and what two detectors find. spread: standard deviation of the recordings' difficulty."""
    records: list[ImageRecord] = []
    entries: tuple[Entries, Entries] = ([], [])
    for recording in range(recordings):
        hard = rng.normal(0, spread)
        for _ in range(FRAMES):
            image = len(records)
            count = int(rng.poisson(3 * np.exp(hard / 3)))
            corners = 60.0 * np.arange(count)[:, None] + rng.uniform(0, 20, (count, 2))
            sides = rng.uniform(8, 30, (count, 2))
            boxes = np.concatenate((corners, corners + sides), axis=1)
            records.append(
                ImageRecord(
                    image_id=image,
                    path=Path(f"{image}.png"),
                    width=4096,
                    height=4096,
                    boxes=boxes.astype(np.float32),
                    labels=np.zeros(count, dtype=np.int64),
                    ignored=np.zeros(count, dtype=bool),
                    sequence=str(recording),
                )
            )
            visible = rng.normal(0, 1, count) - hard
            for skill, found in zip(SKILLS, entries, strict=True):
                found.extend(_detect(image, boxes, visible + skill, false=np.exp(hard), rng=rng))
    return Annotations(("thing",), tuple(records), (1,)), entries


def _detect(
    image: int, boxes: np.ndarray, evidence: np.ndarray, *, false: float, rng: np.random.Generator
) -> Entries:
    """Boxes off by a few per cent of their sides, with a score by the evidence; and some on nothing."""
    scores = evidence + rng.normal(0, 0.5, len(boxes))
    seen = scores > 0
    sides = boxes[seen, 2:] - boxes[seen, :2]
    corners = boxes[seen, :2] + sides * rng.normal(0, 0.08, sides.shape)
    strays = int(rng.poisson(false))
    corners = np.concatenate((corners, rng.uniform(0, 20, (strays, 2)) + 3000))
    sides = np.concatenate((sides, np.full((strays, 2), 15.0)))
    values = np.concatenate((scores[seen], rng.normal(-0.2, 0.8, strays)))
    return [
        {"image_id": image, "category_id": 1, "bbox": [*corner, *side], "score": 1 / (1 + np.exp(-value))}
        for corner, side, value in zip(corners.tolist(), sides.tolist(), values.tolist(), strict=True)
    ]


def values(annotations: Annotations, entries: tuple[Entries, Entries], weights: np.ndarray) -> np.ndarray:
    """[2 metrics, S]: METRICS of the first detector, then the differences of the second to it."""
    found = [weighted_metrics(pool(annotations, own), weights=weights, bins=BINS) for own in entries]
    first, second = (np.stack([metrics[name].overall for name in METRICS]) for metrics in found)
    return np.concatenate((first, second - first))


def coverage(
    recordings: int, unit: str, *, spread: float, sets: int, resamples: int, truth: np.ndarray
) -> np.ndarray:
    """[2 metrics] share of the sets whose interval holds the truth."""
    held = np.zeros(len(truth))
    for seed in range(sets):
        annotations, entries = simulate(recordings, spread=spread, rng=np.random.default_rng((seed, 7)))
        weights = draw(annotations.records, count=resamples, unit=unit, seed=seed).weights
        low, high = np.nanpercentile(values(annotations, entries, weights), (2.5, 97.5), axis=1)
        held += (low <= truth) & (truth <= high)
    return held / sets


def headline_values(annotations: Annotations, entries: Entries) -> np.ndarray:
    """[3, FIGURES] low, value and high of one detector, from score 0.5 on."""
    told = headline(
        annotations, pool(annotations, entries), thresholds={"thing": 0.5}, chosen_here=False
    ).overall
    found: list[Estimate] = [getattr(told, name) for name in FIGURES]
    return np.array([(own.low, own.value, own.high) for own in found], dtype=np.float64).T


def headlines(sets: int) -> None:
    """The table of --headline. Where recordings are not known, frames are drawn."""
    print(f"{'recordings differ':<18}{'recordings':>11}{'known':>8}" + "".join(f"{n:>14}" for n in FIGURES))
    for spread in (0.0, 0.7):
        annotations, (entries, _) = simulate(1500, spread=spread, rng=np.random.default_rng(0))
        truth = headline_values(annotations, entries)[1]
        for recordings, known in itertools.product((3, 5, 10, 20), (True, False)):
            held = np.zeros(len(FIGURES))
            for seed in range(sets):
                rng = np.random.default_rng((seed, 7))
                annotations, (entries, _) = simulate(recordings, spread=spread, rng=rng)
                if not known:
                    alone = tuple(replace(record, sequence=None) for record in annotations.records)
                    annotations = replace(annotations, records=alone)
                low, _, high = headline_values(annotations, entries)
                held += (low <= truth) & (truth <= high)
            differ, named = ("yes" if yes else "no" for yes in (spread, known))
            cells = "".join(f"{share:14.3f}" for share in held / sets)
            print(f"{differ:<18}{recordings:>11}{named:>8}{cells}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--headline", action="store_true")
    options = parser.parse_args()
    if options.headline:
        headlines(options.sets)
        return
    names = [*METRICS, *(f"d {name}" for name in METRICS)]
    print(f"{'recordings differ':<18}{'recordings':>11}{'drawn':>12}" + "".join(f"{n:>8}" for n in names))
    for spread in (0.0, 0.7):
        annotations, entries = simulate(1500, spread=spread, rng=np.random.default_rng(0))
        truth = values(annotations, entries, np.ones((len(annotations.records), 1)))[:, 0]
        for recordings in (5, 10, 20, 40):
            for unit in ("images", "recordings"):
                held = coverage(
                    recordings,
                    unit,
                    spread=spread,
                    sets=options.sets,
                    resamples=options.resamples,
                    truth=truth,
                )
                cells = "".join(f"{share:8.3f}" for share in held)
                print(f"{'yes' if spread else 'no':<18}{recordings:>11}{unit:>12}" + cells, flush=True)


if __name__ == "__main__":
    main()
