"""Wrong truth: as wrong as asked, in the objects that more noise hits as well, and still sound."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.data.annotations import Annotations, ImageRecord
from detector.data.label_noise import LabelNoise, corrupt
from detector.errors import UserError
from detector.structures import IGNORE_LABEL
from tests.unit.data.made import HEIGHT, WIDTH, annotations, record

PICTURES = [Path(f"{number}.png") for number in range(3)]
LEVELS = st.floats(0, 1)


def noise_of(*, drop: float = 0.0, shift: float = 0.0, relabel: float = 0.0) -> LabelNoise:
    return LabelNoise(drop=drop, shift=shift, relabel=relabel)


def many(frames: int = 200, *, classes: int = 4) -> Annotations:
    """20 objects of 8 x 4 pixels around the middle in each frame, far from the border; object k is of class
    k modulo `classes`."""
    boxes = [((14 + k / 10, 12, 22 + k / 10, 16), k % classes, False) for k in range(20)]
    records = tuple(record(Path(f"{key}.png"), boxes, image_id=key) for key in range(frames))
    names = tuple(f"class {label}" for label in range(classes))
    return Annotations(names, records, tuple(range(classes)))


def numbered(split: Annotations) -> Annotations:
    """With the object's place in its frame for a class, by which it is known again."""
    records = [replace(item, labels=np.arange(len(item.labels))) for item in split.records]
    most = max(len(item.labels) for item in records)
    return Annotations(tuple(map(str, range(most))), tuple(records), tuple(range(most)))


def objects(split: Annotations) -> set[tuple[int, int]]:
    return {(item.image_id, int(label)) for item in split.records for label in item.labels}


def assert_same(one: ImageRecord, other: ImageRecord) -> None:
    assert (one.image_id, one.path, one.sequence) == (other.image_id, other.path, other.sequence)
    for name in ("boxes", "labels", "ignored"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(max_examples=25, deadline=None)
@given(made=annotations(pictures=PICTURES), levels=st.tuples(LEVELS, LEVELS, LEVELS), seed=st.integers(0, 9))
def test_what_comes_out_is_sound_and_regions_to_ignore_stay(made, levels, seed) -> None:
    drop, shift, relabel = levels
    if len(made.classes) == 1:
        relabel = 0.0
    wrong, damage = corrupt(made, noise_of(drop=drop, shift=shift, relabel=relabel), seed=seed)
    assert damage.objects == made.object_counts().sum()
    assert damage.dropped == damage.objects - wrong.object_counts().sum()
    for item, own in zip(wrong.records, made.records, strict=True):
        sides = item.boxes[:, 2:] - item.boxes[:, :2]
        assert (sides > 0).all()
        assert ((item.boxes >= 0) & (item.boxes <= (WIDTH, HEIGHT) * 2)).all()
        assert item.boxes.dtype == np.float32
        assert ((item.labels >= IGNORE_LABEL) & (item.labels < len(made.classes))).all()
        for name in ("boxes", "labels"):
            np.testing.assert_array_equal(getattr(item, name)[item.ignored], getattr(own, name)[own.ignored])


def test_no_noise_changes_nothing() -> None:
    made = many(5, classes=1)
    same, damage = corrupt(made, noise_of(), seed=0)
    for one, other in zip(same.records, made.records, strict=True):
        assert_same(one, other)
    assert (damage.objects, damage.dropped, damage.moved, damage.relabelled, damage.iou) == (100, 0, 0, 0, 1)


def test_as_many_are_hit_as_asked_and_every_class_is_as_likely() -> None:
    made = many()
    wrong, damage = corrupt(made, noise_of(drop=0.3, relabel=0.2), seed=0)
    assert (damage.objects, damage.moved) == (4000, 0)
    assert damage.dropped == pytest.approx(1200, abs=4 * np.sqrt(4000 * 0.3 * 0.7))
    assert damage.relabelled == pytest.approx(560, abs=4 * np.sqrt(2800 * 0.2 * 0.8))
    # Where an object was tells its class.
    true = np.concatenate([np.rint((item.boxes[:, 0] - 14) * 10).astype(int) % 4 for item in wrong.records])
    new = np.concatenate([item.labels for item in wrong.records])
    assert (true != new).sum() == damage.relabelled
    table = np.zeros((4, 4), int)
    np.add.at(table, (true, new), 1)
    others = table[~np.eye(4, dtype=bool)]
    assert others == pytest.approx(560 / 12, abs=4 * np.sqrt(560 / 12))


def test_edges_move_by_their_own_side_and_on_their_own() -> None:
    made = many()
    wrong, damage = corrupt(made, noise_of(shift=0.1), seed=0)
    moves = np.concatenate(
        [one.boxes - other.boxes for one, other in zip(wrong.records, made.records, strict=True)]
    )
    np.testing.assert_allclose(moves.std(0), [0.8, 0.4, 0.8, 0.4], rtol=0.05)
    np.testing.assert_allclose(moves.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(np.corrcoef(moves.T), np.eye(4), atol=0.07)
    assert (damage.moved, damage.dropped, damage.relabelled) == (4000, 0, 0)
    overlaps = []
    for one, other in zip(wrong.records, made.records, strict=True):
        for a, b in zip(one.boxes.tolist(), other.boxes.tolist(), strict=True):
            inside = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
            both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
            overlaps.append(inside / (both - inside))
    assert damage.iou == pytest.approx(np.mean(overlaps), abs=1e-6)


def test_the_middle_tenth_of_a_box_stays_however_far_edges_move() -> None:
    wrong, _ = corrupt(many(), noise_of(shift=1), seed=0)
    for item, own in zip(wrong.records, many().records, strict=True):
        low = own.boxes[:, :2] + 0.45 * np.array((8, 4)) + 1e-4
        high = own.boxes[:, 2:] - 0.45 * np.array((8, 4)) - 1e-4
        assert (item.boxes[:, :2] <= low).all()
        assert (item.boxes[:, 2:] >= high).all()


def test_a_box_of_two_rounding_steps_does_not_vanish() -> None:
    step = float(np.spacing(np.float32(30)))
    truth = [((30.0, 10.0, 30 + 2 * step, 12.0), 0, False)]
    records = tuple(record(Path("a.png"), truth, image_id=key) for key in range(50))
    wrong, _ = corrupt(Annotations(("person",), records, (1,)), noise_of(shift=1), seed=0)
    assert all(item.boxes[0, 2] > item.boxes[0, 0] for item in wrong.records)


def test_more_noise_hits_the_same_objects_and_more() -> None:
    made = many(50)
    left = [objects(corrupt(numbered(made), noise_of(drop=drop), seed=3)[0]) for drop in (0.1, 0.2, 0.4)]
    assert left[0] > left[1] > left[2]
    little, much = (corrupt(made, noise_of(shift=shift), seed=3)[0] for shift in (0.05, 0.1))
    for one, two, own in zip(little.records, much.records, made.records, strict=True):
        np.testing.assert_allclose(2 * (one.boxes - own.boxes), two.boxes - own.boxes, atol=1e-4)
    few, more = (corrupt(made, noise_of(relabel=relabel), seed=3)[0] for relabel in (0.1, 0.3))
    for one, two, own in zip(few.records, more.records, made.records, strict=True):
        changed = one.labels != own.labels
        np.testing.assert_array_equal(one.labels[changed], two.labels[changed])


def test_one_kind_of_noise_leaves_the_draws_of_the_others() -> None:
    """What is left of both kinds is what each does alone."""
    made = many(20)
    both, _ = corrupt(made, noise_of(drop=0.3, shift=0.1), seed=1)
    kept = objects(corrupt(numbered(made), noise_of(drop=0.3), seed=1)[0])
    moved, _ = corrupt(made, noise_of(shift=0.1), seed=1)
    for one, other in zip(both.records, moved.records, strict=True):
        left = [k for k in range(20) if (one.image_id, k) in kept]
        np.testing.assert_array_equal(one.boxes, other.boxes[left])


def test_a_frame_is_wrong_in_the_same_way_wherever_it_stands() -> None:
    made = many(6)
    noise = noise_of(drop=0.3, shift=0.2, relabel=0.3)
    whole, _ = corrupt(made, noise, seed=0)
    part, _ = corrupt(replace(made, records=made.records[4:1:-1]), noise, seed=0)
    for one, other in zip(part.records, whole.records[4:1:-1], strict=True):
        assert_same(one, other)
    # Frames with equal truth differ, and so do seeds.
    seconds = corrupt(made, noise, seed=1)[0].records
    pairs = [(whole.records[0], whole.records[1]), (whole.records[0], seconds[0])]
    assert all(not np.array_equal(one.boxes, other.boxes) for one, other in pairs)


def test_a_negative_id_is_an_id() -> None:
    made = many(2)
    made = replace(made, records=(replace(made.records[0], image_id=-5), made.records[1]))
    assert corrupt(made, noise_of(drop=0.5), seed=0)[1].dropped > 0


@pytest.mark.parametrize(
    "values",
    [{"drop": 1.1}, {"shift": -0.1}, {"relabel": 2}, {"drop": float("nan")}, {"shift": float("inf")}],
)
def test_values_out_of_range_are_refused(values) -> None:
    with pytest.raises(UserError, match=rf"{next(iter(values))}=.*must be in \[0, 1\]"):
        noise_of(**values)


def test_one_class_cannot_be_mistaken() -> None:
    with pytest.raises(UserError, match=r"relabel=0.1: the set has one class, class 0, and no other"):
        corrupt(many(1, classes=1), noise_of(relabel=0.1), seed=0)
