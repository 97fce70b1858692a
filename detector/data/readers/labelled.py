"""Pictures as label tools describe them, by names and class names, brought together with the files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from detector.data.annotations import Annotations
from detector.data.readers.assemble import GroundTruth, Picture, assemble, shown
from detector.data.readers.header import read_header
from detector.data.readers.lookup import Pictures
from detector.errors import UserError

Box = tuple[float, float, float, float]


class Shape(NamedTuple):
    """One labelled object: its class's name, xyxy in pixels, and where it stands, for messages."""

    label: str
    box: Box
    place: str
    ignored: bool = False


@dataclass(frozen=True)
class Labelled:
    """One picture that somebody has labelled, perhaps with nothing.

    name: as the tool calls it. size: width and height that the tool tells, or None. where: the file and the
    picture's place in it, for messages. sequence: the recording, where the tool tells it. shares: boxes are
    shares of the picture's sides.
    """

    name: str
    size: tuple[int, int] | None
    shapes: Sequence[Shape]
    where: str
    sequence: str | None = None
    shares: bool = False


def assemble_labelled(
    labelled: Sequence[Labelled],
    pictures: Pictures,
    *,
    names: Sequence[str],
    classes: Sequence[str] | None,
    source: Path,
    find_sequence: Callable[[str], str | None],
) -> Annotations:
    """The truth of labelled pictures, numbered from 1 in their order; names: all classes, with ids from 1.

    find_sequence takes the path by which `pictures` knows a picture. Boxes and classes as `assemble` takes
    them. Raises UserError where a picture is missing, named twice or of another size than the labels tell.
    """
    ids = {name: key for key, name in enumerate(names, 1)}
    owner: dict[Path, Labelled] = {}
    missing = []
    for item in labelled:
        path = pictures.find(item.name, where=item.where)
        if path is None:
            missing.append(item.name)
            continue
        if path in owner:
            raise UserError(f"{path}: is labelled twice, in {owner[path].where} and in {item.where}")
        owner[path] = item
    if missing:
        raise UserError(
            f"{source}: {len(missing)} of {len(labelled)} labelled pictures are missing: {shown(missing, 3)}"
        )
    found = []
    for number, (path, item) in enumerate(owner.items(), 1):
        header = read_header(path)
        require_size(item, header.width, header.height, path)
        sides = (header.width, header.height) if item.shares else (1, 1)
        truths = [
            GroundTruth(ids[shape.label], scaled(shape.box, *sides), shape.ignored, shape.place)
            for shape in item.shapes
        ]
        sequence = item.sequence or find_sequence(pictures.key_of[path])
        found.append(Picture(number, path, header.width, header.height, truths, sequence))
    return assemble(found, {key: name for name, key in ids.items()}, classes=classes, source=source)


def require_size(item: Labelled, width: int, height: int, path: Path) -> None:
    """Raises UserError where the labels were made on a picture of another size."""
    if item.size is not None and item.size != (width, height):
        told = "x".join(map(str, item.size))
        raise UserError(f"{item.where}: labelled at {told} pixels, but {path} has {width}x{height}")


def names_in(labelled: Iterable[Labelled]) -> list[str]:
    """The class names of all shapes, by alphabet."""
    return sorted({shape.label for item in labelled for shape in item.shapes})


def scaled(box: Box, width: float, height: float) -> Box:
    """The box with x times the width and y times the height."""
    x1, y1, x2, y2 = box
    return x1 * width, y1 * height, x2 * width, y2 * height


def around(points: Iterable[tuple[float, float]]) -> Box:
    """The box around points."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def turned(box: Box, degrees: float, *, pivot: tuple[float, float]) -> Box:
    """The box around a box turned clockwise, as pictures are looked at, about a point."""
    x1, y1, x2, y2 = box
    if not degrees or not math.isfinite(degrees):
        return box
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    corners = ((x - pivot[0], y - pivot[1]) for x in (x1, x2) for y in (y1, y2))
    return around((pivot[0] + x * cosine - y * sine, pivot[1] + x * sine + y * cosine) for x, y in corners)


def around_ellipse(centre: tuple[float, float], radii: tuple[float, float], degrees: float) -> Box:
    """The box around an ellipse turned about its centre."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    half_width = math.hypot(radii[0] * cosine, radii[1] * sine)
    half_height = math.hypot(radii[0] * sine, radii[1] * cosine)
    return centre[0] - half_width, centre[1] - half_height, centre[0] + half_width, centre[1] + half_height
