"""Judge a checkpoint, or predictions of any other program, on a split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from detector.app import build
from detector.data.annotations import Annotations
from detector.data.loading.loader import BatchLoader, lost_workers_explained
from detector.data.loading.padding import PadOnly
from detector.engine.detect import Postprocessing, detect
from detector.engine.device import pick_device, pick_precision
from detector.errors import UserError
from detector.evaluation.coco import Metrics
from detector.evaluation.predictions import load_predictions, predictions_json
from detector.inference.draw import DISPLAY_GAIN, contact_sheet, draw, enlargement, save_picture
from detector.inference.postprocess import Postprocess
from detector.structures import Detections

SAMPLES = 8


def run(config: DictConfig) -> None:
    """The command: config as in configs/evaluate.yaml."""
    build.check_loading(config.engine)
    _check_asked(config)
    evaluate = build.build_evaluate(config)
    output = None if config.output is None else Path(str(config.output))
    if config.predictions is not None:
        judge_predictions(
            Path(str(config.predictions)),
            data=config.data,
            engine=config.engine,
            evaluate=evaluate,
            output=output,
        )
        return
    judge(
        str(config.checkpoint),
        data=config.data,
        engine=config.engine,
        evaluate=evaluate,
        postprocess=build.build_postprocess(config) if "postprocess" in config else None,
        output=output,
    )


def judge(
    checkpoint: str | Path,
    *,
    data: DictConfig,
    engine: DictConfig,
    evaluate: build.Evaluate,
    postprocess: Postprocess | None = None,
    output: Path | None = None,
) -> Metrics:
    """Evaluate a checkpoint and write metrics.json, predictions.json and samples.png.

    data: a data config; where its source is null the checkpoint's own, with root and split replaced where
    given. postprocess: None is the checkpoint's own. output: the folder to
    write to; None is evaluation/SPLIT in the checkpoint's run folder.
    """
    trained = build.Trained(checkpoint, device=pick_device(engine.device))
    chosen = build.own_data(trained.config.data, data) if data.source is None else data
    annotations = build.load_split(chosen, chosen.split)
    loader, detections = run_network(
        trained, annotations, engine=engine, postprocess=postprocess or trained.postprocess
    )
    metrics = evaluate(annotations, detections)
    output = output or trained.run_folder / "evaluation" / chosen.split
    _write(output, metrics, detections, annotations, loader)
    _say(chosen.split, metrics, output)
    return metrics


def run_network(
    trained: build.Trained, annotations: Annotations, *, engine: DictConfig, postprocess: Postprocessing
) -> tuple[BatchLoader, dict[int, Detections]]:
    """Whole frames of a split, and what a trained network makes of each, by image id.

    Raises UserError where the split's classes are not those of the checkpoint.
    """
    trained.check_classes(annotations)
    loader = build.evaluation_loader(
        annotations, agc=trained.agc, multiple=trained.model.stride, engine=engine
    )
    with lost_workers_explained():
        detections = detect(
            trained.model,
            loader,
            postprocess=postprocess,
            sizes=build.frame_sizes(annotations),
            precision=pick_precision(engine.precision, trained.device),
        )
    return loader, detections


def judge_predictions(
    file: Path,
    *,
    data: DictConfig,
    engine: DictConfig,
    evaluate: build.Evaluate,
    output: Path | None = None,
) -> Metrics:
    """Evaluate a COCO results file, whatever wrote it, and write the same files as `judge`.

    output: the folder to write to; None is FILE_SPLIT beside the file.
    """
    annotations = build.load_split(data, data.split)
    detections = load_predictions(file, annotations)
    metrics = evaluate(annotations, detections)
    # For the pictures; there is no network that wants a gain or a stride of its own.
    loader = build.evaluation_loader(annotations, agc=DISPLAY_GAIN, multiple=1, engine=engine)
    output = output or file.with_name(f"{file.stem}_{data.split}")
    _write(output, metrics, detections, annotations, loader)
    _say(data.split, metrics, output)
    return metrics


def sample_pictures(
    loader: BatchLoader, annotations: Annotations, detections: dict[int, Detections], *, count: int
) -> list[np.ndarray]:
    """[H, W, 3] uint8 pictures of `count` frames spread over the split, detections beside truth."""
    dataset = loader.dataset
    assert isinstance(dataset.transform, PadOnly)
    pictures = []
    for index in np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int):
        record = annotations.records[index]
        image = dataset[int(index)].image[: record.height, : record.width]
        found = detections[record.image_id]
        scale = enlargement(record.width)
        truth = record.boxes[~record.ignored]
        pictures.append(draw(image, found, classes=annotations.classes, truth=truth, scale=scale))
    return pictures


def _check_asked(config: DictConfig) -> None:
    """UserError where it is not clear what to judge, or on what."""
    if config.checkpoint is None and config.predictions is None:
        raise UserError(
            "checkpoint must be given: add checkpoint=... to the command, or predictions=FILE of COCO results"
        )
    if config.predictions is None:
        return
    if config.checkpoint is not None:
        raise UserError("checkpoint and predictions are both given: give one, they are judged one at a time")
    if config.data.source is None:
        raise UserError("predictions need the data they are of: add data=... data.root=... data.split=...")
    if "postprocess" in config:
        raise UserError("postprocess does nothing to predictions, which are judged as they are: leave it out")


def _say(split: str, metrics: Metrics, output: Path) -> None:
    print(f"{split} split, {metrics.images} frames:")
    print(metrics.table())
    print(f"metrics, predictions and pictures: {output}")


def _write(
    folder: Path,
    metrics: Metrics,
    detections: dict[int, Detections],
    annotations: Annotations,
    loader: BatchLoader,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics.to_dict(), indent=2) + "\n")
    (folder / "predictions.json").write_text(json.dumps(predictions_json(detections, annotations)))
    sheet = contact_sheet(sample_pictures(loader, annotations, detections, count=SAMPLES), columns=2)
    save_picture(folder / "samples.png", sheet)
