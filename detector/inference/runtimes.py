"""What computes an exported network: OpenVINO where it is installed, faster in 8 bits, else ONNX Runtime.

Needs no torch. The two agree within 1e-6 in full precision and by the last of 8 bits in INT8.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from detector.errors import UserError

OUTPUTS = ("scores", "boxes")
MOST_SIZES = 4
"""Of frames, for which OpenVINO keeps a network: it compiles one for each."""


class Runtime(Protocol):
    """A file that is open.

    metadata: texts by key. shape: of the images [B, 1, H, W] it takes; None for a side that may be any.
    """

    metadata: Mapping[str, str]
    shape: tuple[int | None, ...]

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """images [B, 1, H, W] float32 -> scores [B, P, C] and boxes [B, P, 4]."""
        ...


@cache
def openvino_core() -> Any:
    """What opens and compiles files: one for all, as long as the process lives.

    Each takes the place where signals are handled, and gives back the former one when it goes: of two that
    go in the order in which they came, the last gives back one that is no more, and the next signal kills.

    It is kept from telling its maker that it is used: its process for that may never end.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # Python's way to forbid it
    return importlib.import_module("openvino").Core()


class OnnxRuntime:
    """Raises whatever ONNX Runtime does for a damaged file."""

    def __init__(self, path: Path, *, threads: int | None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        (given,) = (value.shape for value in self._session.get_inputs())
        self.shape = tuple(side if isinstance(side, int) else None for side in given)

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, boxes = self._session.run(list(OUTPUTS), {"images": images})
        return scores, boxes


class OpenVino:
    """Raises whatever OpenVINO does for a damaged file."""

    def __init__(self, path: Path, *, threads: int | None) -> None:
        self._model = openvino_core().read_model(path)
        # f32: on processors that have bfloat16 it would compute in that, and scores change.
        self._settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        words = self._model.get_rt_info("framework").value if self._model.has_rt_info("framework") else {}
        self.metadata: Mapping[str, str] = {key: str(value) for key, value in words.items()}
        given = self._model.input("images").partial_shape
        self.shape = tuple(None if side.is_dynamic else side.get_length() for side in given)
        self._requests: dict[tuple[int, ...], Any] = {}

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # One by one where the file allows: more at once gain nothing, and would be a size of their own.
        step = self.shape[0] or 1
        answers = [self._answer(images[first : first + step]) for first in range(0, len(images), step)]
        scores, boxes = (np.concatenate(part) for part in zip(*answers, strict=True))
        return scores, boxes

    def _answer(self, images: np.ndarray) -> list[np.ndarray]:
        # A network compiled for any size takes five times as long.
        if images.shape not in self._requests:
            if len(self._requests) == MOST_SIZES:
                del self._requests[next(iter(self._requests))]
            self._model.reshape({"images": list(images.shape)})
            compiled = openvino_core().compile_model(self._model, "CPU", self._settings)
            self._requests[images.shape] = compiled.create_infer_request()
        request = self._requests[images.shape]
        request.infer({"images": np.ascontiguousarray(images)})
        return [request.get_tensor(name).data.copy() for name in OUTPUTS]


RUNTIMES: Mapping[str, Callable[..., Runtime]] = {"openvino": OpenVino, "onnxruntime": OnnxRuntime}
"""By the package that must be installed; the first that is, is taken."""


def installed() -> list[str]:
    """Those of RUNTIMES that can be used here."""
    return [name for name in RUNTIMES if importlib.util.find_spec(name) is not None]


def open_file(path: Path, *, runtime: str | None, threads: int | None) -> Runtime:
    """The file opened by this runtime; None: the first that is installed. UserError where none is.

    threads: that it computes with; None: it decides.
    """
    name = runtime or next(iter(installed()), None)
    if name is None:
        raise UserError("an .onnx file needs onnxruntime: pip install 'thermal-detector[onnx]'")
    return RUNTIMES[name](path, threads=threads)
