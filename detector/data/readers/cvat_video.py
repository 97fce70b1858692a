""" "CVAT for video": tracks over frames that have numbers, not names.

A <track label> holds a <box frame outside> for each frame, as CVAT writes them, or for key frames only, as
other programs do: between two the box moves evenly, and after one with outside="1" there is none. Pictures
are taken by the natural order of their names, so there must be as many as the video has frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

from detector.data.readers.cvat_shapes import SHAPES, box_of, label_of, number_of
from detector.data.readers.labelled import Box, Labelled, Shape
from detector.data.readers.lookup import Pictures
from detector.errors import UserError
from detector.thermal.io.opening import natural


def video_frames(document: Element, file: Path, pictures: Pictures) -> list[Labelled]:
    """Every frame of a video; pictures: those of its frames. Raises UserError where they do not fit."""
    order = sorted(pictures.paths, key=lambda name: natural(Path(name)))
    first = _whole(document, "start_frame", 0)
    step = _step(document)
    count = _whole(document, "size", len(order))
    if not order or count != len(order):
        raise UserError(f"{file}: is of a video of {count} frames; found {len(order)} pictures for them")
    shapes: list[list[Shape]] = [[] for _ in order]
    for number, track in enumerate(document.iterfind("track")):
        where = f"{file}: track {number}"
        label = label_of(track, where)
        keys = _key_boxes(track, where)
        for frame, _ in keys:
            if (frame - first) % step or not 0 <= (frame - first) // step < count:
                raise UserError(f"{where}: frame {frame} is none of the video's {count} from {first} on")
        for frame, box in _every_box(keys, step):
            shapes[(frame - first) // step].append(Shape(label, box, f"track {number} frame {frame}"))
    return [
        Labelled(name, None, found, f"{file}: frame {first + index * step}")
        for index, (name, found) in enumerate(zip(order, shapes, strict=True))
    ]


def _key_boxes(track: Element, where: str) -> list[tuple[int, Box | None]]:
    """The boxes that a track gives, by frame; None where the object has left."""
    keys = []
    for shape in track:
        if shape.tag in SHAPES:
            frame = int(number_of(shape, "frame", where))
            box = None if shape.get("outside") == "1" else box_of(shape, f"{where}: frame {frame}")
            keys.append((frame, box))
    return sorted(keys, key=lambda key: key[0])


def _every_box(keys: Sequence[tuple[int, Box | None]], step: int) -> Iterator[tuple[int, Box]]:
    """The boxes of a track, those between key frames too."""
    for (frame, box), (next_frame, next_box) in pairwise([*keys, *keys[-1:]]):
        if box is None:
            continue
        yield frame, box
        for between in range(frame + step, next_frame, step):
            yield between, _mixed(box, next_box or box, (between - frame) / (next_frame - frame))


def _mixed(one: Box, other: Box, share: float) -> Box:
    x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return x1, y1, x2, y2


def _step(document: Element) -> int:
    """How many of the file's frames one of the task's is on from the last."""
    found = re.search(r"step=([1-9][0-9]{0,6})\b", document.findtext("meta//frame_filter") or "")
    return int(found[1]) if found else 1


def _whole(document: Element, key: str, otherwise: int) -> int:
    """A number of the file's head."""
    text = (document.findtext(f"meta//{key}") or "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else otherwise
