"""Pick frames of recordings for a person to label, round after round."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from omegaconf import DictConfig

from detector.app.bar import bar, tell
from detector.app.commands.convert import WRITERS
from detector.app.opening import Detector, open_detector
from detector.app.parts import build
from detector.app.reading import (
    Failures,
    checked_shape,
    chosen_colour,
    chosen_scale,
    noting_units,
    tell_units,
)
from detector.app.settings import plain, typed
from detector.data.annotations import Annotations, ImageRecord
from detector.data.auto.listing import PRELABELS
from detector.data.writers.output import copy, require_fresh
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.inference.pipeline import Pipeline, Shot, shots
from detector.inference.prediction import Prediction
from detector.inference.sources import Opened, find, recordings
from detector.inference.stages import confident, lowest, thresholds
from detector.labelling import manifest
from detector.labelling.change import Survey, digest, survey
from detector.labelling.doubt import doubts
from detector.labelling.manifest import Entry
from detector.labelling.picking import Pick, pick
from detector.labelling.rounds import new_round, save_pictures
from detector.structures import Detections, Frame
from detector.thermal import io
from detector.thermal.agc import Agc
from detector.thermal.io.colour import REFUSE
from detector.thermal.io.temperatures import checked_unit

log = logging.getLogger(__name__)

SPLIT = "train"
"""What the pre-labels are called as a data set: the one name that every label tool takes."""


@dataclass(frozen=True)
class Model:
    """A checkpoint in use. least: the score of each class from which a detection counts."""

    trained: Detector
    pipeline: Pipeline
    least: Mapping[str, float]

    def doubts(self, recording: io.Recording) -> np.ndarray:
        """[N] of its frames."""
        return doubts(self.pipeline(shots(recording, self.trained.gain)), self.least)

    def predictions(self, recording: io.Recording, frames: Iterable[Frame]) -> Iterator[Prediction]:
        """What counts in some of its frames."""
        gain = self.trained.gain.for_sequence(recording)
        shown = (Shot(frame, gain(frame)) for frame in frames)
        return confident(self.least)(self.pipeline(shown, least=lowest(self.least)))


class Surveyed(NamedTuple):
    """name: of the recording in the manifest. doubt: of each frame, where there is a model."""

    name: str
    opened: Opened
    survey: Survey
    doubt: np.ndarray | None


def run(config: DictConfig) -> None:
    """The command: config as in configs/frames.yaml.

    What cannot be read is named on stderr when it is met, the rest is done, and the last line says so.
    """
    if type(config.count) is not int or config.count < 1:
        raise UserError(f"count={config.count}: must be a whole number of frames, at least 1")
    forms = _checked_forms(plain(config.labels))
    shape = checked_shape(plain(config.raw_shape))
    preview: Agc = build("thermal", plain(config.preview), where="preview")
    output = Path(str(config.output))
    earlier = manifest.load(output)
    if not earlier:
        require_fresh(output)
    paths = find(plain(config.source))
    model = None if config.checkpoint is None else _model(config)
    colour = chosen_colour(config.colour, own=REFUSE if model is None else model.trained.colour)
    if model is None and config.confidence is not None:
        raise UserError("confidence: is of what a checkpoint finds; give checkpoint=PATH too")
    unit = checked_unit(config.unit, where="unit")
    failures = Failures(alone=len(paths) == 1 and paths[0].is_file(), tell=tell)
    known: dict[str, set[str]] = {}
    for entry in earlier:
        known.setdefault(entry.recording, set()).add(entry.digest)
    surveyed: list[Surveyed] = []
    guesses: set[str] = set()
    for opened in recordings(paths, raw_shape=shape, colour=colour, unit=unit, failed=failures.add):
        opened = opened._replace(recording=noting_units(opened.recording, guesses))
        surveyed.append(_surveyed(opened, model, known, {one.name for one in surveyed}))
    tell_units(guesses, tell)
    picks = pick(
        [one.survey for one in surveyed],
        config.count,
        known=frozenset(bytes.fromhex(entry.digest) for entry in earlier),
        doubts=None if model is None else [one.doubt for one in surveyed if one.doubt is not None],
    )
    if picks:
        _write(output, earlier, surveyed, picks, preview=preview, model=model, forms=forms)
    elif not failures.messages:
        raise UserError(f"{output}: holds every frame of the source that differs from the others")
    failures.raise_for_any()


def _checked_forms(forms: object) -> list[str]:
    if not isinstance(forms, list) or any(form not in WRITERS for form in forms):
        raise UserError(f"labels={forms}: must be a list of {', '.join(WRITERS)}")
    return forms


def _model(config: DictConfig) -> Model:
    engine = typed(InferenceSettings, config.engine, where="engine")
    trained = open_detector(str(config.checkpoint), device=engine.device, scale=chosen_scale(config.scale))
    least = thresholds(trained.classes, stored=trained.thresholds, confidence=config.confidence)
    return Model(trained, trained.pipeline(engine), least)


def _surveyed(
    opened: Opened, model: Model | None, known: Mapping[str, set[str]], names: set[str]
) -> Surveyed:
    """Goes through a recording, twice with a model.

    known: digests of the frames that the manifest has, by recording. names: of the recordings before it.
    """
    recording = opened.recording
    found = survey(bar(recording, recording))
    doubt = None if model is None else model.doubts(recording)
    if doubt is not None and len(doubt) != len(found):
        raise _changed(opened)
    digests = {digest.hex() for digest in found.digests}
    # Known by its frames: files move, and a user writes a path in many ways.
    name = next((name for name in known if name not in names and digests >= known[name]), None)
    if name is None:
        name = manifest.unused(recording.name, names | known.keys())
    return Surveyed(name, opened, found, doubt)


def _write(
    output: Path,
    earlier: Sequence[Entry],
    surveyed: Sequence[Surveyed],
    picks: Sequence[Pick],
    *,
    preview: Agc,
    model: Model | None,
    forms: Sequence[str],
) -> None:
    """The pictures, the manifest and what the model found, as one round; says what it was."""
    number = 1 + max((entry.round for entry in earlier), default=0)
    entries = list(earlier)
    names = {entry.name for entry in earlier}
    records: list[ImageRecord] = []
    calibrated = 0
    with new_round(output) as folder:
        for place, one in enumerate(surveyed):
            wanted = sorted((chosen.index, chosen.why) for chosen in picks if chosen.recording == place)
            if not wanted:
                continue
            gain = preview.for_sequence(one.opened.recording)
            frames = _frames(one, [index for index, _ in wanted], model)
            for (index, why), (frame, found) in zip(wanted, frames, strict=True):
                name = manifest.unused(manifest.frame_name(one.name, index), names)
                entry = _entry(one, frame, name=name, index=index, why=why, number=number)
                save_pictures(folder, entry, frame, gain(frame))
                names.add(name)
                entries.append(entry)
                calibrated += frame.calibration is not None
                if found is not None:
                    records.append(_record(len(records) + 1, folder, entry, found))
        manifest.save(entries, folder)
        if model is not None:
            classes = model.trained.classes
            labels = Annotations(classes, tuple(records), tuple(range(1, len(classes) + 1)))
            for form in forms:
                WRITERS[form]({SPLIT: labels}, folder / PRELABELS / f"round_{number}" / form, place=copy)
    whys = Counter(chosen.why for chosen in picks)
    told = ", ".join(f"{count} {why}" for why, count in sorted(whys.items()))
    length = sum(len(one.survey) for one in surveyed)
    print(f"round {number}: {len(picks)} of {length} frames ({told}): {output}")
    if calibrated:
        log.warning("PNG has no place for the calibrations of %d frames: left out", calibrated)
    if model is not None and forms:
        objects = sum(len(record.boxes) for record in records)
        print(f"labels of {objects} objects to correct: {output / PRELABELS / f'round_{number}'}")


def _frames(
    one: Surveyed, wanted: Sequence[int], model: Model | None
) -> Iterator[tuple[Frame, Detections | None]]:
    """The wanted frames of a recording in their order, with what the model found."""
    frames = _again(one, wanted)
    if model is None:
        yield from ((frame, None) for frame in frames)
    else:
        for prediction in model.predictions(one.opened.recording, frames):
            yield prediction.frame, prediction.detections


def _again(one: Surveyed, wanted: Sequence[int]) -> Iterator[Frame]:
    """The wanted frames of a recording; UserError where they are not those that were looked at."""
    left = set(wanted)
    for index, frame in enumerate(one.opened.recording):
        if index in left:
            if digest(frame.counts) != one.survey.digests[index]:
                break
            left.remove(index)
            yield frame
        if not left:
            return
    raise _changed(one.opened)


def _changed(opened: Opened) -> UserError:
    return UserError(f"{opened.path}: changed while it was read; run the command again")


def _entry(one: Surveyed, frame: Frame, *, name: str, index: int, why: str, number: int) -> Entry:
    height, width = frame.size
    return Entry(
        name=name,
        recording=one.name,
        source=frame.source if one.opened.stills else str(one.opened.path),
        index=index,
        width=width,
        height=height,
        time=_seconds(one, frame, index),
        depth=frame.bit_depth,
        round=number,
        why=why,
        digest=one.survey.digests[index].hex(),
    )


def _seconds(one: Surveyed, frame: Frame, index: int) -> float | None:
    """Since the recording's first frame, where times or at least their distance are known."""
    told, fps = frame.seconds_since(one.survey.start), one.opened.recording.fps
    if told is not None:
        return round(told, 3)
    return None if fps is None else round(index / fps, 3)


def _record(number: int, folder: Path, entry: Entry, found: Detections) -> ImageRecord:
    # Clipped to the frame, a box beside it has no area.
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    found = found.keep(sides.min(axis=1) > 0)
    return ImageRecord(
        number,
        folder / entry.preview,
        entry.width,
        entry.height,
        found.boxes,
        found.labels,
        np.zeros(len(found.labels), bool),
        entry.recording,
    )
