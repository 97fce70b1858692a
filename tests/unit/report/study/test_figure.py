"""Where the figure of a study puts its dots."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

from detector.charts.canvas import COLOURS
from detector.report.study.figure import figure
from detector.tuning.results import Results
from detector.tuning.statistics import mean_of
from tests.unit.report.study.test_page import NOISY, STUDY, joined, results

PLAIN, WIDE = [0.5, 0.4, 0.6], [0.6, 0.61, 0.7]


def dots(svg: str, colour: str = COLOURS[0], *, faint: bool = False) -> np.ndarray:
    """[N, 2] the places of a colour's dots, in the order they were drawn."""
    found = re.findall(r'<use xlink:href="#\w+" x="([\d.]+)" y="([\d.]+)" style="([^"]*)"', svg)
    chosen = [(x, y) for x, y, style in found if f"fill: {colour}" in style and ("opacity" in style) == faint]
    return np.array(chosen, float).reshape(-1, 2)


def whiskers(svg: str, colour: str = COLOURS[0]) -> np.ndarray:
    """[N, 2] from where to where."""
    found = re.findall(rf'd="M (\S+) \S+ \nL (\S+) \S+ \n"[^>]*style="fill: none; stroke: {colour}"', svg)
    return np.array(found, float).reshape(-1, 2)


def texts(svg: str) -> list[str]:
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def collapsed(count: int) -> tuple[dict[str, list[str]], Results]:
    """`count` arms of one run around 0.5, the last of which learned nothing."""
    arms = {f"arm {k}": [] for k in range(count)}
    values = np.linspace(0.49, 0.51, count)
    values[-1] = 0.002
    alone = (("",) * count, tuple(arms), (0,) * count, (None,) * count, ("AP",))
    return arms, Results(*alone, values[:, None])


def test_dots_and_whiskers_lie_where_their_values_are():
    """By one straight line from values to pixels, the same for means, runs and intervals."""
    svg = figure(STUDY, results(PLAIN, WIDE))
    runs, found = dots(svg, faint=True), dots(svg)
    slope, start = np.polyfit([*PLAIN, *WIDE], runs[:, 0], 1)
    np.testing.assert_allclose(start + slope * np.array([*PLAIN, *WIDE]), runs[:, 0], atol=1e-3)
    means = [mean_of(np.array(values)) for values in (PLAIN, WIDE)]
    np.testing.assert_allclose(found[:, 0], [start + slope * mean.value for mean in means], atol=1e-3)
    ends = [(mean.value - mean.half, mean.value + mean.half) for mean in means]
    np.testing.assert_allclose(whiskers(svg), start + slope * np.array(ends), atol=1e-3)
    assert slope > 0
    np.testing.assert_array_equal(runs[:, 1], np.repeat(found[:, 1], 3))
    assert found[0, 1] < found[1, 1], "the first arm on top"


def test_folds_widen_the_whiskers():
    """1/3 + 1/2 in the place of 1/3."""
    narrow, wide = (
        np.ptp(whiskers(svg)[1]) / (dots(svg, faint=True)[5, 0] - dots(svg, faint=True)[3, 0])
        for svg in (figure(replace(STUDY, folds=folds), results(PLAIN, WIDE)) for folds in (0, 3))
    )
    assert wide / narrow == pytest.approx(np.sqrt(2.5), rel=1e-4)


def test_conditions_have_colours_a_legend_and_room_side_by_side():
    parts = (results([0.5], [0.6], condition="clean"), results([0.3], [0.4], condition="noisy"))
    svg = figure(NOISY, joined(*parts))
    assert {"clean", "noisy"} <= set(texts(svg))
    above, below = (dots(svg, colour)[:, 1] for colour in COLOURS[:2])
    legend, above, below = above[-1], above[:2], below[:2]
    # Both of an arm before the next one, the legend over all.
    assert legend < above[0] < below[0] < above[1] < below[1]
    assert "clean" not in texts(figure(STUDY, results([0.5], [0.6])))


def test_panels_wrap_with_a_scale_of_their_own_and_each_row_names_the_arms():
    metrics, scales = tuple(f"m{k}" for k in range(7)), 10.0 ** np.arange(7)
    svg = figure(STUDY, results([0.5 * scales], [0.6 * scales], metrics=metrics))
    assert [text for text in texts(svg) if text in metrics] == list(metrics)
    assert texts(svg).count("wide") == 2
    plain, wide = dots(svg)[::2], dots(svg)[1::2]
    np.testing.assert_allclose(wide[:, 0] - plain[:, 0], wide[0, 0] - plain[0, 0], atol=1e-3)
    assert len(set(plain[:4, 1])) == len(set(plain[4:, 1])) == 1
    assert plain[4, 1] > plain[0, 1]


def test_an_arm_that_is_far_off_stands_at_the_edge_with_its_number():
    """Else it would press the others together."""
    arms, found = collapsed(9)
    svg = figure(replace(STUDY, arms=arms, baseline="arm 0"), found)
    assert "0.002" in texts(svg)
    near = dots(svg, faint=True)[:8, 0]
    assert np.ptp(near) > 0.7 * 1.6 * 72, "the others have most of the panel's 1.6 inches"
    few, found = collapsed(4)
    assert "0.002" not in texts(figure(replace(STUDY, arms=few, baseline="arm 0"), found))


@pytest.mark.parametrize(
    ("plain", "wide"),
    [([np.nan], [np.nan]), ([0.0], [0.0]), ([0.5, np.nan], [np.nan, np.nan]), ([0.5], [])],
)
def test_what_was_not_measured_is_not_drawn(plain, wide):
    svg = figure(STUDY, results(plain, wide))
    assert len(dots(svg)) == sum(bool(np.isfinite(values).any()) for values in (plain, wide) if values)
    assert "nan" not in svg
    assert "wide" in texts(svg)


def test_names_may_hold_anything():
    name = "<b> & $\\frac$"
    found = replace(results([0.5], []), arms=(name,))
    assert name in texts(figure(replace(STUDY, arms={name: []}, baseline=name), found))
