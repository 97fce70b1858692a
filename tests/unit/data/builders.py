"""Small data sets and pictures made for the tests of detector.data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.data.loading.sample import RawSample, Sample


def save_frame(path: Path, counts: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), counts)


def save_json(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def split_on_disk(
    folder: Path, count: int, *, size: tuple[int, int] = (24, 32), boxes: int = 3
) -> Annotations:
    """`count` random 16-bit frames and as many random boxes in each, the last one ignored."""
    rng = np.random.default_rng(1)
    height, width = size
    records = []
    for image_id in range(count):
        path = folder / f"{image_id}.png"
        save_frame(path, rng.integers(6000, 9000, size, dtype=np.uint16))
        corners = rng.uniform(0, 0.5, (boxes, 2)) * (width, height)
        sides = rng.uniform(0.2, 0.5, (boxes, 2)) * (width, height)
        records.append(
            ImageRecord(
                image_id=100 + image_id,
                path=path,
                width=width,
                height=height,
                boxes=np.concatenate((corners, corners + sides), 1).astype(np.float32),
                labels=np.arange(boxes, dtype=np.int64) % 2,
                ignored=np.arange(boxes) == boxes - 1,
                sequence=None,
            )
        )
    return Annotations(("person", "car"), tuple(records), (1, 2))


def raw_with_rectangle(
    box: tuple[int, int, int, int], *, size: tuple[int, int] = (90, 120), ignored: bool = False
) -> RawSample:
    """A black frame with one white rectangle whose truth is exactly that rectangle."""
    counts = np.zeros(size, np.uint8)
    left, top, right, bottom = box
    counts[top:bottom, left:right] = 255
    return raw_of(counts, np.array([box], np.float32), ignored=ignored)


def raw_of(counts: np.ndarray, boxes: np.ndarray, *, ignored: bool = False) -> RawSample:
    n = len(boxes)
    return RawSample(
        counts, (0.0, 255.0), boxes, np.full(n, 1, np.int64), np.full(n, ignored, bool), image_id=7
    )


def empty_raw(size: tuple[int, int] = (90, 120)) -> RawSample:
    return raw_of(np.zeros(size, np.uint8), np.zeros((0, 4), np.float32))


def bright_box(image: np.ndarray) -> np.ndarray | None:
    """[4] xyxy around all pixels above one half; None where there are none."""
    ys, xs = np.nonzero(image > 0.5)
    if not len(xs):
        return None
    return np.array((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), np.float32)


def assert_same_sample(one: Sample, other: Sample) -> None:
    assert one.image_id == other.image_id
    for name in ("image", "boxes", "labels", "ignored"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
