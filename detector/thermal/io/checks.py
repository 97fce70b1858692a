"""What all formats share: how failures are told, how large a picture may be, which numbers are counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from detector.errors import UserError

MAX_PIXELS = 2**24
"""4096 x 4096, far above any thermal camera: a header that claims more is damaged."""


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turns whatever goes wrong while `path` is read as a `what` into one UserError.

    Decoders meet damaged bytes with nearly any exception (struct.error, KeyError, zlib.error, ...), so every
    one of them is taken for damage; the cause stays chained.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: no such image file") from None
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, EOFError):
            raise UserError(f"{path}: the {what} is cut short ({reason}); copy it again") from error
        raise UserError(f"{path}: the {what} is damaged or cut short ({reason})") from error


def check_size(path: Path, *, width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Raises UserError unless a picture of this size can be meant; call it before anything is allocated."""
    if width < 1 or height < 1 or width * height > max_pixels:
        raise UserError(
            f"{path}: claims {width}x{height} pixels, 1 to {max_pixels} are read; the file is damaged"
        )


def check_number_type(path: Path, dtype: np.dtype) -> None:
    """Raises UserError unless these numbers can be counts, which are integers, or temperatures."""
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise UserError(
            f"{path}: pixels are {dtype}; save the camera's raw counts as uint16, or temperatures as float32"
        )


def as_counts(pixels: np.ndarray, path: Path) -> np.ndarray:
    """The same integers as uint8 where they are stored so, else as uint16.

    Raises UserError for other number types and for values that uint16 cannot hold.
    """
    if pixels.dtype.kind not in "iu":
        raise UserError(f"{path}: pixels are {pixels.dtype}; counts are integers")
    if pixels.dtype == np.uint8:
        return pixels
    low, high = int(pixels.min()), int(pixels.max())
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise UserError(
            f"{path}: counts from {low} to {high}; uint16 holds 0 to 65535: shift them first, or say "
            "unit=centi_celsius (in a data set data.unit) where they are hundredths of degrees"
        )
    return pixels.astype(np.uint16)


def depth_of(counts: np.ndarray, declared: int | None = None) -> int:
    """Bits the counts use: those of a declared largest count of the form 2^k - 1, else those of their type.

    Any other largest count is taken for this one picture's own, from which no depth can be told that would
    be the same for the next; so is one that the counts exceed.
    """
    bits = 8 * counts.dtype.itemsize
    if declared is not None and 0 < declared < 2**bits and declared & (declared + 1) == 0:
        return declared.bit_length() if counts.max() <= declared else bits
    return bits
