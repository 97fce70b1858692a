"""Thermal files that are known and not read: their maker, and what to do instead."""

from __future__ import annotations

from pathlib import Path

from detector.errors import UserError

MAKERS = {
    ".irg": "InfiRay",
    ".is2": "Fluke SmartView",
    ".is3": "Fluke SmartView",
    ".irb": "InfraTec IRBIS",
    ".ravi": "Optris PIX Connect",
    ".bmt": "Testo IRSoft",
    ".ats": "FLIR Research Studio",
    ".sfmov": "FLIR Research Studio",
    ".ptw": "Cedip or FLIR Altair",
    ".fpf": "FLIR",
    ".wseq": "Workswell",
    ".svx": "NEC Avio",
}
"""By suffix in small letters. Inside, some are ZIP archives or videos, and would be misread."""
LFS_START = b"version https://git-lfs"


def refuse(path: Path, head: bytes) -> None:
    """UserError, with what to do, where name or first bytes are of a file that is known and not read."""
    if head.startswith(LFS_START):
        raise UserError(
            f"{path}: holds no picture but where Git LFS keeps it; fetch the files with git lfs pull, or "
            "download them whole"
        )
    maker = MAKERS.get(path.suffix.lower())
    if maker is not None:
        raise UserError(
            f"{path}: a file of {maker}, which is not read here; with the maker's program save its "
            "temperatures as CSV or TIFF, or the raw counts as 16-bit TIFF"
        )
