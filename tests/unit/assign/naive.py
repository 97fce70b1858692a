"""The assigners' rules written out with loops and plain numbers, one image at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from detector.assign.task_aligned import TaskAligned
from detector.tensors import GridLevel, HeadOutput, Targets

Box = Sequence[float]


def near_points(levels: Sequence[GridLevel], box: Box, *, window: int) -> list[set[int]]:
    """Of each level, the points among the window x window nearest of an endless grid."""
    found = []
    offset = 0
    for level in levels:
        columns = nearest((box[0] + box[2]) / 2 / level.stride - 0.5, window)
        rows = nearest((box[1] + box[3]) / 2 / level.stride - 0.5, window)
        found.append(
            {
                offset + row * level.width + column
                for row in rows
                for column in columns
                if 0 <= row < level.height and 0 <= column < level.width
            }
        )
        offset += level.height * level.width
    return found


def nearest(position: float, count: int) -> list[int]:
    """The `count` whole numbers nearest to the position."""
    around = range(math.floor(position) - count, math.floor(position) + count + 1)
    return sorted(around, key=lambda i: abs(i - position))[:count]


def iou(a: Box, b: Box) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union


def task_aligned(
    assigner: TaskAligned, output: HeadOutput, targets: Targets, image: int
) -> dict[int, tuple[int, float]]:
    """{point: (truth, quality)} of one image."""
    grid = output.grid
    assert grid is not None
    points, predicted = grid.points.tolist(), output.boxes[image].tolist()
    boxes = targets.boxes[image].tolist()
    finest = min(level.stride for level in grid.levels)

    def overlap(point: int, truth: int) -> float:
        return iou(predicted[point], boxes[truth])

    def alignment(point: int, truth: int) -> float:
        logit = output.logits[image, point, targets.labels[image, truth]].item()
        return overlap(point, truth) ** assigner.beta * (1 / (1 + math.exp(-logit))) ** assigner.alpha

    wanted: dict[int, list[int]] = {}
    for truth, box in enumerate(boxes):
        if not targets.valid[image, truth]:
            continue
        cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        half_w = max((box[2] - box[0]) / 2, assigner.reach * finest)
        half_h = max((box[3] - box[1]) / 2, assigner.reach * finest)
        candidates = [
            point
            for point in set().union(*near_points(grid.levels, box, window=assigner.window))
            if abs(points[point][0] - cx) < half_w and abs(points[point][1] - cy) < half_h
        ]
        candidates.sort(key=lambda point: -alignment(point, truth))
        for point in candidates[: assigner.top_k]:
            wanted.setdefault(point, []).append(truth)

    owner = {point: max(truths, key=lambda truth: overlap(point, truth)) for point, truths in wanted.items()}
    result = {}
    for point, truth in owner.items():
        mine = [other for other in owner if owner[other] == truth]
        best = max(alignment(other, truth) for other in mine)
        scale = max(max(overlap(other, truth) for other in mine), assigner.min_quality)
        result[point] = (truth, alignment(point, truth) / best * scale)
    return result
