"""Frames that cannot be read, left out of a split where that was asked for."""

from __future__ import annotations

import logging
from dataclasses import replace

from detector.data.annotations import Annotations, ImageRecord
from detector.data.frames import read_frame_of_size
from detector.errors import UserError
from detector.thermal.io.colour import ColourError

STOP, SKIP = "stop", "skip"

log = logging.getLogger(__name__)


def without_unreadable(
    annotations: Annotations, split: str, *, on_error: object, most: object
) -> Annotations:
    """The split as it is with on_error=stop; with skip, without the frames that cannot be read, up to `most`.

    Reads every frame once. One line of log names those left out. UserError for other words, where more than
    `most` cannot be read, and where none is left; pictures in colour are no errors of single files and pass.
    """
    if on_error not in (STOP, SKIP):
        raise UserError(f"data.on_error={on_error}: must be stop or skip")
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise UserError(f"data.most_skipped={most}: must be a whole number from 0")
    if on_error == STOP:
        return annotations
    problems = {record.image_id: problem for record in annotations.records if (problem := _problem(record))}
    if not problems:
        return annotations
    said = "; ".join(problems.values())
    if len(problems) > most:
        raise UserError(
            f"data split {split}: {len(problems)} frames cannot be read, more than data.most_skipped={most}: "
            + "; ".join(list(problems.values())[:3])
        )
    log.info("%s split: %d frames left out, which cannot be read: %s", split, len(problems), said)
    kept = tuple(record for record in annotations.records if record.image_id not in problems)
    if not kept:
        raise UserError(f"data split {split}: no frame of it can be read: {said}")
    return replace(annotations, records=kept)


def _problem(record: ImageRecord) -> str | None:
    try:
        read_frame_of_size(record)
    except ColourError:
        return None
    except UserError as error:
        return str(error)
    return None
