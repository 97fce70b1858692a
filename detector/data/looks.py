"""Numbers that say whether frames look like a thermal camera's: histogram, spectrum, contrast, line noise.

Frames are compared after the same gain (percentiles 1 and 99 of each frame become 0 and 1), so an 8-bit
picture the camera has gained and raw counts stand on one scale.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from detector.structures import Frame
from detector.thermal.agc import Percentile

BINS = 32
SLOPE_BAND = (0.03, 0.35)
"""Cycles per pixel between which a power law is fitted: below is the scene's layout, above the sensor."""
FREQUENCIES = np.linspace(0.02, 0.48, 24)
GAIN = Percentile(low=1.0, high=99.0, min_span=16.0)


@dataclass(frozen=True)
class Looks:
    """A set of frames in figures; intensities are shares of the gained range.

    histogram [BINS]: mean share of pixels by intensity. spectrum [F]: mean power at FREQUENCIES, normalised
    to 1 in all. slopes [frames]: of log power over log frequency. deviations [frames]: spread of a frame's
    intensities. noise [frames]: robust deviation between neighbours. column_share, row_share [frames]:
    part of the fine detail's variance that whole columns or rows have in common. contrasts [objects]: object
    mean minus the mean of a ring around it, over the ring's deviation. differences [objects]: the same
    numerator alone. sides [objects]: square root of box area in pixels.
    """

    histogram: np.ndarray
    spectrum: np.ndarray
    slopes: np.ndarray
    deviations: np.ndarray
    noise: np.ndarray
    column_share: np.ndarray
    row_share: np.ndarray
    contrasts: np.ndarray
    differences: np.ndarray
    sides: np.ndarray


def measure(frames: Iterable[tuple[Frame, np.ndarray]]) -> Looks:
    """The looks of frames, each given with its boxes [N, 4] (xyxy, pixels). At least one frame."""
    histograms, spectra, deviations, noise, shares = [], [], [], [], []
    contrasts, differences, sides = [], [], []
    for frame, boxes in frames:
        image = GAIN(frame)
        histograms.append(np.histogram(image, BINS, (0, 1))[0] / image.size)
        spectra.append(radial_spectrum(image))
        deviations.append(image.std())
        noise.append(neighbour_noise(image))
        shares.append(line_shares(image))
        for box in boxes:
            contrast, difference = object_contrast(image, box)
            contrasts.append(contrast)
            differences.append(difference)
            sides.append(float(np.sqrt((box[2] - box[0]) * (box[3] - box[1]))))
    assert histograms, "no frame to measure"
    column_share, row_share = np.array(shares).T
    return Looks(
        histogram=np.mean(histograms, axis=0),
        spectrum=np.mean([spectrum / max(spectrum.sum(), 1e-12) for spectrum in spectra], axis=0),
        slopes=np.array([spectrum_slope(spectrum) for spectrum in spectra]),
        deviations=np.array(deviations),
        noise=np.array(noise),
        column_share=column_share,
        row_share=row_share,
        contrasts=np.array(contrasts),
        differences=np.array(differences),
        sides=np.array(sides),
    )


def radial_spectrum(image: np.ndarray) -> np.ndarray:
    """Power [F] at FREQUENCIES (cycles per pixel), averaged over directions, under a Hann window."""
    height, width = image.shape
    window = np.hanning(height)[:, None] * np.hanning(width)[None, :]
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    step = FREQUENCIES[1] - FREQUENCIES[0]
    bins = np.rint((radius - FREQUENCIES[0]) / step).astype(int)
    inside = (bins >= 0) & (bins < len(FREQUENCIES)) & (radius > 0)
    total = np.bincount(bins[inside], power[inside], len(FREQUENCIES))
    return np.asarray(total / np.maximum(np.bincount(bins[inside], minlength=len(FREQUENCIES)), 1))


def spectrum_slope(spectrum: np.ndarray) -> float:
    """Exponent of the power law that fits `spectrum` best inside SLOPE_BAND."""
    band = np.abs(FREQUENCIES - np.mean(SLOPE_BAND)) <= np.ptp(SLOPE_BAND) / 2
    return float(np.polyfit(np.log(FREQUENCIES[band]), np.log(spectrum[band] + 1e-12), 1)[0])


def object_contrast(image: np.ndarray, box: np.ndarray) -> tuple[float, float]:
    """(contrast, difference) of a box [4] (xyxy) against a ring as wide as a third of its shorter side.

    The ring is at least 2 pixels wide. Its deviation counts as 0.01 at least, so a flat ring stays finite.
    """
    height, width = image.shape
    x0, y0, x1, y1 = (round(float(value)) for value in box)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    margin = max(2, round(min(x1 - x0, y1 - y0) / 3))
    outer = np.zeros(image.shape, bool)
    outer[max(0, y0 - margin) : min(height, y1 + margin), max(0, x0 - margin) : min(width, x1 + margin)] = (
        True
    )
    inner = np.zeros(image.shape, bool)
    inner[max(0, y0) : y1, max(0, x0) : x1] = True
    ring = image[outer & ~inner]
    if not inner.any() or ring.size == 0:
        return 0.0, 0.0
    difference = float(image[inner].mean() - ring.mean())
    return difference / max(float(ring.std()), 0.01), difference


def neighbour_noise(image: np.ndarray) -> float:
    """Deviation of white noise that would give the median difference between a pixel and its neighbours."""
    detail = _detail(image, axis=1)
    return float(1.4826 * np.median(np.abs(detail - np.median(detail))) / np.sqrt(1.5))


def line_shares(image: np.ndarray) -> tuple[float, float]:
    """Variance shared by whole columns and by whole rows, each as a part of the fine detail's variance.

    Lines of white noise have means of their own, variance / length, which is taken off. The medians over a
    line keep edges of the scene out.
    """
    shares = []
    for axis in (1, 0):
        detail = _detail(image, axis=axis)
        spread = (1.4826 * np.median(np.abs(detail))) ** 2
        lines = np.median(detail, axis=1 - axis)
        own = 1.5708 * spread / detail.shape[1 - axis]  # variance of a median of normal deviates
        shares.append(float(np.clip((np.var(lines) - own) / max(spread, 1e-12), 0.0, 1.0)))
    return shares[0], shares[1]


def _detail(image: np.ndarray, *, axis: int) -> np.ndarray:
    """Each pixel minus the mean of its neighbours along an axis: 1.5 times white noise's variance."""
    moved = np.moveaxis(image, axis, 0)
    return np.moveaxis(moved[1:-1] - 0.5 * (moved[:-2] + moved[2:]), 0, axis)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Earth mover's distance between two histograms over [0, 1]: the mean shift in intensity."""
    return float(np.abs(np.cumsum(first - second)).sum() / len(first))


def table(sets: dict[str, Looks]) -> list[tuple[str, ...]]:
    """The looks side by side: a row of the sets' names, then one to each figure, its name first.

    Medians with the 10th and 90th percentiles; a dash where nothing was measured. Distances are to the first
    set.
    """
    looks = list(sets.values())
    spans = {
        "spectrum slope": [item.slopes for item in looks],
        "intensity deviation": [item.deviations for item in looks],
        "neighbour noise": [item.noise for item in looks],
        "column noise share": [item.column_share for item in looks],
        "row noise share": [item.row_share for item in looks],
        "object contrast, absolute": [np.abs(item.contrasts) for item in looks],
        "object difference, absolute": [np.abs(item.differences) for item in looks],
        "object side (pixels)": [item.sides for item in looks],
    }
    return [
        ("", *sets),
        ("frames", *(str(len(item.slopes)) for item in looks)),
        ("objects", *(str(len(item.sides)) for item in looks)),
        ("histogram distance", *(f"{distance(item.histogram, looks[0].histogram):.3f}" for item in looks)),
        *((name, *map(_span, columns)) for name, columns in spans.items()),
        ("objects warmer than around", *(_share(item.contrasts > 0) for item in looks)),
    ]


def _span(values: np.ndarray) -> str:
    if len(values) == 0:
        return "-"
    low, middle, high = np.percentile(values, (10, 50, 90))
    return f"{middle:.3f} ({low:.3f} .. {high:.3f})"


def _share(values: np.ndarray) -> str:
    return f"{values.mean():.2f}" if len(values) else "-"
