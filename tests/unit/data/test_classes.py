from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.data.annotations import Annotations, ImageRecord
from detector.data.classes import IGNORE, of_set, remap, with_classes
from detector.errors import UserError
from detector.evaluation.predictions import predictions_json
from detector.evaluation.split import evaluate
from detector.structures import IGNORE_LABEL, Detections
from tests.built import built
from tests.unit.data.made import of_recordings, record

NAMES = ("Person", "Car", "Truck", "Dog", "Blur")
IDS = (7, 3, 1, 9, 4)


def annotations(*labels: int, crowd: int | None = None) -> Annotations:
    """One picture of 40x30 with a box of each label at its own place."""
    n = len(labels)
    lefts = 5 * np.arange(n, dtype=np.float32)
    boxes = np.stack((lefts, lefts, lefts + 4, lefts + 4), axis=1)
    ignored = np.array([label == IGNORE_LABEL or k == crowd for k, label in enumerate(labels)], bool)
    record = ImageRecord(
        image_id=5,
        path=Path("a.png"),
        width=40,
        height=30,
        boxes=boxes.reshape(-1, 4),
        labels=np.array(labels, np.int64),
        ignored=ignored,
        sequence="walk",
    )
    return Annotations(NAMES, (record,), IDS)


def test_merged_dropped_ignored_and_kept() -> None:
    source = annotations(0, 1, 2, 3, 4, IGNORE_LABEL, crowd=1)
    result = remap(source, {"Truck": "vehicle", "Dog": None, "Car": "vehicle", "Blur": IGNORE})
    # New names as they first appear, then those that stay; the smallest of the ids of Car (3) and Truck (1).
    assert result.classes == ("vehicle", "Person")
    assert result.category_ids == (1, 7)
    (record,) = result.records
    np.testing.assert_array_equal(record.labels, [1, 0, 0, IGNORE_LABEL, IGNORE_LABEL])
    # A crowd of a merged class stays one.
    np.testing.assert_array_equal(record.ignored, [False, True, False, True, True])
    np.testing.assert_array_equal(record.boxes[:, 0], [0, 5, 10, 20, 25])
    assert (record.image_id, record.sequence, record.width) == (5, "walk", 40)
    # The source is as it was.
    np.testing.assert_array_equal(source.records[0].labels, [0, 1, 2, 3, 4, IGNORE_LABEL])


def test_renaming_is_done_all_at_once() -> None:
    result = remap(annotations(0, 1, 2), {"Person": "Car", "Car": "Person", "Truck": "Person"})
    assert result.classes == ("Car", "Person", "Dog", "Blur")
    assert result.category_ids == (7, 1, 9, 4)
    np.testing.assert_array_equal(result.records[0].labels, [0, 1, 1])


def test_a_class_can_be_merged_into_one_that_stays() -> None:
    result = remap(annotations(1, 2), {"Truck": "Car"})
    assert result.classes == ("Car", "Person", "Dog", "Blur")
    np.testing.assert_array_equal(result.records[0].labels, [0, 0])


def test_nothing_asked_changes_nothing() -> None:
    result = remap(annotations(0, 4), {})
    assert (result.classes, result.category_ids) == (NAMES, IDS)
    np.testing.assert_array_equal(result.records[0].labels, [0, 4])


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"Trukc": "vehicle"}, "unknown class 'Trukc'; did you mean Truck?"),
        ({"zebra": "animal"}, "unknown class 'zebra'; available: Person, Car, Truck, Dog, Blur"),
        ({"Car": "<ignored>"}, "Car: '<ignored>' is no class name; give a name, null .* or <ignore>"),
        ({"Car": False}, "Car: False is no class name"),
        ({"Car": ""}, "Car: '' is no class name"),
        ({"Car": ["a"]}, r"Car: \['a'\] is no class name"),
        (dict.fromkeys(NAMES), "no class is left"),
        (dict.fromkeys(NAMES, IGNORE), "no class is left"),
        (["Car"], "must give new names by old names"),
    ],
)
def test_wrong_mappings_are_refused(mapping: dict[str, str | None], message: str) -> None:
    with pytest.raises(UserError, match=f"remap: .*{message}|remap: {message}"):
        remap(annotations(0), mapping)


def test_predictions_are_exported_and_judged_under_the_merged_ids() -> None:
    """Perfect detections of what is left score 1, and carry ids that no other class has."""
    result = remap(annotations(0, 1, 2, 3), {"Car": "vehicle", "Truck": "vehicle", "Dog": None})
    record = result.records[0]
    found = Detections(boxes=record.boxes, scores=np.array([0.9, 0.8, 0.7], np.float32), labels=record.labels)
    entries = predictions_json({5: found}, result)
    assert [entry["category_id"] for entry in entries] == [7, 1, 1]
    metrics = evaluate(result, entries, bins=built("evaluation/default:bins")).metrics
    assert metrics.overall["AP"] == 1.0
    assert metrics.truths == {"vehicle": 2, "Person": 1, "Blur": 0}


targets = st.none() | st.sampled_from([*NAMES, "new", "other", IGNORE])


@settings(max_examples=60, deadline=None)
@given(
    mapping=st.dictionaries(st.sampled_from(NAMES), targets),
    labels=st.lists(st.integers(IGNORE_LABEL, 4), max_size=6),
)
def test_every_box_keeps_its_name_s_new_meaning(mapping: dict[str, str | None], labels: list[int]) -> None:
    """Against the same done box by box, by name."""
    source = annotations(*labels)
    expected: list[tuple[float, str | None]] = []
    for box, label in zip(source.records[0].boxes, labels, strict=True):
        if label == IGNORE_LABEL:
            expected.append((box[0], None))
            continue
        new = mapping.get(NAMES[label], NAMES[label])
        if new is not None:
            expected.append((box[0], None if new == IGNORE else new))
    try:
        result = remap(source, mapping)
    except UserError:
        assert set(mapping) == set(NAMES)
        assert set(mapping.values()) <= {None, IGNORE}
        return
    record = result.records[0]
    names = [None if label == IGNORE_LABEL else result.classes[label] for label in record.labels]
    assert list(zip(record.boxes[:, 0], names, strict=True)) == expected
    assert (record.ignored == [name is None for name in names]).all()
    assert len(set(result.category_ids)) == len(result.category_ids) == len(result.classes)
    assert set(result.category_ids) <= set(IDS)


def test_a_set_takes_its_place_among_more_classes() -> None:
    truth = [((1, 1, 9, 9), 1, False), ((1, 1, 5, 5), IGNORE_LABEL, True), ((2, 2, 6, 6), 0, False)]
    small = Annotations(("car", "dog"), (record(Path("a.png"), truth),), (3, 8))
    large = with_classes(small, ("dog", "kite", "car", "bat"))
    assert (large.classes, large.category_ids) == (("dog", "kite", "car", "bat"), (8, 9, 3, 10))
    assert large.records[0].labels.tolist() == [0, IGNORE_LABEL, 2]
    assert small.records[0].labels.tolist() == [1, IGNORE_LABEL, 0]


def test_recordings_are_told_apart_by_their_set() -> None:
    named = of_set(of_recordings({"day": [[0]]}), "drone")
    assert [item.sequence for item in named.records] == ["drone/day"]
    alone = Annotations(("car",), (record(Path("a.png")),), (1,))
    assert of_set(alone, "drone").records[0].sequence is None
