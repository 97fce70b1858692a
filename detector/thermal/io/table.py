"""Temperatures as text: the tables that cameras' programs export as CSV, one frame a file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.io.checks import check_size, depth_of, reading
from detector.thermal.io.recording import Recording
from detector.thermal.io.temperatures import to_counts

MOST_BYTES = 2**26
MOST_LINES, MOST_LETTERS = 2**15, 2**20
"""Of a file, and in a line: far more than any picture needs."""
HEADER_LINES = 100
"""Lines of other things before the table: camera, emissivity, column names."""
SEPARATORS = (";", "\t", ",", " ")
NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
SMALLEST = 4
"""Numbers in a row: lines of fewer belong to the header."""


def open_table(path: Path, *, unit: str | None) -> Recording:
    """The one frame of a text file of temperatures; unit as in `to_counts`."""
    return Recording(path.stem, partial(_frames, path, unit), length=1)


def _frames(path: Path, unit: str | None) -> Iterator[Frame]:
    with reading(path, "table of temperatures"):
        if path.stat().st_size > MOST_BYTES:
            raise UserError(
                f"{path}: {path.stat().st_size} bytes, more than a table of temperatures may have"
            )
        text = _text(path.read_bytes())
        if text.count("\n") > MOST_LINES:
            raise UserError(f"{path}: more than {MOST_LINES} lines, which no table of temperatures has")
        numbers = _numbers(text, path)
    counts, calibration, taken_for = to_counts(numbers, path, unit=unit)
    yield Frame(counts, depth_of(counts), str(path), calibration=calibration, taken_for=taken_for)


def _text(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode("utf-8-sig", errors="replace")  # a degree sign of another encoding is in the header


def _numbers(text: str, path: Path) -> np.ndarray:
    """[H, W] float64 of the table behind its header, without the names of rows and columns."""
    lines = [line.strip(" \r\n") for line in text.rstrip().splitlines()]
    for separator in SEPARATORS:
        for start, line in enumerate(lines[:HEADER_LINES]):
            width = _width(line, separator)
            # A row of names may be shorter than those that are named.
            if width and (start + 1 == len(lines) or _width(lines[start + 1], separator) == width):
                check_size(path, width=width, height=len(lines) - start)
                return _unnamed(_table(lines, start, width, separator, path))
    raise UserError(f"{path}: not a table of temperatures: no row of {SMALLEST} or more numbers at its start")


def _table(lines: list[str], start: int, width: int, separator: str, path: Path) -> np.ndarray:
    rows = []
    for number, line in enumerate(lines[start:], start + 1):
        if _width(line, separator) != width:
            raise UserError(f"{path}: line {number} is not {width} numbers, as those before it are")
        rows.append(np.array([cell.replace(",", ".") for cell in _cells(line, separator)], np.float64))
    return np.stack(rows)


def _width(line: str, separator: str) -> int:
    """How many numbers a row has; 0 where it has few, or anything else but a name before them."""
    if len(line) > MOST_LETTERS:
        return 0
    cells = _cells(line, separator)
    return len(cells) if len(cells) >= SMALLEST and all(map(NUMBER.fullmatch, cells)) else 0


def _cells(line: str, separator: str) -> list[str]:
    cells = line.split() if separator == " " else [cell.strip().strip('"') for cell in line.split(separator)]
    cells = cells[:-1] if cells and not cells[-1] else cells  # some end every line with a separator
    named = len(cells) > SMALLEST and not NUMBER.fullmatch(cells[0])  # or begin it with one, or a word
    return cells[1:] if named else cells


def _unnamed(table: np.ndarray) -> np.ndarray:
    """Without a first row, and a first column, that number the others."""
    if len(table) > 2 and (_counts_up(table[0]) or _counts_up(table[0, 1:])):
        table = table[1:]
    if table.shape[1] > SMALLEST and len(table) > 2 and _counts_up(table[:, 0]):
        table = table[:, 1:]
    return table


def _counts_up(numbers: np.ndarray) -> bool:
    return bool(numbers[0] in (0, 1, 2) and (np.diff(numbers) == 1).all())
