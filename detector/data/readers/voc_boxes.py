"""The box of an object in Pascal VOC's XML, and in what label tools write instead of one."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from detector.data.readers.assemble import NOWHERE, finite
from detector.data.readers.labelled import Box, around, turned

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_TURNED = ("cx", "cy", "w", "h", "angle")


def box_of(item: Element, where: str, *, first: int) -> Box:
    """xyxy in pixels from 0. first: what bndbox calls the first pixel.

    Without bndbox, the box around roLabelImg's robndbox (an angle in radians) or around a polygon, whose
    numbers are edges. Raises UserError for what is no number.
    """
    if any(text_of(item, f"bndbox/{key}") for key in _CORNERS):
        x1, y1, x2, y2 = (_number(item, f"bndbox/{key}", where) for key in _CORNERS)
        return x1 - first, y1 - first, x2, y2
    if item.find("robndbox") is not None:
        x, y, width, height, angle = (_number(item, f"robndbox/{key}", where) for key in _TURNED)
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return turned(box, math.degrees(angle), pivot=(x, y))
    points = [*_points(item, where)]
    return around(points) if points else NOWHERE


def _points(item: Element, where: str) -> list[tuple[float, float]]:
    """Of <polygon>: x1, y1, x2, y2, ... as Roboflow and Darwin write them, or <pt> with x and y."""
    polygon = item.find("polygon")
    if polygon is None:
        return []
    corners = [place for place, tag in enumerate(polygon) if tag.tag in ("pt", "point")]
    if corners:
        return [tuple(_number(polygon[place], key, where) for key in ("x", "y")) for place in corners]  # type: ignore[misc]
    count = sum(1 for tag in polygon if tag.tag.startswith("x"))
    return [
        (_number(polygon, f"x{place}", where), _number(polygon, f"y{place}", where))
        for place in range(1, count + 1)
    ]


def _number(item: Element, key: str, where: str) -> float:
    return finite(text_of(item, key), key.rpartition("/")[2], where)


def text_of(item: Element, path: str) -> str:
    """The text of an element below `item`, without the space around it; empty where there is none."""
    return (item.findtext(path) or "").strip()
