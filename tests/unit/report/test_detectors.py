"""The page of a comparison says what the comparison says."""

import numpy as np

from detector.charts import plots
from detector.charts.canvas import svg_of
from detector.evaluation.uncertainty.bootstrap import Metric
from detector.evaluation.uncertainty.paired import Comparison, cells
from detector.evaluation.uncertainty.resampling import Draws
from detector.report.detectors import detectors_page
from detector.report.kit.page import Notice, Row, Table, render
from tests.unit.report.kit.test_page import HOSTILE, Reader

METRICS = ("AP", "AP50", "AP75", "MR-2", "JI", "AP size >24")


def comparison(*, caution: str = "") -> Comparison:
    """Two classes, the second without truth. b gains 0.1 in everything, the hostile one loses or gains."""
    moves = {"a": np.zeros(11), "b": np.full(11, 0.1), HOSTILE: np.array([0, *np.linspace(-0.1, 0.1, 10)])}
    nothing = np.full(11, np.nan)
    base = np.array([0.5, *np.linspace(0.4, 0.6, 10)])
    metrics = {
        name: {
            metric: Metric(base + move, np.stack((base + move, nothing)), truths=np.array([9, 0]))
            for metric in METRICS
        }
        for name, move in moves.items()
    }
    draws = Draws(np.ones((4, 10), dtype=int), "images", "single frames are drawn", caution)
    return Comparison(metrics, (HOSTILE, "car"), images=4, draws=draws)


def test_every_detector_has_its_verdict_and_every_line_of_its_table():
    own = comparison()
    page = detectors_page(own, split="val")
    short, against, hostile, _ = page.sections
    better, unclear, _, values = short.blocks
    assert isinstance(better, Notice)
    assert isinstance(unclear, Notice)
    assert (better.level, better.title, better.text) == ("good", "Better", f"{own.verdict('b')}.")
    assert (unclear.level, unclear.title) == ("note", "Unclear")
    assert isinstance(values, Table)
    assert values.rows[0] == ("AP", "0.500 (0.405 to 0.595)", "0.600 (0.505 to 0.695)", values.rows[0][3])
    for section, name in ((against, "b"), (hostile, HOSTILE)):
        assert section.title == f"{name} against a"
        figures, table = section.blocks
        assert isinstance(figures, Row)
        assert isinstance(table, Table)
        expected = [cells(line) for line in own.lines(name)]
        assert [(row[0], row[3], row[1], row[2], *row[4:]) for row in table.rows] == expected
        assert len(table.rows) == len(METRICS) + 2 * 5
    reader = Reader(render(page))
    assert reader.of("script") == []
    assert len(reader.of("svg")) == 4


def test_a_caution_stands_above_the_numbers():
    blocks = detectors_page(comparison(caution="2 recordings: too few"), split="val").sections[0].blocks
    assert Notice("warning", "Caution", "2 recordings: too few.") in blocks


def test_a_figure_of_intervals_grows_with_its_names():
    """Each name has a line of its own, and a gap where it has no interval."""

    def height(count: int) -> float:
        names = [f"name {k}" for k in range(count)]
        values = np.tile([-0.1, 0.0, 0.2], (count, 1))
        values[1] = np.nan
        svg = svg_of(plots.intervals(names, {"unclear": values}, title="all", x_label="difference"))
        assert all(f">{name}<" in svg for name in names)
        return float(svg.partition('height="')[2].partition("pt")[0])

    assert height(5) == height(10)
    assert height(40) > height(20) > height(10)
