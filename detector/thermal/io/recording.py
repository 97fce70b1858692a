"""A recording: frames that are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from detector.structures import Frame


@dataclass(frozen=True)
class Recording:
    """Frames in the order they were taken. Each iteration reads the file anew and holds one frame at a time.

    name: the file's stem or the folder's name; Frame.sequence where there are several frames.
    decode: starts one pass through the frames; going on raises UserError, naming the file, at a damaged one.
    length: how many frames there are, None where the format does not tell; then len() raises TypeError.
    fps: frames a second, where known. facts: what the file tells of camera and place, by name.
    """

    name: str
    decode: Callable[[], Iterator[Frame]]
    length: int | None = None
    fps: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Frame]:
        return self.decode()

    def __len__(self) -> int:
        if self.length is None:
            raise TypeError(f"{self.name}: the format does not tell how many frames there are")
        return self.length
