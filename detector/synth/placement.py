"""Where objects stand: apart from each other, but for the share that is meant to overlap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detector.synth.pairs import meet, place_pairs
from detector.synth.scene import CLASSES, Scene
from detector.synth.stage import Standing

TRIES = 12
COLUMN_TRIES = 4


def populate(scene: Scene, rng: np.random.Generator) -> list[Standing]:
    """The objects of one frame, fewer than drawn where there is no room or nothing would stand out.

    Pairs overlap: half of the `overlap` share are followers, put in front of or behind an object that stands
    alone so far; by how much is drawn by lot, or as `pair_iou` says.
    """
    params = scene.params
    count = int(rng.integers(params.objects[0], params.objects[1] + 1))
    followers = min(int(0.5 * params.overlap * count + rng.random()), count // 2)
    alone: list[Standing] = []
    for _ in range(count - followers):
        item = _place_apart(scene, rng, alone)
        if item is not None:
            alone.append(item)
    if params.pair_iou is not None:
        return place_pairs(scene, rng, alone, followers=followers)
    placed = list(alone)
    for _ in range(followers):
        pair = _place_beside(scene, rng, alone, placed)
        if pair is not None:
            anchor, item = pair
            alone.remove(anchor)
            placed.append(item)
    return placed


def _draw_label(scene: Scene, rng: np.random.Generator) -> int:
    return int(rng.choice(len(CLASSES), p=scene.params.class_weights))


def _place_apart(scene: Scene, rng: np.random.Generator, others: list[Standing]) -> Standing | None:
    canvas = scene.params.width * scene.params.fine
    label = _draw_label(scene, rng)  # once: a class that is hard to place must not give way to the others
    for _ in range(TRIES):
        item = scene.paint_object(rng, label)
        if item is None:
            continue
        width = item.sprite.body.shape[1]
        for _ in range(COLUMN_TRIES):
            moved = replace(item, left=round(rng.uniform(-0.25 * width, canvas - 0.75 * width)))
            if scene.stands_out(moved) and not any(meet(moved.box, other.box) for other in others):
                return moved
    return None


def _place_beside(
    scene: Scene, rng: np.random.Generator, alone: list[Standing], placed: list[Standing]
) -> tuple[Standing, Standing] | None:
    """One of those alone, and an object a step nearer or farther that overlaps it and nothing else.

    Two in three or so are of the same class, as in groups of people or parked cars; a quarter to six
    tenths of the narrower is covered, so that neither is mostly hidden.
    """
    canvas = scene.params.width * scene.params.fine
    for _ in range(TRIES if alone else 0):
        anchor = alone[int(rng.integers(len(alone)))]
        label = anchor.label if rng.random() < 0.55 and anchor.label is not None else _draw_label(scene, rng)
        step = 0.5 * scene.camera.scale(anchor.row)  # half a metre's pixels
        item = scene.paint_object(rng, label, row=anchor.row + float(rng.uniform(-step, step)))
        if item is None:
            continue
        width, anchor_width = item.sprite.body.shape[1], anchor.sprite.body.shape[1]
        covered = float(rng.uniform(0.25, 0.6)) * min(width, anchor_width)
        left = anchor.left - width + covered if rng.random() < 0.5 else anchor.left + anchor_width - covered
        moved = replace(item, left=round(left))
        if not -0.25 * width <= left <= canvas - 0.75 * width:
            continue
        free = not any(meet(moved.box, other.box) for other in placed if other is not anchor)
        if free and scene.stands_out(moved):
            return anchor, moved
    return None
