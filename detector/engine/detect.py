"""A model over a loader: detections of every image, shared out over the processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
import torch.distributed as dist
from torch import nn

from detector import distributed
from detector.engine.device import Precision
from detector.structures import Detections
from detector.tensors import Batch, HeadOutput

Postprocessing = Callable[[HeadOutput, list[tuple[int, int]]], list[Detections]]


@torch.no_grad()
def detect(
    model: nn.Module,
    loader: Iterable[Batch],
    *,
    postprocess: Postprocessing,
    sizes: Mapping[int, tuple[int, int]],
    precision: Precision,
) -> dict[int, Detections]:
    """Detections on the CPU by image id, from a model in eval mode on `precision.device`.

    sizes: (height, width) of every image before padding, by id. With several processes each runs its own
    loader's share and rank 0 returns them all; the others return their own.
    """
    found: dict[int, Detections] = {}
    for batch in loader:
        ids = batch.image_ids.tolist()
        images = batch.images.to(precision.device, non_blocking=True, memory_format=torch.channels_last)
        with precision.autocast():
            output = model(images)
        for image_id, detections in zip(ids, postprocess(output, [sizes[i] for i in ids]), strict=True):
            found[image_id] = detections
    return _gathered(found)


def _gathered(found: dict[int, Detections]) -> dict[int, Detections]:
    if distributed.world_size() == 1:
        return found
    parts: list[dict[int, Detections] | None] = [None] * distributed.world_size()
    dist.gather_object(found, parts if distributed.rank() == 0 else None)
    for part in parts:
        found |= part or {}
    return found
