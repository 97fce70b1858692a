"""A line for every object."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO

from detector.files import named
from detector.inference.prediction import Prediction
from detector.inference.sinks.base import Sink
from detector.inference.sinks.record import KELVIN, frame_record

COLUMNS = (
    *("frame", "source", "time", "class", "score", "x1", "y1", "x2", "y2"),
    *(f"kelvin_{name}" for name in KELVIN),
    "track",
)


class CsvFile(Sink):
    """COLUMNS, then a line for every object; what is unknown is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames = 0
        self._file: IO[str] | None = None

    def write(self, prediction: Prediction) -> None:
        with named(self.path):
            self._write(prediction)
        self.frames += 1

    def _write(self, prediction: Prediction) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self._file, lineterminator="\n").writerow(COLUMNS)
        writer = csv.writer(self._file, lineterminator="\n")
        record = frame_record(self.frames, prediction)
        place = (record["frame"], record["source"], record["time"])
        for found in record["objects"]:
            heat = found.get("kelvin", {})
            kelvin = (heat.get(name) for name in KELVIN)
            track = found.get("track")
            writer.writerow((*place, found["class"], found["score"], *found["box"], *kelvin, track))
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
