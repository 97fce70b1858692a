"""Things that are no objects but could be taken for one: stones, posts, pipes, crates, bushes, trees."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter


@dataclass(frozen=True)
class Site:
    """What a thing is painted onto, how it is seen and the weather it stands in.

    warmth: the most kelvin that hard things are warmed by beyond what the weather does.
    """

    painter: Painter
    view: View
    climate: Climate
    warmth: float = 0.0


PaintClutter = Callable[[np.random.Generator, Site], None]


def _warm(rng: np.random.Generator, site: Site) -> float:
    """Stone or metal: holds the day's heat at night, hot in the sun, now and then colder than the air."""
    climate = site.climate
    gain = float(rng.uniform(-2, 5)) if climate.sun == 0 else climate.sun * float(rng.uniform(-4, 16))
    heated = float(rng.uniform(0, site.warmth)) if site.warmth else 0.0
    return climate.air + gain + heated


def _stone(rng: np.random.Generator, site: Site) -> None:
    """One to three lumps with corners, each with a top that has a temperature of its own."""
    kelvin = _warm(rng, site)
    angles = np.linspace(0, 2 * math.pi, 9, endpoint=False)
    for _ in range(int(rng.integers(1, 4))):
        size, flat = float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.5, 0.9))
        reach = size * rng.uniform(0.7, 1.0, len(angles))
        ring = np.stack([reach * np.cos(angles), reach * flat * np.sin(angles)], axis=1)
        middle = np.array([float(rng.uniform(-0.4, 0.4)), 0.5 * size])
        shade = kelvin + float(rng.uniform(-0.7, 0.7))
        site.painter.polygon(_hull(ring + middle), shade)
        top = middle + np.array([0.0, 0.25 * size * flat])
        site.painter.polygon(_hull(0.65 * ring + top), shade + float(rng.uniform(-0.5, 1.5)))


def _hull(points: np.ndarray) -> np.ndarray:
    """The convex hull [M, 2] of points [N, 2]."""
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0, :])


def _post(rng: np.random.Generator, site: Site) -> None:
    """A post as tall as a person, or a lamp much taller; some carry a warm head."""
    tall = float(rng.uniform(0.8, 4.5)) * math.cos(site.view.tilt)
    thick = float(rng.uniform(0.04, 0.14))
    kelvin = _warm(rng, site)
    site.painter.limb((0, 0), (0, tall), (thick, thick), kelvin)
    if rng.random() < 0.5:
        glow = kelvin + float(rng.uniform(1, 14))
        site.painter.ellipse((0, tall), (1.6 * thick + 0.05, 0.12), glow)


def _pipe(rng: np.random.Generator, site: Site) -> None:
    length, thick = float(rng.uniform(0.6, 2.2)), float(rng.uniform(0.04, 0.12))
    lie = float(rng.uniform(-0.5, 0.5)) * math.sin(site.view.tilt)
    kelvin = _warm(rng, site) + float(rng.uniform(0, 6))
    site.painter.limb((-length / 2, thick), (length / 2, thick + lie * length), (thick, thick), kelvin)


def _crate(rng: np.random.Generator, site: Site) -> None:
    """Bin, crate or container: one temperature to each face, no glass, no wheels."""
    half, side = float(rng.uniform(0.2, 1.2)), float(rng.uniform(0.2, 0.6))
    tall = float(rng.uniform(0.4, 1.3))
    kelvin = _warm(rng, site)
    faces = (
        ((0, 0, -1), [(-half, 0, -side), (half, 0, -side), (half, tall, -side), (-half, tall, -side)]),
        ((0, 0, 1), [(-half, 0, side), (half, 0, side), (half, tall, side), (-half, tall, side)]),
        ((1, 0, 0), [(half, 0, -side), (half, 0, side), (half, tall, side), (half, tall, -side)]),
        ((-1, 0, 0), [(-half, 0, -side), (-half, 0, side), (-half, tall, side), (-half, tall, -side)]),
        ((0, 1, 0), [(-half, tall, -side), (half, tall, -side), (half, tall, side), (-half, tall, side)]),
    )
    for normal, corners in faces:
        if site.view.faces(normal):
            site.painter.polygon(site.view.project(np.array(corners)), kelvin + float(rng.uniform(-1, 1)))


def _leaves(rng: np.random.Generator, climate: Climate) -> float:
    return climate.air + 1.5 * climate.sun * float(rng.uniform(-1, 2)) - climate.clear * (climate.sun == 0)


def _bush(rng: np.random.Generator, site: Site) -> None:
    size, flat = float(rng.uniform(0.3, 1.0)), float(rng.uniform(0.5, 1.0))
    site.painter.foliage(rng, (0.0, 0.7 * size * flat), (size, size * flat), _leaves(rng, site.climate))


def _tree(rng: np.random.Generator, site: Site) -> None:
    tall, size = float(rng.uniform(1.8, 4)) * math.cos(site.view.tilt), float(rng.uniform(0.8, 1.7))
    kelvin = _leaves(rng, site.climate)
    site.painter.limb((0, 0), (0, tall), (0.14, 0.09), kelvin + 1.0 + site.climate.sun)
    for _ in range(3):
        x, y = (float(value) for value in np.clip(rng.normal(0, 0.35, 2), -0.7, 0.7) * size)
        site.painter.foliage(rng, (x, tall + y), (0.8 * size, 0.7 * size), kelvin)


def _lamp(rng: np.random.Generator, site: Site) -> None:
    """A mast with two arms across, seen from above; a lamp at an end of them may be warm."""
    tall, kelvin = float(rng.uniform(4, 10)), site.climate.air + float(rng.uniform(-3, 6))
    places = site.view.project(np.array([(0, 0, 0), (0, tall, 0), (-1.2, tall, 0), (1.2, tall, 0)]))
    foot, top, *ends = [(float(x), float(y)) for x, y in places]
    site.painter.limb(foot, top, (0.1, 0.07), kelvin)
    site.painter.limb(ends[0], ends[1], (0.1, 0.1), kelvin)
    for end in ends:
        if rng.random() < 0.7:
            site.painter.ellipse(end, (0.35, 0.25), kelvin + float(rng.uniform(-2, 16)))


def _crowns(rng: np.random.Generator, site: Site) -> None:
    """One to three crowns of trees that hide their trunks."""
    size, kelvin = float(rng.uniform(1, 4)), _leaves(rng, site.climate)
    up = float(rng.uniform(1, 5)) * math.cos(site.view.tilt)
    for _ in range(int(rng.integers(1, 4))):
        x, y = (float(value) for value in np.clip(rng.normal(0, 0.4, 2), -1.5, 1.5) * size)
        site.painter.foliage(rng, (x, y + up), (0.8 * size, 0.7 * size), kelvin)


KINDS: tuple[tuple[PaintClutter, float], ...] = (
    (_stone, 1.2),
    (_post, 4.8),
    (_pipe, 2.0),
    (_crate, 2.2),
    (_bush, 2.2),
    (_tree, 7.0),
)
"""What can stand about, and how many metres its bitmap must reach from the foot point."""
WEIGHTS = (0.22, 0.2, 0.08, 0.12, 0.22, 0.16)


ABOVE: tuple[tuple[PaintClutter, float], ...] = ((_lamp, 12.0), (_crowns, 15.0))
"""What else stands about where a drone looks down, as KINDS."""


def draw_kind_above(rng: np.random.Generator) -> tuple[PaintClutter, float]:
    """As `draw_kind`; two in five are of ABOVE."""
    return ABOVE[int(rng.integers(len(ABOVE)))] if rng.random() < 0.4 else draw_kind(rng)


def draw_kind(rng: np.random.Generator) -> tuple[PaintClutter, float]:
    """A painting function and its reach in metres."""
    return KINDS[int(rng.choice(len(KINDS), p=WEIGHTS))]
