"""What runs of the first versions were judged by, as runs of today say it.

Up to version 0.1.0 a run's configuration had the full names of our classes. These names are frozen here, so
that old runs can be reported and compared whatever the classes are called. (Their networks are gone: see
FORMAT in detector/engine/description.py.)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detector.errors import UserError

NAMES = {
    "detector.data.readers.coco.CocoSource": "coco",
    "detector.data.readers.csv_table.CsvSource": "csv",
    "detector.data.readers.flir_v1.FlirV1Source": "flir_v1",
    "detector.data.readers.flir_v2.FlirV2Source": "flir_v2",
    "detector.data.readers.hit_uav.HitUavSource": "hit_uav",
    "detector.data.readers.llvip.LlvipSource": "llvip",
    "detector.data.readers.voc.VocSource": "voc",
    "detector.data.readers.yolo.YoloSource": "yolo",
}
"""Reader by class."""

BINS_CLASS = "detector.evaluation.bins.Bins"

COCO = {
    "classes": None,
    "annotations": "annotations/{split}.json",
    "images": "{split}",
    "sequence_pattern": None,
}
"""What the file of the synthetic set left to the reader."""

BINS = {"overlap": [0, 0.1, 0.3], "crowd_above": 0.1, "sizes": [6, 12, 24]}
"""Of runs from before there was a choice."""


def converted_judging(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The groups `data` and `evaluation` of such a configuration, from the file at `path`.

    Raises UserError where it names anything that no version of ours could have named.
    """
    data = {"remap": None, **_part(config["data"], path)}
    data["source"].pop("root", None)
    if data["source"]["name"] == "coco":
        data["source"] = {**COCO, **data["source"]}
    evaluation = _part(config.get("evaluation", {}), path)
    return {"data": data, "evaluation": {"backend": "pycocotools", "bins": BINS, **evaluation}}


def _part(node: Any, path: Path) -> Any:
    """The same values with `name` instead of `_target_`."""
    if isinstance(node, list):
        return [_part(member, path) for member in node]
    if not isinstance(node, dict):
        return node
    part = {key: _part(value, path) for key, value in node.items() if not str(key).startswith("_")}
    target = node.get("_target_")
    if target in NAMES:
        return {"name": NAMES[target], **part}
    if target is not None and target != BINS_CLASS:
        raise UserError(f"{path}: names {target}, which is no part of this program; refused")
    return part
