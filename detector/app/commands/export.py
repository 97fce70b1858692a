"""Write a detector as an ONNX file, proved on real frames before it is there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig

from detector.app.build import Evaluate, asked_scale, build_evaluate, chosen_data, load_split
from detector.app.commands.evaluate import trained_split
from detector.app.exported import Exported
from detector.app.opening import Detector
from detector.app.settings import plain
from detector.app.trained import Trained
from detector.data.loading.padding import pad_to, pad_to_multiple
from detector.engine import checkpoint
from detector.engine.description import scale_of
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.evaluation.predictions import predictions_json
from detector.export import onnx_file
from detector.export.ncnn_file import NcnnFile, convert
from detector.export.parity import BOXES, SCORES, File, difference
from detector.export.quantise import quantise
from detector.files import replacing, write_text
from detector.inference.split import SplitFrames, detect
from detector.thermal.resolution import scaled_size

FORMS = ("onnx", "ncnn")
CPU = InferenceSettings(device="cpu", precision="fp32", batch_size=8)
COMPARED = 64
"""Frames whose every score and box is compared with PyTorch's."""
CALIBRATION = 128
"""Training frames that tell what 8 bits must span: with more, ranges hardly grow."""
SAME_AP = 1e-3
"""By how much the AP of a file in full precision may differ: ties of scores may be broken otherwise."""


def run(config: DictConfig) -> None:
    """The command: config as in configs/export.yaml; UserError where the file does not say what it should."""
    if config.precision not in ("fp32", "int8"):
        raise UserError(f"precision={config.precision}: must be fp32 or int8")
    if config.form not in FORMS:
        raise UserError(f"form={config.form}: must be one of {', '.join(FORMS)}")
    if config.form == "ncnn" and (config.precision != "fp32" or config.size is None or config.batch):
        raise UserError(
            f"form=ncnn precision={config.precision} size={plain(config.size)} batch={config.batch}: ncnn "
            "takes one frame of one size at a time, in fp32: give size=[height,width] alone"
        )
    if asked_scale(config.data) is not None:
        raise UserError(
            f"data.scale={config.data.scale}: a file keeps the scale of its training; leave it out"
        )
    trained = Trained(str(config.checkpoint), device=torch.device("cpu"))
    size, batch = _shape(plain(config.size), trained), config.batch
    annotations, split = trained_split(trained, config.data)
    frames = SplitFrames(annotations, trained.gain)
    evaluate = build_evaluate(trained.config)
    name = trained.path.stem
    if config.form == "ncnn":
        assert size is not None
        _ncnn(
            trained, frames, Path(str(config.output or trained.run_folder / name)), size=size, config=config
        )
        return
    output = Path(str(config.output or trained.run_folder / f"{name}_{config.precision}.onnx"))
    before = _ap(trained, frames, evaluate)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.stem}.partial.onnx")
    try:
        _write(trained, partial, size=size, batch=batch, config=config)
        exported = Exported(partial)
        after = _ap(exported, frames, evaluate)
        if config.precision == "fp32":
            _compared(trained, exported.file, frames, name=output)
            if abs(after - before) > SAME_AP:
                raise UserError(
                    f"{output}: not written: its AP should be that of PyTorch to {SAME_AP}: {after:.4f}, not "
                    f"{before:.4f}"
                )
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    print(f"{split} split, {len(frames)} frames: AP {before:.4f} in PyTorch, {after:.4f} as a file")
    print(f"written: {output}, {output.stat().st_size / 1e6:.1f} MB; use it as checkpoint={output}")


def _ncnn(
    trained: Trained, frames: SplitFrames, stem: Path, *, size: tuple[int, int], config: DictConfig
) -> None:
    """stem.ncnn.param, stem.ncnn.bin and stem.ncnn.json, which says what belongs around the network."""
    words = onnx_file.description_of(
        checkpoint.load(trained.path), stride=trained.stride, licence=config.licence
    )
    stem.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        onnx_file.write(trained.model, whole, size=size, batch=1)
        made = convert(whole, Path(folder) / stem.name, size=size)
        file = NcnnFile(*made, size=size, about={"stride": trained.stride})
        _compared(trained, file, frames, name=stem)
        for part in made:
            with replacing(stem.with_name(part.name)) as target:
                target.write(part.read_bytes())
    write_text(stem.with_name(stem.name + ".ncnn.json"), json.dumps(words, indent=2) + "\n")
    print(f"written: {stem}.ncnn.param, .ncnn.bin and .ncnn.json, for frames of {size[1]}x{size[0]}")


def _compared(trained: Trained, file: File, frames: SplitFrames, *, name: Path) -> None:
    """Tells how far the file is from PyTorch over some frames; UserError where that is too far."""
    shown = (shot.image for shot in islice(frames.shots(), COMPARED))
    found = difference(trained.model, file, shown, least=trained.postprocess.score_threshold)
    print(
        f"largest difference to PyTorch over {found.frames} frames: scores {found.scores:.1e}, boxes "
        f"{found.boxes:.1e} px"
    )
    if not found.fine:
        raise UserError(
            f"{name}: not written: it should differ from PyTorch by at most {SCORES} in scores and {BOXES} "
            "px in boxes"
        )


def _write(
    trained: Trained, file: Path, *, size: tuple[int, int] | None, batch: int | None, config: DictConfig
) -> None:
    if config.precision == "int8":
        full = file.with_suffix(".fp32.onnx")
        try:
            onnx_file.write(trained.model, full, size=size, batch=batch)
            quantise(full, file, _calibration(trained, config, size=size))
        finally:
            full.unlink(missing_ok=True)
    else:
        onnx_file.write(trained.model, file, size=size, batch=batch)
    state = checkpoint.load(trained.path)
    words = onnx_file.description_of(state, stride=trained.stride, licence=config.licence)
    onnx_file.describe_in(file, words)


def _calibration(
    trained: Trained, config: DictConfig, *, size: tuple[int, int] | None
) -> Iterator[np.ndarray]:
    """Frames spread over the training split, [1, 1, H, W], as the network sees them."""
    data = chosen_data(trained.data or {}, config.data)
    training = SplitFrames(load_split(data, data["train"]), trained.gain)
    chosen = np.linspace(0, len(training) - 1, min(CALIBRATION, len(training))).astype(int).tolist()
    for shot in training.shots(chosen):
        image = pad_to_multiple(shot.image, trained.stride) if size is None else pad_to(shot.image, *size)
        yield image[None, None]


def _ap(detector: Detector, frames: SplitFrames, evaluate: Evaluate) -> float:
    found = detect(detector.pipeline(CPU), frames)
    entries = predictions_json(found, frames.annotations)
    return float(evaluate(frames.annotations, entries).metrics.overall["AP"] or 0.0)


def _shape(size: object, trained: Trained) -> tuple[int, int] | None:
    """size=[H,W] in pixels of the frames, at the network's scale and filled up to its stride."""
    if size is None:
        return None
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size)):
        raise UserError(f"size={size}: must be null, for any, or [height, width] of the frames")
    shown = scaled_size((size[0], size[1]), scale_of(trained.config))
    height, width = (-(-side // trained.stride) * trained.stride for side in shown)
    return height, width
