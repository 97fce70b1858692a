"""A round of frames to label: written whole or not at all, and beside what is there already."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from detector.data.auto.listing import PRELABELS
from detector.data.writers.output import fresh_folder
from detector.errors import UserError
from detector.labelling.manifest import COUNTS, NAME, PREVIEW, Entry
from detector.structures import Frame


@contextmanager
def new_round(output: Path) -> Iterator[Path]:
    """A folder to write a round to, with a manifest of all rounds; it becomes `output`, or is added to it.

    Where the block fails, `output` is as it was. Whatever else lies in `output`, labels above all, is left
    alone. Raises UserError where it cannot be written to, where it holds something but no manifest, and where
    it has labels of this round already.
    """
    if not (output / NAME).exists():
        with fresh_folder(output) as folder:
            yield folder
        return
    try:
        workshop = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.resolve().parent))
        try:
            yield workshop
            _add(workshop, output)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
    except OSError as error:
        raise UserError(f"output {output}: cannot be written: {error}") from error


def _add(made: Path, output: Path) -> None:
    """Move a round into the folder of the rounds before it, the manifest last: then the round counts."""
    parts = [
        *sorted((made / COUNTS).iterdir()),
        *sorted((made / PREVIEW).iterdir()),
        *sorted((made / PRELABELS).glob("*")),
    ]
    targets = [output / part.relative_to(made) for part in parts]
    for target in targets:
        if target.exists():
            raise UserError(f"{target}: is there already, and in no manifest; move it away")
    moved: list[Path] = []
    try:
        for part, target in zip(parts, targets, strict=True):
            target.parent.mkdir(exist_ok=True)
            moved.append(target)
            part.rename(target)
        os.replace(made / NAME, output / NAME)
    except BaseException:
        for target in moved:
            if target.is_dir():
                shutil.rmtree(target, ignore_errors=True)
            else:
                target.unlink(missing_ok=True)
        raise


def save_pictures(folder: Path, entry: Entry, frame: Frame, image: np.ndarray) -> None:
    """The two pictures of a frame: its counts, none of them changed, and what a person sees.

    image: [H, W] float32 in [0, 1], the frame after gain. Raises OSError where they cannot be written.
    """
    for name, pixels in (
        (entry.counts, frame.counts),
        (entry.preview, (image * 255).round().astype(np.uint8)),
    ):
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
