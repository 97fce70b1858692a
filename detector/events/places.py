"""Places in the frame: zones that an object may be in, and lines that it may cross.

Points are x, y in shares of the frame's width and height, so that they hold for a camera of more pixels too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detector.errors import UserError

Point = tuple[float, float]


@dataclass(frozen=True)
class Zone:
    """A polygon of at least three corners, closed by itself; UserError for fewer and for corners outside."""

    name: str
    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        _check(f"events.zones.{self.name}", self.corners, least=3, most=None)

    def holds(self, point: Point) -> bool:
        """Whether a point lies inside: a ray from it crosses the border an odd number of times."""
        x, y = point
        inside = False
        for (x1, y1), (x2, y2) in zip(self.corners, self.corners[1:] + self.corners[:1], strict=True):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                inside = not inside
        return inside


@dataclass(frozen=True)
class Line:
    """From one point to another; UserError for points outside [0, 1] and for two that are one."""

    name: str
    ends: tuple[Point, ...]

    def __post_init__(self) -> None:
        where = f"events.lines.{self.name}"
        _check(where, self.ends, least=2, most=2)
        if self.ends[0] == self.ends[1]:
            raise UserError(f"{where}: its two points are one")

    def crossed(self, before: Point, after: Point) -> int:
        """What a step does: 1 from the left of the line to its right, -1 back, 0 where it does not cross.

        Left and right as seen by who walks from the first point to the second. A point on the line is right
        of it, so that a way with a stop on the line crosses once.
        """
        start, end = self.ends
        was, now = _left(start, end, before), _left(start, end, after)
        if was == now or _left(before, after, start) == _left(before, after, end):
            return 0
        return 1 if was else -1


def _left(start: Point, end: Point, point: Point) -> bool:
    """Whether a point lies left of the way from start to end; y points down."""
    (x1, y1), (x2, y2), (x, y) = start, end, point
    return (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) < 0


def _check(where: str, points: Sequence[Sequence[float]], *, least: int, most: int | None) -> None:
    if len(points) < least or (most is not None and len(points) > most):
        wanted = f"{least} points" if most else f"at least {least} points"
        raise UserError(f"{where}: must be {wanted} [x, y], found {len(points)}")
    for point in points:
        if len(point) != 2 or not all(0 <= value <= 1 for value in point):
            raise UserError(f"{where}: {list(point)} must be [x, y], shares of the frame from 0 to 1")
