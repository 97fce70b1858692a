"""What every form of an exported detector starts from, and is proved on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from detector.app.trained import Trained
from detector.engine import checkpoint
from detector.engine.description import scale_of
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.export.onnx_file import description_of
from detector.export.parity import BOXES, SCORES, File, difference
from detector.files import replacing
from detector.inference.pipeline import Shot
from detector.inference.split import SplitFrames
from detector.thermal.resolution import scaled_size

CPU = InferenceSettings(device="cpu", precision="fp32", batch_size=8)
COMPARED = 64
"""Frames on which a file is compared with PyTorch."""

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One export.

    frames: of a split, to prove it on; split: its name. data: where the training frames are, as settings.
    output: what the user named; None: a name in the run's folder. size: (height, width) of frames, None for
    any. batch: frames at a time, None for any. confidence: lowest score of an object, None: the threshold of
    its class. licence: words for the file.
    """

    trained: Trained
    frames: SplitFrames
    split: str
    data: Mapping[str, Any]
    output: Path | None
    precision: str
    size: Size | None
    batch: int | None
    confidence: float | None
    licence: str | None

    def place(self, ending: str) -> Path:
        """Where it goes, in a folder that is there: the run's, and the checkpoint's name with this ending."""
        file = self.output or self.trained.run_folder / (self.trained.path.stem + ending)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    @property
    def shown(self) -> Size | None:
        """(height, width) of the network's input for frames of `size`: at its scale, up to its stride."""
        if self.size is None:
            return None
        stride = self.trained.stride
        height, width = (
            -(-side // stride) * stride for side in scaled_size(self.size, scale_of(self.trained.config))
        )
        return height, width

    @property
    def description(self) -> dict[str, str]:
        """What using the network needs, as texts by key."""
        state = checkpoint.load(self.trained.path)
        return description_of(state, stride=self.trained.stride, licence=self.licence)

    def shots(self) -> Iterator[Shot]:
        """The first COMPARED frames. UserError where one is larger than `size`."""
        return map(self.fitting, islice(self.frames.shots(), COMPARED))

    def fitting(self, shot: Shot) -> Shot:
        """The same; UserError where its frame is larger than `size`."""
        height, width = shot.frame.size
        if self.size is not None and (height > self.size[0] or width > self.size[1]):
            raise UserError(
                f"size={list(self.size)}: smaller than a frame, which has [{height}, {width}] pixels"
            )
        return shot

    def compare(self, file: File, *, by: str, name: Path) -> None:
        """Tells how far its scores and boxes are from PyTorch's; UserError where that is too far.

        by: what computes it, for the line.
        """
        least = self.trained.postprocess.score_threshold
        found = difference(self.trained.model, file, (shot.image for shot in self.shots()), least=least)
        print(
            f"largest difference to PyTorch over {found.frames} frames, computed by {by}: scores "
            f"{found.scores:.1e}, boxes {found.boxes:.1e} px"
        )
        if not found.fine:
            raise UserError(
                f"{name}: not written: it should differ from PyTorch by at most {SCORES} in scores and "
                f"{BOXES} px in boxes"
            )


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder that goes, in which files are made and proved."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def put(made: Path, place: Path) -> None:
    """A file that was proved, to where it goes; there it is whole or not at all."""
    with replacing(place) as target:
        target.write(made.read_bytes())
