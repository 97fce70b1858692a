"""What the runtime lacks, told to its users in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from detector.errors import UserError


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Around imports of modules that are in the full package only: UserError where one is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"{what}: needs the full package, thermal-detector (there is no {error.name} here); without it "
            "there are load and predict, of an .onnx file that thermal-detector export writes"
        ) from error
