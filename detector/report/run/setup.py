"""What the run was: its data, and every choice that was made for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from detector.data.annotations import Annotations
from detector.doctor.boxes import measure_boxes
from detector.doctor.classes import rarest
from detector.report.doctor.page import overlap_figure, size_figure
from detector.report.kit.page import Block, Drawing, Facts, Notice, Row, Section, Table, Text
from detector.report.kit.words import decimal, duration, whole_percent
from detector.report.run.record import RunRecord, left_out

_PARTS = ("thermal", "model", "assigner", "criterion", "augment", "optimizer", "postprocess")
_NUMBERS = (
    ("epochs", "engine.epochs"),
    ("batch size", "engine.batch_size"),
    ("precision", "engine.precision"),
    ("seed", "seed"),
)


def data(record: RunRecord) -> Section:
    """How many frames and objects, how large, how crowded."""
    title = "Data"
    if not record.splits:
        return left_out(title, "The data cannot be read from here; see the top of the page.")
    facts = {name: measure_boxes(split.records) for name, split in record.splits.items()}
    classes = rarest(record.splits)
    rows = []
    for name, split in record.splits.items():
        own = facts[name]
        side = decimal(float(np.median(own.sides)), 1) if len(own.sides) else decimal(None)
        share = whole_percent(float((own.overlaps > 0).mean())) if len(own.overlaps) else decimal(None)
        numbers = map(str, (len(split.records), _empty(split), len(own.sides)))
        rows.append((name, *numbers, side, share, *_counts(split, own.labels, classes)))
    header = ("split", "frames", "without object", "objects", "median side", "overlap another", *classes)
    text = "Splits should be alike; thermal-detector doctor looks closer."
    sides = {name: own.sides for name, own in facts.items()}
    touching = {name: own.overlaps for name, own in facts.items()}
    figures = (
        Drawing(size_figure(sides), "histogram of object sizes", "Dashed: strides 4 and 8 pixels."),
        Drawing(overlap_figure(touching), "histogram of overlaps"),
    )
    return Section(title, (Table(header, tuple(rows)), Text(text), Row(figures)))


def _counts(split: Annotations, labels: np.ndarray, classes: Sequence[str]) -> Iterator[str]:
    """Objects of each class; a dash for a class that the split does not know."""
    counts = np.bincount(labels, minlength=len(split.classes)).tolist()
    known = dict(zip(split.classes, counts, strict=True))
    return (str(known[name]) if name in known else decimal(None) for name in classes)


def _empty(split: Annotations) -> int:
    return sum(bool(record.ignored.all()) for record in split.records)


def setup(record: RunRecord) -> Section:
    """The choices that matter most, then all of them."""
    rows = [
        ("data", f"{record.setting('data.root')}, judged on {record.split}"),
        *((part, name) for part in _PARTS if (name := _described(record.setting(part)))),
        *((name, _plain(value)) for name, path in _NUMBERS if (value := record.setting(path)) is not None),
    ]
    if "parameters" in record.environment:
        rows.append(("parameters", f"{record.environment['parameters'] / 1e6:.2f} M"))
    rows += [*_times(record), *_environment(record.environment)]
    lines = tuple(_flat(record.config))
    blocks: list[Block] = [Facts(tuple(rows))]
    blocks.append(Notice("note", "Every setting", details=lines))
    return Section("Setup", tuple(blocks))


def _times(record: RunRecord) -> Iterator[tuple[str, str]]:
    """When and how long it trained, from the times of its log."""
    if not record.history:
        return
    first = min(curve.times[0] for curve in record.history.values())
    last = max(curve.times[-1] for curve in record.history.values())
    started = datetime.fromtimestamp(first).strftime("%Y-%m-%d %H:%M")
    yield "trained", f"{started}, {duration(last - first)}"
    speed = record.history.get("time/images_per_second")
    if speed is not None:
        yield "speed", f"{np.median(speed.values):.0f} images a second"


def _environment(environment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not environment:
        yield "command", "not recorded by this run; every setting is below"
        return
    yield "command", environment["command"]
    yield "device", environment["device"]
    yield "versions", ", ".join(f"{name} {version}" for name, version in environment["versions"].items())


def _described(node: Any) -> str:
    """'composite: cls_weight 1.0, box_weight 1.0': what is built, and its plain values."""
    if not isinstance(node, Mapping):
        return ""
    values = []
    for key, value in node.items():
        if isinstance(value, Mapping):
            if "name" in value:
                values.append(f"{key} {value['name']}")
        elif value is not None and key != "name":
            values.append(f"{key} {_plain(value)}")
    name = str(node.get("name", ""))
    return name + (": " if name and values else "") + ", ".join(values)


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _flat(node: Any, prefix: str = "") -> Iterator[str]:
    """'engine.epochs = 80' for every value."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield f"{prefix} = {node}"
