"""Recordings through a detector and into files: what `predict` and the runtime's program do alike."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from detector.app.opening import Detector
from detector.app.reading import Failures, Tell, chosen_colour, noting_units, tell_units
from detector.errors import UserError
from detector.evaluation.worst import MOST
from detector.inference.pipeline import Pipeline, shots
from detector.inference.prediction import Prediction
from detector.inference.sinks.base import Sink
from detector.inference.sinks.csv_file import CsvFile
from detector.inference.sinks.json_file import JsonFile
from detector.inference.sinks.pictures import Pictures
from detector.inference.sinks.video import Video
from detector.inference.sources import Opened, recordings, until_failure
from detector.inference.stages import FALLBACK, confident, lowest, thresholds
from detector.inference.tracked import tracked
from detector.structures import Calibration, Frame
from detector.thermal import io
from detector.tracking.base import Tracker

PICTURES = ("auto", "images", "video", "none")
DEFAULT_FPS = 9.0
"""Of a recording that tells none: what cameras free of export control give."""

Progress = Callable[[Iterable[Prediction], io.Recording], Iterable[Prediction]]
"""Gives the predictions of a recording as they come, and may show how far it is."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to find objects in, and what to write.

    paths: as `sources.find` gives them. output: the folder; None: predictions/NAME beside the detector.
    pictures: one of PICTURES; auto is a video of a recording, else images. confidence: lowest score of an
    object; None: the thresholds of each class that the run found best. raw_shape: (height, width) of raw
    counts. colour: how false colours are read; None: as the detector was trained. unit: of numbers that are
    no counts; None: by their values. calibration: of frames that bring none. tracker: follows objects from
    frame to frame; None: nobody does. Raises UserError for pictures that are none of these.
    """

    paths: Sequence[Path]
    output: Path | None
    pictures: str
    confidence: float | None
    raw_shape: tuple[int, int] | None
    colour: str | None
    unit: str | None
    calibration: Calibration | None
    tracker: Tracker | None

    def __post_init__(self) -> None:
        if self.pictures not in PICTURES:
            raise UserError(f"pictures={self.pictures}: must be one of {', '.join(PICTURES)}")


def predict(
    request: Request, detector: Detector, pipeline: Pipeline, *, tell: Tell, progress: Progress
) -> None:
    """Write detections.json, detections.csv and the pictures; print how much was found.

    `tell` is told of what cannot be read when it is met; the rest is done, and UserError raised at the end.
    """
    paths = request.paths
    colour = chosen_colour(request.colour, own=detector.colour)
    least = thresholds(detector.classes, stored=detector.thresholds, confidence=request.confidence)
    folder = request.output or detector.run_folder / "predictions" / _name(paths)

    failures = Failures(alone=len(paths) == 1 and paths[0].is_file(), tell=tell)
    frames = objects = 0
    names: Counter[str] = Counter()
    guesses: set[str] = set()
    tables = (
        JsonFile(folder / "detections.json", classes=detector.classes),
        CsvFile(folder / "detections.csv"),
    )
    with tables[0], tables[1]:
        how = io.How(request.raw_shape, colour, request.unit)
        for opened in recordings(paths, **how._asdict(), failed=failures.add):
            recording = opened.recording
            stage, floor = confident(least), lowest(least)
            if request.tracker is not None:
                stage = tracked(request.tracker, least, fps=recording.fps or DEFAULT_FPS)
                floor = lowest(least, weak=request.tracker.weak)
            read = noting_units(calibrated(recording, request.calibration), guesses)
            found = stage(pipeline(shots(read, detector.gain), least=floor))
            with _pictures(request.pictures, opened, folder / _unused(recording.name, names)) as pictures:
                for prediction in progress(until_failure(found, failures.add), recording):
                    for sink in (*tables, *pictures):
                        sink.write(prediction)
                    frames += 1
                    objects += len(prediction)
    tell_units(guesses, tell)
    if frames:
        print(f"{frames} frames, {objects} objects: {folder}")
        print(f"an object counts from the score {_in_words(least)}; confidence chooses another")
        if request.confidence is None and detector.thresholds is None:
            print(f"{detector.path} stores no thresholds, so {FALLBACK} was taken")
    failures.raise_for_any()


def _name(paths: Sequence[Path]) -> str:
    """Of one file its name, else that of the folder that holds everything."""
    if len(paths) == 1 and paths[0].is_file():
        return paths[0].stem
    return Path(os.path.commonpath([path.resolve() for path in paths])).name


def _unused(name: str, taken: Counter[str]) -> str:
    """The name, with a number where another recording has it already."""
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}_{taken[name]}"


def calibrated(recording: io.Recording, calibration: Calibration | None) -> io.Recording:
    """The recording; frames that bring no calibration get this one."""

    def decode() -> Iterator[Frame]:
        for frame in recording:
            yield replace(frame, calibration=calibration) if frame.calibration is None else frame

    return replace(recording, decode=decode)


@contextmanager
def _pictures(kind: str, opened: Opened, place: Path) -> Iterator[tuple[Sink, ...]]:
    """The sink that draws a recording into `place`, a folder, or into the video beside it; or none."""
    if kind == "none":
        yield ()
        return
    sink: Sink = Pictures(place)
    if kind == "video" or (kind == "auto" and not opened.stills):
        sink = Video(place.with_name(f"{place.name}.mp4"), fps=opened.recording.fps or DEFAULT_FPS)
    with sink:
        yield (sink,)


def _in_words(least: dict[str, float]) -> str:
    if len(set(least.values())) == 1:
        return f"{next(iter(least.values())):.3g}"
    if len(least) > MOST:
        return f"{min(least.values()):.3g} to {max(least.values()):.3g}, each class its own"
    return ", ".join(f"{value:.3g} ({name})" for name, value in least.items())
