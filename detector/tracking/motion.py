"""Where an object will be: a Kalman filter of a centre that moves at a speed that changes slowly."""

from __future__ import annotations

import numpy as np


class Motion:
    """Centre, speed and size of an object; pixels and seconds.

    x and y are alike and independent, so one 2x2 covariance of place and speed serves both.
    noise: of a centre that is measured, in sizes. speed: that a new object may have, in sizes a second.
    agility: by how much the speed changes within a second, in sizes a second. A size is the square root of
    the object's area.
    """

    def __init__(self, box: np.ndarray, *, noise: float, speed: float, agility: float) -> None:
        self.centre, self.sides = _centre_and_sides(box)
        self.velocity = np.zeros(2)
        self.noise, self.agility = noise, agility
        self.place = (noise * self.size) ** 2
        self.shared = 0.0
        self.pace = (speed * self.size) ** 2

    @property
    def box(self) -> np.ndarray:
        """[4] float32: where it is, steadier than what was measured last."""
        return np.concatenate([self.centre - self.sides / 2, self.centre + self.sides / 2]).astype(np.float32)

    @property
    def size(self) -> float:
        """The square root of its area."""
        return float(np.sqrt(self.sides.prod()))

    @property
    def spread(self) -> float:
        """Standard deviation, in each direction, of where its centre will be measured."""
        return float(np.sqrt(self.place + (self.noise * self.size) ** 2))

    def move(self, seconds: float) -> None:
        """Let time pass."""
        change = (self.agility * self.size) ** 2
        self.centre = self.centre + self.velocity * seconds
        self.place += seconds * (2 * self.shared + seconds * (self.pace + change * seconds / 3))
        self.shared += seconds * (self.pace + change * seconds / 2)
        self.pace += change * seconds

    def see(self, box: np.ndarray) -> None:
        """Take in where it is now, by a box of four corners."""
        centre, sides = _centre_and_sides(box)
        total = self.spread**2
        gains = self.place / total, self.shared / total
        ahead = centre - self.centre
        self.centre = self.centre + gains[0] * ahead
        self.velocity = self.velocity + gains[1] * ahead
        self.pace -= gains[1] * self.shared
        self.shared *= 1 - gains[0]
        self.place *= 1 - gains[0]
        self.sides = self.sides + _RESIZE * (sides - self.sides)


_RESIZE = 0.3
"""How much of a new size is believed: borders of a few warm pixels jump by one from frame to frame."""


def _centre_and_sides(box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    corners = box.astype(np.float64)
    return (corners[:2] + corners[2:]) / 2, np.maximum(corners[2:] - corners[:2], 1.0)
