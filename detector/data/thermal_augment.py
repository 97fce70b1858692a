"""Changes a thermal scene itself goes through, as albumentations transforms on float32 images in [0, 1]."""

from __future__ import annotations

from typing import Any

import albumentations as A
import cv2
import numpy as np


class InvertPolarity(A.ImageOnlyTransform):
    """1 - x: objects that were warmer than the ground become colder, as between night and a sunny day."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p=p)

    def apply(self, img: np.ndarray, **params: Any) -> np.ndarray:  # noqa: ARG002 (albumentations' signature)
        return 1.0 - img


class LocalGain(A.ImageOnlyTransform):
    """Gain and offset that drift smoothly over the picture, as a warming lens and shutterless sensors do.

    gain, offset: largest deviation from 1 and from 0, at the nodes of a grid x grid field that is
    interpolated between them. The result is clipped to [0, 1].
    """

    def __init__(self, gain: float = 0.15, offset: float = 0.08, grid: int = 3, p: float = 0.3) -> None:
        super().__init__(p=p)
        self.gain = gain
        self.offset = offset
        self.grid = grid

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        nodes = self.random_generator.uniform(-1, 1, (2, self.grid, self.grid)).astype(np.float32)
        return {"gain_nodes": 1 + self.gain * nodes[0], "offset_nodes": self.offset * nodes[1]}

    def apply(self, img: np.ndarray, **params: Any) -> np.ndarray:
        size = img.shape[1], img.shape[0]
        gain, offset = (cv2.resize(params[key], size) for key in ("gain_nodes", "offset_nodes"))
        return np.clip(img * gain + offset, 0, 1)
