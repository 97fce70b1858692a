"""Self-contained HTML pages: one file that needs no network, no other file and no script.

A page is sections, a section is blocks. All text given here is escaped, so a file's name may hold anything;
only the SVG of a `Drawing` goes into the page as it is, and is made here.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import cv2
import jinja2
import numpy as np
from markupsafe import Markup

from detector.charts.canvas import svg_of
from detector.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Level = Literal["error", "warning", "note", "good"]

_PHONE = 44
"""Letters of a table that fit in a line of a phone."""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Notice:
    """A framed statement. level: how bad it is; hint: what to do; details: lines to unfold below it."""

    kind: ClassVar[str] = "notice"
    level: Level
    title: str
    text: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows of text, each as long as the header; the first column names the row.

    Raises ValueError where a row has another length.
    """

    kind: ClassVar[str] = "table"
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"table row {row} has {len(row)} cells, the header {len(self.header)}")

    @property
    def wide(self) -> bool:
        """Whether a phone's window has no room for its columns: there a row becomes a block.

        Headers and names of rows are broken between words, other cells are not.
        """
        widths = [max(map(len, title.split()), default=0) for title in self.header]
        for first, *cells in self.rows:
            lengths = (max(map(len, first.split()), default=0), *map(len, cells))
            widths = list(map(max, widths, lengths))
        return sum(widths) + len(widths) > _PHONE


@dataclass(frozen=True)
class Drawing:
    """A line drawing. alt: what it shows, for who cannot see it."""

    kind: ClassVar[str] = "drawing"
    figure: Figure
    alt: str
    caption: str = ""

    @property
    def markup(self) -> Markup:
        """The SVG for the page, unescaped."""
        return Markup(svg_of(self.figure))


@dataclass(frozen=True)
class Picture:
    """A photograph. encoded: the bytes of a PNG or JPEG file; alt and caption as of a Drawing."""

    kind: ClassVar[str] = "picture"
    encoded: bytes
    alt: str
    caption: str = ""

    @property
    def source(self) -> str:
        """The picture as a data URI."""
        media = "png" if self.encoded.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{media};base64,{base64.b64encode(self.encoded).decode()}"


@dataclass(frozen=True)
class Pair:
    """Two pictures to compare, next to each other unless the page is narrow."""

    kind: ClassVar[str] = "pair"
    pictures: tuple[Picture, Picture]


@dataclass(frozen=True)
class Row:
    """Figures side by side as far as there is room; a table comes before its figures."""

    kind: ClassVar[str] = "row"
    figures: tuple[Drawing | Picture | Table, ...] | tuple[Pair, ...]
    caption: str = ""


@dataclass(frozen=True)
class Tiles:
    """Small pictures side by side, two in a line even where the page is narrow."""

    kind: ClassVar[str] = "tiles"
    pictures: tuple[Picture, ...]
    caption: str = ""


@dataclass(frozen=True)
class Facts:
    """Names and what stands behind them, of any length: lines are broken, nothing is scrolled."""

    kind: ClassVar[str] = "facts"
    rows: tuple[tuple[str, str], ...]


Block = Text | Notice | Table | Drawing | Picture | Pair | Row | Tiles | Facts


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole page. lead: one or two sentences below the title."""

    title: str
    lead: str
    sections: tuple[Section, ...]


def jpeg(picture: np.ndarray) -> bytes:
    """The bytes of a JPEG file of a picture [h, w, 3] RGB or [h, w], uint8."""
    stored = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", stored, (cv2.IMWRITE_JPEG_QUALITY, 88))
    return encoded.tobytes()


def render(page: Page) -> str:
    """The page as one HTML document."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A file name that is no UTF-8 arrives with surrogates, which no page can hold.
    text = environment.get_template("page.html").render(page=page, anchors=_anchors(page.sections))
    return text.encode("utf-8", "replace").decode()


def write(page: Page, path: Path) -> None:
    """Write the page, making folders above it; the file is whole or not there. Raises OSError."""
    write_text(path, render(page))


def _anchors(sections: Sequence[Section]) -> tuple[str, ...]:
    return tuple(f"section-{number}" for number in range(1, len(sections) + 1))
