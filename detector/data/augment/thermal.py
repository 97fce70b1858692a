"""What a thermal scene and its camera do to a picture: albumentations transforms on float32 in [0, 1].

Strengths are shares of the picture's span, the range of counts that the gain spreads over [0, 1]: 0.01 is
0.1 K where that range is 10 K wide. Every result is clipped to [0, 1].
"""

from __future__ import annotations

from typing import Any

import albumentations as A
import cv2
import numpy as np

from detector.errors import UserError


class InvertPolarity(A.ImageOnlyTransform):
    """1 - x: objects that were warmer than the ground become colder, as between night and a sunny day."""

    def __init__(self, p: float) -> None:
        super().__init__(p=p)

    def apply(self, img: np.ndarray, **params: Any) -> np.ndarray:  # noqa: ARG002 (albumentations' signature)
        return 1.0 - img


class LocalGain(A.ImageOnlyTransform):
    """Gain and offset that drift smoothly over the picture, as a warming lens and shutterless sensors do.

    gain, offset: largest deviation from 1 and from 0, at the nodes of a grid x grid field that is
    interpolated between them.
    """

    def __init__(self, gain: float, offset: float, grid: int, p: float) -> None:
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


class Netd(A.ImageOnlyTransform):
    """Temporal noise: each pixel's own, independent from frame to frame, Gaussian.

    std: limits of the standard deviation at mid-range, drawn anew for each picture. slope: by what share of
    it the deviation grows from value 0 to value 1, in (-2, 2). Raw counts of a microbolometer have 0;
    counts linear in temperature have it below 0, as a kelvin makes less signal where it is cold.
    Raises UserError on values out of range.
    """

    def __init__(self, std: tuple[float, float], slope: float, p: float) -> None:
        super().__init__(p=p)
        _check_limits("netd std", std)
        if not -2 < slope < 2:
            raise UserError(f"netd slope: must be in (-2, 2), found {slope}")
        self.std = std
        self.slope = slope

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        std = self.random_generator.uniform(*self.std)
        noise = self.random_generator.standard_normal(params["shape"], np.float32)
        return {"noise": np.float32(std) * noise}

    def apply(self, img: np.ndarray, **params: Any) -> np.ndarray:
        noise = params["noise"]
        if self.slope:
            noise = noise * (1 + self.slope * (img - 0.5))
        return np.clip(img + noise, 0, 1)


class Stripes(A.ImageOnlyTransform):
    """Fixed pattern: an offset for every column and one for every row, as the readout amplifiers leave it.

    column, row: limits of the standard deviation of the columns' and the rows' offsets, drawn anew for each
    picture. Raises UserError on values out of range.
    """

    def __init__(self, column: tuple[float, float], row: tuple[float, float], p: float) -> None:
        super().__init__(p=p)
        _check_limits("stripes column", column)
        _check_limits("stripes row", row)
        self.column = column
        self.row = row

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        rng = self.random_generator
        height, width = params["shape"][:2]
        columns = rng.uniform(*self.column) * rng.standard_normal((1, width))
        rows = rng.uniform(*self.row) * rng.standard_normal((height, 1))
        return {"pattern": (columns + rows).astype(np.float32)}

    def apply(self, img: np.ndarray, **params: Any) -> np.ndarray:
        return np.clip(img + params["pattern"], 0, 1)


class DeadPixels(A.ImageOnlyTransform):
    """Pixels stuck at 0 or at 1, alone and in clusters.

    share: limits of the share of defects, drawn anew for each picture. cluster: chance that a defect is not
    one pixel but a block with sides of 2 or 3. Raises UserError on values out of range.
    """

    def __init__(self, share: tuple[float, float], cluster: float, p: float) -> None:
        super().__init__(p=p)
        _check_limits("dead pixels share", share)
        if share[1] > 1 or not 0 <= cluster <= 1:
            raise UserError(
                f"dead pixels: share and cluster must be in [0, 1], found {tuple(share)}, {cluster}"
            )
        self.share = share
        self.cluster = cluster

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        rng = self.random_generator
        height, width = params["shape"][:2]
        count = rng.poisson(rng.uniform(*self.share) * height * width)
        blocks = rng.random(count) < self.cluster
        sides = np.where(blocks[:, None], rng.integers(2, 4, (count, 2)), 1)
        corners = rng.integers((height, width), size=(count, 2))
        return {"corners": corners, "sides": sides, "stuck": rng.integers(2, size=count)}

    def apply(self, img: np.ndarray, **params: Any) -> np.ndarray:
        img = img.copy()
        for (top, left), (height, width), value in zip(
            params["corners"], params["sides"], params["stuck"], strict=True
        ):
            img[top : top + height, left : left + width] = value
        return img


class DeadColumns(A.ImageOnlyTransform):
    """Columns stuck at 0 or at 1 from some row on to the end, as a broken line to the readout leaves them.

    max_columns: largest number of them, evenly distributed from 1. Raises UserError if below 1.
    """

    def __init__(self, max_columns: int, p: float) -> None:
        super().__init__(p=p)
        if max_columns < 1:
            raise UserError(f"dead columns max_columns: must be at least 1, found {max_columns}")
        self.max_columns = max_columns

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        rng = self.random_generator
        height, width = params["shape"][:2]
        count = rng.integers(1, self.max_columns + 1)
        return {
            "columns": rng.integers(width, size=count),
            "first_rows": rng.integers(height, size=count),
            "stuck": rng.integers(2, size=count),
        }

    def apply(self, img: np.ndarray, **params: Any) -> np.ndarray:
        img = img.copy()
        for column, first, value in zip(
            params["columns"], params["first_rows"], params["stuck"], strict=True
        ):
            img[first:, column] = value
        return img


def _check_limits(name: str, limits: tuple[float, float]) -> None:
    if not 0 <= limits[0] <= limits[1]:
        raise UserError(f"{name}: need 0 <= min <= max, found {tuple(limits)}")
