"""The frames with what was found in them as a video."""

from __future__ import annotations

from pathlib import Path

import cv2

from detector.errors import UserError
from detector.inference.draw import draw_prediction
from detector.inference.prediction import Prediction
from detector.inference.sinks.base import Sink


class Video(Sink):
    """MPEG-4 with `fps` frames a second; a frame of another size than the first is fitted to it.

    Until it is closed the file carries `.partial` before its suffix; an error closes it after the last frame.
    Writing raises UserError where OpenCV cannot.
    """

    def __init__(self, path: Path, *, fps: float) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.stem}.partial{path.suffix}")
        self.fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size: tuple[int, int] = (0, 0)

    def write(self, prediction: Prediction) -> None:
        picture = draw_prediction(prediction)
        if self._writer is None:
            # Encoders of this kind want even sides.
            self._size = picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = cv2.VideoWriter(
                str(self.partial), cv2.VideoWriter.fourcc(*"mp4v"), self.fps, self._size
            )
            if not self._writer.isOpened():
                self._writer = None
                raise UserError(f"{self.path}: this OpenCV cannot write it; take pictures=images")
        width, height = self._size
        fitted = picture[:height, :width]
        if fitted.shape[:2] != (height, width):
            fitted = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        self._writer.write(cv2.cvtColor(fitted, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.release()
            self.partial.replace(self.path)
