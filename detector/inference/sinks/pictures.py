"""A picture of every frame with what was found in it."""

from __future__ import annotations

from pathlib import Path

from detector.inference.draw import draw_prediction, save_picture
from detector.inference.prediction import Prediction
from detector.inference.sinks.base import Sink


class Pictures(Sink):
    """PNG files in a folder, named by number and the frame's own file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.frames = 0

    def write(self, prediction: Prediction) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.frames:06d}_{Path(prediction.frame.source).stem}.png"
        save_picture(self.folder / name, draw_prediction(prediction))
        self.frames += 1

    def close(self) -> None:
        return
