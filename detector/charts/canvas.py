"""The look that all figures share: small, in a page's own text colour, light or dark; as SVG or as pixels.

Drawn on matplotlib's figures directly, without pyplot's global state. Matplotlib takes half a second to load
and most commands draw nothing, so it is imported here alone, and only by what draws.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#3b82f6", "#ea7317", "#16a373", "#c355e0", "#d9a400", "#e5484d")
"""Of the series in turn; each stands out on white and on near-black."""

INK = "#010203"
"""Stands for the page's text colour until the SVG is written."""

_SCHEMES = (
    "<style>svg{color:#1f2328;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#d1d7e0;background:#0d1117}}</style>"
)
"""Of a file: text and ground, as GitHub's pages have them."""

_DPI = 160
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, sharp, found by a search
    "text.parse_math": False,  # a name with two dollar signs is a name
    "svg.hashsalt": "thermal-detector",  # the same figure gives the same bytes
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def drawn(size: tuple[float, float], draw: Callable[[Figure], None]) -> Figure:
    """What `draw` puts on an empty figure of this width and height in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size)
        draw(figure)
    return figure


def svg_of(figure: Figure) -> str:
    """A figure as an <svg> element that takes the text colour of its surroundings."""
    text = _saved(figure, format="svg", metadata={"Date": None, "Creator": None}).decode()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Groups are called figure_1, axes_1 in every figure; nothing refers to them.
    return re.sub(r' id="[\w.]+_\d+"', "", text).strip()


def svg_file(figure: Figure) -> str:
    """A figure as the text of an .svg file.

    No page's colours reach a file that is shown as a picture, so it brings its own text and ground, light or
    dark as the reader's system asks. The ground too: a page's own choice of the two may be the other one.
    """
    svg = svg_of(figure)
    end = svg.index(">") + 1
    return f"{svg[:end]}{_SCHEMES}{svg[end:]}\n"


def pixels_of(figure: Figure) -> np.ndarray:
    """A figure as a [H, W, 3] uint8 picture, dark on white."""
    data = _saved(figure, format="rgba", dpi=_DPI, facecolor="white")
    width, height = (int(inches * _DPI) for inches in figure.get_size_inches())
    return np.frombuffer(data, np.uint8).reshape(height, width, 4)[..., :3].copy()


def _saved(figure: Figure, **options: Any) -> bytes:
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(buffer, **options)
    return buffer.getvalue()
