"""Painting flat shapes in metres onto a small bitmap of temperatures: every object is made this way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from detector.synth.noise import fractal_tile

SHIFT = 4  # cv2 takes vertices in 1 / 2**SHIFT pixels

_CIRCLE = np.linspace(0, 2 * math.pi, 20, endpoint=False)


@dataclass(frozen=True, eq=False)
class Sprite:
    """A painted thing, cropped to its paint.

    kelvin [h, w] float32; painted [h, w] bool: where it covers what lies behind; body [h, w] bool: the part
    that counts as the object (a shadow is painted but no body); left, top: the bitmap's corner relative to
    the foot point, in bitmap pixels, y down.
    """

    kelvin: np.ndarray
    painted: np.ndarray
    body: np.ndarray
    left: int
    top: int


class Painter:
    """A bitmap whose origin is an object's foot point: x right, y up, in metres."""

    def __init__(self, scale: float, *, reach: float) -> None:
        """scale: bitmap pixels per metre; reach: metres to be covered to every side of the origin."""
        self._scale = scale
        self._centre = math.ceil(reach * scale) + 1
        shape = (2 * self._centre + 1, 2 * self._centre + 1)
        self._kelvin = np.zeros(shape, np.float32)
        self._painted = np.zeros(shape, np.uint8)
        self._body = np.zeros(shape, np.uint8)

    def polygon(self, points: np.ndarray, kelvin: float, *, body: bool = True) -> None:
        """Fill the convex polygon points [N, 2] (metres) with one temperature."""
        pixels = self._centre + np.asarray(points) * (self._scale, -self._scale)
        vertices = np.rint(pixels * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(self._kelvin, vertices, kelvin, shift=SHIFT)
        cv2.fillConvexPoly(self._painted, vertices, 1, shift=SHIFT)
        if body:
            cv2.fillConvexPoly(self._body, vertices, 1, shift=SHIFT)

    def ellipse(
        self, centre: tuple[float, float], radii: tuple[float, float], kelvin: float, *, body: bool = True
    ) -> None:
        """Fill an upright ellipse, centre and radii (x, y) in metres."""
        ring = np.stack([np.cos(_CIRCLE) * radii[0], np.sin(_CIRCLE) * radii[1]], axis=1)
        self.polygon(ring + centre, kelvin, body=body)

    def limb(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        radii: tuple[float, float],
        kelvin: float,
    ) -> None:
        """Fill the hull of two discs (metres): a leg, an arm, a neck, a trunk."""
        first, second = (
            np.stack([np.cos(_CIRCLE), np.sin(_CIRCLE)], axis=1) * radius + point
            for point, radius in zip((start, end), radii, strict=True)
        )
        hull = cv2.convexHull(np.concatenate([first, second]).astype(np.float32))
        self.polygon(hull[:, 0, :], kelvin)

    def foliage(
        self, rng: np.random.Generator, centre: tuple[float, float], radii: tuple[float, float], kelvin: float
    ) -> None:
        """A heap of leaves: an ellipse (metres) with a ragged edge and gaps, rough inside."""
        x, y = (
            self._centre + value * self._scale * sign for value, sign in zip(centre, (1, -1), strict=True)
        )
        half = [radius * self._scale for radius in radii]
        left, top = (max(0, round(middle - 1.4 * side)) for middle, side in zip((x, y), half, strict=True))
        right, bottom = (round(middle + 1.4 * side) + 1 for middle, side in zip((x, y), half, strict=True))
        window = np.s_[top:bottom, left:right]
        shape = self._kelvin[window].shape
        rough, ragged = (
            cv2.resize(fractal_tile(rng, size=32, slope=slope), (shape[1], shape[0]))
            for slope in (-0.6, -1.6)
        )
        rows, columns = np.ogrid[top : top + shape[0], left : left + shape[1]]
        edge = 0.95 - 0.28 * np.clip(ragged, -1.5, 1.5)  # at most 1.37: the window must not cut it
        inside = np.hypot((columns - x) / half[0], (rows - y) / half[1]) < edge
        self._kelvin[window][inside] = kelvin + 0.7 * rough[inside] + 0.4 * ragged[inside]
        self._painted[window][inside] = 1
        self._body[window][inside] = 1

    def sprite(self, texture: np.ndarray) -> Sprite:
        """What was painted, with texture [S, S] (kelvin, S any) stretched over it."""
        rows = np.flatnonzero(self._painted.any(axis=1))
        columns = np.flatnonzero(self._painted.any(axis=0))
        window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        kelvin = self._kelvin[window]
        kelvin = kelvin + cv2.resize(texture, (kelvin.shape[1], kelvin.shape[0]))
        return Sprite(
            kelvin=kelvin,
            painted=self._painted[window].astype(bool),
            body=self._body[window].astype(bool),
            left=int(columns[0]) - self._centre,
            top=int(rows[0]) - self._centre,
        )
