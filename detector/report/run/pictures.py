"""The worst false alarms and misses as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from pycocotools import mask

from detector.data.frames import read_frame
from detector.data.looks import object_contrast
from detector.errors import UserError
from detector.evaluation.errors.stacked import KINDS, stacked
from detector.evaluation.split import EvaluatedSplit
from detector.evaluation.uncertainty.headline import Headline
from detector.inference.draw import DISPLAY_GAIN
from detector.report.kit.crops import crop
from detector.report.kit.page import Block, Notice, Picture, Section, Text, Tiles, jpeg
from detector.report.kit.words import decimal
from detector.report.run.record import RunRecord, left_out
from detector.report.run.worst import few_a_frame, missed_truths, plainest_misses, surest_false_alarms

PICTURES = 6
"""At most, of a kind."""

_NO_TRUTH = "It needs the truth, the predictions and the frames."
_MEANING = "Red ring: the one meant. Colours: reports. Dashed white: truth."


def false_alarms(record: RunRecord) -> Section:
    """The surest wrong detections, by what is wrong with them."""
    title = "Worst false alarms"
    if record.evaluated is None or record.headline is None:
        return left_out(title, _NO_TRUTH)
    album = _Album(record.evaluated, record.headline)
    groups = (
        (("background", "both"), "On nothing; unlabelled objects here are faults of the labels."),
        (("classification",), "Wrong class."),
        (("localisation", "duplicate"), "Badly placed, or a second box."),
    )
    mistakes = record.evaluated.metrics.diagnosis.mistakes
    blocks: list[Block] = [Text(f"Those of highest score. {_MEANING}")]
    for kinds, caption in groups:
        chosen = surest_false_alarms(mistakes, kinds, count=PICTURES)
        blocks.append(album.tiles((album.alarm(index) for index in chosen), caption))
    chosen = album.second_boxes(count=PICTURES)
    blocks.append(album.tiles((album.alarm(index) for index in chosen), "Several boxes on one object."))
    return Section(title, (*blocks, *album.notices()))


def misses(record: RunRecord) -> Section:
    """Objects that should have been easy, and those lost behind others."""
    title = "Worst misses"
    if record.evaluated is None or record.headline is None:
        return left_out(title, _NO_TRUTH)
    album, pool = _Album(record.evaluated, record.headline), record.evaluated.pool
    breakdown = record.evaluated.metrics.breakdown
    missed = missed_truths(pool, limits=album.limits)
    crowd = missed[breakdown.truth_overlaps[missed] > breakdown.bins.crowd_above]
    truths = int((~pool.truths.crowd).sum())
    text = (
        f"{len(missed)} of {truths} objects are not found, {len(crowd)} of them overlap another. "
        f"Shown: large for their class, of highest contrast. {_MEANING}"
    )
    groups = ((missed, "Of all."), (crowd, "Of those that overlap another object."))
    blocks: list[Block] = [Text(text)]
    for candidates, caption in groups:
        chosen = plainest_misses(pool, candidates, contrast=album.contrast, count=PICTURES)
        blocks.append(album.tiles((album.miss(index) for index in chosen), caption))
    return Section(title, (*blocks, *album.notices()))


class _Album:
    """Makes the pictures of one run; a frame is read once, and those that cannot be are counted."""

    def __init__(self, split: EvaluatedSplit, told: Headline) -> None:
        self.split = split
        self.limits = told.limits
        second = stacked(split.metrics.diagnosis.mistakes, limits=self.limits)
        self.better = dict(zip(second.found.tolist(), second.on.tolist(), strict=True))
        self.kinds = dict(zip(second.found.tolist(), second.kinds.tolist(), strict=True))
        self.images: dict[int, np.ndarray | None] = {}

    def second_boxes(self, *, count: int) -> list[int]:
        """The surest detections on an object that has a better box, two of a frame."""
        found = self.split.pool.found
        ordered = sorted(self.better, key=lambda index: -found.scores[index])
        return few_a_frame(ordered, found.images, count)

    def tiles(self, pictures: Iterable[Picture | None], caption: str) -> Block:
        """Those that could be made."""
        made = tuple(picture for picture in pictures if picture is not None)
        return Tiles(made, caption) if made else Text(f"{caption} None.")

    def notices(self) -> Sequence[Notice]:
        """What could not be shown."""
        unread = [image for image, frame in self.images.items() if frame is None]
        if not unread:
            return ()
        record = self.split.annotations.records[unread[0]]
        text = f"{len(unread)} frames cannot be read, {record.path} first; their pictures are left out."
        return (Notice("warning", "Frames missing", text),)

    def contrast(self, truth: int) -> float | None:
        """Of a truth against what is around it; None where its frame cannot be read."""
        truths = self.split.pool.truths
        image = self._image(int(truths.images[truth]))
        return None if image is None else object_contrast(image, _corners(truths.boxes[truth]))[0]

    def alarm(self, detection: int) -> Picture | None:
        """A false alarm, with what is really there."""
        found, truths = self.split.pool.found, self.split.pool.truths
        box, image = found.boxes[detection], int(found.images[detection])
        name, score = self._class(found.labels[detection]), float(found.scores[detection])
        if detection in self.better:
            other = self.better[detection]
            better = f"{self._class(int(found.labels[other]))} {decimal(float(found.scores[other]), 2)}"
            kind = KINDS[self.kinds[detection]]
            caption = f"{name} {decimal(score, 2)}; second box beside {better}, {kind}"
            return self._picture(image, box, caption, least=score)
        here = np.flatnonzero((truths.images == image) & ~truths.crowd)
        truth, overlap = self._nearest(box, truths.boxes, here)
        there = "nothing there"
        if truth is not None and overlap > 0.1:
            there = f"there is {self._class(truths.labels[truth])}, IoU {decimal(overlap, 2)}"
        return self._picture(image, box, f"{name} {decimal(score, 2)}; {there}", least=score)

    def miss(self, truth: int) -> Picture | None:
        """A missed object, with the detection nearest to it."""
        truths, found = self.split.pool.truths, self.split.pool.found
        box, image = truths.boxes[truth], int(truths.images[truth])
        width, height = box[2:].tolist()
        contrast = self.contrast(truth)
        what = f"{self._class(truths.labels[truth])}, {width:.0f} x {height:.0f} pixels"
        what += "" if contrast is None else f", contrast {contrast:+.1f}"
        here = np.flatnonzero(found.images == image)
        nearest, overlap = self._nearest(box, found.boxes, here)
        instead = "no detection on it at any score"
        if nearest is not None and overlap > 0.1:
            name, score = self._class(found.labels[nearest]), float(found.scores[nearest])
            instead = f"nearest: {name} {decimal(score, 2)}, IoU {decimal(overlap, 2)}"
        return self._picture(image, box, f"{what}; {instead}")

    def _picture(self, image: int, box: np.ndarray, caption: str, *, least: float = 1.0) -> Picture | None:
        """What is reported, or scores at least `least`, around a box."""
        frame = self._image(image)
        if frame is None:
            return None
        record = self.split.annotations.records[image]
        detections = self.split.detections[record.image_id]
        shown = detections.scores >= np.minimum(self.limits[detections.labels], least)
        picture = crop(
            frame,
            _corners(box),
            detections=detections.keep(shown),
            ground_truth=record.boxes[~record.ignored],
            classes=self.split.annotations.classes,
        )
        return Picture(jpeg(picture), f"part of frame {record.path.name}", f"{caption} ({record.path.name})")

    def _nearest(
        self, box: np.ndarray, others: np.ndarray, candidates: np.ndarray
    ) -> tuple[int | None, float]:
        """Which of the candidates overlaps a box most, and how much."""
        if len(candidates) == 0:
            return None, 0.0
        table = mask.iou(box[None], others[candidates], np.zeros(len(candidates), dtype=np.uint8))[0]
        return int(candidates[table.argmax()]), float(table.max())

    def _class(self, label: int) -> str:
        return self.split.annotations.classes[label]

    def _image(self, image: int) -> np.ndarray | None:
        """[H, W] float32 in [0, 1]; None where the file cannot be read or has another size."""
        if image not in self.images:
            record = self.split.annotations.records[image]
            try:
                frame = read_frame(record)
                fits = frame.size == (record.height, record.width)
                self.images[image] = DISPLAY_GAIN(frame) if fits else None
            except UserError:
                self.images[image] = None
        return self.images[image]


def _corners(box: np.ndarray) -> np.ndarray:
    """xyxy of x, y, w, h."""
    return np.concatenate((box[:2], box[:2] + box[2:])).astype(np.float32)
