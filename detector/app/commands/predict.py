"""Find objects in what a user's camera gave, and say where, what and how warm."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from omegaconf import DictConfig
from tqdm import tqdm

from detector.app.opening import open_detector
from detector.app.parts import build
from detector.app.reading import Failures, checked_shape, chosen_colour
from detector.app.settings import plain, typed
from detector.app.shipped import THERMAL
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.inference.pipeline import shots
from detector.inference.sinks.base import Sink
from detector.inference.sinks.csv_file import CsvFile
from detector.inference.sinks.json_file import JsonFile
from detector.inference.sinks.pictures import Pictures
from detector.inference.sinks.video import Video
from detector.inference.sources import Opened, find, recordings, until_failure
from detector.inference.stages import FALLBACK, confident, thresholds
from detector.structures import Calibration, Frame
from detector.thermal import io

PICTURES = ("auto", "images", "video", "none")
DEFAULT_FPS = 9.0
"""Of a recording that tells none: what cameras free of export control give."""


def run(config: DictConfig) -> None:
    """The command: config as in configs/predict.yaml.

    What cannot be read is named on stderr when it is met, the rest is done, and the last line says so.
    """
    engine = typed(InferenceSettings, config.engine, where="engine")
    shape = checked_shape(plain(config.raw_shape))
    if config.pictures not in PICTURES:
        raise UserError(f"pictures={config.pictures}: must be one of {', '.join(PICTURES)}")
    calibration = None if config.calibration is None else build("calibration", plain(config.calibration))
    paths = find(plain(config.source))
    trained = open_detector(str(config.checkpoint), device=engine.device)
    if config.checkpoint == THERMAL:
        print(f"with the weights that ship, which find {', '.join(trained.classes)}")
    colour = chosen_colour(config.colour, own=trained.colour)
    least = thresholds(trained.classes, stored=trained.thresholds, confidence=config.confidence)
    folder = Path(str(config.output or trained.run_folder / "predictions" / _name(paths)))

    pipeline, stage = trained.pipeline(engine), confident(least)
    failures = Failures(alone=len(paths) == 1 and paths[0].is_file())
    frames = objects = 0
    names: Counter[str] = Counter()
    tables = JsonFile(folder / "detections.json", classes=trained.classes), CsvFile(folder / "detections.csv")
    with tables[0], tables[1]:
        for opened in recordings(paths, raw_shape=shape, colour=colour, failed=failures.add):
            recording = opened.recording
            found = stage(pipeline(shots(_calibrated(recording, calibration), trained.gain)))
            bar = partial(tqdm, desc=recording.name, total=recording.length, unit="frame", leave=False)
            with _pictures(config.pictures, opened, folder / _unused(recording.name, names)) as pictures:
                for prediction in bar(until_failure(found, failures.add)):
                    for sink in (*tables, *pictures):
                        sink.write(prediction)
                    frames += 1
                    objects += len(prediction)
    if frames:
        print(f"{frames} frames, {objects} objects: {folder}")
        print(f"an object counts from the score {_in_words(least)}; confidence=... chooses another")
        if config.confidence is None and trained.thresholds is None:
            print(f"{trained.path} stores no thresholds, so {FALLBACK} was taken")
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


def _calibrated(recording: io.Recording, calibration: Calibration | None) -> io.Recording:
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
    return ", ".join(f"{value:.3g} ({name})" for name, value in least.items())
