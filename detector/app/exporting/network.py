"""form=onnx: the network, with gain and suppression outside, for our own runtime and others'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from detector.app.build import Evaluate, build_evaluate, load_split
from detector.app.exported import Exported
from detector.app.exporting.job import CPU, Job, put, workshop
from detector.app.opening import Detector
from detector.data.loading.padding import pad_to, pad_to_multiple
from detector.errors import UserError
from detector.evaluation.predictions import predictions_json
from detector.export import onnx_file
from detector.export.quantise import quantise
from detector.inference.onnx_network import OnnxFile
from detector.inference.runtimes import installed
from detector.inference.split import SplitFrames, detect

CALIBRATION = 128
"""Training frames that tell what 8 bits must span: with more, ranges hardly grow."""
SAME_AP = 1e-3
"""By how much the AP of a file in full precision may differ: ties of scores may be broken otherwise."""


def export(job: Job) -> None:
    """Write it. UserError where it does not say what PyTorch says; what 8 bits cost is told."""
    output, evaluate = job.place(f"_{job.precision}.onnx"), build_evaluate(job.trained.config)
    before = _ap(job.trained, job.frames, evaluate)
    with workshop() as folder:
        made = folder / "network.onnx"
        _write(job, made)
        exported = Exported(made)
        after = _ap(exported, job.frames, evaluate)
        if job.precision == "fp32":
            for runtime in installed():
                job.compare(OnnxFile(made, runtime=runtime), by=runtime, name=output)
            if abs(after - before) > SAME_AP:
                raise UserError(
                    f"{output}: not written: its AP should be that of PyTorch to {SAME_AP}: {after:.4f}, not "
                    f"{before:.4f}"
                )
        put(made, output)
    print(f"{job.split} split, {len(job.frames)} frames: AP {before:.4f} in PyTorch, {after:.4f} as a file")
    print(f"written: {output}, {output.stat().st_size / 1e6:.1f} MB; use it as checkpoint={output}")


def _write(job: Job, file: Path) -> None:
    full = file.with_suffix(".fp32.onnx")
    onnx_file.write(job.trained.model, full, size=job.shown, batch=job.batch)
    if job.precision == "int8":
        quantise(full, file, _calibration(job))
    else:
        full.replace(file)
    onnx_file.describe_in(file, job.description)


def _calibration(job: Job) -> Iterator[np.ndarray]:
    """Frames spread over the training split, [1, 1, H, W], as the network sees them."""
    training = SplitFrames(load_split(job.data, job.data["train"]), job.trained.gain)
    chosen = np.linspace(0, len(training) - 1, min(CALIBRATION, len(training))).astype(int).tolist()
    for shot in map(job.fitting, training.shots(chosen)):
        image = shot.image
        padded = pad_to(image, *job.shown) if job.shown else pad_to_multiple(image, job.trained.stride)
        yield padded[None, None]


def _ap(detector: Detector, frames: SplitFrames, evaluate: Evaluate) -> float:
    found = detect(detector.pipeline(CPU), frames)
    entries = predictions_json(found, frames.annotations)
    return float(evaluate(frames.annotations, entries).metrics.overall["AP"] or 0.0)
