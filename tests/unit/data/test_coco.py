import copy
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame, save_json
from tests.unit.data.hostile import assert_survives, changed, damaged, fuzz

CATEGORIES = [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}, {"id": 3, "name": "car"}]


def annotation(key: int, image: int, category: int, bbox: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": key, "image_id": image, "category_id": category, "bbox": bbox, **more}


DOCUMENT: dict[str, Any] = {
    "images": [
        {"id": 5, "file_name": "a.png", "width": 40, "height": 30, "sequence": "walk"},
        {"id": 2, "file_name": "sub/b.png", "width": 40, "height": 30},
    ],
    "annotations": [
        annotation(10, 5, 3, [1, 2, 10, 20]),
        annotation(11, 5, 18, [4.5, 0, 6, 7], iscrowd=1),
        annotation(12, 5, 1, [30, 20, 20, 20]),
    ],
    "categories": CATEGORIES,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.png", "sub/b.png"):
        save_frame(tmp_path / "train" / name, np.zeros((30, 40), np.uint8))
    save_json(tmp_path / "annotations" / "train.json", DOCUMENT)
    return tmp_path


def read(root: Path, **changes: Any) -> Any:
    """The root's split with some sections of its document replaced."""
    save_json(root / "annotations" / "train.json", {**copy.deepcopy(DOCUMENT), **changes})
    return built("data/coco", root=root).load("train")


def test_fields_follow_the_file(root: Path) -> None:
    annotations = built("data/coco", root=root).load("train")
    assert annotations.classes == ("person", "car", "dog")
    assert annotations.category_ids == (1, 3, 18)
    first, second = annotations.records
    assert (first.image_id, first.path, first.width, first.height) == (5, root / "train/a.png", 40, 30)
    assert (first.sequence, second.sequence) == ("walk", None)
    # The third box reaches out of the frame by 10 on both sides.
    np.testing.assert_allclose(first.boxes, [[1, 2, 11, 22], [4.5, 0, 10.5, 7], [30, 20, 40, 30]])
    np.testing.assert_array_equal(first.labels, [1, 2, 0])
    np.testing.assert_array_equal(first.ignored, [False, True, False])
    assert second.path == root / "train/sub/b.png"
    assert second.boxes.shape == (0, 4)
    assert (second.boxes.dtype, second.labels.dtype, second.ignored.dtype) == (np.float32, np.int64, bool)


def test_classes_select_and_order(root: Path) -> None:
    annotations = built("data/coco", root=root, classes=["dog", "person"]).load("train")
    assert annotations.classes == ("dog", "person")
    assert annotations.category_ids == (18, 1)
    np.testing.assert_array_equal(annotations.records[0].labels, [0, 1])
    np.testing.assert_allclose(annotations.records[0].boxes[:, 0], [4.5, 30])


def test_boxes_without_area_are_dropped_with_one_line(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    bad = [[3, 3, 0, 5], [3, 3, 5, -1], [50, 3, 5, 5], [-9, 3, 9, 5]]
    items = [annotation(key, 5, 1, box) for key, box in enumerate(bad)]
    with caplog.at_level(logging.WARNING):
        records = read(root, annotations=[*items, annotation(9, 5, 1, [0, 0, 2, 2])]).records
    np.testing.assert_allclose(records[0].boxes, [[0, 0, 2, 2]])
    assert len(caplog.messages) == 1
    assert "4 boxes without area" in caplog.messages[0]
    assert "annotation 0, annotation 1, annotation 2, annotation 3" in caplog.messages[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"annotations": [annotation(77, 5, 1, [1, float("nan"), 2, 2])]},
            "annotation 77: box is not finite",
        ),
        (
            {"annotations": [annotation(77, 5, 1, [1, 2, float("inf"), 2])]},
            "annotation 77: box is not finite",
        ),
        ({"annotations": [annotation(77, 5, 1, [1, 2, 3])]}, r"annotation 77: bbox must be \[x, y, w, h\]"),
        ({"annotations": [annotation(77, 5, 1, ["one", 2, 3, 4])]}, "annotation 77: bbox must be"),
        ({"annotations": [annotation(77, 5, 1, [True, 2, 3, 4])]}, "annotation 77: bbox must be"),
        ({"annotations": [annotation(77, 5, 1, "1234")]}, "annotation 77: bbox must be"),
        ({"annotations": [annotation(77, 5, 1, [10**400, 2, 3, 4])]}, "annotation 77: bbox is too large"),
        ({"annotations": [annotation(77, 5, 1, [1, 2, 3, 4], iscrowd="no")]}, "77: iscrowd must be 0 or 1"),
        (
            {"annotations": [annotation(77, 5, [1], [1, 2, 3, 4])]},
            r"category_id \[1\] is neither a whole number nor a name",
        ),
        (
            {"annotations": [annotation(77, True, 1, [1, 2, 3, 4])]},
            "image_id True is neither a whole number nor a name",
        ),
        (
            {"annotations": [annotation(77, 5, 9, [1, 2, 3, 4])]},
            "annotation 77: unknown category_id 9.*1, 3, 18",
        ),
        ({"annotations": [annotation(77, 6, 1, [1, 2, 3, 4])]}, "image ids that are not listed: 6"),
        (
            {"annotations": [{"id": 77, "image_id": 5, "category_id": 1}]},
            "annotation 77 has neither 'bbox' nor 'segmentation'",
        ),
        ({"annotations": None}, "'annotations' must be a list"),
        ({"images": []}, r"the split is empty \(no images\)"),
        ({"images": [DOCUMENT["images"][0]] * 2}, "image id 5 is listed twice"),
        ({"images": [{**DOCUMENT["images"][0], "width": 0}]}, "image 5: width must be"),
        ({"images": [{"id": 5, "width": 4, "height": 4}], "annotations": []}, "image 5 has no 'file_name'"),
        ({"images": [{**DOCUMENT["images"][0], "width": 10**12}]}, "image 5: width must be"),
        ({"images": [{**DOCUMENT["images"][0], "width": True}]}, "image 5: width must be"),
        (
            {"images": [{**DOCUMENT["images"][0], "id": ""}]},
            "image id '' is neither a whole number nor a name",
        ),
        ({"images": [{**DOCUMENT["images"][0], "id": 2**63}]}, "is neither a whole number nor a name"),
        ({"images": [{**DOCUMENT["images"][0], "file_name": 3}]}, "image 5: file_name must be text, found 3"),
        ({"images": [{**DOCUMENT["images"][0], "sequence": ["a"]}]}, "image 5: sequence must be text"),
        (
            {"images": [{**DOCUMENT["images"][0], "file_name": "c.png"}]},
            r"1 of 1 image files are missing.*c\.png",
        ),
        ({"categories": [*CATEGORIES, {"id": 3, "name": "bus"}]}, "category id 3 is listed twice"),
        (
            {"categories": [*CATEGORIES, {"id": 4, "name": "a\nb"}]},
            "category 4: a class name must be printable",
        ),
        ({"categories": [], "annotations": []}, "no class to learn"),
    ],
)
def test_malformed_files_raise_one_line_that_names_the_place(
    root: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read(root, **changes)
    assert "train.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_and_wrong_classes_are_refused(root: Path) -> None:
    with pytest.raises(UserError, match="unknown class 'persn'; available: person, car, dog"):
        built("data/coco", root=root, classes=["persn"]).load("train")
    with pytest.raises(UserError, match=r"write \[person\]"):
        built("data/coco", root=root, classes="person").load("train")
    with pytest.raises(UserError, match=r"unknown class '\['car'\]'"):
        built("data/coco", root=root, classes=[["car"]]).load("train")  # type: ignore[list-item]
    with pytest.raises(UserError, match="given twice"):
        built("data/coco", root=root, classes=["car", "car"]).load("train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a readable JSON"),
        ("{", "not a readable JSON"),
        ("[1, 2]", "expected a JSON object, found list"),
        ("\x00", "not a readable JSON"),
        ('{"images": ' + "[" * 100_000, "not a readable JSON"),
        ('{"images": [], "images": []}', "an object has the key 'images' twice"),
        (b"\xff\xfe\x00", "not a readable JSON"),
    ],
)
def test_what_is_not_a_json_object_is_refused(root: Path, text: str | bytes, message: str) -> None:
    data = text.encode() if isinstance(text, str) else text
    (root / "annotations/train.json").write_bytes(data)
    with pytest.raises(UserError, match=rf"train\.json: .*{message}"):
        built("data/coco", root=root).load("train")


def test_missing_places_are_named(root: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such folder"):
        built("data/coco", root=root / "nowhere").load("train")
    with pytest.raises(UserError, match=r"'test'.*splits found: train"):
        built("data/coco", root=root).load("test")
    with pytest.raises(UserError, match="wrong layout"):
        built("data/coco", root=root / "train").load("train")


def test_places_can_be_given(tmp_path: Path) -> None:
    """COCO's own layout."""
    save_frame(tmp_path / "images/val2017/a.png", np.zeros((30, 40), np.uint8))
    document = {**DOCUMENT, "images": DOCUMENT["images"][:1]}
    save_json(tmp_path / "annotations/instances_val2017.json", document)
    save_json(tmp_path / "annotations/captions_val2017.json", {})
    source = built(
        "data/coco",
        root=tmp_path,
        annotations="annotations/instances_{split}2017.json",
        images="images/{split}2017",
    )
    assert source.splits() == ("val",)
    assert source.load("val").records[0].path == tmp_path / "images/val2017/a.png"
    with pytest.raises(UserError, match=r"needs '{split}'"):
        built("data/coco", root=tmp_path, annotations="all.json")
    with pytest.raises(UserError, match="must be a path under the root"):
        built("data/coco", root=tmp_path, annotations="/{split}.json")


def test_a_split_s_name_stands_wherever_the_pattern_has_it(tmp_path: Path) -> None:
    for name in ("a/a[x].json", "b/c[x].json", "b/b[x].json", "b/b[y].json"):
        save_json(tmp_path / name, {})
    assert built("data/coco", root=tmp_path, annotations="{split}/{split}[x].json").splits() == ("a", "b")


def test_the_recording_is_found_in_the_file_s_name_where_the_record_tells_none(root: Path) -> None:
    pattern = r"(?:^|/)(a|b)\.png"
    records = built("data/coco", root=root, sequence_pattern=pattern).load("train").records
    assert [record.sequence for record in records] == ["walk", "b"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "not a regular expression"),
        ("a+", "needs one group in round brackets, has 0"),
        ("(a)(b)", "has 2"),
        ("(z)", "'\\(z\\)' does not match 'sub/b.png'"),
        (7, "found no text"),
    ],
)
def test_patterns_that_find_no_recording_are_refused(root: Path, pattern: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"data.source.sequence_pattern.*{message}"):
        built("data/coco", root=root, sequence_pattern=pattern).load("train")


WORDS: dict[str, Any] = {
    "images": [{"id": "a", "file_name": "A.PNG"}, {"id": 2.0, "file_name": "sub\\b.png"}],
    "annotations": [
        {"id": "x", "image_id": "a", "category_id": "p", "segmentation": [[1, 2, 9, 2, 9, 8.5]]},
        {
            "id": 1,
            "image_id": 2.0,
            "category_id": 3,
            "segmentation": {"size": [30, 40], "counts": [31, 5, 25, 5, 1134]},
        },
        {
            "id": 2,
            "image_id": "2",
            "category_id": "3",
            "segmentation": {"size": [30, 40], "counts": "o05i00eR1"},
        },
    ],
    "categories": [
        {"id": "0", "name": "set", "supercategory": "none"},
        {"id": "p", "name": "person", "supercategory": "set"},
        {"id": 3.0, "name": "Car ", "supercategory": "set"},
    ],
}
"""What else COCO files have: words for ids, outlines and masks without boxes, a project's name."""


@fuzz
@given(document=st.one_of(changed(DOCUMENT), changed(WORDS)))
def test_any_values_in_the_document(root: Path, document: Any) -> None:
    (root / "annotations/train.json").write_text(json.dumps(document))
    assert_survives(lambda: built("data/coco", root=root).load("train"))


@fuzz
@given(data=damaged(json.dumps(DOCUMENT)))
def test_any_damage_to_the_file(root: Path, data: bytes) -> None:
    (root / "annotations/train.json").write_bytes(data)
    assert_survives(lambda: built("data/coco", root=root).load("train"))


def test_reading_leaves_the_file_as_it_was(root: Path) -> None:
    built("data/coco", root=root).load("train")
    assert json.loads((root / "annotations/train.json").read_text()) == DOCUMENT


def test_ids_may_be_words_or_floats(root: Path) -> None:
    """Words are numbered as they come, classes by name; results may call the pictures by their own ids."""
    images = [{**image, "id": f"img_{image['id']}"} for image in DOCUMENT["images"]]
    categories = [{"id": f"c{item['id']}", "name": item["name"]} for item in CATEGORIES]
    items = [
        {**item, "image_id": f"img_{item['image_id']}", "category_id": f"c{item['category_id']}"}
        for item in DOCUMENT["annotations"]
    ]
    words = read(root, images=images, categories=categories, annotations=items)
    assert words.classes == ("car", "dog", "person")
    assert [record.image_id for record in words.records] == [1, 2]
    assert words.records[0].names == ("img_5",)
    np.testing.assert_array_equal(words.records[0].labels, [0, 1, 2])
    floats = read(root, images=[{**image, "id": float(image["id"])} for image in DOCUMENT["images"]])
    assert [record.image_id for record in floats.records] == [5, 2]
    text = read(root, images=[{**image, "id": str(image["id"])} for image in DOCUMENT["images"]])
    assert len(text.records[0].boxes) == 3


SHAPES = [
    ([[10, 5, 20, 5.5, 15, 12]], [10, 5, 20, 12]),
    ([[10, 5, 20, 5, 20, 9], [3, 20, 8, 25, 4, 22]], [3, 5, 20, 25]),
    ([[[10, 5], [20, 5], [20, 9]]], [10, 5, 20, 9]),
    # 40 x 30, column by column: rows 4 to 6 of columns 2 and 3.
    ({"size": [30, 40], "counts": [64, 3, 27, 3, 1103]}, [2, 4, 4, 7]),
    # A run that goes on in the next column covers the whole height.
    ({"size": [30, 40], "counts": [80, 20, 1100]}, [2, 0, 4, 30]),
]


@pytest.mark.parametrize(("segmentation", "box"), SHAPES)
@pytest.mark.parametrize("missing", [{}, {"bbox": None}, {"bbox": []}])
def test_without_bbox_the_segmentation_tells_the_box(
    segmentation: object, box: list[float], missing: dict[str, Any], root: Path
) -> None:
    item = {"id": 1, "image_id": 5, "category_id": 1, "segmentation": segmentation, **missing}
    np.testing.assert_array_equal(read(root, annotations=[item]).records[0].boxes, [box])


def test_compressed_masks_have_the_box_that_pycocotools_finds(root: Path) -> None:
    pixels = np.zeros((30, 40), np.uint8)
    pixels[3:9, 7:21] = pixels[20, 30] = 1
    encoded = mask.encode(np.asfortranarray(pixels))
    text = {"size": [30, 40], "counts": encoded["counts"].decode()}
    item = {"id": 1, "image_id": 5, "category_id": 1, "segmentation": text}
    x, y, w, h = mask.toBbox(encoded)
    np.testing.assert_array_equal(read(root, annotations=[item]).records[0].boxes, [[x, y, x + w, y + h]])


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 2, 3]],
        [["a", 2, 3, 4]],
        [[1, 2, 3, float("nan")]],
        {"counts": [1200]},
        {"size": [30, 40], "counts": [64, 3]},
        {"size": [30, 40], "counts": "P"},
        {"size": [60, 80], "counts": [4800]},
        {"size": [30, 40], "counts": [600, -600, 1200]},
        {"size": [10**9, 10**9], "counts": []},
        "polygon",
    ],
)
def test_other_segmentations_are_refused(segmentation: object, root: Path) -> None:
    item = {"id": 1, "image_id": 5, "category_id": 1, "segmentation": segmentation}
    with pytest.raises(UserError, match="annotation 1: segmentation"):
        read(root, annotations=[item])


def test_objects_that_nobody_drew_are_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    items = [{"id": 1, "image_id": 5, "category_id": 1, "bbox": None, "segmentation": []}]
    assert len(read(root, annotations=items).records[0].boxes) == 0
    assert "1 objects without a box left out: annotation 1" in caplog.text


def test_a_split_has_the_classes_of_all(root: Path) -> None:
    """val lists two of three, and numbers them anew; each split's own ids stay."""
    save_frame(root / "val/a.png", np.zeros((30, 40), np.uint8))
    val = {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
        "annotations": [annotation(1, 1, 2, [1, 1, 5, 5])],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
    }
    save_json(root / "annotations/val.json", val)
    source = built("data/coco", root=root)
    train, val_split = source.load("train"), source.load("val")
    # By the smallest id in any file.
    assert train.classes == val_split.classes == ("person", "dog", "car")
    assert train.category_ids == (1, 18, 3)
    assert val_split.category_ids == (1, 2, 3)
    np.testing.assert_array_equal(val_split.records[0].labels, [1])
    (root / "annotations/captions.json").write_text('{"images": [], "annotations": []}')
    assert source.load("val").classes == val_split.classes


def test_one_class_under_several_names_and_ids(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    categories = [*CATEGORIES, {"id": 4, "name": "Car "}, {"id": 5, "name": "dog"}]
    items = [annotation(key, 5, key, [key, 2, 10, 20]) for key in (3, 4, 5, 18)]
    annotations = read(root, categories=categories, annotations=items)
    assert annotations.classes == ("person", "car", "dog")
    assert annotations.category_ids == (1, 3, 5)
    np.testing.assert_array_equal(annotations.records[0].labels, [1, 1, 2, 2])
    assert "categories 3 ('car') and 4 ('Car ') are read as one class" in caplog.text


def test_the_group_that_roboflow_lists_first_is_no_class(root: Path) -> None:
    grouped = [{**item, "supercategory": "thermal"} for item in CATEGORIES]
    group = {"id": 0, "name": "thermal", "supercategory": "none"}
    assert read(root, categories=[group, *grouped]).classes == ("person", "car", "dog")
    used = read(root, categories=[group, *grouped], annotations=[annotation(1, 5, 0, [1, 1, 5, 5])])
    assert used.classes == ("thermal", "person", "car", "dog")
    own_name = [{**group, "name": "dog"}, *({**item, "supercategory": "dog"} for item in CATEGORIES)]
    assert read(root, categories=own_name).category_ids == (1, 3, 18)


def test_records_of_one_file_are_one_picture(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = [*DOCUMENT["images"], {**DOCUMENT["images"][0], "id": 7}]
    items = [*DOCUMENT["annotations"], annotation(1, 7, 3, [1, 2, 10, 20]), annotation(2, 7, 1, [5, 5, 4, 4])]
    first, second = read(root, images=images, annotations=items).records
    # The car is there already.
    np.testing.assert_array_equal(first.labels, [1, 2, 0, 0])
    assert (first.image_id, first.names, second.image_id) == (5, ("5", "7"), 2)
    assert "1 pictures have several image ids" in caplog.text


@pytest.mark.parametrize("name", ["sub\\b.png", "SUB/B.PNG", "sub/b.jpg", "./sub/../sub/b.png", "sub/b"])
def test_pictures_are_found_whatever_wrote_their_names(name: str, root: Path) -> None:
    image = {**DOCUMENT["images"][1], "file_name": name}
    found = read(root, images=[DOCUMENT["images"][0], image]).records[1].path
    assert found.samefile(root / "train/sub/b.png")


def test_of_two_pictures_that_fit_none_is_taken(root: Path) -> None:
    save_frame(root / "train/sub/b.tif", np.zeros((30, 40), np.uint8))
    image = {**DOCUMENT["images"][1], "file_name": "sub/b.jpg"}
    with pytest.raises(
        UserError, match=r"1 of 2 image files are missing: .*b\.jpg; data\.source\.images says"
    ):
        read(root, images=[DOCUMENT["images"][0], image])


@pytest.mark.parametrize(
    "name", ["../../secret.png", "/etc/secret.png", "C:\\secret.png", "..\\..\\secret.png"]
)
def test_no_name_leads_out_of_the_set(name: str, root: Path) -> None:
    save_frame(root.parent / "secret.png", np.zeros((30, 40), np.uint8))
    with pytest.raises(UserError, match=r"image 5: .*leads out of .*: refused; data\.source\.images=FOLDER"):
        read(root, images=[{**DOCUMENT["images"][0], "file_name": name}])


@pytest.mark.parametrize(
    "name", ["/home/me/walk/train/a.png", "C:\\data\\A.PNG", "c:/data/train/sub/../a.jpg", "../../../a.png"]
)
def test_paths_of_another_machine_mean_the_picture_here(name: str, root: Path) -> None:
    save_frame(root.parent / "a.png", np.zeros((3, 4), np.uint8))
    (first, _) = read(
        root, images=[{**DOCUMENT["images"][0], "file_name": name}, DOCUMENT["images"][1]]
    ).records
    assert first.path == root / "train/a.png"


def test_numbers_as_text_and_classes_by_name_have_one_meaning(root: Path) -> None:
    images = [{**image, "width": "40", "height": "30"} for image in DOCUMENT["images"]]
    items = [
        annotation(10, 5, 3, ["1", "2", "10", " 20"], iscrowd=None),
        {**annotation(11, 5, 0, [4.5, 0, 6, 7], iscrowd="1"), "category_id": "Dog "},
    ]
    twice = [*CATEGORIES, CATEGORIES[0]]
    record = read(root, images=images, annotations=items, categories=twice).records[0]
    np.testing.assert_array_equal(record.boxes, [[1, 2, 11, 22], [4.5, 0, 10.5, 7]])
    assert (record.labels.tolist(), record.ignored.tolist()) == ([1, 2], [False, True])


def test_sizes_that_are_not_told_are_those_of_the_pictures(root: Path) -> None:
    images = [{key: image[key] for key in ("id", "file_name")} for image in DOCUMENT["images"]]
    assert [(r.width, r.height) for r in read(root, images=images).records] == [(40, 30)] * 2
