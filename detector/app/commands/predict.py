"""Find objects in what a user's camera gave, and say where, what and how warm."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig
from tqdm import tqdm

from detector.app import build
from detector.engine.device import pick_device, pick_precision
from detector.engine.predict import Prediction, predict
from detector.errors import UserError
from detector.inference.draw import draw, enlargement, save_picture
from detector.inference.records import as_csv, as_json, frame_record
from detector.inference.video import VideoWriter
from detector.structures import Calibration, Frame
from detector.thermal import io

PICTURES = ("auto", "images", "video", "none")
DEFAULT_FPS = 9.0
"""Of a recording that tells none: what cameras free of export control give."""

Show = Callable[[int, Prediction], None]


def run(config: DictConfig) -> None:
    """The command: config as in configs/predict.yaml.

    A damaged frame ends it, but what was found before is written first.
    """
    _check(config)
    device = pick_device(config.engine.device)
    trained = build.Trained(str(config.checkpoint), device=device)
    source = Path(str(config.source))
    shape = None if config.raw_shape is None else (int(config.raw_shape[0]), int(config.raw_shape[1]))
    recording = io.open_recording(source, raw_shape=shape)
    folder = trained.run_folder / "predictions" / recording.name
    if config.output is not None:
        folder = Path(str(config.output))
    folder.mkdir(parents=True, exist_ok=True)
    predictions = predict(
        trained.model,
        tqdm(_frames(recording, instantiate(config.calibration)), total=recording.length, unit="frame"),
        agc=trained.agc.for_sequence(recording),
        multiple=trained.model.stride,
        postprocess=trained.postprocess,
        precision=pick_precision(config.engine.precision, device),
        batch_size=config.engine.batch_size,
    )
    records: list[dict[str, Any]] = []
    try:
        with _pictures(config, source, recording, folder, classes=trained.classes) as show:
            for index, prediction in enumerate(predictions):
                show(index, prediction)
                records.append(
                    frame_record(
                        index,
                        prediction.frame,
                        prediction.detections,
                        classes=trained.classes,
                        min_score=config.min_score,
                    )
                )
    finally:
        (folder / "detections.json").write_text(as_json(records, classes=trained.classes))
        (folder / "detections.csv").write_text(as_csv(records))
    found = sum(len(record["objects"]) for record in records)
    print(f"{len(records)} frames, {found} objects of score {config.min_score} and more: {folder}")


def _check(config: DictConfig) -> None:
    if config.pictures not in PICTURES:
        raise UserError(f"pictures={config.pictures}: must be one of {', '.join(PICTURES)}")
    if not 0 <= config.min_score <= 1:
        raise UserError(f"min_score={config.min_score}: must lie between 0 and 1")
    if config.engine.batch_size < 1:
        raise UserError(f"engine.batch_size={config.engine.batch_size}: must be at least 1")
    if config.raw_shape is not None and len(config.raw_shape) != 2:
        raise UserError(f"raw_shape={list(config.raw_shape)}: must be [height, width]")


def _frames(recording: io.Recording, calibration: Calibration | None) -> Iterator[Frame]:
    """The recording's frames; those that bring no calibration get this one."""
    for frame in recording:
        yield replace(frame, calibration=calibration) if frame.calibration is None else frame


@contextlib.contextmanager
def _pictures(
    config: DictConfig, source: Path, recording: io.Recording, folder: Path, *, classes: tuple[str, ...]
) -> Iterator[Show]:
    """What to call with every prediction so that it is drawn into the file or folder asked for."""
    kind = config.pictures
    if kind == "auto":
        kind = "images" if source.is_dir() or recording.length == 1 else "video"

    def drawn(prediction: Prediction) -> np.ndarray:
        scale = enlargement(prediction.image.shape[1])
        return draw(
            prediction.image, prediction.detections, classes=classes, scale=scale, min_score=config.min_score
        )

    if kind == "video":
        with VideoWriter(folder / f"{recording.name}.mp4", fps=recording.fps or DEFAULT_FPS) as video:
            yield lambda _, prediction: video.write(drawn(prediction))
    elif kind == "images":
        images = folder / "images"
        images.mkdir(exist_ok=True)
        yield lambda index, prediction: save_picture(
            images / f"{index:06d}_{Path(prediction.frame.source).stem}.png", drawn(prediction)
        )
    else:
        yield lambda *_: None
