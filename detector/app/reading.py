"""What commands share that read a user's recordings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.io import temperatures
from detector.thermal.io.colour import PALETTE, ColourError, checked_way
from detector.thermal.resolution import checked_scale

Tell = Callable[[str], None]
"""Shows a line to the user while a command runs."""


class Failures:
    """What could not be read.

    alone: there is nothing else, so that the end of the command is time enough; else `tell` is told at once.
    """

    def __init__(self, *, alone: bool, tell: Tell) -> None:
        self.alone = alone
        self.tell = tell
        self.messages: list[str] = []
        self.coloured: Path | str | None = None

    def add(self, error: UserError) -> None:
        """Of a recording that is read twice the second time tells nothing new."""
        if isinstance(error, ColourError):
            self.coloured = self.coloured or error.path
            if error.path != self.coloured:  # one has been told what to do
                error = UserError(f"{error.path}: in colour too")
        message = " ".join(str(error).split())
        if message in self.messages:
            return
        self.messages.append(message)
        if not self.alone:
            self.tell(message)

    def raise_for_any(self) -> None:
        """UserError where there was one."""
        if self.alone and self.messages:
            raise UserError(self.messages[0])
        if self.messages:
            raise UserError(f"{len(self.messages)} could not be read whole, as named above; the rest is done")


def checked_shape(shape: Sequence[int] | None) -> tuple[int, int] | None:
    """(height, width) of raw counts; UserError for whatever is no two numbers above 0."""
    if shape is None:
        return None
    sides = shape if isinstance(shape, Sequence) and len(shape) == 2 else ()
    if not sides or not all(isinstance(side, int) and side > 0 for side in sides):
        raise UserError(f"raw_shape={shape}: must be [height, width]")
    return sides[0], sides[1]


def noting_units(recording: io.Recording, guesses: set[str]) -> io.Recording:
    """The recording; `guesses` gets what its numbers are taken for as frames come."""

    def decode() -> Iterator[Frame]:
        for frame in recording:
            if frame.taken_for is not None:
                guesses.add(frame.taken_for)
            yield frame

    return replace(recording, decode=decode)


def tell_units(guesses: Collection[str], tell: Tell) -> None:
    """One line for each unit that numbers were taken for."""
    for unit in sorted(guesses):
        tell(temperatures.told(unit))


def chosen_scale(asked: object) -> float | None:
    """How large frames are shown to the detector; None: as in training. Raises UserError as checked_scale."""
    return None if asked is None else checked_scale(asked, where="scale")


def chosen_colour(asked: object, *, own: str) -> str:
    """How false colours are read. asked: None is `own`, the way of the checkpoint.

    Raises UserError for a word that is no way, and for "palette", which takes a whole set to find.
    """
    if asked is None:
        return own
    way = checked_way(asked, where="colour")
    if way == PALETTE:
        raise UserError(
            f"colour={PALETTE}: is found out for data sets; here give the palette's name, which a refused "
            "picture tells where it can"
        )
    return way
