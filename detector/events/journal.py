"""Visits on disk: added one by one, none lost where the program is killed, none twice where it runs again."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from detector.errors import UserError
from detector.events.visit import PICTURES, Visit
from detector.files import write_text
from detector.inference.draw import save_picture

VISITS, RECORDINGS, ALARMS, TABLE = "visits.jsonl", "recordings.jsonl", "alarms.jsonl", "visits.csv"
SETTINGS = "settings.json"

COLUMNS = (
    *("recording", "track", "class", "start", "end", "first", "last", "sightings", "score"),
    *("kelvin", "kelvin_near", "zones", "lines", "alarms", "picture"),
)
"""Of the table; a visit's path stands in the JSON lines only."""


class Lines:
    """A file of JSON objects, one a line, that only grows; each is on disk when `add` returns.

    A last line that a kill cut short is dropped. Raises UserError for a line that is no object.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """The whole lines that are there."""
        if not self.path.exists():
            return []
        found = []
        *lines, _cut = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            if not isinstance(entry, dict):
                raise UserError(f"{self.path} line {number}: is no JSON object; was it changed by hand?")
            found.append(entry)
        return found

    def add(self, entry: dict[str, Any]) -> None:
        """One more. Raises OSError."""
        with self.path.open("ab+") as file:
            whole = self._end(file.tell())
            if whole != file.tell():
                file.truncate(whole)
            file.write(json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _end(self, size: int) -> int:
        """Where the last whole line ends."""
        with self.path.open("rb") as file:
            while size > 0:
                start = max(0, size - 4096)
                file.seek(start)
                break_at = file.read(size - start).rfind(b"\n")
                if break_at >= 0:
                    return start + break_at + 1
                size = start
        return 0


class Journal:
    """The visits of many recordings, in a folder.

    visits.jsonl has a line for each; recordings.jsonl one for each recording that was read to its end;
    alarms.jsonl one for each alarm, from when it was set off. visits.csv is a table of all visits, written
    anew by `table`; pictures/ has the best view of each. settings: what the visits depend on, plain values,
    kept in settings.json; UserError where those in the folder were made with others.
    """

    def __init__(self, folder: Path, *, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = settings
        if self.begun(folder) and json.loads((folder / SETTINGS).read_text(encoding="utf-8")) != settings:
            raise UserError(f"{folder}: was made with other settings; choose another output, or empty it")
        self._visits, self._recordings = Lines(folder / VISITS), Lines(folder / RECORDINGS)
        self._alarms = Lines(folder / ALARMS)
        self.visits = [_visit(entry, folder / VISITS) for entry in self._visits.read()]
        self._keys = {visit.key for visit in self.visits}
        self._rang = {
            (*_visit(entry.get("visit"), folder / ALARMS).key, str(entry.get("alarm")))
            for entry in self._alarms.read()
        }
        self._done: dict[str, dict[str, Any]] = {}
        for entry in self._recordings.read():
            self._done[str(entry.get("recording"))] = entry

    @staticmethod
    def begun(folder: Path) -> bool:
        """Whether a folder is that of a journal."""
        return (folder / SETTINGS).is_file()

    def begin(self) -> None:
        """Make the folder, before anything is added; nothing where it has been begun."""
        if self.begun(self.folder):
            return
        write_text(self.folder / SETTINGS, json.dumps(self.settings))

    @property
    def recordings(self) -> list[dict[str, Any]]:
        """Those that were read to their end: recording, size, frames, seconds."""
        return list(self._done.values())

    def has(self, recording: str, size: int) -> bool:
        """Whether a recording of that many bytes was read to its end."""
        return recording in self._done and self._done[recording].get("size") == size

    def alarm(self, name: str, visit: Visit) -> bool:
        """An alarm that a visit sets off; False, and nothing written, where it did so in an earlier run."""
        key = (*visit.key, name)
        if key in self._rang:
            return False
        self._alarms.add({"alarm": name, "visit": visit.plain()})
        self._rang.add(key)
        return True

    def add(self, visit: Visit, picture: np.ndarray) -> bool:
        """A visit that is over, with a picture [h, w, 3] uint8 of it; False as of an alarm."""
        if visit.key in self._keys:
            return False
        # First the picture: a line must not name a file that is not there.
        name = f"{PICTURES}/{len(self.visits) + 1:06d}.jpg"
        (self.folder / PICTURES).mkdir(exist_ok=True)
        save_picture(self.folder / name, picture)
        visit = replace(visit, picture=name)
        self._visits.add(visit.plain())
        self._keys.add(visit.key)
        self.visits.append(visit)
        return True

    def finish(self, recording: str, size: int, *, frames: int, seconds: float) -> None:
        """A recording was read to its end."""
        told = {"recording": recording, "size": size, "frames": frames, "seconds": round(seconds, 3)}
        self._recordings.add(told)
        self._done[recording] = told

    def table(self) -> None:
        """Write visits.csv; the file is whole or not there."""
        if not self.visits:
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(_row, self.visits))
        write_text(self.folder / TABLE, text.getvalue())


def _row(visit: Visit) -> Iterable[object]:
    values = {**visit.plain(), "class": visit.name, "alarms": " ".join(visit.alarms)}
    for key in ("zones", "lines"):
        values[key] = " ".join(f"{name}:{value}" for name, value in values[key].items())
    return (values[column] for column in COLUMNS)


def _visit(entry: object, path: Path) -> Visit:
    try:
        return Visit.read(entry)
    except ValueError as error:
        raise UserError(f"{path}: holds what is no visit of this version: {error}") from error
