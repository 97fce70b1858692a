"""Poles, leaves and ground that hide part of an object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from detector.data.augment.layers import Layers
from detector.data.loading.sample import RawSample
from detector.errors import UserError


@dataclass(frozen=True, eq=False)
class Occluder:
    """Something without a box: values [h, w] and opacity [h, w] in [0, 1], its corner (top, left) in the
    picture, out of which it may reach."""

    values: np.ndarray
    opacity: np.ndarray
    top: int
    left: int


class Occlusion(ABC):
    """Something in front of an object.

    share: limits of the share of the box that is hidden. p: chance of each object. Raises UserError unless
    0 < share[0] <= share[1] < 1.
    """

    def __init__(self, *, share: tuple[float, float], p: float) -> None:
        if not 0 < share[0] <= share[1] < 1:
            raise UserError(f"occlusion share: need 0 < min <= max < 1, found {tuple(share)}")
        self.share = share
        self.p = p

    @abstractmethod
    def draw(
        self, layers: Layers, box: np.ndarray, *, share: float, rng: np.random.Generator
    ) -> Occluder | None:
        """One that hides about `share` of box [4]; None where there is none to be had."""
        ...

    def __call__(self, layers: Layers, frames: Sequence[RawSample], *, rng: np.random.Generator) -> None:  # noqa: ARG002
        for index in layers.objects(min_side=4):
            if rng.random() < self.p:
                share = float(rng.uniform(*self.share))
                occluder = self.draw(layers, layers.boxes[index], share=share, rng=rng)
                if occluder is not None:
                    put_in_front(layers, occluder)


def put_in_front(layers: Layers, occluder: Occluder) -> None:
    """Blend the part of it that lies in the picture; where it is more than half opaque it hides."""
    height, width = layers.image.shape
    top, left = max(occluder.top, 0), max(occluder.left, 0)
    bottom = min(occluder.top + occluder.values.shape[0], height)
    right = min(occluder.left + occluder.values.shape[1], width)
    if top >= bottom or left >= right:
        return
    own = slice(top - occluder.top, bottom - occluder.top), slice(left - occluder.left, right - occluder.left)
    place = slice(top, bottom), slice(left, right)
    behind, opacity = layers.image[place], occluder.opacity[own]
    painted = behind + opacity * (occluder.values[own] - behind)
    layers.put(place, np.clip(painted, 0, 1), hides=opacity > 0.5)


class Pole(Occlusion):
    """An upright of one temperature across the box, `share` of its width, one to three times its height."""

    def draw(self, layers: Layers, box: np.ndarray, *, share: float, rng: np.random.Generator) -> Occluder:
        width, height = box[2:] - box[:2]
        thickness = share * width
        left = rng.uniform(box[0], box[2] - thickness)
        length = int(np.ceil(height * rng.uniform(1, 3)))
        # It stands on the ground: its foot is at the object's feet or nearer.
        foot = int(np.ceil(box[3] + rng.uniform(0, 0.3) * height))
        first = int(np.floor(left))
        columns = np.arange(first, int(np.ceil(left + thickness)))
        covered = np.minimum(columns + 1, left + thickness) - np.maximum(columns, left)
        shape = (length, len(columns))
        return Occluder(
            np.full(shape, _level(layers, rng), np.float32),
            np.broadcast_to(covered.astype(np.float32), shape),
            foot - length,
            first,
        )


class Foliage(Occlusion):
    """Leaves with holes, denser towards one side, over `share` of the box and a little beyond it."""

    def draw(self, layers: Layers, box: np.ndarray, *, share: float, rng: np.random.Generator) -> Occluder:
        margin = np.maximum(2, 0.25 * (box[2:] - box[:2]))
        left, top = np.floor(box[:2] - margin).astype(int)
        right, bottom = np.ceil(box[2:] + margin).astype(int)
        height, width = bottom - top, right - left
        # Leaves of about three pixels: noise on a grid of a third of the size, made smooth.
        grid = rng.standard_normal((max(2, height // 3), max(2, width // 3))).astype(np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
        density = cv2.resize(grid, (int(width), int(height))) + np.cos(angle) * x + np.sin(angle) * y
        inside = density[int(box[1]) - top : int(box[3]) - top, int(box[0]) - left : int(box[2]) - left]
        edge = np.minimum(1, 2 * (1 - np.maximum(np.abs(x), np.abs(y))) + 0.2)
        opacity = np.clip(0.5 + 3 * (density - np.quantile(inside, 1 - share)), 0, 1) * edge
        texture = 0.03 * rng.standard_normal((height, width))
        values = (_level(layers, rng) + texture).astype(np.float32)
        return Occluder(values, opacity.astype(np.float32), int(top), int(left))


class Ground(Occlusion):
    """A piece of the same picture without objects over one side of the box, as a wall or a hedge would be.

    None where ten tries find no piece without a box.
    """

    def draw(
        self, layers: Layers, box: np.ndarray, *, share: float, rng: np.random.Generator
    ) -> Occluder | None:
        cut = box.copy()
        side = int(rng.integers(4))
        axis, length = side % 2, (box[2:] - box[:2])[side % 2]
        if side < 2:  # left, top: what is hidden ends at `share`
            cut[axis + 2] = box[axis] + share * length
        else:
            cut[axis] = box[axis + 2] - share * length
        # The other three sides reach a little beyond the box.
        beyond = np.array((-1, -1, 1, 1)) * np.maximum(1.5, 0.1 * length)
        beyond[(side + 2) % 4] = 0
        left, top, right, bottom = np.rint(cut + beyond).astype(int)
        height, width = max(1, bottom - top), max(1, right - left)
        piece = _free_piece(layers, height, width, rng)
        if piece is None:
            return None
        opacity = np.ones((height, width), np.float32)
        for line in (opacity[:1], opacity[-1:], opacity[:, :1], opacity[:, -1:]):
            line *= 0.75
        return Occluder(piece.copy(), opacity, int(top), int(left))


def _free_piece(layers: Layers, height: int, width: int, rng: np.random.Generator) -> np.ndarray | None:
    """[height, width] of the picture that no box touches."""
    rows, columns = layers.image.shape
    if height > rows or width > columns:
        return None
    for _ in range(10):
        top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
        clear = (layers.boxes[:, :2] >= (left + width, top + height)) | (layers.boxes[:, 2:] <= (left, top))
        if clear.any(1).all():
            return layers.image[top : top + height, left : left + width]
    return None


def _level(layers: Layers, rng: np.random.Generator) -> float:
    """The value of some pixel: a temperature that the scene has."""
    return float(layers.image[tuple(rng.integers(layers.image.shape))])
