"""form=ncnn: two files for ncnn, and one that says what belongs around the network."""

from __future__ import annotations

import json

from detector.app.exporting.job import Job, put, workshop
from detector.export import onnx_file
from detector.export.ncnn_file import NcnnFile, convert
from detector.files import write_text


def export(job: Job) -> None:
    """Write NAME.ncnn.param, .ncnn.bin and .ncnn.json. UserError where ncnn says other than PyTorch."""
    size, stem = job.shown, job.place("")
    assert size is not None
    with workshop() as folder:
        network = folder / "network.onnx"
        onnx_file.write(job.trained.model, network, size=size, batch=1)
        made = convert(network, folder / stem.name, size=size)
        file = NcnnFile(*made, size=size, about={"stride": job.trained.stride})
        job.compare(file, by="ncnn", name=stem)
        for part in made:
            put(part, stem.with_name(part.name))
    write_text(stem.with_name(stem.name + ".ncnn.json"), json.dumps(job.description, indent=2) + "\n")
    print(f"written: {stem}.ncnn.param, .ncnn.bin and .ncnn.json, for images of {size[1]}x{size[0]}")
