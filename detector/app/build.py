"""From settings to the pieces that several commands build alike. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from detector.app.old_runs import converted_judging
from detector.app.parts import build
from detector.app.settings import plain
from detector.data.annotations import Annotations, Source
from detector.data.classes import remap
from detector.data.colour import coloured
from detector.data.preview import on_counts
from detector.data.scale import AUTO
from detector.data.unit import measured
from detector.data.unreadable import STOP, without_unreadable
from detector.errors import UserError
from detector.evaluation.metrics.backends import backend_of
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.predictions import Entry
from detector.evaluation.split import EvaluatedSplit, evaluate
from detector.evaluation.uncertainty.headline import Headline, headline
from detector.files import require_regular
from detector.inference.stages import thresholds
from detector.thermal.io.colour import REFUSE
from detector.thermal.resolution import checked_scale

Settings = Mapping[str, Any]
"""Plain values by name, or a composed configuration, which is read the same way."""


NO_DATA: Settings = {"root": None, "split": None, "source": None}
"""No set named: the one that the checkpoint was trained on."""


def build_source(data: Settings) -> Source:
    """The data set on disk."""
    # A folder called 2024 arrives as a number.
    return build("source", plain(data["source"]), where="data.source", root=str(data["root"]))


def load_split(data: Settings, split: str) -> Annotations:
    """The truth of one split: classes as `data.remap` has them, pictures to be read as `data.colour` and
    `data.unit` say.

    Raises UserError as all three do.
    """
    return _load(data, [split])[0]


def _load(data: Settings, names: Sequence[str]) -> list[Annotations]:
    source = build_source(data)
    splits = on_counts([source.load(name) for name in names])
    skipping = {"on_error": data.get("on_error", STOP), "most": data.get("most_skipped", 0)}
    splits = [without_unreadable(split, name, **skipping) for split, name in zip(splits, names, strict=True)]
    if data["remap"] is not None:
        splits = [remap(split, plain(data["remap"])) for split in splits]
    # Older runs have neither key.
    return coloured(measured(splits, data.get("unit")), data.get("colour", REFUSE))


def load_splits(data: Settings, names: Any) -> dict[str, Annotations]:
    """Truth by split: of those named, or of all that exist. Raises UserError where there is none."""
    if data["source"] is None:
        raise UserError(
            "data=checkpoint: names no data set of its own; say which, as data=coco data.root=PATH"
        )
    names = plain(names)
    if names is None:  # without any, the reader of one says what is missing
        names = list(build_source(data).splits()) or [data["train"]]
    elif not isinstance(names, list) or not names:
        raise UserError(f"splits={names}: must be a list of names, as splits=[train,val]")
    names = [str(name) for name in names]
    return dict(zip(names, _load(data, names), strict=True))


Evaluate = Callable[[Annotations, Sequence[Entry]], EvaluatedSplit]


def build_evaluate(config: Settings) -> Evaluate:
    """The evaluation that training and the evaluate command share."""
    backend = backend_of(config["evaluation"]["backend"])
    return partial(evaluate, bins=build_bins(config), backend=backend)


def asked_scale(data: Settings) -> float | None:
    """The scale that a data config asks for; None where it leaves it to the detector."""
    scale = data.get("scale", AUTO)
    return None if scale == AUTO else checked_scale(scale, where="data.scale")


def frame_rate(rate: Any, where: str = "evaluation.fps") -> float | None:
    """Frames a second of the camera, as a setting gives them; UserError for what is not null or above 0."""
    if rate is None:
        return None
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 < rate < float("inf"):
        raise UserError(f"{where}={rate}: must be a number above 0, or null")
    return float(rate)


def headline_of(
    evaluated: EvaluatedSplit,
    stored: Mapping[str, float] | None,
    *,
    chosen_here: bool | None,
    fps: float | None,
) -> Headline:
    """The headline at the thresholds stored with a detector; None: at those that serve best on the split."""
    metrics = evaluated.metrics
    if stored is None:
        stored, chosen_here = metrics.diagnosis.thresholds.best_scores(), True
    least = thresholds(evaluated.annotations.classes, stored=stored, confidence=None)
    return headline(
        evaluated.annotations,
        evaluated.pool,
        thresholds=least,
        chosen_here=chosen_here,
        frames_per_second=fps,
    )


def build_bins(config: Settings) -> Bins:
    """Where an evaluation divides the truths."""
    return build("bins", plain(config["evaluation"]["bins"]), where="evaluation.bins")


def run_config(folder: Path) -> dict[str, Any]:
    """What the run in a folder was configured with, plain values; UserError where no or another file says so.

    Nothing in it is resolved or called: the folder may be somebody else's.
    """
    file = folder / "config.yaml"
    require_regular(file)
    try:
        config = yaml.load(file.read_text(encoding="utf-8"), Loader=_NoAliases)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; run= must name the folder of a run") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{file}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise UserError(f"{file}: is not the configuration of a run but {type(config).__name__}")
    source = _inside(config, "data", "source")
    if isinstance(source, dict) and "_target_" in source:
        config |= converted_judging(config, file)
    data_keys = (("data", key) for key in ("root", "source", "train", "val", "split", "remap"))
    for place in (*data_keys, ("evaluation", "backend"), ("evaluation", "bins")):
        if _inside(config, *place) is KeyError:
            raise UserError(f"{file}: is not the configuration of a run, {'.'.join(place)} is missing")
    return config


class _NoAliases(yaml.SafeLoader):
    """Plain values, none told again by reference: a few lines could stand for more than fits in memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("it uses an alias, which no run writes")
        return super().compose_node(parent, index)


def _inside(node: Any, *keys: str) -> Any:
    """The value at a path of keys; KeyError itself where there is none."""
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            return KeyError
        node = node[key]
    return node


def chosen_data(own: Settings, asked: Settings) -> Settings:
    """The data that were asked for; where no set was named, a run's own with the root and split asked for."""
    if asked["source"] is not None:
        return asked
    return {**own, **{key: asked[key] for key in ("root", "split") if asked[key] is not None}}
