"""Sharing frames out to training, validation and test, or to folds, with every recording kept whole.

Frames of one recording are near copies of each other: a split that separates them measures memory.
Recordings are few and unequal, so shares and classes can be met only roughly. What is sought is the
partition of the least cost

    sum over splits s of (sum over f of w_f (n_sf - p_s)^2) / p_s,

where p_s is the share of the whole that s should get, and n_sf what it does get: of the frames (w = 1/2) and
of each class's objects (w = 1/2 divided by the number of classes). A class that is missing from a split
costs most where the split is small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from detector.data.annotations import Annotations
from detector.data.readers.assemble import shown
from detector.errors import UserError

STARTS = 200
"""Found the optimum in each of 40 random cases of 8 to 11 groups of very different sizes; 50 missed two."""

WORK = 20_000
"""Starts times groups, at most: many small groups fit almost anywhere, and one start is enough."""


def recordings(annotations: Annotations) -> list[str]:
    """The recording of every frame, in their order. Raises UserError where one is not known."""
    unknown = [record.path for record in annotations.records if record.sequence is None]
    if unknown:
        raise UserError(
            f"{len(unknown)} of {len(annotations.records)} frames, {unknown[0]} first, belong to no known "
            "recording: say with data.source.sequence_pattern how a picture's path names it, or split frame "
            "by frame with groups=frames, which leaks where frames follow each other in time"
        )
    return [str(record.sequence) for record in annotations.records]


def single_frames(annotations: Annotations) -> list[str]:
    """Every frame a group of its own: only for frames that have nothing to do with each other."""
    return [record.path.as_posix() for record in annotations.records]


def share_out(
    annotations: Annotations, shares: Sequence[float], *, seed: int, groups: Sequence[str] | None = None
) -> list[np.ndarray]:
    """The frames of each split, as increasing int64 indices into the records; every frame is in one split.

    shares: what part of the whole each split should get, > 0 and adding up to 1. groups: each frame's group,
    which stays whole; None: its recording. Every split gets a group. seed: which of many equally good
    partitions, where there are many. The frames' order does not matter.
    Raises UserError for shares that cannot be, fewer groups than splits, and as `recordings`.
    """
    _check(shares)
    groups = recordings(annotations) if groups is None else groups
    names, group_of = np.unique(np.array(groups, dtype=object), return_inverse=True)
    if len(names) < len(shares):
        raise UserError(
            f"{len(shares)} splits need {len(shares)} recordings, found {len(names)}: "
            f"{', '.join(map(str, names))}"
        )
    amounts, weights = _amounts(annotations, group_of, count=len(names))
    split_of = _assign(amounts, np.array(shares), weights=weights, rng=np.random.default_rng(seed))
    return [np.flatnonzero(split_of[group_of] == split) for split in range(len(shares))]


def grouped_folds(
    annotations: Annotations, folds: int, *, seed: int, groups: Sequence[str] | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """`folds` pairs of (training, validation) indices; every frame is validated on in one of them.

    As `share_out` with equal shares. Raises UserError for fewer than two folds, and as `share_out`.
    """
    if folds < 2:
        raise UserError(f"folds={folds}: must be at least 2")
    everything = np.arange(len(annotations.records))
    return [
        (np.setdiff1d(everything, held_out), held_out)
        for held_out in share_out(annotations, [1 / folds] * folds, seed=seed, groups=groups)
    ]


def select(annotations: Annotations, indices: np.ndarray) -> Annotations:
    """The frames at these indices."""
    return replace(annotations, records=annotations.table.take(indices))


def drawn(annotations: Annotations, count: int, *, seed: int) -> Annotations:
    """So many of the frames, drawn by lot, in their order; of one seed a smaller draw is part of a larger.

    Raises UserError for a count that is not between 1 and the number of frames.
    """
    frames = len(annotations.records)
    if not isinstance(count, int) or not 1 <= count <= frames:
        raise UserError(f"data.frames={count}: must be null or a number from 1 to the split's {frames}")
    order = np.random.default_rng(seed).permutation(frames)
    return select(annotations, np.sort(order[:count]))


def merge(splits: Mapping[str, Annotations]) -> Annotations:
    """All frames of all splits, split by split; ids that are used twice are replaced by 1, 2, ...

    A recording of the same name in two splits is taken for one.
    Raises UserError where splits differ in classes or share a picture.
    """
    classes = common_classes(splits)
    split_of: dict[str, str] = {}
    for name, split in splits.items():
        for path in (record.path.absolute().as_posix() for record in split.records):
            other = split_of.setdefault(path, name)
            if other != name:
                raise UserError(f"{path} is in the splits '{other}' and '{name}': leave one out with splits=")
    records = [record for split in splits.values() for record in split.records]
    if len({record.image_id for record in records}) < len(records):
        records = [replace(record, image_id=number) for number, record in enumerate(records, start=1)]
    category_ids = next(iter(splits.values())).category_ids
    return Annotations(classes, tuple(records), category_ids)


def common_classes(splits: Mapping[str, Annotations]) -> tuple[str, ...]:
    """The class names in label order that all splits have. Raises UserError where they differ."""
    (first_name, first), *others = splits.items()
    for name, split in others:
        if split.classes != first.classes:
            raise UserError(
                f"split '{name}' has the classes {shown(split.classes, 20)}, '{first_name}' has "
                f"{shown(first.classes, 20)}: name those to keep in data.source.classes"
            )
    return first.classes


def _check(shares: Sequence[float]) -> None:
    if not all(share > 0 for share in shares) or not abs(sum(shares) - 1) < 1e-6:
        raise UserError(f"shares={list(shares)}: must be numbers above 0 that add up to 1")


def _amounts(annotations: Annotations, group_of: np.ndarray, *, count: int) -> tuple[np.ndarray, np.ndarray]:
    """[G, F] each group's share of the frames and of each class's objects, and [F] what each counts.

    Classes without objects are left out.
    """
    table = np.zeros((count, 1 + len(annotations.classes)))
    for group, record in zip(group_of, annotations.records, strict=True):
        table[group, 0] += 1
        np.add.at(table[group], 1 + record.labels[~record.ignored], 1)
    table = table[:, table.any(0)]
    classes = table.shape[1] - 1
    weights = np.full(classes + 1, 0.5 / max(classes, 1))
    weights[0] = 0.5
    return table / table.sum(0), weights


def _assign(
    amounts: np.ndarray, shares: np.ndarray, *, weights: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """[G] the split of each group: the best of many starts, each bettered until no group's move helps.

    The first start deals the groups out by falling size, equal ones in any order; the others in any order.
    """
    starts = max(1, min(STARTS, WORK // len(amounts)))
    orders = rng.permuted(np.tile(np.arange(len(amounts)), (starts, 1)), axis=1)
    orders[0] = orders[0][np.argsort(-(amounts @ weights)[orders[0]], kind="stable")]
    split_of = _dealt(amounts, shares, weights=weights, orders=orders)
    costs = _descend(split_of, amounts, shares, weights=weights)
    return split_of[np.round(costs, 12).argmin()]


def _costs(got: np.ndarray, shares: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[..., S] cost of splits that hold got [..., S, F]."""
    return ((got - shares[:, None]) ** 2 @ weights) / shares


def _dealt(amounts: np.ndarray, shares: np.ndarray, *, weights: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """[R, G] the split of each group, for each order [R, G]; a group goes where it costs least.

    No split stays empty.
    """
    rows, (_, groups) = np.arange(len(orders)), orders.shape
    split_of = np.zeros_like(orders)
    got = np.zeros((len(rows), len(shares), amounts.shape[1]))
    empty = np.ones((len(rows), len(shares)), bool)
    for turn, group in enumerate(orders.T):
        gain = _costs(got + amounts[group][:, None], shares, weights) - _costs(got, shares, weights)
        gain[~empty & (empty.sum(1, keepdims=True) >= groups - turn)] = np.inf
        split = gain.argmin(1)
        split_of[rows, group] = split
        got[rows, split] += amounts[group]
        empty[rows, split] = False
    return split_of


def _descend(
    split_of: np.ndarray, amounts: np.ndarray, shares: np.ndarray, *, weights: np.ndarray
) -> np.ndarray:
    """Moves one group at a time in each row of split_of [R, G], the one that helps most, in place.

    Ends where no move helps; returns the costs [R].
    """
    rows = np.arange(len(split_of))
    while True:
        inside = split_of[..., None] == np.arange(len(shares))  # [R, G, S]
        got = inside.swapaxes(1, 2) @ amounts  # [R, S, F]
        costs = _costs(got, shares, weights)
        # What leaving its split and entering each split would change, for every group: [R, G, S].
        without = _costs(got[:, None] - amounts[:, None], shares, weights) - costs[:, None]
        entering = _costs(got[:, None] + amounts[:, None], shares, weights) - costs[:, None]
        change = without[inside].reshape(*split_of.shape, 1) + entering
        change[inside] = np.inf
        alone = inside & (inside.sum(1, keepdims=True) == 1)
        change[alone.any(2)] = np.inf
        best = change.reshape(len(rows), -1).argmin(1)
        group, split = np.divmod(best, len(shares))
        better = change[rows, group, split] < -1e-9
        if not better.any():
            return costs.sum(1)
        split_of[rows[better], group[better]] = split[better]
