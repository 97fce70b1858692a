"""Pictures into a video file."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from detector.errors import UserError


class VideoWriter:
    """Writes RGB pictures [h, w, 3] uint8 of one size as MPEG-4; a context manager.

    Until it is closed the file carries `.partial` before its suffix; an error closes it after the last
    picture.
    Raises UserError where OpenCV cannot write it.
    """

    def __init__(self, path: Path, *, fps: float) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.stem}.partial{path.suffix}")
        self.fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size: tuple[int, int] | None = None

    def write(self, picture: np.ndarray) -> None:
        """Append one picture; another size than the first is fitted to it."""
        if self._writer is None:
            # Encoders of this kind want even sides.
            self._size = picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2
            self._writer = cv2.VideoWriter(
                str(self.partial), cv2.VideoWriter.fourcc(*"mp4v"), self.fps, self._size
            )
            if not self._writer.isOpened():
                raise UserError(f"{self.path}: this OpenCV cannot write it; take pictures=images")
        width, height = self._size or (0, 0)
        fitted = picture[:height, :width]
        if fitted.shape[:2] != (height, width):
            fitted = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        self._writer.write(cv2.cvtColor(fitted, cv2.COLOR_RGB2BGR))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()
            self.partial.replace(self.path)
