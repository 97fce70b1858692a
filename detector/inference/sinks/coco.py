"""What was found in an annotated split as a COCO results file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from detector.data.annotations import Annotations
from detector.evaluation.predictions import Entries, image_entries
from detector.files import named
from detector.inference.prediction import Prediction
from detector.inference.sinks.base import Sink


class CocoResults(Sink):
    """A list of entries as evaluation/predictions.py has them, of predictions in the order of the records.

    The file appears when the last record's prediction was written; until then, and where something breaks,
    what there is stands in FILE.partial.
    """

    def __init__(self, path: Path, annotations: Annotations) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.name}.partial")
        self.annotations = annotations
        self.frames = 0
        self._parts: list[Entries] = []
        self._started = False
        self._file: IO[str] | None = None

    def write(self, prediction: Prediction) -> None:
        with named(self.partial):
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.partial.open("w", encoding="utf-8")
                self._file.write("[")
            record = self.annotations.records[self.frames]
            own = image_entries(record.image_id, prediction.detections, self.annotations)
            for entry in own:
                self._file.write((", " if self._started else "") + json.dumps(entry))
                self._started = True
            self._parts.append(own)
            self._file.flush()
        self.frames += 1

    @property
    def entries(self) -> Entries:
        """All that was written."""
        return Entries.joined(self._parts)

    def close(self) -> None:
        if self._file is None:
            return
        with named(self.partial):
            self._file.write("]")
            self._file.close()
        if self.frames == len(self.annotations.records):
            self.partial.replace(self.path)
