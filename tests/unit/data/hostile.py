"""Broken and random annotation files. Of any of them only UserError may come, or sound annotations."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from detector.data.annotations import Annotations
from detector.errors import UserError
from detector.structures import IGNORE_LABEL

fuzz = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

numbers = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 1, 2**31, 2**63, 10**12, 10**400, 1e12, 1e308, -1e308, 5e-324, 0.5]),
    st.floats(),
)
texts = st.text(st.sampled_from("aZ07 ./_\n\0é☃\ud800"), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """The document with one to three of its values replaced by random ones, removed or doubled."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        holders = [node for node in nodes(document) if node]
        if not holders:
            break
        holder = draw(st.sampled_from(holders))
        key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        match draw(st.sampled_from(["replace", "replace", "remove", "double"])):
            case "replace":
                holder[key] = draw(values)
            case "remove":
                del holder[key]
            case "double" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
    return document


def nodes(value: Any) -> list[Any]:
    """Every list and dictionary in it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        return []
    return [value, *(node for item in inner for node in nodes(item))]


@st.composite
def damaged(draw: st.DrawFn, text: str) -> bytes:
    """The text cut short, with bytes overwritten, or with a part doubled or exchanged for another."""
    data = bytearray(text.encode())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["cut", "bytes", "double", "words"])):
            case "cut":
                del data[place:]
            case "bytes":
                new = draw(st.binary(min_size=1, max_size=4))
                data[place : place + len(new)] = new
            case "double":
                data[place:place] = data[place : place + 40]
            case "words":
                word = draw(
                    st.sampled_from(["nan", "-inf", "1e999", "9" * 30, "", ",", "\n", '"', "<", "&a;"])
                )
                data[place : place + draw(st.integers(0, 4))] = word.encode()
    return bytes(data)


def assert_survives(load: Callable[[], Annotations]) -> None:
    """It gives sound annotations, or raises UserError."""
    try:
        annotations = load()
    except UserError:
        return
    classes = len(annotations.classes)
    assert classes == len(set(annotations.classes)) == len(set(annotations.category_ids)) > 0
    assert annotations.records
    for record in annotations.records:
        boxes = record.boxes
        assert boxes.dtype == np.float32
        assert np.isfinite(boxes).all()
        assert (boxes >= 0).all()
        assert (boxes[:, 2:] <= (record.width, record.height)).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert len(boxes) == len(record.labels) == len(record.ignored)
        assert ((record.labels >= IGNORE_LABEL) & (record.labels < classes)).all()
        assert record.ignored[record.labels == IGNORE_LABEL].all()
