"""Detections as JSON, whole after every frame."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from detector.inference.prediction import Prediction
from detector.inference.sinks.json_file import JsonFile
from detector.inference.sinks.record import frame_record
from detector.structures import NO_TRACK
from detector.thermal.radiometry import Linear
from tests.unit.inference.builders import prediction

CLASSES = ("cat", 'a "dog", old')
KELVIN = Linear(gain=0.01, offset=0.0)


def with_two(**facts) -> Prediction:
    counts = np.full((6, 8), 30000, np.uint16)
    counts[0, 0] = 31000
    rows = (([0, 0, 2, 2], 0.9, 1), ([4.127, 1, 6, 3], 0.5, 0))
    return prediction(*rows, counts=counts, classes=CLASSES, source="a/b, c.png", **facts)


def test_a_frame_s_record_by_hand():
    noon = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
    assert frame_record(7, with_two(time=noon, calibration=KELVIN)) == {
        "frame": 7,
        "source": "a/b, c.png",
        "time": "2026-01-02T12:00:00+00:00",
        "width": 8,
        "height": 6,
        "objects": [
            {
                "class": 'a "dog", old',
                "score": 0.9,
                "box": [0, 0, 2, 2],
                "kelvin": {"min": 300.0, "mean": 302.5, "max": 310.0},
            },
            {
                "class": "cat",
                "score": 0.5,
                "box": [4.13, 1, 6, 3],
                "kelvin": {"min": 300.0, "mean": 300.0, "max": 300.0},
            },
        ],
    }


def test_where_objects_are_followed_each_has_its_track_or_none():
    followed = with_two()
    followed = replace(
        followed, detections=replace(followed.detections, tracks=np.array([3, NO_TRACK], np.int64))
    )
    assert [found["track"] for found in frame_record(0, followed)["objects"]] == [3, None]
    assert "track" not in frame_record(0, with_two())["objects"][0]


def test_the_file_is_whole_after_every_frame(tmp_path: Path):
    file = tmp_path / "new" / "detections.json"
    given = [with_two(), prediction(classes=CLASSES), with_two(calibration=KELVIN), prediction()]
    with JsonFile(file, classes=CLASSES) as sink:
        assert not file.parent.exists(), "nothing is made before the first frame"
        for count, one in enumerate(given, start=1):
            sink.write(one)
            document = json.loads(file.read_text())
            assert document["classes"] == list(CLASSES)
            assert document["frames"] == [frame_record(k, item) for k, item in enumerate(given[:count])]
    lines = file.read_text().splitlines()
    assert len(lines) == len(given) + 2, "a frame a line"
    assert json.loads(lines[1].removesuffix(","))["frame"] == 0


def test_a_shorter_run_leaves_nothing_of_a_longer_one(tmp_path: Path):
    for given in ([with_two()] * 5, [prediction()]):
        with JsonFile(tmp_path / "d.json", classes=CLASSES) as sink:
            for one in given:
                sink.write(one)
    assert len(json.loads((tmp_path / "d.json").read_text())["frames"]) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from detector.inference.sinks.csv_file import CsvFile
from detector.inference.sinks.json_file import JsonFile
from tests.unit.inference.builders import prediction
folder = Path(sys.argv[1])
sinks = JsonFile(folder / "d.json", classes=("person", "car")), CsvFile(folder / "d.csv")
for _ in range(20):
    for sink in sinks:
        sink.write(prediction(([0, 0, 4, 4], 0.5, 0)))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_what_was_found_before_the_process_was_killed_is_there(tmp_path: Path):
    root = Path(__file__).resolve().parents[4]
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, check=False)
    assert len(json.loads((tmp_path / "d.json").read_text())["frames"]) == 20
    assert len((tmp_path / "d.csv").read_text().splitlines()) == 21
