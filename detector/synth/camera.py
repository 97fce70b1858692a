"""The camera's pose over a flat ground, and the small projection used for every object."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera height metres over the ground; horizon and focal are in output pixels.

    The horizon's row may lie above the picture (negative): then the camera looks down and sees no sky.
    """

    horizon: float
    height: float
    focal: float

    def scale(self, row: float) -> float:
        """Pixels per metre of an upright thing that stands on the ground at this row."""
        return (row - self.horizon) / self.height

    def row(self, scale: float) -> float:
        """The row at which a metre on the ground has `scale` pixels."""
        return self.horizon + scale * self.height

    def tilt(self, row: float) -> float:
        """Angle in radians at which the camera looks down on the ground at this row."""
        return math.atan2(row - self.horizon, self.focal)


def draw_camera(rng: np.random.Generator, *, frame_height: int) -> Camera:
    """A random mast: half of the views hold the horizon; a person at the bottom has 28 to 60 pixels."""
    horizon = frame_height * float(rng.uniform(0.03, 0.3) if rng.random() < 0.5 else rng.uniform(-0.7, 0.0))
    person_at_bottom = float(rng.uniform(28, 60))
    return Camera(
        horizon=horizon,
        height=1.75 * (frame_height - horizon) / person_at_bottom,
        focal=float(rng.uniform(150, 320)),
    )


@dataclass(frozen=True)
class Drone:
    """A camera so high above that everything is as far away: a metre has as many pixels all over its picture.

    metre: pixels of a metre that lies across the view; tilt: angle in radians at which it looks down, pi / 2
    straight down.
    """

    metre: float
    tilt: float

    def view(self, yaw: float) -> View:
        """How it sees an object turned by `yaw` radians."""
        return View(tilt=self.tilt, yaw=yaw)


def draw_drone(
    rng: np.random.Generator, *, metre_px: tuple[float, float], tilt: tuple[float, float]
) -> Drone:
    """A random height, even in its logarithm, and a random tilt, in degrees."""
    low, high = (math.log(value) for value in metre_px)
    return Drone(metre=math.exp(rng.uniform(low, high)), tilt=math.radians(rng.uniform(*tilt)))


@dataclass(frozen=True)
class View:
    """How one object is seen: tilt (radians, 0 is from the side), yaw (radians, 0 is broadside)."""

    tilt: float
    yaw: float

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points [N, 3] (along the object, up, across; metres) to the painter's [N, 2] (right, up)."""
        along, up, across = np.asarray(points, dtype=float).T
        right = along * math.cos(self.yaw) - across * math.sin(self.yaw)
        away = along * math.sin(self.yaw) + across * math.cos(self.yaw)
        return np.stack([right, up * math.cos(self.tilt) + away * math.sin(self.tilt)], axis=1)

    def faces(self, normal: tuple[float, float, float]) -> bool:
        """Whether a face with this outward normal (along, up, across) shows."""
        along, up, across = normal
        away = along * math.sin(self.yaw) + across * math.cos(self.yaw)
        return up * math.sin(self.tilt) - away * math.cos(self.tilt) > 0.02
