"""Results by overlap, MR^-2 and JI: worked out by hand, and JI against its definition in loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.evaluation.matching import pool
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.metrics.breakdown import Breakdown, break_down
from detector.evaluation.metrics.overlap import miss_rate, overlaps
from detector.structures import Detections
from tests.unit.evaluation.builders import BINS, annotations, found, pooled, random_set, record
from tests.unit.evaluation.hostile import hostile_set

PERSON, CAR, NO_CLASS = 0, 1, -1
A, B, C = [0.0, 0.0, 10.0, 10.0], [4.0, 0.0, 14.0, 10.0], [50.0, 50.0, 60.0, 60.0]
"""A and B: 6 x 10 in common, IoU 60 / 140 = 0.43. C: alone."""

CROWDED = annotations(record(4, truths=[(A, PERSON), (B, PERSON), (C, PERSON)]))


def broken_down(truth: Annotations, detections: Mapping[int, Detections], bins: Bins = BINS) -> Breakdown:
    return break_down(pooled(truth, detections), bins=bins)


def ap50(result: Breakdown) -> dict[str, float | None]:
    return {name: tables.values()["AP50"] for name, tables in result.overlap.items()}


def test_overlap_is_the_largest_with_any_other_truth():
    """A with B 60 / 140, with the car 0.5 (its upper half); regions count for nothing and have none."""
    truth = annotations(
        record(
            4,
            truths=[(C, PERSON), (A, PERSON), (B, PERSON), ([0, 0, 10, 5], CAR)],
            regions=[(C, PERSON), (A, NO_CLASS)],
        ),
        record(2, truths=[(A, PERSON)]),
    )
    ready = pool(truth, [])
    largest = overlaps(ready)
    place = zip(ready.truths.images.tolist(), ready.truths.rows.tolist(), ready.truths.labels, strict=True)
    keys = [(image, row, int(label)) for image, row, label in place]
    assert dict(zip(keys, largest, strict=True)) == {
        (0, 0, PERSON): 0,
        (0, 1, PERSON): 0.5,
        (0, 2, PERSON): pytest.approx(60 / 140),
        (0, 3, CAR): 0.5,
        (0, 4, PERSON): 0,
        (0, 5, PERSON): 0,
        (0, 5, CAR): 0,
        (1, 0, PERSON): 0,
    }  # fmt: skip


def test_an_edge_belongs_to_the_bin_below_it():
    truth = annotations(record(4, truths=[(A, PERSON), ([0, 0, 10, 5], PERSON), (C, PERSON)]))
    truths = {
        edges: [
            int(tables.truths.sum())
            for tables in broken_down(truth, {}, replace(BINS, overlap=edges)).overlap.values()
        ]
        for edges in ((0.0, 0.5), (0.0, 0.49), (0.5,))
    }
    assert truths == {(0.0, 0.5): [3, 1, 2, 0], (0.0, 0.49): [3, 1, 0, 2], (0.5,): [3, 3, 0]}
    assert list(broken_down(truth, {}, replace(BINS, overlap=(0.5,))).overlap) == ["all", "0-0.5", ">0.5"]


def test_perfect_detections():
    result = broken_down(CROWDED, {4: found((A, 0.9, PERSON), (B, 0.8, PERSON), (C, 0.7, PERSON))})
    one = {"AP": 1, "AP50": 1, "AR100": 1, "R50": 1}
    for name, truths in (("all", 3), ("0", 1), (">0.3", 2)):
        assert result.overlap[name].values() == pytest.approx(one)
        assert result.overlap[name].truths.tolist() == [truths, 0]
    assert set(result.overlap["0.1-0.3"].values().values()) == {None}
    assert result.crowding.values() == {"MR-2": 0, "JI": 1, "crowd_recall": 1}


def test_no_detections():
    result = broken_down(CROWDED, {})
    assert ap50(result) == {"all": 0, "0": 0, "0-0.1": None, "0.1-0.3": None, ">0.3": 0}
    assert result.crowding.values() == {"MR-2": 1, "JI": 0, "crowd_recall": 0}
    assert result.crowding.values(slice(1, 2)) == {"MR-2": None, "JI": None, "crowd_recall": None}


def test_shifted_detections_hit_up_to_their_iou():
    """10 x 10 shifted down by 2: IoU 80 / 120 = 0.667, a hit at four of the ten thresholds."""
    rows = [([x1, y1 + 2, x2, y2 + 2], 0.9, PERSON) for x1, y1, x2, y2 in (A, B, C)]
    result = broken_down(CROWDED, {4: found(*rows)})
    for name in ("all", "0", ">0.3"):
        values = result.overlap[name].values()
        assert values == pytest.approx({"AP": 0.4, "AP50": 1, "AR100": 0.4, "R50": 1})


def test_a_double_counts_in_each_bin_for_its_share():
    """A, its double, B, C. All: precision 1, 2/3, 3/4, so 1 to recall 1/3 (34 of 101 points), then 3/4 (67).

    Bin 0 has 1 of 3 truths: the double counts 1/3, C is its hit: 1 / (1 + 1/3) = 3/4 all along.
    Bin >0.3 has 2 of 3: A 1, B 2 / (2 + 2/3) = 3/4: 1 to recall 1/2 (51 points), then 3/4 (50).
    """
    result = broken_down(
        CROWDED, {4: found((A, 0.9, PERSON), (A, 0.8, PERSON), (B, 0.7, PERSON), (C, 0.6, PERSON))}
    )
    assert ap50(result) == pytest.approx(
        {
            "all": (34 + 67 * 3 / 4) / 101,
            "0": 3 / 4,
            "0-0.1": None,
            "0.1-0.3": None,
            ">0.3": (51 + 50 * 3 / 4) / 101,
        }
    )
    # With the double 4 detections and 3 truths in 3 pairs: 3/4; above its score A alone: 1/3.
    assert result.crowding.values()["JI"] == pytest.approx(3 / 4)
    # One picture: every number of false positives is reached with the double, when B and C are missed.
    assert result.crowding.values()["MR-2"] == pytest.approx(2 / 3)


def test_objects_found_alike_have_the_same_ap_whatever_their_share():
    """Every fourth of 160 pictures has a pair, the others one alone; before each hit comes a stray.

    Of all, each precision is n / 2n. Counted whole, the strays would leave the pairs 2 / (2 + 5) = 0.29.
    """
    records, detections = [], {}
    for index in range(160):
        boxes = [A, B] if index % 4 == 0 else [C]
        strays = [([200.0, 200.0 + 20 * n, 210.0, 210.0 + 20 * n], PERSON) for n in range(len(boxes))]
        pairs = [pair for hit, stray in zip(boxes, strays, strict=True) for pair in (stray, (hit, PERSON))]
        records.append(record(index, truths=[(box, PERSON) for box in boxes]))
        rows = [(box, 1 - index / 200 - n / 1000, label) for n, (box, label) in enumerate(pairs)]
        detections[index] = found(*rows)
    result = ap50(broken_down(annotations(*records), detections))
    assert result["all"] == pytest.approx(0.5)
    assert [result["0"], result[">0.3"]] == pytest.approx([0.5] * 2, abs=0.03)


def test_the_crowd_is_what_overlaps_by_more():
    detections = {4: found((A, 0.9, PERSON), (C, 0.7, PERSON))}
    for above, recall in ((0.0, 0.5), (0.42, 0.5), (0.43, None)):
        values = broken_down(CROWDED, detections, replace(BINS, crowd_above=above)).crowding.values()
        assert values["crowd_recall"] == recall


def test_miss_rate_by_hand():
    """Hit, false, hit, false, hit on four truths in four pictures: false per image 0, 1/4, 1/4, 1/2, 1/2.

    The six points up to 0.178 are reached with the second (3/4 missed), 0.316 with the fourth (1/2); 0.562
    and 1 never, so they read the last (1/4).
    """
    hits = np.array([1, 0, 1, 0, 1], dtype=bool)
    expected = ((3 / 4) ** 6 * (1 / 2) * (1 / 4) ** 2) ** (1 / 9)
    assert miss_rate(hits, ~hits, truths=4, images=4) == pytest.approx(expected)


def test_a_point_is_reached_exactly():
    """100 pictures: the first false positive reaches 0.01, the tenth 0.1, the hundredth 1; a hit before each.

    Also 0.0178 by the 2nd, 0.0316 by the 4th, 0.0562 by the 6th, 0.178 by the 18th, 0.316 by the 32nd and
    0.562 by the 57th. After the n-th, n of 200 truths are found.
    """
    hits = np.tile([True, False], 100)
    expected = np.prod([1 - n / 200 for n in (1, 2, 4, 6, 10, 18, 32, 57, 100)]) ** (1 / 9)
    assert miss_rate(hits, ~hits, truths=200, images=100) == pytest.approx(expected, rel=1e-12)


def test_what_does_not_count_moves_no_point():
    hits = np.array([False, True, False])
    false = np.array([False, False, True])
    assert miss_rate(hits, false, truths=2, images=1) == pytest.approx(1 / 2)


def test_jaccard_pairs_as_many_as_can_be():
    """The first detection lies between: IoU 0.74 with A, 0.6 with B; the second has 0.9 with A alone.

    The best first would leave it A and the second nothing: 1 / 3.
    """
    truth = annotations(record(4, truths=[(A, PERSON), (B, PERSON)]))
    rows = found(([1.5, 0, 11.5, 10], 0.9, PERSON), ([0, 0, 9, 10], 0.8, PERSON))
    assert broken_down(truth, {4: rows}).crowding.values()["JI"] == 1


def test_jaccard_is_the_best_threshold_s_mean_over_images_with_something():
    """A stray of 0.35 in the first picture: up to 0.3 it makes 1/2 there, from 0.4 on it is gone. In the
    second a truth is missed: 0. The third has nothing; the fourth a stray of 0.5, which 0.5 leaves out."""
    truth = annotations(
        *(record(k, truths=truths) for k, truths in enumerate(([(A, 0)], [(B, 0)], [], []), 1))
    )
    detections = {1: found((A, 0.9, PERSON), (C, 0.35, PERSON)), 4: found((C, 0.5, PERSON))}
    assert broken_down(truth, detections).crowding.values()["JI"] == pytest.approx((1 + 0) / 2)


def test_a_detection_counts_for_jaccard_only_where_its_score_is_above_the_threshold():
    """At 0.5 both hits are left and the stray is gone; from 0.6 on one hit is gone too."""
    truth = annotations(record(4, truths=[(A, PERSON), (B, PERSON)]))
    rows = found((A, 0.75, PERSON), (B, 0.55, PERSON), (C, 0.5, PERSON))
    assert broken_down(truth, {4: rows}).crowding.values()["JI"] == 1


def test_a_truth_half_of_which_lies_in_a_region_need_not_be_found():
    truth = annotations(record(4, truths=[(A, PERSON), (C, PERSON)], regions=[([55, 50, 99, 99], PERSON)]))
    assert broken_down(truth, {4: found((A, 0.9, PERSON))}).crowding.values()["JI"] == 1


def test_a_detection_in_a_region_to_ignore_is_no_false_positive_of_the_miss_rate():
    """Were it one, every point would be reached with it, before the one truth is found."""
    truth = annotations(record(4, truths=[(A, PERSON)], regions=[([50, 50, 99, 99], NO_CLASS)]))
    rows = found((C, 0.9, PERSON), (A, 0.8, PERSON))
    assert broken_down(truth, {4: rows}).crowding.values()["MR-2"] == 0


def test_jaccard_leaves_out_what_lies_in_a_region_to_ignore():
    """Without the region: 1 pair, 3 detections, 2 truths: 1/4. One stray and the missed truth lie inside."""
    region, inside = [50.0, 50.0, 100.0, 100.0], [80.0, 80.0, 90.0, 90.0]
    rows = found((A, 0.9, PERSON), (inside, 0.9, PERSON), ([300, 300, 310, 310], 0.9, PERSON))
    for regions, expected in (([], 1 / 4), ([(region, NO_CLASS)], 1 / 2), ([(region, CAR)], 1 / 4)):
        truth = annotations(record(4, truths=[(A, PERSON), (C, PERSON)], regions=regions))
        assert broken_down(truth, {4: rows}).crowding.values()["JI"] == pytest.approx(expected)


def naive_jaccard(truth: Annotations, detections: dict[int, Detections], label: int) -> float:
    """Picture by picture, pairs by Kuhn's augmenting paths; for up to 100 detections of a class."""

    def common(a: list[float], b: list[float]) -> float:
        return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))

    def area(a: list[float]) -> float:
        return (a[2] - a[0]) * (a[3] - a[1])

    def pairs(reach: list[list[int]]) -> dict[int, int]:
        owner: dict[int, int] = {}

        def place(d: int, tried: set[int]) -> bool:
            for t in reach[d]:
                if t not in tried:
                    tried.add(t)
                    if t not in owner or place(owner[t], tried):
                        owner[t] = d
                        return True
            return False

        for d in range(len(reach)):
            place(d, set())
        return owner

    means = []
    for threshold in range(10):
        values = []
        for entry in truth.records:
            ours = (entry.labels == label) & ~entry.ignored
            regions = entry.boxes[np.isin(entry.labels, (label, NO_CLASS)) & entry.ignored].tolist()
            truths, rows = entry.boxes[ours].tolist(), detections[entry.image_id]
            chosen = np.flatnonzero(rows.labels == label)[:100]
            chosen = chosen[rows.scores[chosen] > threshold / 10]
            boxes = rows.boxes[chosen].tolist()
            reach = [
                [n for n, t in enumerate(truths) if common(d, t) >= 0.5 * (area(d) + area(t) - common(d, t))]
                for d in boxes
            ]
            owner = pairs(reach)

            def swallowed(box: list[float], regions: list[list[float]] = regions) -> bool:
                return any(common(box, region) >= 0.5 * area(box) for region in regions)

            false = [d for n, d in enumerate(boxes) if n not in owner.values() and not swallowed(d)]
            missed = [t for n, t in enumerate(truths) if n not in owner and not swallowed(t)]
            if owner or false or missed:
                values.append(len(owner) / (len(owner) + len(false) + len(missed)))
        means.append(np.mean(values) if values else 0.0)
    return max(means)


@pytest.mark.parametrize("seed", range(3))
def test_jaccard_is_its_definition(seed):
    truth, detections = hostile_set(seed)
    jaccard = broken_down(truth, detections).crowding.jaccard
    expected = [naive_jaccard(truth, detections, label) for label in range(2)]
    assert max(expected) > 0.02
    np.testing.assert_allclose(jaccard, expected, rtol=1e-12)


def test_the_order_of_pictures_and_of_rows_does_not_matter():
    truth, detections = random_set(5)
    rng = np.random.default_rng(0)
    for image_id, rows in detections.items():  # no two scores alike: among equals the order decides
        scores = ((np.arange(len(rows.scores), 0, -1) * 40 + image_id) / 2000).astype(np.float32)
        detections[image_id] = replace(rows, scores=scores)
    shuffled = annotations(
        *(truth.records[i] for i in rng.permutation(len(truth.records))),
        classes=truth.classes,
        ids=truth.category_ids,
    )
    turned = {}
    for image_id, rows in detections.items():
        turned[image_id] = rows.keep(rng.permutation(len(rows.scores)))
    before, after = broken_down(truth, detections), broken_down(shuffled, turned)
    for classes in (slice(None), slice(0, 1), slice(1, 2), slice(2, 3)):
        assert before.crowding.values(classes) == pytest.approx(after.crowding.values(classes))
        for one, other in ((before.overlap, after.overlap), (before.sizes, after.sizes)):
            for name, tables in one.items():
                assert tables.values(classes) == pytest.approx(other[name].values(classes))
