"""Records as arrays: what goes in comes out, from any of them and in any order."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from detector.data.records import ImageRecord, Records, Texts


def record(number: int, boxes: int, **changes: object) -> ImageRecord:
    values = np.arange(4 * boxes, dtype=np.float32).reshape(-1, 4) + number
    return replace(
        ImageRecord(
            image_id=number,
            path=Path(f"/set/{number}.png"),
            width=64 + number % 9,
            height=48,
            boxes=values,
            labels=np.arange(boxes) - 1,
            ignored=np.arange(boxes) % 2 == 0,
            sequence=None,
        ),
        **changes,  # type: ignore[arg-type]
    )


EVERY = [
    record(2**40, 2, sequence="walk", names=("a.png", "7"), colour="iron"),
    record(3, 0, stored=np.array([[0.5, 1, 2, 3]]), unit="kelvin"),
    record(-1, 3, sequence="", stored=np.zeros((0, 4)), path=Path("ä/b\udcff.png")),
    record(5, 1, sequence="walk"),
]


def assert_same(one: ImageRecord, other: ImageRecord) -> None:
    for field in fields(ImageRecord):
        expected = getattr(other, field.name)
        found = getattr(one, field.name)
        if isinstance(expected, np.ndarray):
            assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
            np.testing.assert_array_equal(found, expected)
        else:
            assert (type(found), found) == (type(expected), expected)


def test_what_goes_in_comes_out() -> None:
    records = Records.of(EVERY)
    assert len(records) == len(EVERY)
    for one, other in zip(records, EVERY, strict=True):
        assert_same(one, other)
    assert_same(records[-1], EVERY[-1])
    assert_same(records[1:3][0], EVERY[1])
    with pytest.raises(IndexError):
        records[4]
    np.testing.assert_array_equal(records.images, [0, 0, 2, 2, 2, 3])


def test_any_of_them_in_any_order() -> None:
    order = [3, 1, 0, 0, 2]
    chosen = Records.of(EVERY).take(np.array(order))
    for one, other in zip(chosen, [EVERY[index] for index in order], strict=True):
        assert_same(one, other)
    assert list(Records.of(EVERY).take(np.zeros(0, int))) == []


def test_another_way_to_read_them_changes_nothing_else() -> None:
    for one, other in zip(Records.of(EVERY).read_as(colour="hot"), EVERY, strict=True):
        assert_same(one, replace(other, colour="hot"))


def test_texts_take_no_object_each() -> None:
    words = ["", "a", "ä\n", "b" * 300]
    assert [*Texts(words)] == words == [Texts(words)[i] for i in range(4)]
