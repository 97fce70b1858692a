"""One channel of counts from the pixels of a file: grey as it is, false colours in one of three ways, or not.

Colours are never taken for counts by themselves: who reads says how (`refuse`, `luminance` or a palette).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from detector.errors import UserError
from detector.thermal import palettes

REFUSE, LUMINANCE, PALETTE, EMBEDDED = "refuse", "luminance", "palette", "embedded"
"""No colours; their brightness; by the palette that a set's pictures have, still to be found; by the colour
table that each file brings."""
WAYS = (REFUSE, LUMINANCE, PALETTE, EMBEDDED, *palettes.NAMES)

NEAR_GREY = 16
"""How far apart a grey picture's channels may lie, in counts. Rounding in JPEG and video moves each by one to
three; colour management, and displays of which screenshots are taken, part them by up to 13 in public grey
sets. Brightness is then a few counts beside what was meant. The palest palette here parts them by 156.
"""
PALE = 4 * NEAR_GREY
"""Up to here a tint or a coloured mark on a grey picture is the likelier cause."""
SAMPLE = 1000  # pixels of a refused picture that tell its palette
_WEIGHTS = (0.114, 0.587, 0.299)  # of blue, green and red in brightness (ITU-R BT.601, as JPEG has it)


class ColourError(UserError):
    """A picture in colours that nobody said how to read; the message says what they look like and what to do.

    colours [N, 3] uint8 RGB: a sample of them. apart: how far its channels lie apart at most. embedded:
    whether the file brings a palette.
    """

    def __init__(self, path: Path | str, colours: np.ndarray, *, apart: int, embedded: bool) -> None:
        self.path, self.colours, self.apart, self.embedded = path, colours, apart, embedded
        super().__init__(path)

    def __str__(self) -> str:
        # Only when asked: to recognise a palette takes longer than to read the picture.
        return f"{self.path}: {advice([self])}"

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is made anew, between processes too, from positional arguments only.
        return partial(ColourError, self.path, self.colours, apart=self.apart, embedded=self.embedded), ()


def advice(errors: Sequence[ColourError]) -> str:
    """What refused pictures of one set, at least one, look like together, and the setting that reads them."""
    apart = max(error.apart for error in errors)
    fit = palettes.recognised([error.colours for error in errors])
    if all(error.embedded for error in errors):
        return f"false colours with their palette in the file: {_undone(EMBEDDED)}"
    if fit is not None:
        return f"false colours, of the palette {fit.palette} ({fit}): {_undone(fit.palette)}"
    luminance = "data.colour=luminance (for predict and frames: colour=luminance) takes their brightness"
    if apart <= PALE:
        return f"nearly grey, but channels lie up to {apart} counts apart, more than {NEAR_GREY}: {luminance}"
    return (
        "a colour picture of no known palette: save raw counts or a grey palette if the camera can; else "
        f"{luminance}, which need not be in the order of temperatures"
    )


def checked_way(way: object, *, where: str) -> str:
    """UserError, naming the setting, for what is none of WAYS."""
    if way not in WAYS:
        raise UserError(f"{where}={way}: must be one of {', '.join(WAYS)}")
    return str(way)


def one_channel(
    pixels: np.ndarray, path: Path | str, *, colour: str, embedded: np.ndarray | None = None
) -> np.ndarray:
    """[H, W] uint8 or uint16, contiguous, of [H, W], or of [H, W, C] of either type.

    C: grey with alpha, BGR, or BGR with alpha. Alpha must be opaque. Channels at most NEAR_GREY apart are
    grey. colour: of WAYS, but not PALETTE, which takes a whole set. embedded: the file's own palette [n, 3]
    uint8 RGB. Raises ColourError where colour is REFUSE, UserError where colours are of another palette.
    """
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    pixels = _opaque(pixels, path)
    if pixels.shape[2] == 1:
        return np.ascontiguousarray(pixels[..., 0])
    apart = int((pixels.max(axis=2) - pixels.min(axis=2)).max())
    if apart <= NEAR_GREY or colour == LUMINANCE:
        return _brightness(pixels) if apart else np.ascontiguousarray(pixels[..., 0])
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    rgb = pixels[..., ::-1]
    gradient = embedded is not None and palettes.is_gradient(embedded)
    sample = rgb.reshape(-1, 3)[:: max(1, rgb[..., 0].size // SAMPLE)]
    if colour == REFUSE:
        raise ColourError(path, sample, apart=apart, embedded=gradient)
    if colour == EMBEDDED:
        if embedded is None or not gradient:
            raise UserError(f"{path}: colour={colour}, but it brings no palette that is a gradient")
        return palettes.indices_of(rgb, embedded)
    if colour not in palettes.NAMES:
        raise UserError(f"{path}: colour={colour}: one picture is read by a palette's name, not by {colour}")
    fit = palettes.fit(sample, colour)
    if not fit.good:
        raise UserError(f"{path}: is not in the palette {colour} ({fit}); is it of another camera?")
    return palettes.levels_of(rgb, palettes.colours_of(colour))


def _undone(palette: str) -> str:
    return (
        f"data.colour={PALETTE} (for predict and frames: colour={palette}) makes 8-bit counts of them, in "
        "the order of temperatures; the camera's raw counts, where it saves them, are better"
    )


def _opaque(pixels: np.ndarray, path: Path | str) -> np.ndarray:
    """Without the alpha channel, which must hide nothing."""
    if pixels.shape[2] in (2, 4):
        if (pixels[..., -1] != np.iinfo(pixels.dtype).max).any():
            raise UserError(f"{path}: has transparent pixels; save it without an alpha channel")
        pixels = pixels[..., :-1]
    return pixels


def _brightness(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels @ np.array(_WEIGHTS)).astype(pixels.dtype)
