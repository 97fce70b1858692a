"""A network as the two files of ncnn, which computes on phones and small boards.

pnnx, of the same project (BSD-3-Clause), writes them from an ONNX file.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from detector.errors import UserError

SUFFIXES = (".ncnn.param", ".ncnn.bin")
INPUT, OUTPUTS = "in0", ("out0", "out1")
"""As pnnx names them: images [1, H, W]; scores [P, C] and boxes [P, 4]."""
MISSING = "form=ncnn needs ncnn and pnnx: pip install 'thermal-detector[ncnn]'"


def convert(file: Path, stem: Path, *, size: tuple[int, int]) -> tuple[Path, Path]:
    """Write stem.ncnn.param and stem.ncnn.bin from an .onnx file of one image.

    size: (height, width) of the images, which ncnn must know. Raises UserError where pnnx is not installed
    or does not write them.
    """
    try:
        import pnnx
    except ImportError as error:
        raise UserError(MISSING) from error
    height, width = size
    with tempfile.TemporaryDirectory() as folder:  # it leaves half a dozen files beside what it reads
        source = Path(folder) / "network.onnx"
        shutil.copy(file, source)
        shape = f"inputshape=[1,1,{height},{width}]f32"
        full = "fp16=0"  # else it keeps the weights in 16 bits
        done = subprocess.run(
            [pnnx.EXEC_PATH, source, shape, full], cwd=folder, capture_output=True, check=False
        )
        made = [source.with_suffix(suffix) for suffix in SUFFIXES]
        if done.returncode or not all(one.is_file() for one in made):
            raise UserError(f"{stem}: not written: pnnx ended with status {done.returncode}")
        param, weights = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
        shutil.copy(made[0], param)
        shutil.copy(made[1], weights)
    return param, weights


class NcnnFile:
    """The two files opened, with what `parity.difference` asks of a file. Computes with 32-bit floats.

    about: the description of the ONNX file they come from.
    """

    def __init__(
        self, param: Path, weights: Path, *, size: tuple[int, int], about: Mapping[str, Any]
    ) -> None:
        import ncnn

        self.batch, self.size, self.about = 1, size, about
        self._ncnn, self._net = ncnn, ncnn.Net()
        self._net.opt.use_fp16_packed = self._net.opt.use_fp16_storage = False
        self._net.opt.use_fp16_arithmetic = self._net.opt.use_bf16_storage = False
        if self._net.load_param(str(param)) or self._net.load_model(str(weights)):
            raise UserError(f"{param}: ncnn cannot read it")

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """images [1, 1, H, W] float32 -> scores [1, P, C] and boxes [1, P, 4]."""
        extractor = self._net.create_extractor()
        extractor.input(INPUT, self._ncnn.Mat(np.ascontiguousarray(images[0])))
        scores, boxes = (np.array(extractor.extract(name)[1])[None] for name in OUTPUTS)
        return scores, boxes
