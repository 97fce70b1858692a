"""The box of a COCO annotation: its bbox, or else the box around its polygons or its mask."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

import numpy as np

from detector.data.readers.assemble import MAX_SIDE, NOWHERE, brief
from detector.data.readers.files import Json
from detector.data.readers.labelled import Box, around
from detector.errors import UserError


def box_of(item: Json, where: str, *, frame: tuple[object, object]) -> Box:
    """xyxy in pixels, finite or not. frame: height and width of the picture where its record tells them.

    Raises UserError where neither bbox nor segmentation tells it, and for a mask of another size.
    """
    box, mask = item.get("bbox"), item.get("segmentation")
    if box is None and mask is None and not {"bbox", "segmentation"} & item.keys():
        raise UserError(
            f"{where} has neither 'bbox' nor 'segmentation'; found {', '.join(sorted(item))[:200]}"
        )
    if box in (None, []):
        if isinstance(mask, dict) and None not in frame and mask.get("size") != [*frame]:
            told = f"{brief(mask.get('size'))}, but the picture is of {brief([*frame])}"
            raise UserError(f"{where}: segmentation is of the size {told}")
        return _around(mask, where)
    numbers = [_number(value) for value in box] if isinstance(box, list) else []
    if len(numbers) != 4 or not all(map(_is_number, numbers)):
        raise UserError(f"{where}: bbox must be [x, y, w, h], found {brief(box)}")
    try:
        x, y, w, h = map(float, numbers)
    except OverflowError:
        raise UserError(f"{where}: bbox is too large: {brief(box)}") from None
    return x, y, x + w, y + h


def _around(mask: Any, where: str) -> Box:
    """The box around polygons, [[x, y, x, y, ...], ...], or around a run-length encoded mask."""
    if mask in (None, []):
        return NOWHERE
    if isinstance(mask, dict):
        return _around_runs(mask, where)
    numbers = list(_flat(mask, depth=3))
    if len(numbers) < 4 or len(numbers) % 2 or not all(map(_is_number, numbers)):
        raise UserError(f"{where}: segmentation must be polygons, [[x, y, ...], ...], found {brief(mask)}")
    try:
        values = [float(number) for number in numbers]
    except OverflowError:
        raise UserError(f"{where}: segmentation is too large: {brief(mask)}") from None
    if not all(map(math.isfinite, values)):
        raise UserError(f"{where}: segmentation is not finite: {brief(mask)}")
    return around(zip(values[::2], values[1::2], strict=True))


def _flat(value: Any, *, depth: int) -> Any:
    """The numbers in nested lists, whether a polygon is [x, y, x, y] or [[x, y], [x, y]]."""
    if isinstance(value, list) and depth:
        for item in value:
            yield from _flat(item, depth=depth - 1)
    else:
        yield value


def _around_runs(mask: Json, where: str) -> Box:
    """Of {"size": [h, w], "counts": runs}: pixels column by column, runs of 0 and 1 in turn, 0 first."""
    size, counts = mask.get("size"), mask.get("counts")
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(type(side) is int and 0 < side <= MAX_SIDE for side in size)
    ):
        raise UserError(f"{where}: segmentation needs a size, [height, width], found {brief(size)}")
    runs = _decoded(counts) if isinstance(counts, str) else counts
    height, width = size
    if (
        not isinstance(runs, list)
        or not all(type(run) is int and 0 <= run <= height * width for run in runs)
        or sum(runs) != height * width
    ):
        raise UserError(f"{where}: segmentation holds no runs that fill {width}x{height}: {brief(counts)}")
    ends = np.cumsum(np.array(runs, np.int64))
    starts, ends = ends[:-1][::2], ends[1::2]
    starts, ends = starts[ends > starts], ends[ends > starts] - 1  # the last pixel of a run
    if not len(starts):
        return NOWHERE
    (first, top), (last, bottom) = np.divmod(starts, height), np.divmod(ends, height)
    tall = first != last  # goes on in the next column, and so over the whole height
    low, high = np.where(tall, 0, top).min(), np.where(tall, height - 1, bottom).max()
    return float(first.min()), float(low), float(last.max() + 1), float(high + 1)


def _decoded(text: str) -> list[int] | None:
    """The runs of COCO's compressed form, whose own decoder reads beyond a text that is cut short.

    Six bits in a letter from "0" on: five of value, the lowest first, and one that says that more follow; the
    fifth bit of the last is the sign. From the fourth run on each is the difference to the last but one.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    return None if shift else runs


def _number(value: Any) -> Any:
    """The number that a text is, as some exporters write it; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _is_number(value: object) -> TypeGuard[int | float]:
    return type(value) in (int, float)
