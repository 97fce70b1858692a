"""Where objects stand: apart from each other, but for the share that is meant to overlap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detector.synth.scene import CLASSES, Scene, Standing

TRIES = 14


def populate(scene: Scene, rng: np.random.Generator) -> list[Standing]:
    """The objects of one frame.

    A follower is put in front of or behind an object that stands already, so either of a pair overlaps:
    half of `overlap` must be followers.
    """
    params = scene.params
    count = int(rng.integers(params.objects[0], params.objects[1] + 1))
    placed: list[Standing] = []
    alone: list[Standing] = []
    for _ in range(count):
        if alone and rng.random() < params.overlap / (2 - params.overlap):
            anchor = alone[int(rng.integers(len(alone)))]
            item = _place_beside(scene, rng, anchor, [other for other in placed if other is not anchor])
            if item is not None:
                alone.remove(anchor)
        else:
            item = _place_apart(scene, rng, placed)
            if item is not None:
                alone.append(item)
        if item is not None:
            placed.append(item)
    return placed


def _draw_label(scene: Scene, rng: np.random.Generator) -> int:
    return int(rng.choice(len(CLASSES), p=scene.params.class_weights))


def _place_apart(scene: Scene, rng: np.random.Generator, others: list[Standing]) -> Standing | None:
    item = scene.paint_object(rng, _draw_label(scene, rng))
    if item is None:
        return None
    width = item.sprite.body.shape[1]
    canvas = scene.params.width * scene.params.fine
    for _ in range(TRIES):
        moved = replace(item, left=round(rng.uniform(-0.25 * width, canvas - 0.75 * width)))
        if not any(_meet(moved, other) for other in others):
            return moved
    return None


def _place_beside(
    scene: Scene, rng: np.random.Generator, anchor: Standing, others: list[Standing]
) -> Standing | None:
    """An object a step nearer or farther than the anchor, a third to four fifths of the narrower covered."""
    for _ in range(TRIES):
        same = anchor.label is not None and rng.random() < 0.6
        label = anchor.label if same and anchor.label is not None else _draw_label(scene, rng)
        near = anchor.row + float(rng.uniform(-0.12, 0.12)) * scene.camera.scale(anchor.row) * 4
        item = scene.paint_object(rng, label, row=near)
        if item is None:
            continue
        width, anchor_width = item.sprite.body.shape[1], anchor.sprite.body.shape[1]
        covered = float(rng.uniform(0.3, 0.8)) * min(width, anchor_width)
        left = anchor.left - width + covered if rng.random() < 0.5 else anchor.left + anchor_width - covered
        moved = replace(item, left=round(left))
        if not any(_meet(moved, other) for other in others):
            return moved
    return None


def _meet(first: Standing, second: Standing) -> bool:
    a, b = first.box, second.box
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
