"""A line for every object."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from detector.inference.sinks.csv_file import COLUMNS, CsvFile
from detector.thermal.radiometry import Linear
from tests.unit.inference.builders import prediction

CLASSES = ("cat", 'a "dog", old')
ROWS = (([0, 0, 2, 2], 0.9, 1), ([4.127, 1, 6, 3], 0.5, 0))


def test_lines_survive_commas_and_quotes(tmp_path: Path):
    kelvin = Linear(gain=0.01, offset=0.0)
    with CsvFile(tmp_path / "d.csv") as sink:
        for facts in ({}, {"calibration": kelvin}):
            sink.write(prediction(*ROWS, classes=CLASSES, source="a/b, c.png", **facts))
        sink.write(prediction(classes=CLASSES))
    with (tmp_path / "d.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["frame"] for row in rows] == ["0", "0", "1", "1"]
    assert (rows[0]["source"], rows[0]["class"]) == ("a/b, c.png", 'a "dog", old')
    assert [rows[1][name] for name in ("x1", "y1", "x2", "y2")] == ["4.13", "1.0", "6.0", "3.0"]
    assert (rows[0]["kelvin_max"], rows[2]["kelvin_max"]) == ("", "300.0")
    assert {row["track"] for row in rows} == {""}


def test_tracks_have_a_column(tmp_path: Path):
    one = prediction(*ROWS, classes=CLASSES)
    with CsvFile(tmp_path / "d.csv") as sink:
        sink.write(replace(one, detections=replace(one.detections, tracks=np.array([12, 0]))))
    with (tmp_path / "d.csv").open() as file:
        assert [row["track"] for row in csv.DictReader(file)] == ["12", ""]
