"""The thermal camera: from the temperatures of a scene to the counts of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from detector.synth.noise import fractal_tile

LEAST_SPAN = 2.0
"""Kelvin that a camera's own gain spreads at least: it does not make a picture of nothing but noise."""


@dataclass(frozen=True)
class SensorParams:
    """A radiometric microbolometer of the Lepton 3 kind; deviations in kelvin at the scene.

    blur_px: sigma of the lens, in output pixels; netd_k: noise of one pixel from frame to frame; pixel_k,
    column_k, row_k: fixed pattern, the same in every frame of a scene; flicker_k: noise of whole rows from
    frame to frame; shading_k: smooth pattern left by the housing's own heat; drift_k: how far the whole
    frame wanders between two shutter corrections; counts_per_kelvin: 100 is the Lepton's radiometric mode.
    bits: 16: counts; 8: a picture after the camera's own gain, which follows each frame, as most cameras hand
    it out.
    """

    blur_px: float
    netd_k: float
    pixel_k: float
    column_k: float
    row_k: float
    flicker_k: float
    shading_k: float
    drift_k: float
    counts_per_kelvin: float
    bits: int


class Sensor:
    """One camera: its fixed pattern is drawn once, its noise for every frame."""

    def __init__(self, params: SensorParams, rng: np.random.Generator, *, width: int, height: int) -> None:
        self._params = params
        self._blur = params.blur_px * float(rng.uniform(0.8, 1.4))
        self._pattern = (
            params.pixel_k * rng.standard_normal((height, width))
            + params.column_k * rng.standard_normal((1, width))
            + params.row_k * rng.standard_normal((height, 1))
        )
        shading = cv2.resize(fractal_tile(rng, size=32, slope=-3.5), (width, height))
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        self._shading = params.shading_k * (
            0.4 * shading - float(rng.uniform(0, 1.5)) * (x * x + y * y) ** 1.5
        )
        self._drift_phase, self._drift_rate = float(rng.uniform(0, 6.28)), float(rng.uniform(0.05, 0.5))

    def expose(self, kelvin: np.ndarray, rng: np.random.Generator, *, frame: int) -> np.ndarray:
        """Counts [height, width], uint16 or uint8, of a scene [height * fine, width * fine] in kelvin.

        frame: number since the last shutter correction; the offset drifts, and the pattern grows, with it.
        """
        params = self._params
        height, width = self._pattern.shape
        fine = kelvin.shape[0] // height
        blurred = cv2.GaussianBlur(kelvin, (0, 0), self._blur * fine)
        seen = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_AREA)
        drift = params.drift_k * np.sin(self._drift_phase + self._drift_rate * frame)
        noise = params.netd_k * rng.standard_normal((height, width))
        flicker = params.flicker_k * rng.standard_normal((height, 1))
        aged = 1.0 + 0.05 * frame
        value = seen + drift + noise + flicker + aged * self._pattern + self._shading
        if params.bits == 8:
            return _picture(value, rng)
        return np.clip(np.rint(value * params.counts_per_kelvin), 0, 65535).astype(np.uint16)


def _picture(kelvin: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[H, W] uint8: most of the frame's range spread over a share of the greys, half of them sharpened."""
    low, high = np.percentile(kelvin, (rng.uniform(0, 1), rng.uniform(98.5, 100)))
    black, white = rng.uniform(0, 70), rng.uniform(180, 255)
    picture = black + (white - black) * (kelvin - low) / max(high - low, LEAST_SPAN)
    if rng.random() < 0.5:
        picture = picture + 0.6 * (picture - cv2.GaussianBlur(picture, (0, 0), 1.0))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
