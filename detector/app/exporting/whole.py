"""form=whole: one file from counts to objects."""

from __future__ import annotations

import json

import numpy as np

from detector.app.exporting.job import CPU, Job, put, workshop
from detector.errors import UserError
from detector.export import onnx_file, whole
from detector.export.parity import objects_apart
from detector.inference.stages import confident, thresholds


def export(job: Job) -> None:
    """Write it. UserError for what no file can hold, and where it finds other objects than PyTorch."""
    trained, output = job.trained, job.place("_whole.onnx")
    assert job.size is not None
    height, width = job.size
    shown = [shot for shot in job.shots() if shot.frame.size == job.size]
    if not shown:
        raise UserError(f"size=[{height},{width}]: the {job.split} split has no such frame to prove it on")
    least = thresholds(trained.classes, stored=trained.thresholds, confidence=job.confidence)
    limits = np.array(list(least.values()))
    wanted = [found.detections for found in confident(least)(trained.pipeline(CPU)(shown))]
    with workshop() as folder:
        made = folder / "whole.onnx"
        model = whole.Whole(
            trained.model,
            gain=trained.gain,
            postprocess=trained.postprocess,
            least=limits.tolist(),
            stride=trained.stride,
        )
        whole.write(model, made, size=job.size)
        words = {"classes": json.dumps(trained.classes), "input": whole.INPUT, "output": whole.OUTPUT}
        onnx_file.describe_in(made, words | ({} if job.licence is None else {"licence": job.licence}))
        found = whole.run(made, [shot.frame.counts for shot in shown])
        scores, boxes, missing = objects_apart(wanted, found, least=limits)
        objects = sum(len(one.scores) for one in wanted)
        print(
            f"largest difference to PyTorch over {objects} objects in {len(shown)} frames: scores "
            f"{scores:.1e}, boxes {boxes:.1e} px"
        )
        if missing:
            raise UserError(f"{output}: not written: {missing} objects are not as PyTorch finds them")
        put(made, output)
    print(f"written: {output}, {output.stat().st_size / 1e6:.1f} MB, for frames of {width}x{height}")
