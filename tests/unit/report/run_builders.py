"""A run as its folder holds it, with every kind of mistake in it, made without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from detector.data.annotations import Annotations
from detector.engine.steplog import StepRecord
from detector.engine.tracking import Tracker
from detector.evaluation.coco import Metrics
from detector.evaluation.results_file import read_predictions
from detector.evaluation.split import EvaluatedSplit, evaluate
from tests.built import built, settings_at
from tests.unit.data.builders import save_frame, save_json
from tests.unit.evaluation.builders import BINS

Box = tuple[int, int, int, int]
"""x, y, w, h."""

FRAMES = 6
PERSON: Box = (10, 10, 8, 16)
BEHIND: Box = (15, 10, 8, 16)
CAR: Box = (50, 30, 30, 18)
TRUTHS = ((PERSON, 1), (BEHIND, 1), (CAR, 2))
"""In every frame: two people who overlap by 0.23, and a car."""

FOUND: tuple[tuple[int, Box, int, float], ...] = (
    *((frame, PERSON, 1, 0.9) for frame in range(FRAMES)),
    (5, BEHIND, 1, 0.85),
    (0, CAR, 2, 0.95),
    (0, CAR, 2, 0.6),  # once more
    (1, CAR, 1, 0.8),  # the wrong class
    (2, (62, 30, 30, 18), 2, 0.7),  # IoU 0.43
    (3, (60, 2, 12, 12), 2, 0.97),  # nothing there
    (3, CAR, 2, 0.9),
    (4, CAR, 2, 0.2),  # found, but not surely
)
"""Frame, box, category and score. The car of frame 5 is found by nothing."""


def made_data(root: Path) -> Path:
    """A COCO set of two splits, alike: FRAMES frames of 96 x 64, objects brighter than the ground."""
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        images, truths = [], []
        for number in range(FRAMES):
            counts = rng.normal(100, 3, (64, 96))
            for (x, y, w, h), category in TRUTHS:
                counts[y : y + h, x : x + w] += 60
                truth = {"id": len(truths) + 1, "image_id": number, "category_id": category}
                truths.append({**truth, "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0})
            save_frame(root / split / f"{number}.png", counts.clip(0, 255).astype(np.uint8))
            images.append({"id": number, "file_name": f"{number}.png", "width": 96, "height": 64})
        categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "car"}]
        document = {"images": images, "annotations": truths, "categories": categories}
        save_json(root / "annotations" / f"{split}.json", document)
    return root


def made_config(root: Path) -> dict[str, Any]:
    """config.yaml of a run, as far as a page reads it."""
    data = {**settings_at("data/coco"), "root": str(root)}
    model = {"name": "pyramid", "stem": 4, "widths": [8, 8], "depths": [1, 1]}
    return {
        "data": data,
        "model": {**model, "neck_widths": [8, 8]},
        "evaluation": settings_at("evaluation/default"),
        "optimizer": {"name": "adamw", "lr": 0.004},
        "engine": {"epochs": 3, "batch_size": 2, "precision": "fp32"},
        "seed": 7,
    }


def made_predictions(file: Path) -> None:
    """FOUND as a COCO results file."""
    entries = [
        {"image_id": frame, "category_id": category, "bbox": list(box), "score": score}
        for frame, box, category, score in FOUND
    ]
    save_json(file, entries)


def made_run(folder: Path) -> Path:
    """The folder of a finished run, folder/run; its data lie in folder/data."""
    root, run = made_data(folder / "data"), folder / "run"
    made_predictions(run / "predictions.json")
    (run / "config.yaml").write_text(yaml.safe_dump(made_config(root)))
    versions = {"python": "3.12.1", "torch": "2.9.0+cpu"}
    command = "thermal-detector train 'model.widths=[8,8]'"
    save_json(run / "environment.json", {"command": command, "device": "1 x cpu", "versions": versions})
    annotations = built("data/coco", root=root).load("val")
    metrics = evaluate(
        annotations, read_predictions(run / "predictions.json", annotations), bins=BINS
    ).metrics
    save_json(run / "metrics.json", metrics.to_dict())
    _log(run / "tensorboard", metrics)
    return run


def _log(folder: Path, metrics: Metrics) -> None:
    """Three epochs of four steps."""
    tracker = Tracker(folder, quiet=True)
    tracker.open(0)
    for epoch in range(3):
        steps = range(4 * epoch + 1, 4 * epoch + 5)
        tracker.start_epoch(epoch, 3, steps=4, done=0)
        tracker.stepped(images=8)
        records = [StepRecord(step, {"box": 1 / step, "f1": 2 / step}) for step in steps]
        tracker.losses(records, lr=0.004 / (epoch + 1))
        tracker.end_epoch(steps[-1])
        tracker.evaluated(metrics, epoch + 1, steps[-1])
    tracker.close()


def made_split(folder: Path) -> EvaluatedSplit:
    """FOUND beside its truth; the frames lie in folder/data."""
    annotations: Annotations = built("data/coco", root=made_data(folder / "data")).load("val")
    made_predictions(folder / "predictions.json")
    return evaluate(annotations, read_predictions(folder / "predictions.json", annotations), bins=BINS)
