"""Ways of suppression side by side: the network runs once, each way gets what it proposed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from detector.app.build import build_bins
from detector.app.commands.evaluate import trained_split
from detector.app.parts import build
from detector.app.settings import plain, typed
from detector.app.trained import Trained
from detector.data.annotations import Annotations
from detector.engine.device import pick_device
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.evaluation.matching import pool
from detector.evaluation.metrics.bins import Bins, Value, shown
from detector.evaluation.metrics.breakdown import break_down
from detector.evaluation.predictions import predictions_json
from detector.geometry.nms import Kept
from detector.inference.postprocess import Postprocess
from detector.inference.split import SplitFrames, detect
from detector.structures import Detections

Row = dict[str, Value]


def run(config: DictConfig) -> None:
    """The command: config as in configs/compare_suppression.yaml."""
    engine = typed(InferenceSettings, config.engine, where="engine")
    bins = build_bins(config)
    methods: dict[str, Postprocess] = {
        str(name): build("postprocess", plain(node), where=f"methods.{name}")
        for name, node in config.methods.items()
    }
    trained = Trained(str(config.checkpoint), device=pick_device(engine.device))
    annotations, split = trained_split(trained, config.data)
    pipeline = trained.pipeline(engine, postprocess=proposer(methods))
    proposed = detect(pipeline, SplitFrames(annotations, trained.gain))
    rows = {
        name: _row(method, proposed, annotations=annotations, bins=bins) for name, method in methods.items()
    }
    output = Path(str(config.output or trained.run_folder / "evaluation" / split))
    output.mkdir(parents=True, exist_ok=True)
    (output / "suppression.json").write_text(json.dumps(rows, indent=2) + "\n")
    print(f"{split} split, {len(annotations.records)} frames; AP also by overlap of the truths:")
    print(table(rows))
    print(f"the same as JSON: {output / 'suppression.json'}")


def table(rows: Mapping[str, Row]) -> str:
    """Plain text, a line for each way; ms: of suppression alone, for a frame, on the CPU."""
    width = max(len("suppression"), *(len(name) for name in rows))
    columns = list(next(iter(rows.values())))
    lines = [f"{'suppression':<{width}}" + "".join(f"  {name:>{_width(name)}}" for name in columns)]
    for name, row in rows.items():
        cells = (f"  {_cell(column, value):>{_width(column)}}" for column, value in row.items())
        lines.append(f"{name:<{width}}" + "".join(cells))
    return "\n".join(lines)


def _row(
    method: Postprocess, proposed: Mapping[int, Detections], *, annotations: Annotations, bins: Bins
) -> Row:
    start = time.perf_counter()
    found = {image: method.suppress(candidates) for image, candidates in proposed.items()}
    seconds = time.perf_counter() - start
    result = break_down(pool(annotations, predictions_json(found, annotations)), bins=bins)
    values = {name: tables.values() for name, tables in result.overlap.items()}
    return {
        "AP": values["all"]["AP"],
        "AP50": values["all"]["AP50"],
        **{f"AP {name}": own["AP"] for name, own in values.items() if name != "all"},
        **result.crowding.values(),
        "ms": 1000 * seconds / len(proposed),
    }


def proposer(methods: Mapping[str, Postprocess]) -> Postprocess:
    """One that proposes what each of them would, doubles and all, so that the network runs once.

    Below their own threshold they suppress nothing better. UserError where they want different candidates.
    """
    candidates = {name: method.candidates for name, method in methods.items()}
    if len(set(candidates.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in candidates.items())
        raise UserError(f"methods: all must have the same candidates to share them; found {found}")
    (count,) = set(candidates.values())
    return Postprocess(
        score_threshold=min(method.score_threshold for method in methods.values()),
        suppression=_everything,
        class_aware=True,
        max_detections=count,
        candidates=count,
    )


def _everything(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, limit: int) -> Kept:  # noqa: ARG001
    return np.arange(limit)[: len(scores)], scores


def _width(column: str) -> int:
    return max(6, len(column))


def _cell(column: str, value: Value) -> str:
    return f"{value:.2f}" if column == "ms" and value is not None else shown(value)
