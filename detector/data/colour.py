"""How a data set's pictures in false colours are read: one way for all of its splits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from detector.data.annotations import Annotations, ImageRecord
from detector.data.frames import read_frame
from detector.errors import UserError
from detector.thermal.io.colour import EMBEDDED, LUMINANCE, PALETTE, REFUSE, ColourError, advice, checked_way
from detector.thermal.palettes import recognised

LOOKED_AT = 24
"""Pictures that tell a set's palette: together they show all of it."""


def coloured(splits: Sequence[Annotations], way: str) -> list[Annotations]:
    """The splits of one set with every record to be read in that way.

    way: of detector.thermal.io.colour.WAYS; "palette" becomes the one that the pictures are in, or "refuse"
    where none is in colours. Raises UserError for another word, and where the pictures
    are of no known palette.
    """
    checked_way(way, where="data.colour")
    if way == PALETTE:
        way = palette_of(record for split in splits for record in split.records)
    return [replace(split, records=split.table.read_as(colour=way)) for split in splits]


def told(way: str) -> str:
    """What reading false colours in a way other than "refuse" means for the counts."""
    if way == LUMINANCE:
        return (
            "false colours are read by their brightness (data.colour=luminance): that is no gain of the "
            "camera's, and what is warmer need not be brighter"
        )
    return (
        f"false colours become 8-bit counts (data.colour={way}): what is warmer is brighter within a "
        "picture, but every picture has the camera's own gain"
    )


def palette_of(records: Iterable[ImageRecord]) -> str:
    """The way to undo the colours of the records' pictures; "refuse" where none of those looked at has any.

    Raises UserError where they are of no palette known here.
    """
    refused = refusals(list(records))
    if not refused:
        return REFUSE
    if all(error.embedded for error in refused):
        return EMBEDDED
    fit = recognised([error.colours for error in refused])
    if fit is None:
        raise UserError(f"data.colour={PALETTE}: {refused[0].path}: {advice(refused)}")
    return fit.palette


def refusals(records: Sequence[ImageRecord], *, most: int = LOOKED_AT) -> list[ColourError]:
    """Of evenly spaced records, what says that they are in false colours. Other failures are passed over."""
    spaced = records[:: max(1, len(records) // most)]
    return [error for error in map(_refusal, spaced) if error is not None]


def _refusal(record: ImageRecord) -> ColourError | None:
    with contextlib.suppress(UserError):
        try:
            read_frame(replace(record, colour=REFUSE))
        except ColourError as error:
            return error
    return None
