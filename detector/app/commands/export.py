"""Write a detector for other programs and machines, proved on real frames before it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from omegaconf import DictConfig

from detector.app.build import asked_scale, chosen_data
from detector.app.commands.evaluate import trained_split
from detector.app.exporting import ncnn, network, whole
from detector.app.exporting.job import Job, Size
from detector.app.settings import plain
from detector.app.trained import Trained
from detector.errors import UserError
from detector.inference.split import SplitFrames

FORMS: Mapping[str, Callable[[Job], None]] = {
    "onnx": network.export,
    "whole": whole.export,
    "ncnn": ncnn.export,
}


def run(config: DictConfig) -> None:
    """The command: config as in configs/export.yaml; UserError where the file does not say what it should."""
    if config.precision not in ("fp32", "int8"):
        raise UserError(f"precision={config.precision}: must be fp32 or int8")
    if config.form not in FORMS:
        raise UserError(f"form={config.form}: must be one of {', '.join(FORMS)}")
    if config.form != "onnx" and (config.precision != "fp32" or config.size is None or config.batch):
        raise UserError(
            f"form={config.form} precision={config.precision} size={plain(config.size)} batch={config.batch}"
            ": takes one frame of one size at a time, in fp32: give size=[height,width] alone"
        )
    if asked_scale(config.data) is not None:
        raise UserError(
            f"data.scale={config.data.scale}: a file keeps the scale of its training; leave it out"
        )
    size = _pair(plain(config.size))
    trained = Trained(str(config.checkpoint), device=torch.device("cpu"))
    annotations, split = trained_split(trained, config.data)
    job = Job(
        trained=trained,
        frames=SplitFrames(annotations, trained.gain),
        split=split,
        data=chosen_data(trained.data or {}, config.data),
        output=None if config.output is None else Path(str(config.output)),
        precision=config.precision,
        size=size,
        batch=config.batch,
        confidence=config.confidence,
        licence=config.licence,
    )
    FORMS[config.form](job)


def _pair(size: object) -> Size | None:
    if size is None:
        return None
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size)):
        raise UserError(f"size={size}: must be null, for any, or [height, width] of the frames")
    return size[0], size[1]
