import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib import rcParams

from detector.charts import plots
from detector.charts.canvas import COLOURS, INK, pixels_of, svg_file, svg_of

BINS = np.linspace(0, 4, 5)


def outline(svg: str, colour: str) -> np.ndarray:
    """[N, 2] the corners of the longest path in a colour."""
    paths = re.findall(r'<path d="([^"]*)"[^>]*stroke: ' + colour, svg)
    return np.array(max((re.findall(r"[ML] (\S+) (\S+)", path) for path in paths), key=len), float)


def test_a_histogram_s_bars_are_shares():
    svg = svg_of(
        plots.histograms({"a": np.array([0.5, 1.5, 1.5, 9.0]), "b": np.ones(3)}, BINS, title="t", x="x")
    )
    ground, *tops = outline(svg, COLOURS[0])[:, 1]
    heights = ground - np.array(tops[0:8:2])
    # A quarter, a half, none, and the value beyond the bins in the last.
    np.testing.assert_allclose(heights / heights[0], (1, 2, 0, 1), atol=1e-4)


def test_a_curve_lies_where_its_values_are():
    """Points at x 0, 1, 3 and y 0, 0, 1: the second stretch is twice as wide as the first."""
    x, y = np.array((0.0, 1, 3)), np.array((0.0, 0, 1))
    svg = svg_of(plots.curves({"a": (x, y)}, title="t", x_label="x", y_label="y", limits=(0, 1)))
    points = outline(svg, COLOURS[0])
    np.testing.assert_allclose((points[2, 0] - points[1, 0]) / (points[1, 0] - points[0, 0]), 2, rtol=1e-4)
    assert points[0, 1] == points[1, 1] > points[2, 1]


def test_a_logarithmic_scale_has_plain_numbers():
    x = np.geomspace(0.01, 100, 5)
    for scale in ("log x", "log y", "log"):
        svg = svg_of(plots.curves({"a": (x, x)}, title="t", x_label="x", y_label="y", scale=scale))
        assert ">0.01<" in svg
        assert "mathdefault" not in svg


def test_bars_are_as_long_as_their_values_and_say_them():
    svg = svg_of(
        plots.bars(["a", "b", "c"], {"s": np.array((1.0, 0.5, np.nan))}, title="t", x_label="x", digits=2)
    )
    paths = re.findall(r'<path d="([^"]*)"[^>]*style="fill: ' + COLOURS[0], svg)
    widths = [np.ptp(np.array(re.findall(r"[ML] (\S+) (\S+)", path), float)[:, 0]) for path in paths]
    np.testing.assert_allclose(np.array(widths) / widths[0], (1, 0.5, 0), atol=1e-4)
    assert ">1.00<" in svg
    assert ">0.50<" in svg
    assert "nan" not in svg


def test_text_and_axes_take_the_page_s_colour():
    svg = svg_of(plots.curves({"a": (BINS, BINS), "b": (BINS, BINS)}, title="t", x_label="x", y_label="y"))
    assert "currentColor" in svg
    assert INK not in svg
    assert all(colour in svg for colour in COLOURS[:2])


def test_a_file_brings_text_and_ground_for_both_schemes():
    text = svg_file(plots.curves({"a": (BINS, BINS)}, title="t", x_label="x", y_label="y"))
    style, *_ = ElementTree.fromstring(text)
    assert style.tag.endswith("style")
    light, dark = style.text.split("@media(prefers-color-scheme:dark)")
    for scheme in (light, dark):
        assert re.search(r"svg\{color:#\w+;background:#\w+\}", scheme)


def test_names_are_escaped_and_the_figure_is_xml():
    name = "<script>alert('1')</script> & \"more\" $\\frac$"
    figures = (
        plots.histograms(
            {name: np.ones(3), "b": np.ones(2)}, BINS + 1, title=name, x=name, mark=(2,), log=True
        ),
        plots.curves({name: (BINS, BINS), "b": (BINS, BINS)}, title=name, x_label=name, y_label=name),
        plots.heatmap(np.eye(5), np.arange(-2.0, 3), title=name, x=name, y=name),
    )
    for figure in figures:
        root = ElementTree.fromstring(svg_of(figure))
        assert root.tag.endswith("svg")
        assert name in "".join(root.itertext())
        assert not any(element.tag.endswith("script") for element in root.iter())


def test_an_empty_series_takes_no_other_s_colour():
    svg = svg_of(plots.histograms({"none": np.zeros(0), "some": np.ones(3)}, BINS, title="t", x="x"))
    assert COLOURS[0] not in svg
    assert COLOURS[1] in svg


@pytest.mark.parametrize("count", [1, 2])
def test_the_same_figure_is_the_same_text_and_leaves_no_setting_behind(count):
    before = dict(rcParams)
    series = {str(k): np.ones(3) for k in range(count)}
    once, again = (svg_of(plots.histograms(series, BINS, title="t", x="x")) for _ in range(2))
    assert once == again
    assert dict(rcParams) == before


def test_counts_are_darkest_where_all_of_a_row_is():
    """All of the first row in its first cell, the second row empty: as dark and as pale as the map gets."""
    picture = pixels_of(plots.counts(np.array([[3, 0], [0, 0]]), ("a", "b"), title="t", x="x", y="y"))
    for colour in ((0x08, 0x30, 0x6B), (0xF7, 0xFB, 0xFF)):
        assert (picture == colour).all(axis=2).sum() > 1000


def test_pixels_are_dark_and_coloured_on_white():
    picture = pixels_of(plots.curves({"a": (BINS, BINS)}, title="t", x_label="x", y_label="y"))
    assert picture.shape == (432, 704, 3)
    assert (picture[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    colour = [int(COLOURS[0][k : k + 2], 16) for k in (1, 3, 5)]
    assert (picture == colour).all(axis=2).sum() > 300
    assert (picture < 50).all(axis=2).sum() > 100
