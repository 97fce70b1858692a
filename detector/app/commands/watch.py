"""Show on a page what a camera sees now and what is found in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from detector.app.bar import tell
from detector.app.opening import Detector, open_detector
from detector.app.parts import build
from detector.app.predicting import DEFAULT_FPS
from detector.app.reading import checked_shape, chosen_colour, chosen_scale
from detector.app.settings import plain, typed
from detector.app.visiting import alarm_line, noting_visits, rules
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.events.visit import Visit
from detector.inference.stages import Stage, confident, lowest, thresholds
from detector.inference.tracked import tracked
from detector.live.camera import Camera
from detector.live.folder import FillingFolder
from detector.live.loop import watch
from detector.live.newest import Newest
from detector.live.notify import Notifier
from detector.live.playback import Playback
from detector.live.record import Recorder
from detector.live.server import is_loopback, serving
from detector.live.source import URL, Calibrated, Source
from detector.live.stream import RawStream
from detector.live.view import View
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.io.temperatures import checked_unit
from detector.tracking.base import Tracker

Notify = Callable[[Mapping[str, Any]], None]

FLOOR = 0.05
"""Score below which nothing is sent to the page."""


def run(config: DictConfig) -> None:
    """The command: config as in configs/watch.yaml; until it is interrupted or the source is at its end."""
    for key in ("silence", "poll"):
        if not config[key] > 0:
            raise UserError(f"{key}={config[key]}: must be a number of seconds above 0")
    engine = typed(InferenceSettings, {**plain(config.engine), "batch_size": 1}, where="engine")
    detector = open_detector(str(config.checkpoint), device=engine.device, scale=chosen_scale(config.scale))
    how = io.How(
        checked_shape(plain(config.raw_shape)),
        chosen_colour(config.colour, own=detector.colour),
        checked_unit(config.unit, where="unit"),
    )
    source = source_of(config.source, how, y16=config.y16, poll=config.poll)
    if config.calibration is not None:
        source = Calibrated(source, build("calibration", plain(config.calibration)))
    least = thresholds(detector.classes, stored=detector.thresholds, confidence=config.confidence)
    view = View(name=source.name, classes=detector.classes, thresholds=least, floor=FLOOR)
    recorder = None if config.record is None else Recorder(Path(str(config.record)), tell=tell)
    newest = Newest(source, tell=tell, silence=config.silence, keep=recorder or _keep_none)
    try:
        with (
            serving(view, host=str(config.host), port=config.port) as address,
            _notifier(config.notify) as notify,
            newest,
        ):
            tracker = None if config.get("tracker") is None else build("tracker", plain(config.tracker))
            stage = _stage(config, detector, least, tracker=tracker, name=source.name, notify=notify)
            print(f"{source.name}: {address}", flush=True)
            if not is_loopback(str(config.host)):
                tell(
                    "warning: whoever has this address sees the camera, and so does whoever listens on the "
                    "network: the connection is not encrypted"
                )
            pipeline = detector.pipeline(engine)
            floor = FLOOR if tracker is None else lowest(least, weak=tracker.weak)
            watch(newest, view, pipeline=pipeline, gain=detector.gain, stage=stage, least=floor)
    finally:
        counts = newest.counts
        print(f"{counts.received} frames, {counts.dropped} dropped, {counts.reconnected} reconnections")
        if recorder is not None:
            print(f"{recorder.written} frames kept, {recorder.failed} could not be: {recorder.folder}")


def _stage(
    config: DictConfig,
    detector: Detector,
    least: dict[str, float],
    *,
    tracker: Tracker | None,
    name: str,
    notify: Notify,
) -> Stage:
    """What is done to predictions before the page has them; a tracker's visits and alarms are told."""
    if tracker is None:
        if config.events.alarms or config.notify:
            raise UserError(
                "events.alarms, notify: are of objects that are followed; choose tracker=bytetrack"
            )
        return confident(dict.fromkeys(detector.classes, FLOOR))
    follow = tracked(tracker, least, fps=DEFAULT_FPS)

    def rang(alarm: str, visit: Visit) -> None:
        tell(alarm_line(alarm, visit))
        notify({"alarm": alarm, "visit": visit.plain()})

    def over(visit: Visit) -> None:
        notify({"visit": visit.plain()})

    asked = rules(plain(config.events), classes=detector.classes)
    note = noting_visits(asked, name=name, fps=DEFAULT_FPS, rang=rang, over=over)
    return lambda predictions: note(follow(predictions))


@contextmanager
def _notifier(address: object) -> Iterator[Notify]:
    if address is None:
        yield lambda news: None  # noqa: ARG005 (Notify's contract)
        return
    with Notifier(str(address), tell=tell) as notify:
        yield notify


def source_of(asked: object, how: io.How, *, y16: bool, poll: float) -> Source:
    """What the words mean. Raises UserError for what is not there."""
    text = str(asked)
    if text.isascii() and text.isdigit():
        return Camera(place=int(text), y16=y16, colour=how.colour)
    if y16:
        raise UserError(f"y16=true source={text}: is for a camera by its index")
    if URL.match(text):
        return Camera(place=text, y16=False, colour=how.colour)
    if text == "-":
        if how.raw_shape is None:
            raise UserError("source=-: raw counts carry no shape; give raw_shape=[height,width]")
        return RawStream(sys.stdin.buffer, how.raw_shape)
    path = Path(text)
    if path.is_dir():
        return FillingFolder(folder=path, every=poll, how=how, tell=tell)
    recording = io.open_recording(path, **how._asdict())
    return Playback(recording, recording.fps or DEFAULT_FPS)


def _keep_none(frame: Frame) -> None:
    """What is not recorded."""
