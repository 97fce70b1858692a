"""An exported network as the function that a pipeline calls. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detector.data.loading.padding import PAD_VALUE
from detector.engine import description
from detector.errors import UserError, first_line
from detector.inference.postprocess import Postprocess
from detector.inference.runtimes import open_file
from detector.structures import Candidates, Detections

SUFFIX = ".onnx"
MOST_STRIDE = 1024
"""Frames are filled up to multiples of it: a file must not make us fill gigabytes."""


class OnnxFile:
    """A file that `export` wrote, opened.

    about: its description, plain values that have been checked. runtime: of runtimes.RUNTIMES, None: the
    first that is installed. threads: that it computes with; None: it decides. Raises UserError where the file
    is missing, damaged or none of ours, and where no runtime is installed.
    """

    def __init__(self, path: str | Path, *, runtime: str | None = None, threads: int | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise UserError(f"checkpoint {path}: no such file")
        try:
            opened = open_file(self.path, runtime=runtime, threads=threads)
            self.about: dict[str, Any] = json.loads(opened.metadata.get(description.KEY, "{}"))
        except UserError:
            raise
        except Exception as error:  # damaged bytes can raise anything
            raise UserError(
                f"checkpoint {path}: cannot be read ({first_line(error)}); is it complete?"
            ) from error
        description.check(self.about, self.path)
        stride = self.about.get("stride")
        if type(stride) is not int or not 1 <= stride <= MOST_STRIDE:
            raise UserError(f"checkpoint {path}: its stride is no whole number from 1 to {MOST_STRIDE}")
        self.run = opened.run
        self.batch, _, *self.size = opened.shape


class OnnxNetwork:
    """The file's network, and what makes detections of its best candidates."""

    def __init__(self, file: OnnxFile, *, postprocess: Postprocess) -> None:
        self.file = file
        self.postprocess = postprocess

    def __call__(
        self, images: np.ndarray, sizes: Sequence[tuple[int, int]], *, least: float = 0.0
    ) -> list[Detections]:
        """Detections of each of the images [B, 1, H, W]; boxes are cut to `sizes`, (height, width) each.

        A file of fixed size gets smaller images filled up; UserError for larger ones, and where the file does
        not compute what it should.
        """
        count, _, *size = images.shape
        height, width = (fixed or side for fixed, side in zip(self.file.size, size, strict=True))
        if height < size[0] or width < size[1]:
            raise UserError(
                f"{self.file.path}: takes frames of {width}x{height} pixels at most, found one of "
                f"{size[1]}x{size[0]}: export it without size="
            )
        step = self.file.batch or count
        filled = np.full((-(-count // step) * step, 1, height, width), PAD_VALUE, np.float32)
        filled[:count, :, : size[0], : size[1]] = images
        scores, boxes = (part[:count] for part in self._computed(filled, step))
        found = best_of(scores, boxes, self.postprocess.candidates, least=least)
        return self.postprocess(found, sizes, least=least)

    def _computed(self, images: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores [B, P, C] and boxes [B, P, 4], `step` images at a time."""
        try:
            answers = [self.file.run(images[first : first + step]) for first in range(0, len(images), step)]
            scores, boxes = (np.concatenate(part) for part in zip(*answers, strict=True))
        except Exception as error:  # the file may be anybody's: no memory is enough for some
            raise UserError(f"{self.file.path}: cannot be computed ({first_line(error)})") from error
        points = scores.shape[:2]
        classes = len(self.file.about["classes"])
        if scores.shape != (*points, classes) or boxes.shape != (*points, 4) or points[0] != len(images):
            raise UserError(
                f"{self.file.path}: gives scores {scores.shape} and boxes {boxes.shape} for {len(images)} "
                f"images and {classes} classes: it is no detector that export wrote"
            )
        return scores, boxes


def best_of(scores: np.ndarray, boxes: np.ndarray, count: int, *, least: float = 0.0) -> Candidates:
    """As `network.best_candidates`, of scores [B, P, C] and boxes [B, P, 4].

    Fewer where few score `least`.
    """
    classes = scores.shape[2]
    pairs = scores.reshape(len(scores), -1)
    if not np.isfinite(pairs).all():
        raise FloatingPointError("the file's output is not finite: the weights or the input are broken")
    count = min(count, int((pairs >= least).sum(1).max()))
    chosen = np.argpartition(-pairs, count - 1, axis=1)[:, :count]
    chosen = np.take_along_axis(
        chosen, np.argsort(-np.take_along_axis(pairs, chosen, 1), axis=1, kind="stable"), 1
    )
    return Candidates(
        boxes=np.take_along_axis(boxes, (chosen // classes)[..., None], 1),
        scores=np.take_along_axis(pairs, chosen, 1),
        labels=chosen % classes,
    )
