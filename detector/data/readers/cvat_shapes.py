"""The shapes of CVAT's XML that surround something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from xml.etree.ElementTree import Element

from detector.data.readers.assemble import MAX_SIDE, brief, checked_name, finite
from detector.data.readers.labelled import Box, around, around_ellipse, turned
from detector.errors import UserError


def label_of(item: Element, where: str) -> str:
    """The class of a shape or track."""
    return checked_name(item.get("label"), where)


def size_of(item: Element, where: str) -> tuple[int, int]:
    """Width and height of an image."""
    width, height = (number_of(item, key, where) for key in ("width", "height"))
    if not all(side == int(side) and 0 < side <= MAX_SIDE for side in (width, height)):
        raise UserError(f"{where}: width and height must be whole numbers of pixels, found {width}, {height}")
    return int(width), int(height)


def box_of(item: Element, where: str) -> Box:
    """xyxy of a shape whose tag is one of SHAPES, or around it."""
    return SHAPES[item.tag](item, where)


def number_of(item: Element, key: str, where: str, default: str = "") -> float:
    """A number among an element's attributes."""
    return finite(item.get(key, default), key, where)


def _rectangle(item: Element, where: str) -> Box:
    x1, y1, x2, y2 = (number_of(item, key, where) for key in ("xtl", "ytl", "xbr", "ybr"))
    degrees = number_of(item, "rotation", where, "0")
    return turned((x1, y1, x2, y2), degrees, pivot=((x1 + x2) / 2, (y1 + y2) / 2))


def _polygon(item: Element, where: str) -> Box:
    text = item.get("points") or ""
    try:
        points = [tuple(map(float, pair.split(","))) for pair in text.split(";")]
        return around((x, y) for x, y in points)
    except ValueError:
        raise UserError(f"{where}: points must be x,y;x,y;..., found {brief(text)}") from None


def _mask(item: Element, where: str) -> Box:
    left, top, width, height = (number_of(item, key, where) for key in ("left", "top", "width", "height"))
    return left, top, left + width, top + height


def _ellipse(item: Element, where: str) -> Box:
    cx, cy, rx, ry = (number_of(item, key, where) for key in ("cx", "cy", "rx", "ry"))
    return around_ellipse((cx, cy), (rx, ry), number_of(item, "rotation", where, "0"))


SHAPES: Mapping[str, Callable[[Element, str], Box]] = {
    "box": _rectangle,
    "polygon": _polygon,
    "mask": _mask,
    "ellipse": _ellipse,
}
"""By tag."""
