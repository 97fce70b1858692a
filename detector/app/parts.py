"""From names and numbers to objects: the one table of what a configuration or a checkpoint may name.

A part is a plain dict, {"name": "percentile", "low": 1.0, ...}. Its kind is the key it stands under
(`thermal`, `box`, `mining`, ...), and so are the kinds of the parts inside it. Nothing outside this table is
ever called, whatever a file says, so a file from somebody else is data and no program. To add a part: write
it, and give it a line here.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from detector.errors import UserError

Names = Mapping[str, str]
"""Where each name's constructor or function is, "module:attribute" inside the package."""

PARTS: Mapping[str, Names] = {
    "source": {
        "auto": "data.auto.source:AutoSource",
        "coco": "data.readers.coco:CocoSource",
        "csv": "data.readers.csv_table:CsvSource",
        "cvat": "data.readers.cvat:CvatSource",
        "flir_v1": "data.readers.flir_v1:FlirV1Source",
        "flir_v2": "data.readers.flir_v2:FlirV2Source",
        "hit_uav": "data.readers.hit_uav:HitUavSource",
        "label_studio": "data.readers.label_studio:LabelStudioSource",
        "labelme": "data.readers.labelme:LabelmeSource",
        "llvip": "data.readers.llvip:LlvipSource",
        "voc": "data.readers.voc:VocSource",
        "yolo": "data.readers.yolo:YoloSource",
    },
    "thermal": {
        "bit_depth": "thermal.agc:BitDepthRange",
        "clahe": "thermal.agc:Clahe",
        "fixed": "thermal.agc:FixedRange",
        "fixed_kelvin": "thermal.agc:FixedKelvin",
        "percentile": "thermal.agc:Percentile",
        "plateau": "thermal.agc:PlateauEqualisation",
        "sequence": "thermal.agc:SequenceRange",
    },
    "calibration": {
        "linear": "thermal.radiometry:Linear",
        "planck": "thermal.radiometry:Planck",
    },
    "augment": {
        "patches": "data.augment.recipe:PatchTransform",
        "whole_frame": "data.loading.padding:WholeFrame",
    },
    "objects": {
        "contrast": "data.augment.object_contrast:ObjectContrast",
        "copy_paste": "data.augment.copy_paste:CopyPaste",
        "foliage": "data.augment.occlusion:Foliage",
        "ground": "data.augment.occlusion:Ground",
        "pole": "data.augment.occlusion:Pole",
    },
    "intensity": {
        "dead_columns": "data.augment.thermal:DeadColumns",
        "dead_pixels": "data.augment.thermal:DeadPixels",
        "drift": "data.augment.thermal:LocalGain",
        "netd": "data.augment.thermal:Netd",
        "polarity": "data.augment.thermal:InvertPolarity",
        "stripes": "data.augment.thermal:Stripes",
    },
    "geometry": {},
    "model": {"pyramid": "models.detector:Detector"},
    "head": {"towers": "models.head:Head"},
    "assigner": {
        "centre_sampling": "assign.centre_sampling:CentreSampling",
        "task_aligned": "assign.task_aligned:TaskAligned",
    },
    "criterion": {
        "composite": "criterion.composite:Composite",
        "dense": "criterion.dense:Dense",
        "region": "criterion.region:Region",
    },
    "classification": {
        "balanced_cross_entropy": "losses.classification:balanced_cross_entropy",
        "bce_focal": "losses.classification:bce_focal",
        "cross_entropy": "losses.classification:cross_entropy",
        "focal": "losses.classification:focal",
        "quality_focal": "losses.classification:quality_focal",
        "varifocal": "losses.classification:varifocal",
    },
    "box": {
        "ciou": "losses.box:ciou_loss",
        "diou": "losses.box:diou_loss",
        "giou": "losses.box:giou_loss",
        "giou_nwd": "losses.box:giou_nwd_loss",
        "huber": "losses.box:huber",
        "iou": "losses.box:iou_loss",
        "mse": "losses.box:mse",
        "norm_huber": "losses.box:norm_huber",
        "nwd": "losses.box:nwd_loss",
        "paper": "losses.box:paper",
        "smooth_l1": "losses.box:smooth_l1",
    },
    "factors": {
        "classification": "criterion.factors:classification",
        "joint": "criterion.factors:joint",
        "per_class": "criterion.factors:per_class",
        "per_sample": "criterion.factors:per_sample",
        "split": "criterion.factors:split",
        "split_background": "criterion.factors:split_background",
    },
    "set_loss": {
        "dice": "losses.region:dice_from_sums",
        "f_beta": "losses.fscore:f_beta_from_sums",
        "soft_iou": "losses.region:soft_iou_from_sums",
    },
    "combine": {
        "arithmetic": "criterion.combine:Arithmetic",
        "geometric": "criterion.combine:Geometric",
        "paper_product": "criterion.combine:PaperProduct",
        "shifted_geometric": "criterion.combine:ShiftedGeometric",
    },
    "optimizer": {
        "adam": "engine.optim:Adam",
        "adamw": "engine.optim:AdamW",
        "sgd": "engine.optim:Sgd",
    },
    "tracker": {"bytetrack": "tracking.bytetrack:ByteTrack"},
    "suppression": {
        "diou": "geometry.nms:DiouNms",
        "greedy": "geometry.nms:GreedyNms",
        "soft": "geometry.nms:SoftNmsGaussian",
        "soft_linear": "geometry.nms:SoftNmsLinear",
    },
}
"""By kind and name. Of functions and of heads only the settings are bound; their caller gives the rest."""

ONLY: Mapping[str, str] = {
    "bins": "evaluation.metrics.bins:Bins",
    "mining": "criterion.mining:HardNegatives",
    "postprocess": "inference.postprocess:Postprocess",
    "rule": "data.augment.patch:VisibilityRule",
}
"""Kinds that have one constructor, and so no name."""

SAME_KIND = {"base": "thermal", "region": "set_loss"}
"""Keys under which a part of another kind stands."""

GROUPS = ("objects", "geometry", "intensity")
"""Kinds of which a setting holds several, by names of the user's own."""

BOUND = ("head",)
"""Kinds of classes whose other arguments depend on the part around them."""


def build(kind: str, node: Any, *, where: str | None = None, **given: Any) -> Any:
    """The part that a plain dict describes, with those inside it.

    where: the setting's full name for messages; None is the kind. given: arguments that no file tells.
    Raises UserError, naming the setting, for whatever is not in the table, for settings that the part does
    not have or misses, and for values it does not take.
    """
    where, kind = where or kind, SAME_KIND.get(kind, kind)
    if not isinstance(node, Mapping):
        raise UserError(f"{where}={node!r}: must be a group of settings")
    settings = dict(node)
    target = _target(kind, settings, where)
    _check(target, settings, given, where)
    settings = {key: _value(key, value, f"{where}.{key}") for key, value in settings.items()}
    if not isinstance(target, type) or kind in BOUND:
        return partial(target, **settings, **given) if settings or given else target
    _check_complete(target, [*settings, *given], where)
    try:
        return target(**settings, **given)
    except UserError as error:
        if str(error).startswith(where):
            raise
        # A part does not know the key under which it stands.
        raise UserError(f"{where}: {error}") from error
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: {error}") from error


def _value(key: str, value: Any, where: str) -> Any:
    """A setting's value, built where the key says that it is a part or holds some."""
    if key in GROUPS and isinstance(value, Mapping):
        return {name: build(key, member, where=f"{where}.{name}") for name, member in value.items()}
    if key == "transforms" and isinstance(value, list):  # what albumentations' OneOf and Sequential hold
        return [build("geometry", member, where=f"{where}.{n}") for n, member in enumerate(value)]
    if value is not None and (key in ONLY or SAME_KIND.get(key, key) in PARTS):
        return build(key, value, where=where)
    return value


def _target(kind: str, settings: dict[str, Any], where: str) -> Callable[..., Any]:
    """What to call; takes the name out of the settings."""
    if kind in ONLY:
        return _load(ONLY[kind])
    name = settings.pop("name", None)
    known = PARTS[kind]
    if isinstance(name, str) and name in known:
        return _load(known[name])
    if kind in ("geometry", "intensity") and isinstance(name, str) and name[:1].isupper():
        return _albumentation(name, where)
    raise UserError(f"{where}.name={name}: must be {_choice(name, known)}")


def _load(place: str) -> Callable[..., Any]:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(f"detector.{module}"), attribute)
    assert callable(found)
    return found


def _albumentation(name: str, where: str) -> Callable[..., Any]:
    """albumentations' transform of that name, and nothing else that the package holds."""
    import albumentations

    found = getattr(albumentations, name, None)
    transforms = (albumentations.BasicTransform, albumentations.core.composition.BaseCompose)
    if not isinstance(found, type) or not issubclass(found, transforms):
        raise UserError(f"{where}.name={name}: is no transform of albumentations")
    return found


def _check(target: Callable[..., Any], settings: Iterable[str], given: Iterable[str], where: str) -> None:
    """UserError for a setting that the target does not have, or that is not the user's to give."""
    parameters = {name: p for name, p in inspect.signature(target).parameters.items() if name not in given}
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for key in settings:
        if key not in parameters:
            raise UserError(f"{where}.{key}: no such setting; there is {_choice(key, parameters)}")


def _check_complete(target: Callable[..., Any], keys: Iterable[str], where: str) -> None:
    """UserError for a setting that the target needs and nobody gave."""
    given = set(keys)
    for key, parameter in inspect.signature(target).parameters.items():
        variadic = parameter.kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        if parameter.default is inspect.Parameter.empty and key not in given and not variadic:
            raise UserError(f"{where}.{key} must be given")


def _choice(word: object, known: Iterable[str]) -> str:
    """The nearest of them, or all."""
    names = sorted(known)
    near = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    return f"{', '.join(names)}" + (f"; did you mean {near[0]}?" if near else "")
