"""Every frame with its objects as JSON."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

from detector.files import named
from detector.inference.prediction import Prediction
from detector.inference.sinks.base import Sink
from detector.inference.sinks.record import frame_record

_FOOTER = b"\n]}\n"


class JsonFile(Sink):
    """{"classes": [...], "frames": [...]} with one frame a line, numbered in the order they come.

    The file is whole after every frame: the next one is written over the brackets that close it.
    """

    def __init__(self, path: Path, *, classes: Sequence[str]) -> None:
        self.path = path
        self.classes = classes
        self.frames = 0
        self._file: FileIO | None = None
        self._end = 0

    def write(self, prediction: Prediction) -> None:
        with named(self.path):
            self._write(json.dumps(frame_record(self.frames, prediction)).encode())
        self.frames += 1

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a frame and the closing brackets reach the file in one step.
            self._file = self.path.open("wb", buffering=0)
            line = b'{"classes": %s, "frames": [\n%s' % (json.dumps(list(self.classes)).encode(), line)
        else:
            self._file.seek(self._end)
            line = b",\n" + line
        if self._file.write(line + _FOOTER) != len(line + _FOOTER):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # a disk that took a part of it
        self._end += len(line)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
