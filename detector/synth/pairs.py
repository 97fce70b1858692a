"""Pairs whose boxes overlap by a given IoU, for experiments in which nothing but the overlap differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from detector.synth.scene import Scene
from detector.synth.stage import Standing

MOST_IOU = 0.5
"""Every pair could stand with any IoU up to this one."""
TRIES = 24

Box = tuple[int, int, int, int]


def place_pairs(
    scene: Scene, rng: np.random.Generator, alone: Sequence[Standing], *, followers: int
) -> list[Standing]:
    """Those alone, and followers beside some of them: of the same class, a step nearer or farther.

    The IoU is drawn evenly from `pair_iou` and decides the follower's column, nothing else: whether a pair
    is taken is judged by all the columns it could have, from boxes that touch to MOST_IOU. So sets that
    differ in `pair_iou` alone have the same scenes, objects, depths and noise, frame by frame.
    """
    assert scene.params.pair_iou is not None
    free, placed = list(alone), list(alone)
    taken = {id(item): item.box for item in alone}
    for _ in range(followers):
        iou = float(rng.uniform(*scene.params.pair_iou))
        for _ in range(TRIES if free else 0):
            anchor = free[int(rng.integers(len(free)))]
            step = 0.5 * scene.camera.scale(anchor.row)  # half a metre's pixels
            assert anchor.label is not None
            item = scene.paint_object(rng, anchor.label, row=anchor.row + float(rng.uniform(-step, step)))
            leftwards = bool(rng.random() < 0.5)
            if item is None:
                continue
            ends = [beside(anchor, item, iou=end, leftwards=leftwards) for end in (0.0, MOST_IOU)]
            others = (box for key, box in taken.items() if key != id(anchor))
            follower = beside(anchor, item, iou=iou, leftwards=leftwards)
            if follower is not None and _has_way(scene, anchor, ends, others):
                free.remove(anchor)
                placed.append(follower)
                taken[id(follower)] = _reach(ends)
                break
    return placed


def beside(anchor: Standing, item: Standing, *, iou: float, leftwards: bool) -> Standing | None:
    """The item moved in its row until the whole boxes have this IoU, to a fine pixel; None where they are
    too unlike for it."""
    a, b = anchor.whole, item.whole
    common = min(a[3], b[3]) - max(a[1], b[1])
    if common <= 0:
        return None
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    covered = round(iou * areas / (1 + iou) / common)
    if covered > min(a[2] - a[0], b[2] - b[0]):
        return None
    by = a[0] + covered - b[2] if leftwards else a[2] - covered - b[0]
    return replace(item, left=item.left + by)


def meet(a: Box, b: Box) -> bool:
    """Whether two boxes have a point in common; edges that touch do not count."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _has_way(scene: Scene, anchor: Standing, ends: Sequence[Standing | None], others: Iterable[Box]) -> bool:
    """Whether a follower can be anywhere between both ends: whole in the frame, seen, and clear of others."""
    width, height = (side * scene.params.fine for side in (scene.params.width, scene.params.height))
    real = [end for end in ends if end is not None]
    if len(real) < len(ends) or any(meet(_reach(ends), box) for box in others):
        return False
    boxes = [anchor.whole, *(end.whole for end in real)]
    inside = all(box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height for box in boxes)
    return inside and all(scene.stands_out(end) for end in real)


def _reach(ends: Iterable[Standing | None]) -> Box:
    """The box about an item at all of these places."""
    lefts, tops, rights, bottoms = zip(*(end.box for end in ends if end is not None), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
