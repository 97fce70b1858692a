"""How a training begins: from the weights that ship, from those of another run, or from nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from detector.app.shipped import FOLDER, THERMAL
from detector.engine import checkpoint
from detector.errors import UserError
from detector.models.transfer import transfer

LEAST_SHARE = 0.5
"""Of the parameters: with less in common a start says nothing."""

KINDS: Mapping[str, Sequence[str]] = {
    "person": ("people", "pedestrian", "human", "man", "hotspot person"),
    "vehicle": ("car", "truck", "bus", "van", "othervehicle", "automobile", "motor"),
    "bicycle": ("bike", "cyclist"),
    "animal": ("dog", "cat", "deer", "fox", "cow", "sheep", "horse", "boar", "possum", "rabbit"),
    "aircraft": ("airplane", "aeroplane", "plane", "helicopter"),
    "drone": ("uav", "quadcopter"),
}
"""Classes of the shipped weights, and what sets call members of them."""


def start(model: nn.Module, init: str | None, *, settings: Mapping[str, Any], classes: Sequence[str]) -> str:
    """Give a new model its first weights; returns one line that says what it began with.

    init: "thermal", the file of a checkpoint or of weights, or None, which leaves it as it was made.
    settings: the model's own. Where no weights ship for that network, "thermal" is as None. Raises UserError
    as `checkpoint.load` does, and where the file is of another network.
    """
    if init is None:
        return "starts from nothing (init=null)"
    path = shipped_for(settings) if init == THERMAL else Path(init)
    if path is None:
        return "starts from nothing: no weights ship for this network"
    state = checkpoint.load(path)
    known = kin(classes, state["classes"])
    rows = [None if known[name] is None else state["classes"].index(known[name]) for name in classes]
    share = transfer(model, state["ema"], rows=rows, classes=len(state["classes"]))
    if share < LEAST_SHARE:
        raise UserError(
            f"init={init}: is of another network, {share:.0%} of the parameters fit; train the same model=, "
            "or begin with init=null"
        )
    new = [name for name in classes if known[name] is None]
    old = [name if name == source else f"{name} (as {source})" for name, source in known.items() if source]
    told = [f"knows {', '.join(old)}"] if old else []
    told += [f"new: {', '.join(new)}"] if new else []
    where = "the weights that ship" if init == THERMAL else str(init)
    return (
        f"starts from {where} ({share:.0%} of the parameters fit; {'; '.join(told)}); not so with init=null"
    )


def shipped_for(settings: Mapping[str, Any]) -> Path | None:
    """The weights that ship for a network; None where none do."""
    for path in sorted(FOLDER.glob("*.safetensors")):
        if _layout(checkpoint.load(path)["config"]["model"]) == _layout(settings):
            return path
    return None


def kin(classes: Sequence[str], known: Sequence[str]) -> dict[str, str | None]:
    """For each class the known one that it is, or is a kind of; None for one that is new."""
    by_name = {name.casefold(): name for name in known}
    kinds = {member: kind for kind, members in KINDS.items() for member in members}
    return {
        name: by_name.get(name.casefold(), by_name.get(kinds.get(name.casefold(), ""))) for name in classes
    }


def _layout(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the shapes: all but how the head begins and trains."""
    head = {key: value for key, value in settings["head"].items() if key not in ("prior", "dropout")}
    return {**settings, "head": head}
