"""The rows of a table of boxes, whatever separates its cells and however it calls its columns.

A table without header is `path,x1,y1,x2,y2,class` in edges counted from 0, which keras-retinanet made common,
and `path,,,,,` for a picture without objects. With a header columns are known by their names, in any order:
corners, a corner and the size, or the centre and the size. Excel's semicolons, tabs and decimal commas are
read, and what VGG's annotator writes. Columns that are not known are passed over.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from detector.data.readers.assemble import brief, checked_name, finite, shown
from detector.data.readers.csv_vgg import ATTRIBUTES, SHAPE, read_attributes, read_shape
from detector.data.readers.files import read_text
from detector.data.readers.labelled import Box
from detector.errors import UserError

LIMIT_MIB = 512
SEPARATORS = (",", ";", "\t", "|")
COLUMNS = {
    "path": (
        *("path", "filename", "file_name", "file", "filepath", "file_path", "image_path", "image_name"),
        *("image_file", "image", "img", "img_path", "img_name", "picture", "image_id", "imageid"),
    ),
    "class": (
        *("class", "class_name", "classname", "label", "label_name", "labelname", "category"),
        *("category_name", "cls", "object", "object_class", "name", "class_id", "label_id", "category_id"),
    ),
    "x1": ("x1", "xmin", "x_min", "min_x", "left", "xtl", "x0", "bbox_x1", "bbox_xmin", "bbox_left"),
    "y1": ("y1", "ymin", "y_min", "min_y", "top", "ytl", "y0", "bbox_y1", "bbox_ymin", "bbox_top"),
    "x2": ("x2", "xmax", "x_max", "max_x", "right", "xbr", "bbox_x2", "bbox_xmax", "bbox_right"),
    "y2": ("y2", "ymax", "y_max", "max_y", "bottom", "ybr", "bbox_y2", "bbox_ymax", "bbox_bottom"),
    "x": ("x", "bbox_x", "box_x", "bb_x"),
    "y": ("y", "bbox_y", "box_y", "bb_y"),
    "cx": ("cx", "x_center", "x_centre", "xcenter", "center_x", "centre_x", "xc", "bbox_cx"),
    "cy": ("cy", "y_center", "y_centre", "ycenter", "center_y", "centre_y", "yc", "bbox_cy"),
    "w": ("w", "bbox_width", "box_width", "bbox_w", "box_w", "bb_width", "width"),
    "h": ("h", "bbox_height", "box_height", "bbox_h", "box_h", "bb_height", "height"),
    "shape": (SHAPE,),
    "attributes": (ATTRIBUTES,),
    "ignored": ("ignored", "ignore", "difficult", "iscrowd"),
    "sequence": ("sequence", "recording", "video", "scene"),
    "split": ("split", "subset", "set"),
}
"""Names of columns in a header row, capitals or not, blanks and dashes written as _."""

_EXCEL = re.compile(r"\Asep=.[\r\n]*", re.IGNORECASE)
"""A first line that tells Excel the separator."""
_PLAIN = ("path", "x1", "y1", "x2", "y2", "class")
FORMS = (
    ("x1", "y1", "x2", "y2", "class"),
    ("x", "y", "w", "h", "class"),
    ("x1", "y1", "w", "h", "class"),
    ("cx", "cy", "w", "h", "class"),
    ("shape", "attributes"),
)
"""The columns that tell an object, besides the path; the first that a header has all of counts.

A picture's own width and height, beside corners, are no part of a box.
"""


class Row(NamedTuple):
    """One row: its cells by the keys of COLUMNS, empty where the table has none, and its line for messages.

    label, box: of the object, the box xyxy as `Rows.shares` says; None in a row without object.
    """

    cells: Mapping[str, str]
    label: str
    box: Box | None
    line: int


class Rows(NamedTuple):
    """A table. shares: boxes are shares of the picture's sides; else pixels."""

    rows: tuple[Row, ...]
    shares: bool


class _Layout(NamedTuple):
    """Where the cells of COLUMNS stand, and which of FORMS tells the box."""

    places: Mapping[str, int]
    form: tuple[str, ...]
    comma: bool  # stands in a number for a point


def is_table(line: str) -> bool:
    """Whether a file that begins with this line is meant as such a table, whatever may be wrong with it."""
    told = _EXCEL.fullmatch(line) is not None
    return told or any(_is_header(cells) or _is_row(cells) for cells in map(_cells, [line] * 4, SEPARATORS))


def read_rows(file: Path) -> Rows:
    """Raises UserError, with the line, on what is malformed."""
    text = read_text(file, limit_mib=LIMIT_MIB)
    text = _EXCEL.sub("", text)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = next((one for one in SEPARATORS if _is_header(c := _cells(first, one)) or _is_row(c)), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    layout: _Layout | None = None
    rows = []
    try:
        for line in reader:
            if not any(cell.strip() for cell in line):
                continue
            if layout is None:
                layout, is_header = _layout(line, comma=separator != ",", file=file)
                if is_header:
                    continue
            rows.append(_row(line, layout, reader.line_num, file))
    except csv.Error as error:
        raise UserError(f"{file}: line {reader.line_num}: not a readable row: {error}") from None
    return Rows(tuple(rows), _are_shares(rows))


def _are_shares(rows: Sequence[Row]) -> bool:
    """No box of a picture of more than one pixel has all its corners in [0, 1]."""
    numbers = [number for row in rows if row.box is not None for number in row.box]
    return any(number % 1 for number in numbers) and min(numbers) >= 0 and max(numbers) <= 1.001


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _is_header(cells: Sequence[str]) -> bool:
    words = [_word(cell) for cell in cells]
    if SHAPE in words:
        return True
    return all(any(name in words for name in COLUMNS[key]) for key in ("path", "class"))


def _is_row(cells: Sequence[str]) -> bool:
    """Of the form without header."""
    numbers = all(re.fullmatch(r"\s*-?[0-9.,]*(e-?[0-9]+)?\s*", cell) for cell in cells[1:5])
    return len(cells) == len(_PLAIN) and bool(cells[0].strip()) and numbers


def _word(cell: str) -> str:
    """A column's name as COLUMNS has it."""
    return re.sub(r"[\s_.-]+", "_", cell.strip().lstrip("#").lower())


def _layout(cells: Sequence[str], *, comma: bool, file: Path) -> tuple[_Layout, bool]:
    """From the first row, which is a header or, where no name is known, an object already; and whether it is.

    Of two names for the same the one that COLUMNS lists first counts. Raises UserError for a header that
    leaves something open.
    """
    words = [_word(cell) for cell in cells]
    found = {
        key: words.index(name) for key, names in COLUMNS.items() for name in reversed(names) if name in words
    }
    if not found and len(cells) >= len(_PLAIN) and _is_row(cells[: len(_PLAIN)]):
        return _Layout({key: place for place, key in enumerate(_PLAIN)}, FORMS[0], comma), False
    complete = [form for form in FORMS if found.keys() >= {"path", *form}]
    if complete:
        return _Layout(found, complete[0], comma), True
    if not {"path", *(key for form in FORMS for key in form)} & found.keys():
        known = "path, x1, y1, x2, y2, class, or path, x, y, w, h, class"
        raise UserError(
            f"{file}: the first row is neither an object nor a header with columns {known}: "
            f"found {brief(', '.join(cells))}"
        )
    nearest = max(FORMS, key=lambda form: len(found.keys() & {*form}))
    missing = [key for key in ("path", *nearest) if key not in found]
    told = [f"{key} (or {', '.join(COLUMNS[key][1:4])})" if COLUMNS[key][1:] else key for key in missing]
    raise UserError(f"{file}: the header row has no column {shown(told)}; found {brief(', '.join(cells))}")


def _row(line: Sequence[str], layout: _Layout, number: int, file: Path) -> Row:
    where = f"{file}: line {number}"
    if len(line) <= max(layout.places[key] for key in ("path", *layout.form)):
        raise UserError(f"{where}: {len(line)} cells; needs {', '.join(('path', *layout.form))}")
    cells = {
        key: line[place].strip() if (place := layout.places.get(key, len(line))) < len(line) else ""
        for key in COLUMNS
    }
    if not cells["path"]:
        raise UserError(f"{where}: no path")
    if cells["ignored"] not in ("", "0", "1"):
        raise UserError(f"{where}: ignored must be 0 or 1, found {brief(cells['ignored'])}")
    if layout.form[0] == "shape":
        box = read_shape(cells["shape"], where)
        label = read_attributes(cells["attributes"], where) if box is not None else ""
        return Row(cells, label, box, number)
    if not any(cells[key] for key in layout.form):
        return Row(cells, "", None, number)
    label = checked_name(cells["class"], where)
    texts = {key: cells[key].replace(",", ".") if layout.comma else cells[key] for key in layout.form[:4]}
    one, two, three, four = (finite(text, key, where) for key, text in texts.items())
    if layout.form[2] == "x2":
        return Row(cells, label, (one, two, three, four), number)
    if layout.form[0] == "cx":
        one, two = one - three / 2, two - four / 2
    return Row(cells, label, (one, two, one + three, two + four), number)
