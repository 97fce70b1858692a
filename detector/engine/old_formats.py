"""Checkpoints of earlier formats as those of today.

Format 1 (versions up to 0.1.0) kept the configuration with the full names of our classes. These names are
frozen here, so that a file outlives whatever the classes are called. Its training cannot go on; what uses the
network is converted: model, gain, suppression, bins and data.
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
    "detector.geometry.nms.DiouNms": "diou",
    "detector.geometry.nms.GreedyNms": "greedy",
    "detector.geometry.nms.SoftNmsGaussian": "soft",
    "detector.geometry.nms.SoftNmsLinear": "soft_linear",
    "detector.models.detector.Detector": "pyramid",
    "detector.thermal.agc.BitDepthRange": "bit_depth",
    "detector.thermal.agc.Clahe": "clahe",
    "detector.thermal.agc.FixedKelvin": "fixed_kelvin",
    "detector.thermal.agc.FixedRange": "fixed",
    "detector.thermal.agc.Percentile": "percentile",
    "detector.thermal.agc.PlateauEqualisation": "plateau",
    "detector.thermal.agc.SequenceRange": "sequence",
    "detector.thermal.radiometry.Linear": "linear",
    "detector.thermal.radiometry.Planck": "planck",
}
"""Part by class, as format 1 has it."""

NAMELESS = ("detector.inference.postprocess.Postprocess", "detector.evaluation.bins.Bins")

COCO = {
    "classes": None,
    "annotations": "annotations/{split}.json",
    "images": "{split}",
    "sequence_pattern": None,
}
"""What the file of the synthetic set left to the reader of format 1."""

BINS = {"overlap": [0, 0.1, 0.3], "crowd_above": 0.1, "sizes": [6, 12, 24]}
"""Of runs from before there was a choice."""


def converted(state: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """A state of format 1 as one of today, without its training.

    Raises UserError where it is none, or where it names anything that no version of ours could have named.
    """
    try:
        config, classes, weights = state["config"], state["classes"], state["ema"]
        model = _part(config["model"], path)
        head = {"name": "decoupled", "depth": model.pop("head_depth"), "prior": 0.01}
        model["head"] = {**head, "dropout": model.pop("dropout", 0.0)}
        postprocess = _part(config["postprocess"], path)
        if "iou_threshold" in postprocess:  # from before there was a choice
            postprocess["suppression"] = {"name": "greedy", "iou_threshold": postprocess.pop("iou_threshold")}
        thermal = _part(config["thermal"], path)
        judging = converted_judging(config, path)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"checkpoint {path}: not a checkpoint of this program ({error!r})") from error
    return {
        "version": state["version"],
        "config": {
            "model": model,
            "thermal": thermal,
            "postprocess": postprocess,
            **judging,
        },
        "classes": classes,
        "thresholds": None,
        "ema": weights,
    }


def converted_judging(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The groups `data` and `evaluation` of a run's configuration of format 1, as in `converted`."""
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
    if target is not None and target not in NAMELESS:
        raise UserError(f"{path}: names {target}, which is no part of this program; refused")
    return part
