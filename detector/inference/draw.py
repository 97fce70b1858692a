"""Pictures of detections beside truth: a grey thermal frame, enlarged, with class-coloured boxes.

Colours are RGB. Boxes are xyxy in pixels of the frame. A detection's line lies just outside its
box and a truth's just inside, so both show where they agree, and so do objects of a few pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from detector.files import write_quickly
from detector.inference.prediction import Prediction
from detector.structures import NO_TRACK, Detections, Frame
from detector.thermal.agc import Percentile

Corners = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the enlarged picture; right and bottom lie outside."""

PALETTE = (
    (255, 149, 0),  # orange
    (0, 209, 255),  # cyan
    (150, 230, 60),  # lime
    (255, 80, 190),  # pink
    (255, 225, 50),  # yellow
    (165, 130, 255),  # violet
    (255, 90, 80),  # red
    (60, 220, 180),  # teal
)
"""Of class k: PALETTE[k % len(PALETTE)]. Bright, so that each stands out on black and on white."""

DISPLAY_GAIN = Percentile(low=0.5, high=99.5, min_span=16.0)
"""Of frames shown without a network that has a gain of its own."""

_TRUTH = (255, 255, 255)
_DASH = 4
_LINE = 2
_FONT, _FONT_SCALE, _PADDING = cv2.FONT_HERSHEY_SIMPLEX, 0.36, 2


def draw(
    image: np.ndarray,
    detections: Detections,
    *,
    classes: Sequence[str],
    truth: np.ndarray | None = None,
    scale: int = 4,
) -> np.ndarray:
    """[H * scale, W * scale, 3] uint8 picture of a frame with its detections.

    image: [H, W] float32 in [0, 1]. classes: names by label. truth: [N, 4] boxes, dashed white.
    scale: >= 1, pixels of the picture per pixel of the frame.
    Name, track and score stand at a box where they hide no box and no better one's name.
    """
    height, width = image.shape
    grey = cv2.resize(image, (width * scale, height * scale), interpolation=cv2.INTER_CUBIC)
    picture = cv2.cvtColor((grey.clip(0, 1) * 255).round().astype(np.uint8), cv2.COLOR_GRAY2RGB)

    boxes = [_corners(box, scale) for box in detections.boxes.tolist()]
    labels = detections.labels.tolist()
    for box, label in zip(boxes, labels, strict=True):
        _outline(picture, box, PALETTE[label % len(PALETTE)])
    truths = [] if truth is None else np.asarray(truth).reshape(-1, 4).tolist()
    truth_boxes = [_corners(box, scale) for box in truths]
    for box in truth_boxes:
        _dashed_outline(picture, box)

    obstacles = [_grown(box, _LINE) for box in boxes] + truth_boxes
    for box, label, text in zip(boxes, labels, _texts(detections, classes), strict=True):
        obstacles += _tag(picture, box, text, colour=PALETTE[label % len(PALETTE)], obstacles=obstacles)
    return picture


def _texts(detections: Detections, classes: Sequence[str]) -> list[str]:
    """Name and score of each, with the number of its track: 'person #3 90%'."""
    names = [classes[label] for label in detections.labels.tolist()]
    if detections.tracks is not None:
        tracks = detections.tracks.tolist()
        names = [
            name if track == NO_TRACK else f"{name} #{track}"
            for name, track in zip(names, tracks, strict=True)
        ]
    return [f"{name} {score:.0%}" for name, score in zip(names, detections.scores.tolist(), strict=True)]


def draw_prediction(prediction: Prediction) -> np.ndarray:
    """[h, w, 3] uint8 picture, about 640 pixels wide, of a frame with all that was found."""
    image = shown(prediction.frame, prediction.image)
    return draw(image, prediction.detections, classes=prediction.classes, scale=enlargement(image.shape[1]))


def shown(frame: Frame, image: np.ndarray) -> np.ndarray:
    """[H, W] float32 in [0, 1] of the whole frame: `image`, or all pixels where the network saw fewer."""
    return image if image.shape == frame.size else DISPLAY_GAIN(frame)


def enlargement(width: int, *, to: int = 640) -> int:
    """Pixels of a picture per pixel of a frame `width` wide, so that it becomes about `to` wide."""
    return max(1, round(to / width))


def contact_sheet(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Pictures [h, w, 3] uint8, in rows of `columns`, as one; black between them and where one is smaller.

    Raises ValueError without pictures.
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture")
    gap = 4
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    height = max(picture.shape[0] for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Write an RGB picture [h, w, 3] uint8; the suffix names the format. The file is whole or not there.

    Raises OSError where it cannot be written.
    """
    _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    write_quickly(path, encoded.tobytes())


def _corners(box: Sequence[float], scale: int) -> Corners:
    """A box of the frame on the enlarged picture."""
    left, top, right, bottom = (round(value * scale) for value in box)
    return left, top, right, bottom


def _grown(box: Corners, by: int) -> Corners:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _outline(picture: np.ndarray, box: Corners, colour: tuple[int, int, int]) -> None:
    """A closed line of _LINE pixels around a box, outside it."""
    for step in range(1, _LINE + 1):
        left, top, right, bottom = _grown(box, step)
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, 1)


def _dashed_outline(picture: np.ndarray, box: Corners) -> None:
    """A dashed white line of one pixel along the inside of a box, as far as it lies in the picture."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box
    x = np.arange(max(left, 0), min(right, width))
    y = np.arange(max(top, 0), min(bottom, height))
    x, y = x[(x - left) % (2 * _DASH) < _DASH], y[(y - top) % (2 * _DASH) < _DASH]
    for row in {top, bottom - 1} & set(range(height)):
        picture[row, x] = _TRUTH
    for column in {left, right - 1} & set(range(width)):
        picture[y, column] = _TRUTH


def _tag(
    picture: np.ndarray, box: Corners, text: str, *, colour: tuple[int, int, int], obstacles: list[Corners]
) -> list[Corners]:
    """Write `text` on a plate beside its box, clear of obstacles; returns the plate if one fits."""
    height, width = picture.shape[:2]
    (text_width, text_height), baseline = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    plate_width, plate_height = text_width + 2 * _PADDING, text_height + baseline + _PADDING
    left, top, right, bottom = _grown(box, _LINE)
    above, below, before, flush = top - plate_height, bottom, left - plate_width, right - plate_width
    for x, y in (
        (left, above), (flush, above), (left, below), (flush, below),
        (right, top), (before, top), (right, above), (before, below),
    ):  # fmt: skip
        plate = (x, y, x + plate_width, y + plate_height)
        fits = x >= 0 and y >= 0 and plate[2] <= width and plate[3] <= height
        if fits and not any(_overlap(plate, other) for other in obstacles):
            cv2.rectangle(picture, (x, y), (plate[2] - 1, plate[3] - 1), colour, cv2.FILLED)
            origin = (x + _PADDING, plate[3] - baseline)
            cv2.putText(picture, text, origin, _FONT, _FONT_SCALE, (0, 0, 0), 1, cv2.LINE_AA)
            return [plate]
    return []


def _overlap(a: Corners, b: Corners) -> bool:
    """Whether two rectangles share a pixel."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
