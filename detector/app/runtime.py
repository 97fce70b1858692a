"""The program of the runtime, thermal-detector-runtime: predict where there is neither torch nor Hydra."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from detector.app.ending import one_line
from detector.app.opening import open_detector
from detector.app.predicting import PICTURES, Request, predict
from detector.engine.settings import InferenceSettings
from detector.inference.prediction import Prediction
from detector.inference.sources import find
from detector.thermal import io
from detector.tracking.bytetrack import ByteTrack
from detector.version import __version__

TRACKER = ByteTrack(
    weak=0.4, hits=3, keep=1.0, reach=2.0, sigmas=3.0, resize=2.0, noise=0.2, speed=5.0, agility=3.0
)
"""As configs/tracker/bytetrack.yaml has it: there are no configurations here."""

SETTINGS = InferenceSettings(device="cpu", precision="fp32", batch_size=8)
"""An .onnx file decides its precision itself; the others are those of `predict`."""


def main(words: Sequence[str] | None = None) -> None:
    """Run the program with these words, or with those of the command line."""
    asked = _parser().parse_args(words)
    with one_line():
        request = Request(
            paths=find(asked.source),
            output=asked.output,
            pictures=asked.pictures,
            confidence=asked.confidence,
            raw_shape=asked.raw_shape and tuple(asked.raw_shape),
            colour=None,
            unit=None,
            calibration=None,
            tracker=TRACKER if asked.track else None,
        )
        detector = open_detector(asked.model, device=SETTINGS.device)
        pipeline = detector.pipeline(SETTINGS)
        predict(request, detector, pipeline, tell=_tell, progress=_as_they_come)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "thermal-detector-runtime", description="Find objects in pictures, folders and recordings."
    )
    parser.add_argument("model", metavar="MODEL.onnx", help="what thermal-detector export wrote")
    parser.add_argument("source", nargs="+", metavar="SOURCE", help="a picture, recording, folder or pattern")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="default: predictions/NAME of the source beside the model"
    )
    parser.add_argument(
        "--confidence", type=float, help="lowest score of an object; default: what served each class best"
    )
    parser.add_argument(
        "--pictures",
        choices=PICTURES,
        default="none",
        help="also draw what was found; auto: a video of a recording, else images; default: none",
    )
    parser.add_argument("--track", action="store_true", help="number objects from frame to frame")
    parser.add_argument(
        "--raw-shape", nargs=2, type=int, metavar=("HEIGHT", "WIDTH"), help="of raw files, which cannot tell"
    )
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def _as_they_come(found: Iterable[Prediction], _: io.Recording) -> Iterable[Prediction]:
    return found
