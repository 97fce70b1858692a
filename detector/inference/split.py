"""An annotated split through the pipeline: what training's validation and every evaluation do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch.distributed as dist

from detector import distributed
from detector.data.annotations import Annotations
from detector.data.frames import gains_of, read_frame_of_size
from detector.inference.draw import draw, enlargement, shown
from detector.inference.pipeline import Pipeline, Shot
from detector.structures import Detections
from detector.thermal.agc import Agc

SHOWN = 0.3
"""Score from which a detection is drawn beside the truth."""


class SplitFrames:
    """The frames of a split with their gains, which are found once, recording by recording."""

    def __init__(self, annotations: Annotations, gain: Agc) -> None:
        self.annotations = annotations
        self.gains = gains_of(annotations.records, gain)

    def __len__(self) -> int:
        return len(self.gains)

    def shots(self, indices: Sequence[int] | None = None) -> Iterator[Shot]:
        """Those of some records, None: of all, read anew each time. Raises UserError at a damaged one."""
        for index in range(len(self)) if indices is None else indices:
            frame = read_frame_of_size(self.annotations.records[index])
            yield Shot(frame, self.gains[index](frame))

    def pictures(self, detections: Mapping[int, Detections], *, count: int) -> list[np.ndarray]:
        """[H, W, 3] uint8 pictures of `count` frames spread over the split, detections beside truth."""
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).astype(int).tolist()
        pictures = []
        for index, shot in zip(chosen, self.shots(chosen), strict=True):
            record = self.annotations.records[index]
            found = detections[record.image_id]
            pictures.append(
                draw(
                    shown(shot.frame, shot.image),
                    found.keep(found.scores >= SHOWN),
                    classes=self.annotations.classes,
                    truth=record.boxes[~record.ignored],
                    scale=enlargement(record.width),
                )
            )
        return pictures


def detect(pipeline: Pipeline, frames: SplitFrames) -> dict[int, Detections]:
    """Detections by image id. Of several processes each takes a share, and rank 0 returns those of all."""
    share = range(distributed.rank(), len(frames), distributed.world_size())
    records = frames.annotations.records
    found = {
        records[index].image_id: prediction.detections
        for index, prediction in zip(share, pipeline(frames.shots(share)), strict=True)
    }
    if distributed.world_size() == 1:
        return found
    parts: list[dict[int, Detections] | None] = [None] * distributed.world_size()
    dist.gather_object(found, parts if distributed.rank() == 0 else None)
    for part in parts:
        found |= part or {}
    return found
