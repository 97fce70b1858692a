"""What the numbers of a data set's pictures mean where they are no counts: one unit for all of its splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detector.data.annotations import Annotations
from detector.thermal.io.temperatures import checked_unit


def measured(splits: Sequence[Annotations], unit: object) -> list[Annotations]:
    """The splits with every record to be read in that unit, of temperatures.UNITS; None: each by its values.

    Raises UserError for another word.
    """
    chosen = checked_unit(unit, where="data.unit")
    return [replace(split, records=split.table.read_as(unit=chosen)) for split in splits]
