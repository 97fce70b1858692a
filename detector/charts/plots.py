"""Kinds of figures, whatever they tell of: histograms, curves, bars, intervals, heat maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from detector.charts.canvas import COLOURS, INK, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_SIZE = (4.4, 2.7)
_MARGINS = {"left": 0.18, "right": 0.97, "bottom": 0.18, "top": 0.9}

_FEW = 40
"""Points up to which a curve shows each."""

Values = TypeVar("Values")

Series = Mapping[str, np.ndarray]
"""Values by the name that the legend shows."""

Scale = Literal["linear", "log x", "log y", "log"]
"""Which axes are logarithmic; log: both."""

Limits = tuple[float | None, float | None]


def histograms(
    series: Series, bins: np.ndarray, *, title: str, x: str, log: bool = False, mark: Sequence[float] = ()
) -> Figure:
    """Share of each series' values by bin, as outlines; values beyond the bins count in the outermost.

    Empty series are left out. log: a logarithmic x axis. mark: x of dashed vertical lines.
    """

    def draw(axes: Axes) -> None:
        for colour, name, values in _coloured(series):
            if len(values) == 0:
                continue
            inside = np.clip(values, bins[0], bins[-1])
            shares = np.histogram(inside, bins)[0] / len(values)
            axes.stairs(shares, bins, color=colour, label=name, fill=len(series) == 1, linewidth=1.5)
        for position in mark:
            axes.axvline(position, color=INK, linewidth=1, linestyle="--")
        if log:
            axes.set_xscale("log")
            _plain_numbers(axes.xaxis)
        axes.set_xlim(bins[0], bins[-1])
        axes.set_ylim(bottom=0)
        axes.set_ylabel("share")
        _name(axes, title, x)

    return _drawn(draw, below=_legend_height(series))


def curves(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    scale: Scale = "linear",
    limits: Limits | None = None,
    mark: Sequence[float] = (),
) -> Figure:
    """Curves of (x, y) each over its own x; the points show where they are few. NaN leaves a gap.

    limits: of y, None where open; without: as the values want. mark: x of dashed vertical lines.
    """

    def draw(axes: Axes) -> None:
        for colour, name, (x, y) in _coloured(series):
            marker = "o" if len(x) <= _FEW else None
            axes.plot(x, y, color=colour, label=name, linewidth=1.5, marker=marker, markersize=3.5)
        for position in mark:
            axes.axvline(position, color=INK, linewidth=1, linestyle="--")
        if scale in ("log x", "log"):
            axes.set_xscale("log")
            _plain_numbers(axes.xaxis)
        if scale in ("log y", "log"):
            axes.set_yscale("log")
            _plain_numbers(axes.yaxis)
        if limits is not None:
            axes.set_ylim(*limits)
        axes.set_ylabel(y_label)
        _name(axes, title, x_label)

    return _drawn(draw, below=_legend_height(series))


def bars(names: Sequence[str], series: Series, *, title: str, x_label: str, digits: int = 3) -> Figure:
    """A horizontal bar for each name and series, with its value beside it; NaN leaves a gap.

    names: [N], from the top. series: [N] values each.
    """

    def draw(axes: Axes) -> None:
        places, height = np.arange(len(names)), 0.8 / len(series)
        for k, (colour, name, values) in enumerate(_coloured(series)):
            offset = (k - (len(series) - 1) / 2) * height
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


def intervals(names: Sequence[str], series: Series, *, title: str, x_label: str) -> Figure:
    """A dot in its interval for each name, over a line at 0; as many names as wanted, from the top.

    series: [N, 3] each: low, value, high of each name; NaN leaves a gap.
    """

    def draw(axes: Axes) -> None:
        places = np.arange(len(names))
        axes.axvline(0, color=INK, linewidth=1)
        for colour, name, values in _coloured(series):
            low, value, high = values.T
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


def heatmap(values: np.ndarray, ticks: np.ndarray, *, title: str, x: str, y: str) -> Figure:
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


def counts(table: np.ndarray, names: Sequence[str], *, title: str, x: str, y: str) -> Figure:
    """Whole numbers [N, N] of names by names, row by row from the top, shaded by their share of the row."""
    side = 1.6 + 0.5 * len(names)

    def draw(axes: Axes) -> None:
        shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*table.shape):
            ink = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(table[row, column]), ha="center", va="center", color=ink)
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.grid(visible=False)
        axes.set_ylabel(y)
        _name(axes, title, x)

    margins = {"left": 1.1 / side, "right": 0.98, "bottom": 1.1 / side, "top": 1 - 0.3 / side}
    return drawn((side, side), lambda figure: draw(figure.subplots(gridspec_kw=margins)))


def _drawn(
    draw: Callable[[Axes], None],
    *,
    left: float = _MARGINS["left"],
    height: float = _SIZE[1],
    below: float = 0.0,
) -> Figure:
    """below: inches for a legend, by which the figure grows."""
    height += below
    # What stands above and below the axes is as high in a high figure.
    share = _SIZE[1] / height
    margins = {
        **_MARGINS,
        "left": left,
        "bottom": share * _MARGINS["bottom"] + below / height,
        "top": 1 - share * (1 - _MARGINS["top"]),
    }
    # Fixed margins: a layout that fits itself takes twice the time.
    return drawn((_SIZE[0], height), lambda figure: draw(figure.subplots(gridspec_kw=margins)))


def _coloured(series: Mapping[str, Values]) -> list[tuple[str, str, Values]]:
    """Colour, name and values of each, the colour by its place: who leaves out one recolours no other."""
    return [(COLOURS[k % len(COLOURS)], name, values) for k, (name, values) in enumerate(series.items())]


def _plain_numbers(axis: Axis) -> None:
    """10 and 0.001 on a logarithmic axis: powers would be mathematics, which is not set."""
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter("")


def _name(axes: Axes, title: str, x: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        # Below the axes, where it hides no curve.
        axes.figure.legend(handles, labels, loc="lower center", ncols=_columns(labels))


def _columns(names: Iterable[str]) -> int:
    """Of a legend: as many of the longest name as the figure is wide, three at most."""
    return max(1, min(3, 70 // (max(map(len, names)) + 8)))


def _legend_height(series: Mapping[str, object]) -> float:
    """Inches."""
    return 0.0 if len(series) < 2 else 0.1 + 0.18 * -(-len(series) // _columns(series))
