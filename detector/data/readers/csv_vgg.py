"""The two JSON cells in which VGG's image annotator writes a region of a picture into its table."""

from __future__ import annotations

import json
import math
from typing import Any

from detector.data.readers.assemble import brief, checked_name
from detector.data.readers.labelled import Box, around, around_ellipse
from detector.errors import UserError

SHAPE, ATTRIBUTES = "region_shape_attributes", "region_attributes"
"""Names of their columns."""

_CLASS_KEYS = ("class", "label", "name", "type", "category", "object")
_POINTS = ("all_points_x", "all_points_y")


def read_shape(cell: str, where: str) -> Box | None:
    """The box around a region, xyxy in pixels; None where there is no region. Raises UserError."""
    shape = _object(cell, where)
    if not shape:
        return None
    kind = shape.get("name")
    try:
        if kind == "rect":
            x, y, width, height = (float(shape[key]) for key in ("x", "y", "width", "height"))
            box = (x, y, x + width, y + height)
        elif kind == "circle":
            x, y, radius = (float(shape[key]) for key in ("cx", "cy", "r"))
            box = (x - radius, y - radius, x + radius, y + radius)
        elif kind == "ellipse":
            x, y, wide, high = (float(shape[key]) for key in ("cx", "cy", "rx", "ry"))
            box = around_ellipse((x, y), (wide, high), math.degrees(float(shape.get("theta", 0))))
        elif kind in ("polygon", "polyline"):
            xs, ys = ([float(value) for value in shape[key]] for key in _POINTS)
            box = around(zip(xs, ys, strict=True))
        else:
            raise UserError(
                f"{where}: a region must be a rect, circle, ellipse or polygon, found {brief(kind)}"
            )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UserError(f"{where}: not a region with numbers: {brief(cell)}") from None
    if not all(map(math.isfinite, box)):
        raise UserError(f"{where}: not a region with numbers: {brief(cell)}")
    return box


def read_attributes(cell: str, where: str) -> str:
    """The class: the one attribute, or the one of several that is called like a class. Raises UserError."""
    attributes = _object(cell, where)
    keys = [key for key in attributes if len(attributes) == 1 or key.strip().lower() in _CLASS_KEYS]
    if len(keys) != 1:
        raise UserError(
            f"{where}: which attribute is the class? found {brief(', '.join(attributes))}; call one of them "
            f"{' or '.join(_CLASS_KEYS[:3])}"
        )
    value = attributes[keys[0]]
    if isinstance(value, dict):  # check boxes
        chosen = [name for name, ticked in value.items() if ticked]
        value = chosen[0] if len(chosen) == 1 else value
    return checked_name(value.strip() if isinstance(value, str) else value, where)


def _object(cell: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(cell or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{where}: must be JSON as VGG's annotator writes it, found {brief(cell)}")
    return found
