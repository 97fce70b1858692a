"""Frames as picture files of their own, without losing a count."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

import cv2

from detector.data.writers.output import names_from_common_folder
from detector.errors import UserError
from detector.structures import Frame

log = logging.getLogger(__name__)


def save_frames(frames: Iterable[Frame], pictures: Sequence[Path], folder: Path) -> list[PurePath]:
    """Write a file for each frame, called after its picture; returns their names in `folder`.

    PNG, or PGM where the counts use other bits than 8 or 16, which PNG cannot tell. Neither has a place for
    times and calibrations; one warning counts the calibrations left out.
    Raises UserError where two pictures differ in nothing but their suffix, OSError where a file cannot be
    written, and whatever `frames` raise.
    """
    stems = _stems(pictures)
    names: list[PurePath] = []
    calibrated = 0
    for stem, frame in zip(stems, frames, strict=True):
        suffix, data = _encoded(frame)
        # Not with_suffix: what is left of a.b.png may hold another dot.
        names.append(stem.with_name(stem.name + suffix))
        file = folder / names[-1]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        calibrated += frame.calibration is not None
    if calibrated:
        log.warning(
            "PNG and PGM have no place for the calibrations of %d frames: left out; their counts are kept",
            calibrated,
        )
    return names


def _stems(pictures: Sequence[Path]) -> list[PurePath]:
    """Names without suffix, with the sub folders where there were some. A picture may come twice."""
    stems = [name.with_suffix("") for name in names_from_common_folder(pictures)]
    owner: dict[PurePath, Path] = {}
    for stem, picture in zip(stems, pictures, strict=True):
        if owner.setdefault(stem, picture) != picture:
            raise UserError(f"{owner[stem]} and {picture} would share one name without suffix: rename one")
    return stems


def _encoded(frame: Frame) -> tuple[str, bytes]:
    """The suffix and the bytes of a file that reads as these counts with this bit depth."""
    counts = frame.counts
    if frame.bit_depth == 8 * counts.itemsize:
        return ".png", cv2.imencode(".png", counts)[1].tobytes()
    largest = 2**frame.bit_depth - 1
    header = f"P5\n{counts.shape[1]} {counts.shape[0]}\n{largest}\n".encode()
    return ".pgm", header + counts.astype("u1" if largest < 256 else ">u2").tobytes()
