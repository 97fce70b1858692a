"""A folder that another program fills with pictures."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from detector.errors import UserError
from detector.live.source import Lost, Tell
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.io.opening import PICTURES, is_shown, natural

Stamp = tuple[int, int]
"""Size and time of the last change."""


@dataclass(frozen=True, kw_only=True)
class FillingFolder:
    """Its pictures as they come. A file counts once it has not changed from one look to the next.

    Of those there at the start only the last is given. A file that is written anew is a new picture. every:
    seconds between looks. how: as files are read. tell: is told of files that cannot be.
    """

    folder: Path
    every: float
    how: io.How
    tell: Tell

    @property
    def name(self) -> str:
        return str(self.folder)

    def frames(self, stop: Event) -> Generator[Frame, None, None]:
        """Raises Lost where the folder cannot be read, as when its disk is gone."""
        before = self._look()
        given = dict(before)
        if before:
            del given[max(before, key=natural)]
        while not stop.wait(self.every):
            now = self._look()
            rested = [file for file, stamp in now.items() if before.get(file) == stamp != given.get(file)]
            given = {file: stamp for file, stamp in given.items() if file in now}
            for file in sorted(rested, key=natural):
                given[file] = now[file]
                try:
                    frame = io.read(file, **self.how._asdict())
                except UserError as error:
                    self.tell(str(error))
                    continue
                yield frame
            before = now

    def _look(self) -> dict[Path, Stamp]:
        """The pictures in it that are not empty."""
        found = {}
        try:
            for file in self.folder.iterdir():
                if file.suffix.lower() in PICTURES and is_shown(file):
                    try:
                        state = file.stat()
                    except FileNotFoundError:  # it was moved on in between
                        continue
                    if state.st_size:
                        found[file] = (state.st_size, state.st_mtime_ns)
        except OSError as error:
            raise Lost(f"{self.folder}: cannot be read: {error.strerror}") from error
        return found
