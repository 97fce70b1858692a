"""Recordings through a detector and a tracker into a journal of visits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from detector.app.opening import Detector
from detector.app.predicting import DEFAULT_FPS, Progress, calibrated
from detector.app.reading import Failures, Tell
from detector.errors import UserError
from detector.events.alarms import Alarm
from detector.events.journal import Journal
from detector.events.places import Line, Point, Zone
from detector.events.visit import Visit
from detector.events.visits import Rang, Rules, Visits
from detector.inference.draw import shown
from detector.inference.pipeline import Pipeline, shots
from detector.inference.prediction import Prediction
from detector.inference.sources import Opened, until_failure
from detector.inference.stages import Predictions, Stage, lowest
from detector.inference.tracked import Clock, tracked
from detector.report.kit.crops import crop
from detector.structures import Calibration
from detector.tracking.base import Tracker


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What recordings are watched with. least: the score of each class from which a detection counts."""

    detector: Detector
    pipeline: Pipeline
    tracker: Tracker
    least: Mapping[str, float]
    rules: Rules
    calibration: Calibration | None

    def read(self, opened: Opened, journal: Journal, failures: Failures, *, progress: Progress) -> None:
        """Adds the visits of a recording to the journal, unless it has been read to its end before."""
        name, size = str(opened.path.resolve()), _size(opened)
        if journal.has(name, size):
            return
        told = len(failures.messages)
        recording = opened.recording
        fps = recording.fps or DEFAULT_FPS
        visits = Visits(name, self.rules, portrait=portrait, rang=partial(_rang, journal, failures.tell))
        follow, clock = tracked(self.tracker, self.least, fps=fps), Clock(fps=fps)
        seen = shots(calibrated(recording, self.calibration), self.detector.gain)
        found = follow(self.pipeline(seen, least=lowest(self.least, weak=self.tracker.weak)))
        frames, seconds = 0, 0.0
        for prediction in progress(until_failure(found, failures.add), recording):
            frames, seconds = frames + 1, clock.read(prediction.frame)
            for finished in visits.add(prediction, seconds=seconds):
                journal.add(*finished)
        for finished in visits.end():
            journal.add(*finished)
        if len(failures.messages) == told:
            journal.finish(name, size, frames=frames, seconds=seconds)


def rules(settings: Mapping[str, Any], *, classes: tuple[str, ...]) -> Rules:
    """Of the group `events`. Raises UserError for what it cannot be."""
    zones, lines, alarms = (_named(settings[key], f"events.{key}") for key in ("zones", "lines", "alarms"))
    return Rules(
        shortest=settings["shortest"],
        gap=settings["gap"],
        zones=tuple(Zone(name, _points(corners, f"zones.{name}")) for name, corners in zones.items()),
        lines=tuple(Line(name, _points(ends, f"lines.{name}")) for name, ends in lines.items()),
        alarms=tuple(_alarm(name, given, classes) for name, given in alarms.items()),
    )


def noting_visits(rules: Rules, *, name: str, fps: float, rang: Rang, over: Callable[[Visit], None]) -> Stage:
    """Passes followed objects on; `rang` is told of alarms, `over` of visits that are over.

    name: of the live source. fps: of frames that do not tell their time.
    """

    def stage(predictions: Iterable[Prediction]) -> Predictions:
        visits, clock = Visits(name, rules, portrait=_no_picture, rang=rang), Clock(fps=fps)
        try:
            for prediction in predictions:
                for finished in visits.add(prediction, seconds=clock.read(prediction.frame)):
                    over(finished.visit)
                yield prediction
        finally:
            for finished in visits.end():
                over(finished.visit)

    return stage


def _no_picture(prediction: Prediction, index: int) -> np.ndarray:  # noqa: ARG001 (Portrait's contract)
    return np.zeros((0, 0, 3), np.uint8)


def portrait(prediction: Prediction, index: int) -> np.ndarray:
    """A picture [h, w, 3] uint8 of an object with what is around it."""
    return crop(
        shown(prediction.frame, prediction.image),
        prediction.boxes[index],
        detections=prediction.detections.keep(np.array([index])),
        ground_truth=np.zeros((0, 4), np.float32),
        classes=prediction.classes,
    )


def fingerprint(watch: Watch, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What decides which visits are found: the weights, and the settings of a command that tell it."""
    weights = hashlib.sha256(watch.detector.path.read_bytes()).hexdigest()[:16]
    return {"weights": weights, "least": dict(watch.least), **settings}


def alarm_line(name: str, visit: Visit) -> str:
    """For the log."""
    when = visit.start or f"{visit.first:.0f} s"
    return f"alarm {name}: {visit.name} at {when} in {visit.recording}"


def _rang(journal: Journal, tell: Tell, name: str, visit: Visit) -> None:
    if journal.alarm(name, visit):
        tell(alarm_line(name, visit))


def _size(opened: Opened) -> int:
    """In bytes; of pictures in files of their own, how many there are."""
    return opened.recording.length or 0 if opened.path.is_dir() else opened.path.stat().st_size


def _alarm(name: str, given: object, classes: tuple[str, ...]) -> Alarm:
    where = f"events.alarms.{name}"
    known = {"classes": None, "seconds": 0.0, "kelvin": None, "zone": None}
    if not isinstance(given, dict) or not set(given) <= set(known):
        raise UserError(f"{where}={given}: must be a group of {', '.join(known)}")
    told = {**known, **given}
    for key in ("seconds", "kelvin"):
        if not isinstance(told[key], (int, float)) and (key == "seconds" or told[key] is not None):
            raise UserError(f"{where}.{key}={told[key]}: must be a number")
    if told["classes"] is not None:
        unknown = [word for word in told["classes"] if word not in classes]
        if unknown:
            raise UserError(f"{where}.classes: {unknown[0]} is none of {', '.join(classes)}")
        told["classes"] = tuple(told["classes"])
    return Alarm(name=name, **told)


def _named(given: object, where: str) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UserError(f"{where}={given}: must be null or a group, {{NAME: ...}}")
    return given


def _points(given: object, where: str) -> tuple[Point, ...]:
    try:
        return tuple((float(x), float(y)) for x, y in given)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise UserError(f"events.{where}={given}: must be a list of points [x, y]") from error
