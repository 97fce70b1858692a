"""Figures of one style as SVG: small, on a page's own background, in its text colour, light or dark.

Drawn on matplotlib's figures directly, without pyplot's global state.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

COLOURS = ("#3b82f6", "#ea7317", "#16a373", "#c355e0", "#d9a400", "#e5484d")
"""Of the series in turn; each stands out on white and on near-black."""

_INK = "#010203"
"""Stands for the page's text colour until the SVG is written."""

_SCHEMES = (
    "<style>svg{color:#1f2328;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#d1d7e0;background:#0d1117}}</style>"
)
"""Of a file: text and ground, as GitHub's pages have them."""

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
    "grid.color": _INK,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 8,
}
_SIZE = (4.4, 2.7)
_MARGINS = {"left": 0.18, "right": 0.97, "bottom": 0.18, "top": 0.9}

_FEW = 40
"""Points up to which a curve shows each."""

Series = Mapping[str, np.ndarray]
"""Values by the name that the legend shows."""

Scale = Literal["linear", "log x", "log y"]

Limits = tuple[float | None, float | None]


def histograms(
    series: Series, bins: np.ndarray, *, title: str, x: str, log: bool = False, mark: Sequence[float] = ()
) -> str:
    """Share of each series' values by bin, as outlines; values beyond the bins count in the outermost.

    Empty series are left out. log: a logarithmic x axis. mark: x of dashed vertical lines.
    """

    def draw(axes: Axes) -> None:
        for colour, (name, values) in _coloured(series):
            inside = np.clip(values, bins[0], bins[-1])
            shares = np.histogram(inside, bins)[0] / max(len(values), 1)
            axes.stairs(shares, bins, color=colour, label=name, fill=len(series) == 1, linewidth=1.5)
        for position in mark:
            axes.axvline(position, color=_INK, linewidth=1, linestyle="--")
        if log:
            axes.set_xscale("log")
            _plain_numbers(axes.xaxis)
        axes.set_xlim(bins[0], bins[-1])
        axes.set_ylim(bottom=0)
        axes.set_ylabel("share")
        _name(axes, title, x)

    return _drawn(draw)


def lines(x: np.ndarray, series: Series, *, title: str, x_label: str, y_label: str, log: bool = False) -> str:
    """Curves over common x. log: both axes logarithmic."""

    def draw(axes: Axes) -> None:
        for colour, (name, values) in _coloured(series):
            axes.plot(x, values, color=colour, label=name, linewidth=1.5)
        if log:
            axes.set_xscale("log")
            axes.set_yscale("log")
            _plain_numbers(axes.xaxis)
            _plain_numbers(axes.yaxis)
        axes.set_ylabel(y_label)
        _name(axes, title, x_label)

    return _drawn(draw)


def curves(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    scale: Scale = "linear",
    limits: Limits | None = None,
    mark: Sequence[float] = (),
) -> str:
    """Curves of (x, y) each over its own x; the points show where they are few. NaN leaves a gap.

    limits: of y, None where open; without: as the values want. mark: x of dashed vertical lines.
    """

    def draw(axes: Axes) -> None:
        for k, (name, (x, y)) in enumerate(series.items()):
            marker = "o" if len(x) <= _FEW else None
            colour = COLOURS[k % len(COLOURS)]
            axes.plot(x, y, color=colour, label=name, linewidth=1.5, marker=marker, markersize=3.5)
        for position in mark:
            axes.axvline(position, color=_INK, linewidth=1, linestyle="--")
        if scale == "log x":
            axes.set_xscale("log")
            _plain_numbers(axes.xaxis)
        if scale == "log y":
            axes.set_yscale("log")
            _plain_numbers(axes.yaxis)
        if limits is not None:
            axes.set_ylim(*limits)
        axes.set_ylabel(y_label)
        _name(axes, title, x_label)

    return _drawn(draw)


def bars(names: Sequence[str], series: Series, *, title: str, x_label: str, digits: int = 3) -> str:
    """A horizontal bar for each name and series, with its value beside it; NaN leaves a gap.

    names: [N], from the top. series: [N] values each.
    """

    def draw(axes: Axes) -> None:
        places, height = np.arange(len(names)), 0.8 / len(series)
        for k, (name, values) in enumerate(series.items()):
            offset = (k - (len(series) - 1) / 2) * height
            colour = COLOURS[k % len(COLOURS)]
            drawn = axes.barh(places + offset, np.nan_to_num(values), height, color=colour, label=name)
            labels = ["" if np.isnan(value) else f"{value:.{digits}f}" for value in values]
            axes.bar_label(drawn, labels, padding=3, fontsize=8)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.2)
        axes.set_title(title, loc="left")
        axes.set_xlabel(x_label)
        if len(series) > 1:
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(series), borderaxespad=0)

    return _drawn(draw, left=min(0.45, 0.06 + 0.017 * max(map(len, names))))


def intervals(names: Sequence[str], series: Series, *, title: str, x_label: str) -> str:
    """A dot in its interval for each name, over a line at 0; as many names as wanted, from the top.

    series: [N, 3] each: low, value, high of each name; NaN leaves a gap.
    """

    def draw(axes: Axes) -> None:
        places = np.arange(len(names))
        axes.axvline(0, color=_INK, linewidth=1)
        for k, (name, values) in enumerate(series.items()):
            low, value, high = values.T
            colour = COLOURS[k % len(COLOURS)]
            axes.hlines(places, low, high, color=colour, linewidth=1.5)
            axes.plot(value, places, "o", color=colour, markersize=4, label=name)
        axes.set_yticks(places, names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="y", visible=False)
        # Above the names, for the legend takes the width of the axes.
        axes.annotate(
            title,
            (0.02, 1),
            (0, 4),
            xycoords=("figure fraction", "axes fraction"),
            textcoords="offset points",
        )
        axes.set_xlabel(x_label)
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(series),
            borderaxespad=0,
            handletextpad=0.1,
            columnspacing=0.8,
        )

    rows = 0.9 + 0.16 * len(names)
    return _drawn(draw, left=min(0.45, 0.06 + 0.017 * max(map(len, names))), height=max(_SIZE[1], rows))


def heatmap(values: np.ndarray, ticks: np.ndarray, *, title: str, x: str, y: str) -> str:
    """values [S, S], row by row from the top, over the same ticks [S] in both directions."""

    def draw(axes: Axes) -> None:
        half = (ticks[1] - ticks[0]) / 2
        edges = (ticks[0] - half, ticks[-1] + half)
        shown = axes.imshow(
            values, cmap="viridis", extent=(*edges, *edges[::-1]), aspect="equal", interpolation="nearest"
        )
        axes.grid(visible=False)
        axes.figure.colorbar(shown, ax=axes, shrink=0.9)
        axes.set_ylabel(y)
        _name(axes, title, x)

    return _drawn(draw)


def svg_of(figure: Figure) -> str:
    """A figure as an <svg> element that takes the text colour of its surroundings."""
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Groups are called figure_1, axes_1 in every figure; nothing refers to them.
    return re.sub(r' id="[\w.]+_\d+"', "", text).strip()


def drawing(size: tuple[float, float], draw: Callable[[Figure], None]) -> str:
    """What `draw` puts on an empty figure of this width and height in inches, as `svg_of` writes it."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size)
        draw(figure)
    return svg_of(figure)


def as_file(svg: str) -> str:
    """The text of an .svg file from what `svg_of` wrote.

    No page's colours reach a file that is shown as a picture, so it brings its own text and ground, light or
    dark as the reader's system asks. The ground too: a page's own choice of the two may be the other one.
    """
    end = svg.index(">") + 1
    return f"{svg[:end]}{_SCHEMES}{svg[end:]}\n"


def _drawn(draw: Callable[[Axes], None], *, left: float = _MARGINS["left"], height: float = _SIZE[1]) -> str:
    # What stands above and below the axes is as high in a high figure.
    share = _SIZE[1] / height
    margins = {
        **_MARGINS,
        "left": left,
        "bottom": share * _MARGINS["bottom"],
        "top": 1 - share * (1 - _MARGINS["top"]),
    }
    # Fixed margins: a layout that fits itself takes twice the time.
    return drawing((_SIZE[0], height), lambda figure: draw(figure.subplots(gridspec_kw=margins)))


def _coloured(series: Series) -> list[tuple[str, tuple[str, np.ndarray]]]:
    """A colour for each series by its place, so that leaving out an empty one recolours no other."""
    return [(COLOURS[k % len(COLOURS)], item) for k, item in enumerate(series.items()) if len(item[1])]


def _plain_numbers(axis: Axis) -> None:
    """10 and 0.001 on a logarithmic axis: powers would be mathematics, which is not set."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _name(axes: Axes, title: str, x: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        axes.legend(handles, labels)
