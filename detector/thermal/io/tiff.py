"""TIFF files of one or several pages, through tifffile."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC, PREDICTOR

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.io.checks import as_counts, check_number_type, check_size, depth_of, reading
from detector.thermal.io.colour import one_channel
from detector.thermal.io.exif import orientation_of, taken_at, turned
from detector.thermal.io.opencv import quiet
from detector.thermal.io.recording import Recording
from detector.thermal.io.temperatures import Counts, to_counts

# What tifffile decodes without further packages; OpenCV's libtiff has the others that are common.
OWN_COMPRESSIONS = (COMPRESSION.NONE, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE, COMPRESSION.LZMA)
REDUCED, MASK = 1, 4  # bits of NewSubfileType: a preview, a transparency mask

# Damage is told by UserError: neither Python nor a command's own log prints tifffile's remarks.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
logging.getLogger("tifffile").propagate = False


def open_tiff(path: Path, *, colour: str, unit: str | None) -> Recording:
    """One frame a page; previews and masks are left out; colour as in `one_channel`, unit as in `to_counts`.

    Raises UserError where the file cannot be read.
    """
    with reading(path, "TIFF file"), tifffile.TiffFile(path) as file:
        pages = [number for number in range(len(file.pages)) if _is_picture(_page(file, number))]
    if not pages:
        raise UserError(f"{path}: the TIFF file holds no picture")
    return Recording(path.stem, partial(_frames, path, pages, colour, unit), length=len(pages))


def _page(file: tifffile.TiffFile, number: int) -> tifffile.TiffPage:
    page = file.pages[number]
    assert isinstance(page, tifffile.TiffPage)  # the other kind comes only where it is asked for
    return page


def _is_picture(page: tifffile.TiffPage) -> bool:
    return not page.tags.valueof("NewSubfileType", 0) & (REDUCED | MASK)


def _frames(path: Path, pages: list[int], colour: str, unit: str | None) -> Iterator[Frame]:
    with reading(path, "TIFF file"), tifffile.TiffFile(path) as file:
        for position, number in enumerate(pages):
            page = _page(file, number)
            counts, calibration, taken_for = _counts(page, path, colour=colour, unit=unit)
            orientation = orientation_of(page.tags)
            largest = page.tags.valueof("MaxSampleValue")
            alone = len(pages) == 1
            yield Frame(
                turned(counts, orientation),
                depth_of(counts, largest if isinstance(largest, int) else None),
                str(path) if alone else f"{path} frame {position}",
                time=taken_at(page.tags, path),
                sequence=None if alone else path.stem,
                calibration=calibration,
                orientation=orientation,
                taken_for=taken_for,
            )


def _counts(page: tifffile.TiffPage, path: Path, *, colour: str, unit: str | None) -> Counts:
    pixels = _pixels(page, path)
    if pixels.ndim == 2:
        return to_counts(pixels, path, unit=unit)
    return Counts(one_channel(as_counts(pixels, path), path, colour=colour, embedded=_palette(page)))


def _pixels(page: tifffile.TiffPage, path: Path) -> np.ndarray:
    """[H, W] or [H, W, C] as stored, colours in OpenCV's order, but larger is always brighter."""
    check_size(path, width=page.imagewidth, height=page.imagelength)
    if page.imagedepth != 1 or not 1 <= page.samplesperpixel <= 4:
        raise UserError(f"{path}: a page of {page.samplesperpixel} samples and depth {page.imagedepth}")
    if page.dtype is None or page.bitspersample != 8 * page.dtype.itemsize:
        raise UserError(f"{path}: {page.bitspersample}-bit samples; save the counts as 16-bit")
    check_number_type(path, page.dtype)
    _check_complete(page)
    own = page.compression in OWN_COMPRESSIONS and page.predictor != PREDICTOR.FLOATINGPOINT
    pixels = page.asarray() if own else _by_opencv(page, path)
    if pixels.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and own:
        pixels = np.moveaxis(pixels, 0, -1)
    if own and pixels.ndim == 3 and pixels.shape[2] > 2:
        pixels = pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]]
    palette = _palette(page)
    if palette is not None and pixels.ndim == 2:
        pixels = palette[pixels][..., ::-1]
    # OpenCV turns 8-bit pixels over itself, and leaves 16-bit ones.
    signless = pixels.dtype.kind == "u"  # temperatures are not turned over, however they should be shown
    if page.photometric == PHOTOMETRIC.MINISWHITE and signless and (own or pixels.dtype != np.uint8):
        pixels = np.iinfo(pixels.dtype).max - pixels
    return pixels


def _palette(page: tifffile.TiffPage) -> np.ndarray | None:
    """The colour table [n, 3] uint8 RGB of a page of 8-bit indices into one, else None."""
    if page.photometric != PHOTOMETRIC.PALETTE or page.dtype != np.uint8:
        return None
    table = page.colormap
    if table is None or table.shape != (3, 256) or not table.any():
        raise ValueError("its colour table is missing, empty or of another size")
    # The format asks for 16 bits; some programs write 8.
    return np.ascontiguousarray((table >> 8 if table.max() > 255 else table).astype(np.uint8).T)


def _check_complete(page: tifffile.TiffPage) -> None:
    """tifffile leaves zeros where a strip is missing."""
    size = page.parent.filehandle.size
    ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if len(ends) != math.prod(page.chunked) or 0 in page.databytecounts or max(ends) > size:
        raise EOFError("strips of pixels are missing")


def _by_opencv(page: tifffile.TiffPage, path: Path) -> np.ndarray:
    with quiet():
        done, pages = cv2.imreadmulti(str(path), start=page.index, count=1, flags=cv2.IMREAD_UNCHANGED)
    if not done or pages[0].shape[:2] != page.shape[:2] or pages[0].dtype != page.dtype:
        raise UserError(
            f"{path}: its pixels (TIFF compression {page.compression}) cannot be decoded; "
            "if the file is whole, save it uncompressed or deflated"
        )
    return pages[0]
