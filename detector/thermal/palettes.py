"""False colours: the palettes of thermal cameras and of plotting programs, and the way back to levels.

A palette is a curve through the colours, cold to hot. A colour's level is the place of the nearest colour on
it, 0 to 255, so levels are in the order of temperature; what the camera's gain did before stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np

LEVELS = 256
NEAR = 40.0
"""How far, in RGB, a colour may lie from the palette it is of: JPEG's halved chroma moves edges so far."""
MOST_BESIDE = 0.2
"""Share of colours that may lie farther off a palette: writing, scales and shaded strips do."""
_SLOWEST = 6  # levels that the coarse table below may be beside
_SMOOTH = 48.0  # in RGB, between neighbours of a palette: more is no gradient but an unordered colour table
_FEWEST = 64  # entries of a colour table that can be a gradient

# Level:colour at the bends, straight between. iron: in the files of a FLIR E40. rainbow: of FLIR's Lepton.
# seek: measured on the scales in 203 pictures of a Seek phone camera.
_BENDS = {
    "iron": "0:001f25 7:001845 27:3b0b85 38:560997 57:820da3 87:b5248d 132:e35c3e 161:f18812 189:f4b10a "
    "205:f3c71c 223:efda49 242:e7e99d 255:e1efef",
    "rainbow": "0:01034a 8:000352 23:003185 30:003891 49:005acb 64:0071df 75:0485ca 87:119784 96:43ab3c "
    "103:69b91a 116:a4cc02 128:d4d703 143:edd008 158:fcb711 169:ff9b18 192:fb213b 206:f7194f 215:f83b60 "
    "220:fa5d6c 225:fb6671 242:ffbfa5 255:ffe9d0",
    "seek": "0:000002 38:020b70 69:0256f0 73:035af0 114:069400 160:f8f606 206:f82804 255:fdfafa",
}
_OF_OPENCV = {
    "cividis": cv2.COLORMAP_CIVIDIS,
    "hot": cv2.COLORMAP_HOT,
    "inferno": cv2.COLORMAP_INFERNO,
    "jet": cv2.COLORMAP_JET,
    "magma": cv2.COLORMAP_MAGMA,
    "plasma": cv2.COLORMAP_PLASMA,
    "turbo": cv2.COLORMAP_TURBO,
    "viridis": cv2.COLORMAP_VIRIDIS,
}
NAMES = (*_BENDS, *_OF_OPENCV)


@cache
def colours_of(name: str) -> np.ndarray:
    """[256, 3] uint8 RGB of a palette of NAMES, cold to hot. Do not write into it."""
    levels = np.arange(LEVELS)
    if name in _OF_OPENCV:
        return cv2.applyColorMap(levels.astype(np.uint8)[:, None], _OF_OPENCV[name])[:, 0, ::-1]
    bends = [bend.split(":") for bend in _BENDS[name].split()]
    places = [int(level) for level, _ in bends]
    corners = np.array([tuple(bytes.fromhex(colour)) for _, colour in bends])
    return np.rint([np.interp(levels, places, channel) for channel in corners.T]).T.astype(np.uint8)


@dataclass(frozen=True)
class Fit:
    """How far colours lie from a palette. error: median distance in RGB. beside: the share beyond NEAR."""

    palette: str
    error: float
    beside: float

    @property
    def good(self) -> bool:
        """Whether the colours are of the palette."""
        return self.beside <= MOST_BESIDE

    def __str__(self) -> str:
        return (
            f"half of the pixels within {self.error:.0f} of its colours, {self.beside:.0%} beyond {NEAR:.0f}"
        )


def fit(colours: np.ndarray, palette: str) -> Fit:
    """Of colours [N, 3] RGB, N at least 1, to one of NAMES."""
    distances = _distances(colours, palette)
    return Fit(palette, float(np.median(distances)), float(np.mean(distances > NEAR)))


def recognised(samples: Sequence[np.ndarray]) -> Fit | None:
    """The palette that all the colours [N, 3] RGB of a set's pictures are of; None where there is none.

    One picture may show a part of a palette that others have too, so more pictures tell better.
    """
    colours = np.concatenate([np.asarray(sample) for sample in samples])
    # Beyond NEAR all are alike: how far the writing lies off says nothing.
    means = {name: np.minimum(_distances(colours, name), NEAR).mean() for name in NAMES}
    best = fit(colours, min(means, key=lambda name: means[name]))
    return best if best.good else None


def levels_of(pixels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """[H, W] uint8: where pixels [H, W, 3] uint8 RGB lie on a palette [n, 3] uint8, n at most 256.

    Exact for colours of the palette. Of others that lie between two parts of it the farther one may be taken
    where it is so by no more than 5 in RGB.
    """
    red, green, blue = (np.ascontiguousarray(pixels[..., k]).astype(np.int32) for k in range(3))
    coarse = _coarse(palette.tobytes())[red >> 2, green >> 2, blue >> 2]
    reds, greens, blues = (np.ascontiguousarray(palette[:, k]).astype(np.int32) for k in range(3))
    best, least = coarse, np.full(coarse.shape, np.iinfo(np.int32).max, np.int32)
    for step in range(-_SLOWEST, _SLOWEST + 1):
        level = np.clip(coarse + step, 0, len(palette) - 1)
        square = (red - reds[level]) ** 2 + (green - greens[level]) ** 2 + (blue - blues[level]) ** 2
        nearer = square < least
        best = np.where(nearer, level, best)
        least = np.minimum(least, square)
    return best.astype(np.uint8)


def indices_of(pixels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """[H, W] uint8: index of pixels [H, W, 3] uint8 RGB, all colours of a table [n, 3], n at most 256.

    Of equal colours the first.
    """
    colours, first = np.unique(_packed(table), return_index=True)
    places = np.searchsorted(colours, _packed(pixels))
    return first[np.minimum(places, len(colours) - 1)].astype(np.uint8)


def _packed(colours: np.ndarray) -> np.ndarray:
    """[...] int32, one number for each of the colours [..., 3] uint8."""
    red, green, blue = (colours[..., k].astype(np.int32) for k in range(3))
    return red << 16 | green << 8 | blue


def is_gradient(table: np.ndarray) -> bool:
    """Whether a colour table [n, 3] runs along a curve, so that an index is a level, and not to and fro."""
    if not _FEWEST <= len(table) <= LEVELS:
        return False
    steps = np.linalg.norm(np.diff(table.astype(np.float64), axis=0), axis=1)
    return bool(steps.max() <= _SMOOTH and steps.sum() > LEVELS)


@lru_cache(maxsize=4)
def _coarse(palette: bytes) -> np.ndarray:
    """[64, 64, 64] int32: the level nearest to the middle of each cell of four by four by four colours."""
    table = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    middles = np.arange(64) * 4 + 1.5
    green, blue = np.meshgrid(middles, middles, indexing="ij")
    # By slices: all of them at once would be a quarter of a gigabyte.
    slices = [np.stack([np.full_like(green, red), green, blue], axis=-1).reshape(-1, 3) for red in middles]
    return np.stack([_nearest(table, part)[1].reshape(64, 64) for part in slices])


def _distances(colours: np.ndarray, palette: str) -> np.ndarray:
    return _nearest(colours_of(palette), colours)[0]


def _nearest(table: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distance float32, index int32), each [N], of colours [N, 3] to the nearest of a table [n, 3].

    Squares of colours are below 2^24, so float32 holds them exactly.
    """
    table, colours = table.astype(np.float32), colours.astype(np.float32)
    squares = (table**2).sum(axis=1) - 2 * colours @ table.T
    index = squares.argmin(axis=1).astype(np.int32)
    least = np.take_along_axis(squares, index[:, None], axis=1)[:, 0] + (colours**2).sum(axis=1)
    return np.sqrt(np.maximum(least, 0)), index
