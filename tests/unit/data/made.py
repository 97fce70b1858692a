"""Annotations made for the tests of writers and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from detector.data.annotations import Annotations, ImageRecord
from detector.data.readers.assemble import folded
from detector.structures import IGNORE_LABEL

WIDTH, HEIGHT = 40, 30


def record(
    path: Path,
    truth: Sequence[tuple[tuple[float, float, float, float], int, bool]] = (),
    *,
    image_id: int = 1,
    sequence: str | None = None,
) -> ImageRecord:
    """A frame of WIDTH x HEIGHT; truth: box, label, ignored of each."""
    boxes, labels, ignored = zip(*truth, strict=True) if truth else ((), (), ())
    return ImageRecord(
        image_id=image_id,
        path=path,
        width=WIDTH,
        height=HEIGHT,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        ignored=np.array(ignored, bool),
        sequence=sequence,
    )


def of_recordings(contents: dict[str, Sequence[Sequence[int]]], *, classes: int = 2) -> Annotations:
    """Frames by recording: for each frame the labels of its objects."""
    records = [
        record(
            Path(f"{name}/{number}.png"), [((1, 1, 9, 9), label, False) for label in labels], sequence=name
        )
        for name, frames in contents.items()
        for number, labels in enumerate(frames)
    ]
    numbered = tuple(replace(item, image_id=image_id) for image_id, item in enumerate(records, start=1))
    return Annotations(
        tuple(f"class {label}" for label in range(classes)), numbered, tuple(range(1, classes + 1))
    )


@st.composite
def annotations(draw: st.DrawFn, *, pictures: Sequence[Path], least_side: float = 0.0) -> Annotations:
    """Any truth for the pictures; boxes with sides above `least_side` in a frame of WIDTH x HEIGHT."""
    names = draw(
        st.lists(
            # Names that differ by blanks alone are one class to readers.
            st.text("aé: #\"'\\😀", min_size=1, max_size=5).filter(lambda name: name == name.strip()),
            min_size=1,
            max_size=3,
            unique_by=folded,
        )
    )
    ids = draw(st.lists(st.integers(0, 100), min_size=len(names), max_size=len(names), unique=True))
    image_ids = draw(
        st.lists(st.integers(0, 2**40), min_size=len(pictures), max_size=len(pictures), unique=True)
    )
    records = []
    for path, image_id in zip(pictures, image_ids, strict=True):
        truth = draw(st.lists(_truths(len(names), least_side), max_size=4))
        sequence = draw(st.none() | st.text("ab/ ", min_size=1, max_size=3))
        records.append(record(path, truth, image_id=image_id, sequence=sequence))
    return Annotations(tuple(names), tuple(records), tuple(ids))


@st.composite
def _truths(
    draw: st.DrawFn, classes: int, least_side: float
) -> tuple[tuple[float, float, float, float], int, bool]:
    def edges(limit: int) -> list[float]:
        edge = st.floats(0, limit, width=32)
        return sorted(draw(st.tuples(edge, edge).filter(lambda pair: abs(pair[0] - pair[1]) > least_side)))

    (left, right), (top, bottom) = edges(WIDTH), edges(HEIGHT)
    label = draw(st.integers(IGNORE_LABEL, classes - 1))
    return (left, top, right, bottom), label, label == IGNORE_LABEL or draw(st.booleans())
