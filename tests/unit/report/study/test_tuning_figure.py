"""The figure of a tuning, by what stands in its SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from detector.report.study.tuning_figure import figure
from detector.tuning.record import Record
from detector.tuning.trials import Scored, Trial


def dots(svg: str, opacity: str = "0.45") -> list[str]:
    return re.findall(rf"<use [^>]*(?:fill-)?opacity: {opacity}[^>]*>", svg)


def test_every_fold_is_a_dot_every_phase_a_name_and_nothing_is_best_before_a_trial_ended():
    trials = (
        Scored(Trial(1, "weights", {"w": 0.5}, 0), (0.3, 0.5)),
        Scored(Trial(2, "gamma", {"w": 1.0}, 0), (0.1,), pruned=True),
    )
    svg = figure(Record(("w",), 2, "AP50", trials))
    ElementTree.fromstring(svg)
    assert len(dots(svg)) == 3
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"weights", "gamma", "best", "AP50", "trial"} <= set(words)
    assert "best" not in figure(Record(("w",), 2, "AP50", trials[1:]))
