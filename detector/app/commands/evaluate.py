"""Judge a checkpoint, or predictions of any other program, on a split."""

from __future__ import annotations

import json
from pathlib import Path

from omegaconf import DictConfig

from detector.app.build import (
    Evaluate,
    Settings,
    asked_scale,
    build_evaluate,
    chosen_data,
    frame_rate,
    headline_of,
    load_split,
)
from detector.app.opening import Detector, changed_postprocess, labelled, open_detector
from detector.app.settings import plain, typed
from detector.data.annotations import Annotations
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.evaluation.class_tables import write_tables
from detector.evaluation.coco import Metrics
from detector.evaluation.predictions import Entries
from detector.evaluation.results_file import FORMS, read_predictions
from detector.evaluation.split import EvaluatedSplit
from detector.evaluation.uncertainty.headline import Headline
from detector.files import write_text
from detector.inference.draw import DISPLAY_GAIN, contact_sheet, save_picture
from detector.inference.sinks.coco import CocoResults
from detector.inference.split import SplitFrames
from detector.report.headline import console
from detector.thermal.io.colour import REFUSE

SAMPLES = 8
METRICS, PREDICTIONS, PICTURES = "metrics.json", "predictions.json", "samples.png"


def run(config: DictConfig) -> None:
    """The command: config as in configs/evaluate.yaml."""
    settings = typed(InferenceSettings, config.engine, where="engine")
    _check_asked(config)
    output = None if config.output is None else Path(str(config.output))
    evaluate, fps = build_evaluate(config), frame_rate(config.evaluation.fps)
    if config.predictions is not None:
        file = Path(str(config.predictions))
        boxes = config.boxes
        judge_predictions(file, boxes, data=config.data, evaluate=evaluate, fps=fps, output=output)
        return
    judge(
        str(config.checkpoint),
        data=config.data,
        engine=settings,
        evaluate=evaluate,
        fps=fps,
        postprocess=plain(config.postprocess),
        output=output,
    )


def judge(
    checkpoint: str | Path,
    *,
    data: Settings,
    engine: InferenceSettings,
    evaluate: Evaluate,
    fps: float | None = None,
    postprocess: Settings | None = None,
    output: Path | None = None,
) -> Metrics:
    """Evaluate a checkpoint and write metrics.json, predictions.json and samples.png.

    data: a data config; where its source is None the checkpoint's own, with root and split replaced where
    given. fps: of the camera, for false alarms an hour. postprocess: what is not None there replaces the
    checkpoint's own. output: the folder to write to; None is evaluation/SPLIT in the checkpoint's run folder.
    """
    trained = open_detector(checkpoint, device=engine.device, scale=asked_scale(data))
    annotations, split = trained_split(trained, data)
    pipeline = trained.pipeline(engine, postprocess=changed_postprocess(trained, postprocess or {}))
    frames = SplitFrames(annotations, trained.gain)
    output = output or trained.run_folder / "evaluation" / split
    with CocoResults(output / PREDICTIONS, annotations) as results:
        for prediction in pipeline(frames.shots()):
            results.write(prediction)
    evaluated = evaluate(annotations, results.entries)
    chosen = chosen_here(trained.data, data, split)
    told = headline_of(evaluated, trained.thresholds, chosen_here=chosen, fps=fps)
    _finish(evaluated, told, frames, output, split=split)
    return evaluated.metrics


def judge_predictions(
    file: Path,
    boxes: str | None = None,
    *,
    data: Settings,
    evaluate: Evaluate,
    fps: float | None = None,
    output: Path | None = None,
) -> Metrics:
    """Evaluate a COCO results file or a relative of it, whatever wrote it; writes the same files as `judge`.

    boxes: as `read_predictions` takes it. output: the folder to write to; None is FILE_SPLIT beside the file.
    """
    annotations = load_split(data, data["split"])
    evaluated = evaluate(annotations, read_predictions(file, annotations, boxes=boxes))
    output = output or file.with_name(f"{file.stem}_{data['split']}")
    Entries.of(evaluated.predictions).save(output / PREDICTIONS)
    # There is no network that wants a gain of its own.
    told = headline_of(evaluated, None, chosen_here=True, fps=fps)
    _finish(evaluated, told, SplitFrames(annotations, DISPLAY_GAIN), output, split=data["split"])
    return evaluated.metrics


def chosen_here(own: Settings | None, asked: Settings, split: str) -> bool | None:
    """Whether a checkpoint's thresholds were chosen on the split; None where it does not tell on which.

    own: the data it was trained on, asked: the data asked for.
    """
    if own is None:
        return None
    same = asked["source"] is None or Path(str(asked["root"])).resolve() == Path(str(own["root"])).resolve()
    return same and split == own["val"]


def trained_split(trained: Detector, asked: Settings) -> tuple[Annotations, str]:
    """The split to judge a checkpoint on and its name, of the data asked for or of the checkpoint's own.

    Raises UserError where there are neither, and where the classes are not those of the checkpoint.
    """
    if asked["source"] is None and trained.data is None:
        raise UserError(
            f"{trained.path}: tells nothing of the data it was trained on: add data=... data.root=... "
            "data.split=..."
        )
    data = chosen_data(trained.data or {}, asked)
    if data.get("colour", REFUSE) == REFUSE:  # nobody asked for another way than that of the training
        data = {**data, "colour": trained.colour}
    annotations = load_split(data, data["split"])
    return labelled(trained, annotations), str(data["split"])


def _check_asked(config: DictConfig) -> None:
    """UserError where it is not clear what to judge, or on what."""
    if config.checkpoint is None and config.predictions is None:
        raise UserError(
            "checkpoint must be given: add checkpoint=... to the command, or predictions=FILE of COCO results"
        )
    if config.boxes not in (None, *FORMS):
        raise UserError(f"boxes={config.boxes}: must be {' or '.join(FORMS)}, or null")
    if config.predictions is None:
        if config.boxes is not None:
            raise UserError("boxes is of predictions=FILE: a checkpoint's own need none, leave it out")
        return
    if config.checkpoint is not None:
        raise UserError("checkpoint and predictions are both given: give one, they are judged one at a time")
    if config.data.source is None:
        raise UserError("predictions need the data they are of: add data=... data.root=... data.split=...")
    if any(value is not None for value in config.postprocess.values()):
        raise UserError("postprocess does nothing to predictions, which are judged as they are: leave it out")


def _finish(
    evaluated: EvaluatedSplit, told: Headline, frames: SplitFrames, folder: Path, *, split: str
) -> None:
    """Write the metrics and the pictures beside the predictions, and say what was found."""
    metrics = evaluated.metrics
    values = {**metrics.to_dict(), "headline": told.to_dict()}
    write_text(folder / METRICS, json.dumps(values, indent=2) + "\n")
    write_tables(metrics, folder)
    pictures = frames.pictures(evaluated.detections, count=SAMPLES)
    save_picture(folder / PICTURES, contact_sheet(pictures, columns=2))
    print(f"{split} split, {metrics.images} frames:")
    print(metrics.table())
    print(console(told))
    print(f"metrics, predictions and pictures: {folder}")
