"""Ways of suppression side by side: the network runs once, each way gets what it proposed."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from detector.app import build
from detector.app.commands.evaluate import run_network
from detector.data.annotations import Annotations
from detector.engine.device import pick_device
from detector.errors import UserError
from detector.evaluation.matching import pool
from detector.evaluation.metrics.bins import Bins, Value, shown
from detector.evaluation.metrics.breakdown import break_down
from detector.evaluation.predictions import predictions_json
from detector.inference.postprocess import Postprocess
from detector.structures import Detections

Row = dict[str, Value]


def run(config: DictConfig) -> None:
    """The command: config as in configs/compare_suppression.yaml."""
    build.check_loading(config.engine)
    bins = build.build_bins(config)
    methods: dict[str, Postprocess] = {str(name): instantiate(node) for name, node in config.methods.items()}
    trained = build.Trained(str(config.checkpoint), device=pick_device(config.engine.device))
    data = config.data
    if data.source is None:
        data = build.own_data(trained.config.data, data)
    annotations = build.load_split(data, data.split)
    _, proposed = run_network(
        trained, annotations, engine=config.engine, postprocess=_proposer(methods).propose
    )
    rows = {
        name: _row(method, proposed, annotations=annotations, bins=bins) for name, method in methods.items()
    }
    output = Path(str(config.output or trained.run_folder / "evaluation" / data.split))
    output.mkdir(parents=True, exist_ok=True)
    (output / "suppression.json").write_text(json.dumps(rows, indent=2) + "\n")
    print(f"{data.split} split, {len(annotations.records)} frames; AP also by overlap of the truths:")
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
    result = break_down(annotations, pool(annotations, predictions_json(found, annotations)), bins=bins)
    values = {name: tables.values() for name, tables in result.overlap.items()}
    return {
        "AP": values["all"]["AP"],
        "AP50": values["all"]["AP50"],
        **{f"AP {name}": own["AP"] for name, own in values.items() if name != "all"},
        **result.crowding.values(),
        "ms": 1000 * seconds / len(proposed),
    }


def _proposer(methods: Mapping[str, Postprocess]) -> Postprocess:
    """One that proposes what each of them would; below their own threshold they suppress nothing better."""
    candidates = {name: method.candidates for name, method in methods.items()}
    if len(set(candidates.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in candidates.items())
        raise UserError(f"methods: all must have the same candidates to share them; found {found}")
    least = min(method.score_threshold for method in methods.values())
    return dataclasses.replace(next(iter(methods.values())), score_threshold=least)


def _width(column: str) -> int:
    return max(6, len(column))


def _cell(column: str, value: Value) -> str:
    return f"{value:.2f}" if column == "ms" and value is not None else shown(value)
