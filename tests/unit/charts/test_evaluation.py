"""What the figures of an evaluation show."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from detector.charts.canvas import COLOURS, svg_of
from detector.charts.evaluation import (
    LINES,
    calibration_figure,
    f1_figure,
    froc_figure,
    kinds_by_cost,
    pictures,
    precision_recall_figure,
    tide_figure,
)
from tests.unit.evaluation.builders import annotations, found, measured, random_set, record

A, B = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0]


def points(svg: str, colour: str) -> np.ndarray:
    """[N, 2] the corners of a colour's first path, y from the top."""
    path = re.search(r'<path d="([^"]*)"[^>]*stroke: ' + colour, svg)
    assert path is not None
    return np.array(re.findall(r"[ML] (\S+) (\S+)", path[1]), float)


@pytest.mark.parametrize("figure", [precision_recall_figure, f1_figure, froc_figure])
def test_a_line_for_each_class_with_truth(figure):
    one = measured(annotations(record(1, truths=[(A, 0)])), {1: found((A, 0.9, 0), (B, 0.8, 1))})
    svg = svg_of(figure(one))
    assert COLOURS[0] in svg
    assert COLOURS[1] not in svg
    several = svg_of(figure(measured(*random_set(0))))
    assert all(colour in several for colour in COLOURS[:3])
    assert all(f">{name}<" in several for name in "abc")


def test_many_classes_are_the_most_frequent_ones():
    """Class k has k + 1 truths."""
    names = tuple(f"class {k}" for k in range(LINES + 2))
    truths = [(A, k) for k in range(len(names)) for _ in range(k + 1)]
    metrics = measured(annotations(record(1, truths=truths), classes=names, ids=tuple(range(7))), {})
    assert [name for name in names if f">{name}<" in svg_of(f1_figure(metrics))] == list(names[2:])


def test_the_calibration_is_as_high_as_the_precision():
    """At a score of 0.9 all are right, at 0.4 none is; the other line is the diagonal from 0 to 1."""
    metrics = measured(annotations(record(1, truths=[(A, 0)])), {1: found((A, 0.9, 0), (B, 0.4, 0))})
    svg = svg_of(calibration_figure(metrics))
    (left, bottom), (right, top) = points(svg, COLOURS[1])
    dots = re.findall(rf'<use [^>]*x="(\S+)" y="(\S+)" style="fill: {COLOURS[0]}', svg)[:2]
    shares = [((float(x) - left) / (right - left), (float(y) - bottom) / (top - bottom)) for x, y in dots]
    np.testing.assert_allclose(shares, [(0.4, 0), (0.9, 1)], atol=1e-3)


def test_the_costliest_kind_stands_first():
    tide = measured(annotations(record(1, truths=[(A, 0), (B, 0)])), {1: found((A, 0.9, 0))}).diagnosis.tide
    assert kinds_by_cost(tide.to_dict())[0] == "missed"
    svg = svg_of(tide_figure(tide.to_dict()))
    assert "AP50 to gain, of 0.505 now" in svg
    assert svg.index(">not found<") < svg.index(">on nothing<")
    unmeasured = svg_of(tide_figure(replace(tide, ap=None, gains=dict.fromkeys(tide.gains)).to_dict()))
    assert "no truth" in unmeasured
    assert "nan" not in unmeasured


@pytest.mark.parametrize("truths", [[], [(A, 0)]], ids=["no truth", "one"])
def test_every_part_has_a_picture_whatever_there_is(truths):
    shown = pictures(measured(annotations(record(1, truths=truths)), {}))
    assert set(shown) == {"precision_recall", "thresholds", "confusion", "calibration", "froc", "tide"}
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in shown.values())
