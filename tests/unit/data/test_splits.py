"""Recordings stay whole, nothing is lost, and no other partition is better."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.data.annotations import Annotations
from detector.data.splits import (
    common_classes,
    drawn,
    grouped_folds,
    merge,
    recordings,
    select,
    share_out,
    single_frames,
)
from detector.errors import UserError
from tests.unit.data.made import of_recordings, record

Frames = list[list[int]]

SHARES = st.sampled_from([(0.7, 0.15, 0.15), (0.8, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.25, 0.75)])


def several_recordings(most: int) -> st.SearchStrategy[Annotations]:
    """3 to `most` recordings of 1 to 6 frames, each with up to three objects of three classes."""
    frames: st.SearchStrategy[Frames] = st.lists(
        st.lists(st.integers(0, 2), max_size=3), min_size=1, max_size=6
    )
    contents = st.dictionaries(st.text("abc", min_size=1, max_size=3), frames, min_size=3, max_size=most)
    return contents.map(lambda frames: of_recordings(frames, classes=3))


def cost(annotations: Annotations, parts: Sequence[Sequence[int]], shares: Sequence[float]) -> float:
    """The module's formula, number by number."""
    labels = [[*item.labels[~item.ignored].tolist(), "frame"] for item in annotations.records]
    totals = {kind: sum(each.count(kind) for each in labels) for kind in (0, 1, 2, "frame")}
    classes = [kind for kind in (0, 1, 2) if totals[kind]]
    value = 0.0
    for part, share in zip(parts, shares, strict=True):
        for kind in (*classes, "frame"):
            got = sum(labels[index].count(kind) for index in part) / totals[kind]
            weight = 0.5 if kind == "frame" else 0.5 / len(classes)
            value += weight * (got - share) ** 2 / share
    return value


def best_cost(annotations: Annotations, shares: Sequence[float]) -> float:
    """Of all partitions without an empty split."""
    groups = recordings(annotations)
    names = sorted(set(groups))
    costs = []
    for splits in itertools.product(range(len(shares)), repeat=len(names)):
        if len(set(splits)) == len(shares):
            split_of = dict(zip(names, splits, strict=True))
            parts = [
                [index for index, group in enumerate(groups) if split_of[group] == split]
                for split in range(len(shares))
            ]
            costs.append(cost(annotations, parts, shares))
    return min(costs)


def names_in(annotations: Annotations, indices: Sequence[int]) -> set[str]:
    return {str(annotations.records[index].sequence) for index in indices}


@settings(max_examples=25, deadline=None)
@given(several_recordings(12), SHARES, st.integers(0, 3))
def test_recordings_stay_whole_and_every_frame_is_in_one_split(
    annotations: Annotations, shares: tuple[float, ...], seed: int
) -> None:
    parts = share_out(annotations, shares, seed=seed)
    assert sorted(np.concatenate(parts)) == list(range(len(annotations.records)))
    names = [names_in(annotations, part) for part in parts]
    assert all(names)
    assert not any(one & other for one, other in itertools.combinations(names, 2))


@settings(max_examples=15, deadline=None)
@given(several_recordings(5), SHARES)
def test_no_partition_is_better(annotations: Annotations, shares: tuple[float, ...]) -> None:
    found = cost(annotations, share_out(annotations, shares, seed=0), shares)  # type: ignore[arg-type]
    assert found <= best_cost(annotations, shares) + 1e-9


def test_a_partition_by_hand() -> None:
    """Ten frames: `b` alone has 6 of them, `d` and `e` are the only ones of class 1 besides it."""
    annotations = of_recordings(
        {"e": [[1], [0]], "b": [[0, 1]] * 6, "d": [[0], [1]]},
    )
    parts = share_out(annotations, [0.6, 0.2, 0.2], seed=0)
    assert names_in(annotations, parts[0]) == {"b"}
    assert {*names_in(annotations, parts[1]), *names_in(annotations, parts[2])} == {"d", "e"}
    annotations = of_recordings({"a": [[0]] * 4, "b": [[1]] * 4, "c": [[0]] * 4, "d": [[1]] * 4})
    for part in share_out(annotations, [0.5, 0.5], seed=0):
        # Any two recordings are half of the frames; only one of each class halves the classes too.
        np.testing.assert_array_equal(select(annotations, part).object_counts(), [4, 4])


def test_what_a_small_split_has_too_much_or_too_little_of_counts_more() -> None:
    """Of 13 frames 8, 4 and 1 cost 0.097. 11, 1 and 1 would cost 0.103, and less if all splits were alike."""
    sizes = {"a": 1, "b": 1, "c": 4, "d": 7}
    annotations = of_recordings({name: [[]] * frames for name, frames in sizes.items()})
    parts = share_out(annotations, [0.75, 0.2, 0.05], seed=0)
    assert [len(part) for part in parts] == [8, 4, 1]


@settings(max_examples=15, deadline=None)
@given(several_recordings(8), st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_order_of_frames_does_not_matter(annotations: Annotations, random, seed: int) -> None:
    shuffled = list(annotations.records)
    random.shuffle(shuffled)
    other = replace(annotations, records=tuple(shuffled))
    for one, two in zip(
        share_out(annotations, [0.7, 0.3], seed=seed), share_out(other, [0.7, 0.3], seed=seed), strict=True
    ):
        assert {annotations.records[index].path for index in one} == {shuffled[index].path for index in two}


def test_a_seed_gives_one_partition_and_seeds_differ_where_many_are_as_good() -> None:
    annotations = of_recordings({f"{number:02}": [[0], [1]] for number in range(12)})
    made = [
        tuple(sorted(names_in(annotations, share_out(annotations, [0.5, 0.5], seed=seed)[0])))
        for seed in (*range(5), *range(5))
    ]
    assert made[:5] == made[5:]
    assert len(set(made)) > 1


def test_many_recordings_are_balanced_far_better_than_by_chance() -> None:
    rng = np.random.default_rng(0)
    contents = {
        f"{number:03}": [[int(label) for label in rng.integers(0, 3, rng.integers(0, 4))]] * int(frames)
        for number, frames in enumerate(rng.geometric(0.1, 60))
    }
    annotations = of_recordings(contents, classes=3)
    shares = np.array([0.7, 0.15, 0.15])

    def worst(parts: Sequence[np.ndarray]) -> float:
        counts = np.stack([select(annotations, part).object_counts() for part in parts])
        return float(np.abs(counts / counts.sum(0) - shares[:, None]).max())

    groups = np.array(recordings(annotations))
    by_chance = []
    for _ in range(20):
        split_of = dict(zip(contents, rng.choice(3, len(contents), p=shares), strict=True))
        of_frame = np.array([split_of[group] for group in groups])
        by_chance.append(worst([np.flatnonzero(of_frame == split) for split in range(3)]))
    assert worst(share_out(annotations, shares.tolist(), seed=0)) < 0.01
    assert np.median(by_chance) > 0.1


def test_ignored_regions_are_no_objects() -> None:
    region = ((1.0, 1.0, 9.0, 9.0), 0, True)
    thing = ((1.0, 1.0, 9.0, 9.0), 1, False)
    nobody = ((1.0, 1.0, 9.0, 9.0), -1, True)
    made = Annotations(("a", "b"), (record(Path("0.png"), [region, thing, nobody]),), (1, 2))
    np.testing.assert_array_equal(made.object_counts(), [0, 1])
    np.testing.assert_array_equal(replace(made, records=()).object_counts(), [0, 0])


@settings(max_examples=20, deadline=None)
@given(several_recordings(8), st.integers(2, 3))
def test_folds_validate_on_every_frame_once(annotations: Annotations, folds: int) -> None:
    pairs = grouped_folds(annotations, folds, seed=1)
    assert len(pairs) == folds
    everything = list(range(len(annotations.records)))
    assert sorted(np.concatenate([validation for _, validation in pairs])) == everything
    for training, validation in pairs:
        assert sorted([*training, *validation]) == everything
        assert not names_in(annotations, training) & names_in(annotations, validation)


def test_frames_can_stand_alone() -> None:
    annotations = of_recordings({"a": [[0]] * 10})
    parts = share_out(annotations, [0.8, 0.2], seed=0, groups=single_frames(annotations))
    assert [len(part) for part in parts] == [8, 2]


@pytest.mark.parametrize("shares", [[0.5, 0.4], [1.2, -0.2], [], [float("nan"), 0.5]])
def test_impossible_shares_are_refused(shares: list[float]) -> None:
    with pytest.raises(UserError, match="must be numbers above 0 that add up to 1"):
        share_out(of_recordings({"a": [[0]], "b": [[0]]}), shares, seed=0)


def test_too_few_or_unknown_recordings_are_refused() -> None:
    annotations = of_recordings({"a": [[0]], "b": [[0]]})
    with pytest.raises(UserError, match="3 splits need 3 recordings, found 2: a, b"):
        share_out(annotations, [0.4, 0.3, 0.3], seed=0)
    with pytest.raises(UserError, match="3 splits need 3 recordings, found 2"):
        grouped_folds(annotations, 3, seed=0)
    with pytest.raises(UserError, match="folds=1: must be at least 2"):
        grouped_folds(annotations, 1, seed=0)
    first, second = annotations.records
    unknown = replace(annotations, records=(first, replace(second, sequence=None)))
    with pytest.raises(UserError, match=r"1 of 2 frames, b/0\.png first.*sequence_pattern.*groups=frames"):
        share_out(unknown, [0.5, 0.5], seed=0)


def test_splits_are_merged_in_order_with_ids_of_their_own() -> None:
    one, two = of_recordings({"a": [[0], [1]]}), of_recordings({"b": [[1]]})
    merged = merge({"train": one, "val": two})
    assert [(item.image_id, item.path.as_posix()) for item in merged.records] == [
        (1, "a/0.png"),
        (2, "a/1.png"),
        (3, "b/0.png"),
    ]
    apart = replace(two, records=(replace(two.records[0], image_id=77),))
    assert [item.image_id for item in merge({"train": one, "val": apart}).records] == [1, 2, 77]


def test_splits_that_share_pictures_or_differ_in_classes_are_not_merged() -> None:
    one = of_recordings({"a": [[0], [1]]})
    with pytest.raises(UserError, match=r"a/0\.png is in the splits 'train' and 'trainval': leave one out"):
        merge({"train": one, "trainval": one})
    with pytest.raises(UserError, match="'val' has the classes class 0, 'train' has class 0, class 1"):
        common_classes({"train": one, "val": of_recordings({"b": [[0]]}, classes=1)})


def test_a_draw_is_part_of_a_larger_one_and_follows_the_seed() -> None:
    annotations = of_recordings({"a": [[0]] * 20})
    small, large, other = (
        [record.image_id for record in drawn(annotations, count, seed=seed).records]
        for count, seed in ((5, 1), (12, 1), (12, 2))
    )
    assert (len(small), len(large), set(small) <= set(large), small == sorted(small)) == (5, 12, True, True)
    assert large != other
    for count in (0, 21, "all"):
        with pytest.raises(UserError, match=rf"data.frames={count}: must be null or a number from 1 to"):
            drawn(annotations, count, seed=0)
