"""Detections of other programs: every form gives the same entries, and boxes in doubt are asked about."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import UserError
from detector.evaluation.results_file import read_predictions
from tests.unit.data.hostile import changed, fuzz
from tests.unit.evaluation.builders import annotations, record

TRUTH = annotations(
    replace(record(4, truths=[([10, 10, 20, 20], 0)]), path=Path("set/walk/0017.png"), names=("img_4",)),
    replace(record(9, truths=[([300, 200, 310, 220], 1)]), path=Path("set/drive/0018.png")),
    ids=(7, 3),
    classes=("person", "car"),
)
EXPECTED = [
    {"image_id": 4, "category_id": 7, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.5},
    {"image_id": 9, "category_id": 3, "bbox": [300.0, 200.0, 10.0, 20.0], "score": 0.25},
]
FIRST: dict[str, Any] = {"category_id": 7, "bbox": [1, 2, 3, 4], "score": 0.5}
SECOND: dict[str, Any] = {"category_id": 3, "bbox": [300, 200, 10, 20], "score": 0.25}


def of(one: object, other: object, key: str = "image_id") -> list[dict[str, Any]]:
    return [{key: one, **FIRST}, {key: other, **SECOND}]


def columns(item: dict[str, Any]) -> dict[str, Any]:
    return {"boxes": [item["bbox"]], "labels": [item["category_id"]], "scores": [item["score"]]}


FORMS = {
    "ids": of(4, 9),
    "ids as text": of("4", "9"),
    "the set's own words": of("img_4", 9),
    "stems": of("0017", "0018"),
    "names": of("0017.png", "0018.jpg"),
    "paths": of("C:\\data\\walk\\0017.png", "/other/place/drive/0018.png"),
    "numbers of stems, as Ultralytics makes them": of(17, 18),
    "a name beside a number that means nothing": [
        {**entry, "file_name": name} for entry, name in zip(of(9, 4), ("0017.png", "0018.png"), strict=True)
    ],
    "file_name alone": of("0017.png", "0018.png", key="file_name"),
    "classes by name": [
        {**entry, "category_id": name} for entry, name in zip(of(4, 9), ("Person", "car"), strict=True)
    ],
    "annotations": {"annotations": of(4, 9), "categories": []},
    "annotations with images of their own": {
        "images": [{"id": 1, "file_name": "0017.png"}, {"id": 2, "file_name": "0018.png"}],
        "annotations": of(1, 2),
    },
    "records of images with columns": [{"image_id": 4, **columns(FIRST)}, {"image_id": 9, **columns(SECOND)}],
    "records of images with objects": [{"id": 4, "detections": [FIRST]}, {"id": 9, "detections": [SECOND]}],
    "by the picture's name": {"0017.png": columns(FIRST), "0018": [SECOND]},
    "floats": [{**entry, "category_id": float(entry["category_id"])} for entry in of(4.0, 9.0)],
    "corners by their name": [
        {"image_id": 4, "xyxy": [[1, 2, 4, 6]], "class_id": [7], "confidence": [0.5]},
        {"image_id": 9, "xyxy": [300, 200, 310, 220], "class_id": 3, "confidence": 0.25},
    ],
    "corners with names": [
        {
            "image_id": 4,
            "name": "person",
            "class": 0,
            "confidence": 0.5,
            "box": {"x1": 1, "y1": 2, "x2": 4, "y2": 6},
        },
        {"image_id": 9, "class": 3, "confidence": 0.25, "box": {"x1": 300, "y1": 200, "x2": 310, "y2": 220}},
    ],
    "what predict writes": {
        "classes": ["person", "car"],
        "frames": [
            {"source": "in/0017.png", "objects": [{"class": "person", "score": 0.5, "box": [1, 2, 4, 6]}]},
            {
                "source": "in/0018.png",
                "objects": [{"class": "car", "score": 0.25, "box": [300, 200, 310, 220]}],
            },
        ],
    },
}


def written(content: object, folder: Path) -> Path:
    file = folder / "peer.json"
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_entries(form: str, tmp_path: Path) -> None:
    assert list(read_predictions(written(FORMS[form], tmp_path), TRUTH, boxes=None)) == EXPECTED


def test_shares_of_the_sides_are_no_pixels(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="look like shares of the pictures' sides; write pixels"):
        read_predictions(
            written([{**FIRST, "image_id": 4, "bbox": [0.1, 0, 0.2, 1]}], tmp_path), TRUTH, boxes=None
        )


def test_corners_are_read_where_they_are_said_and_doubted_where_not(tmp_path: Path) -> None:
    corners = [
        {**FIRST, "image_id": 4, "bbox": [1, 2, 4, 6]},
        {**SECOND, "image_id": 9, "bbox": [500, 200, 510, 220]},
    ]
    file = written(corners, tmp_path)
    with pytest.raises(UserError, match=r"look like x1, y1, x2, y2: .* 1 of 2 .* boxes=xyxy"):
        read_predictions(file, TRUTH, boxes=None)
    assert [entry["bbox"] for entry in read_predictions(file, TRUTH, boxes="xyxy")] == [
        [1, 2, 3, 4],
        [500, 200, 10, 20],
    ]
    assert read_predictions(file, TRUTH, boxes="xywh")[1]["bbox"] == [500, 200, 510, 220]


def test_corners_within_the_picture_are_doubted_by_their_order(tmp_path: Path) -> None:
    """As sizes all of these would be larger than they lie from the corner, and true objects are not."""
    truth = annotations(replace(record(9, truths=[([300, 200, 310, 220], 0)])))
    inside = [
        {**SECOND, "category_id": 1, "image_id": 9, "bbox": [30 + k, 50, 45 + k, 60]} for k in range(20)
    ]
    with pytest.raises(UserError, match="boxes=xyxy"):
        read_predictions(written(inside, tmp_path), truth, boxes=None)
    assert len(read_predictions(written(inside[:19], tmp_path), truth, boxes=None)) == 19


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (of(4, "0019"), 'entry 1: image_id is "0019", expected the id or the name of a picture'),
        (of(17, 19), "image_id 17 is not in this split"),
        ([{**FIRST, "image_id": 4, "category_id": "cow"}], 'category_id is "cow"'),
        ({"0019.png": columns(FIRST)}, '"0019.png": object 0'),
    ],
)
def test_what_is_not_in_the_split_is_named(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_predictions(written(content, tmp_path), TRUTH, boxes=None)
    assert message in str(caught.value)


def test_two_pictures_of_one_name_are_told(tmp_path: Path) -> None:
    truth = annotations(
        replace(record(4, truths=[]), path=Path("a/1.png")),
        replace(record(9, truths=[]), path=Path("b/1.png")),
    )
    with pytest.raises(UserError, match=r"may be a/1\.png or b/1\.png"):
        read_predictions(written([{**FIRST, "image_id": "1.png"}], tmp_path), truth)


@fuzz
@given(content=st.sampled_from(list(FORMS.values())).flatmap(changed))
def test_of_any_file_come_sound_entries_or_one_error(tmp_path: Path, content: Any) -> None:
    try:
        entries = read_predictions(written(content, tmp_path), TRUTH, boxes=None)
    except UserError:
        return
    for entry in entries:
        assert entry["image_id"] in (4, 9)
        assert entry["category_id"] in (7, 3)
        assert np.isfinite(entry["bbox"]).all()
        assert min(entry["bbox"][2:]) >= 0
        assert 0 <= entry["score"] <= 1
