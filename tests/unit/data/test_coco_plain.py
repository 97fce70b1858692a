"""The fast reader of COCO files: equal to the careful one where it reads, and silent where it should not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.readers import coco
from detector.data.readers.coco import CocoSource
from detector.data.readers.coco_plain import read_plain
from tests.unit.data.test_records import assert_same

LABELS = [{"id": 7, "name": "dog", "supercategory": "any"}, {"id": 2, "name": "person"}]


def document(seed: int = 0) -> dict[str, Any]:
    """Pictures in no order, some without objects; boxes inside, across the border, outside, without area."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(40)[:12].tolist()
    images = [
        {"id": k, "file_name": f"sub/{k}.png" if k % 2 else f"{k}.png", "width": 32, "height": 24}
        for k in ids
    ]
    for image in images[::3]:
        image["sequence"] = f"walk{image['id'] % 2}" if image["id"] % 3 else int(image["id"])
    boxes = [
        [round(v, 3) for v in rng.uniform(-9, 30, 2)] + [round(v) for v in rng.uniform(0, 9, 2)]
        for _ in range(40)
    ]
    objects = [
        {"id": 100 + n, "image_id": int(rng.choice(ids)), "category_id": int(rng.choice([2, 7])), "bbox": box}
        for n, box in enumerate(boxes)
    ]
    for item in objects[::4]:
        item["iscrowd"] = int(rng.integers(2))
    return {"images": images, "annotations": objects, "categories": LABELS, "licenses": [{"id": 1}]}


def write(root: Path, content: object) -> CocoSource:
    for folder in ("annotations", "train/sub"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for k in range(40):
        (root / "train" / (f"sub/{k}.png" if k % 2 else f"{k}.png")).touch()
    text = content if isinstance(content, str) else json.dumps(content)
    (root / "annotations" / "train.json").write_text(text, encoding="utf-8")
    return CocoSource(root, None, "annotations/{split}.json", "{split}", r"([0-9]+)\.png")


def careful(source: CocoSource, monkeypatch: pytest.MonkeyPatch) -> Annotations:
    monkeypatch.setattr(coco, "read_plain", lambda _file: None)
    return source.load("train")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("classes", [None, ["dog"]])
def test_equal_to_the_careful_reader(
    tmp_path: Path,
    seed: int,
    classes: list[str] | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = write(tmp_path, document(seed))
    object.__setattr__(source, "classes", classes)
    assert read_plain(tmp_path / "annotations" / "train.json") is not None
    fast, told = source.load("train"), caplog.messages.copy()
    caplog.clear()
    slow = careful(source, monkeypatch)
    assert (fast.classes, fast.category_ids) == (slow.classes, slow.category_ids)
    assert told == caplog.messages
    for one, other in zip(fast.records, slow.records, strict=True):
        assert_same(one, other)


def changed(place: str, index: int, **values: object) -> str:
    content = document()
    content[place][index].update(values)
    return json.dumps(content)


def twice(place: str, key: str) -> str:
    content = document()
    content[place][3]["again"] = content[place][3][key]
    return json.dumps(content).replace('"again"', f'"{key}"')


ODD = {
    "an id that is a word": changed("images", 0, id="first"),
    "an id as text": changed("annotations", 0, image_id="7"),
    "an id of true": changed("annotations", 0, category_id=True),
    "a size that is unknown": changed("images", 0, width=None),
    "a size of 0": changed("images", 0, width=0),
    "a size too large": changed("images", 0, height=2**17),
    "no box": changed("annotations", 0, bbox=None, segmentation=[[0, 0, 5, 5]]),
    "a box of three": changed("annotations", 0, bbox=[1, 2, 3]),
    "a box nobody drew": changed("annotations", 0, bbox=[0, 0, 0, 0]),
    "a box beyond all": changed("annotations", 0, bbox=[1e308, 0, 1e308, 1]),
    "a crowd of 2": changed("annotations", 0, iscrowd=2),
    "a crowd of true": changed("annotations", 0, iscrowd=True),
    "an image that is not listed": changed("annotations", 0, image_id=99),
    "an image listed twice": changed("images", 0, id=document()["images"][1]["id"]),
    "a key of an object twice": twice("annotations", "bbox"),
    "a key of an image twice": twice("images", "id"),
    "a key twice, once in code": twice("annotations", "bbox").replace('"bbox": [', '"\\u0062box": [', 1),
    "a list twice": json.dumps(document())[:-1] + ', "images": []}',
    "NaN": changed("annotations", 0, bbox=[float("nan"), 0, 1, 1]),
    "no image": json.dumps(document() | {"images": []}),
    "no object": "[]",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_what_is_out_of_the_ordinary_is_left_to_the_careful_reader(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert read_plain(tmp_path / "annotations" / "train.json") is None


@pytest.mark.parametrize("name", ["absent.png", "../2.png", "./2.png", "sub/../2.png", "2.PNG", "sub\\1.png"])
def test_names_that_are_no_plain_ones_are_left_to_it_too(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path, changed("images", 0, file_name=name))
    asked = []
    monkeypatch.setattr(coco, "annotations_from_coco", lambda *_, **__: asked.append(name))
    source.load("train")
    assert asked == [name]
