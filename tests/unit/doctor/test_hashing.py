"""Hashes follow what is seen and not how it is gained; near pairs are those that counting bits finds."""

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from detector.doctor import hashing
from detector.doctor.hashing import BITS, dhash, distance, near_copies, near_copies_within
from detector.doctor.limits import Limits
from detector.thermal import io
from tests.built import built, read
from tests.unit.doctor.builders import scene

NEAR = read(Limits, "doctor:limits").near_bits
REAL = Path(os.environ.get("THERMAL_DATA", "../shared/data")) / "hit_uav_320"


def naive_dhash(counts: np.ndarray) -> bytes:
    """By its definition, for a frame whose sides 8 and 9 divide."""

    def cells(rows: int, columns: int) -> np.ndarray:
        height, width = counts.shape
        return np.array(
            [
                [
                    counts[y * height // rows : (y + 1) * height // rows][
                        :, x * width // columns : (x + 1) * width // columns
                    ].mean()
                    for x in range(columns)
                ]
                for y in range(rows)
            ]
        )

    wide, high = cells(8, 9), cells(9, 8)
    bits = [wide[y, x + 1] > wide[y, x] for y in range(8) for x in range(8)]
    bits += [high[y + 1, x] > high[y, x] for y in range(8) for x in range(8)]
    return np.packbits(bits).tobytes()


def test_the_hash_is_the_signs_of_steps_between_cell_means():
    counts = np.random.default_rng(0).integers(0, 2**14, (72, 144)).astype(np.uint16)
    assert dhash(counts) == naive_dhash(counts)
    assert 8 * len(dhash(counts)) == BITS


@pytest.mark.parametrize(("gain", "offset"), [(1, 2500), (2, 0), (0.5, 0), (3, -60000), (0.25, -5000)])
def test_gain_and_offset_leave_the_hash_as_it_is(gain, offset):
    frame = scene(1)
    again = np.rint(frame.astype(float) * gain + offset).astype(np.uint16)
    assert distance(dhash(frame), dhash(again)) <= 1  # where rounding turns a step that is almost none


def test_an_8_bit_preview_has_the_hash_of_its_raw_frame():
    frame = scene(2).astype(float)
    preview = np.rint(255 * (frame - frame.min()) / np.ptp(frame)).astype(np.uint8)
    assert distance(dhash(frame.astype(np.uint16)), dhash(preview)) <= 2


def test_noise_hardly_changes_the_hash():
    frame = scene(3)
    noisy = frame + np.random.default_rng(0).normal(0, 20, frame.shape)
    assert distance(dhash(frame), dhash(noisy.astype(np.uint16))) <= NEAR // 3


def test_scenes_that_differ_are_far_apart():
    hashes = [dhash(scene(seed)) for seed in range(12)]
    assert min(distance(*pair) for pair in combinations(hashes, 2)) > NEAR


def hashes_about(centres: int, count: int, *, seed: int) -> list[bytes]:
    """Random hashes in clusters, so that near pairs occur at all distances."""
    rng = np.random.default_rng(seed)
    bits = rng.random((centres, BITS)) < 0.5
    chosen = bits[rng.integers(centres, size=count)]
    flipped = chosen ^ (rng.random(chosen.shape) < rng.uniform(0, 0.2, (count, 1)))
    return [np.packbits(row).tobytes() for row in flipped]


def test_near_copies_are_those_that_counting_bits_finds(monkeypatch):
    monkeypatch.setattr(hashing, "BLOCK", 7)  # several blocks, the last one short
    hashes, others = hashes_about(3, 30, seed=0), hashes_about(3, 20, seed=0)
    found = near_copies(hashes, others, bits=NEAR)
    table = [
        [bin(int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).count("1") for b in others] for a in hashes
    ]
    assert found.counts.tolist() == [sum(bits <= NEAR for bits in row) for row in table]
    assert found.distances.tolist() == [min(row) for row in table]
    for row, nearest in zip(table, found.nearest.tolist(), strict=True):
        told = [row[k] for k in nearest if k >= 0]
        assert told == sorted(bits for bits in row if bits <= NEAR)[: hashing.MOST]
        assert len({*nearest} - {-1}) == len(told)


def test_within_a_list_nothing_is_its_own_copy(monkeypatch):
    monkeypatch.setattr(hashing, "BLOCK", 4)
    one, other = hashes_about(2, 2, seed=1)
    found = near_copies_within([one, other, one, one, other, one], bits=0)
    assert found.counts.tolist() == [3, 1, 3, 3, 1, 3]
    assert found.nearest[1].tolist()[:2] == [4, -1]
    assert near_copies_within([one], bits=BITS).nearest.max() == -1
    assert len(near_copies_within([], bits=BITS).nearest) == 0


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not here (THERMAL_DATA names its folder)")
def test_real_neighbours_are_near_and_other_days_are_far():
    """Frame numbers are the truth: a flight's next frame, and flights of other days."""
    records = sorted(
        built("data/hit_uav", root=REAL).load("val").records, key=lambda record: record.path.stem[-5:]
    )
    days = {record.sequence: [r for r in records if r.sequence == record.sequence] for record in records}
    start = [dhash(io.read(record.path).counts) for record in days["20210116"][:50]]
    later = [dhash(io.read(record.path).counts) for record in days["20210123"][:50]]
    assert (near_copies_within(start, bits=NEAR).counts > 0).mean() > 0.5
    assert not near_copies(start, later, bits=NEAR).counts.any()


@pytest.mark.parametrize("within", [False, True])
def test_of_many_frames_nearly_all_that_have_a_near_copy_are_found(within, monkeypatch):
    """Against every pair: what is found is right, and of 1,500 frames in 60 clusters hardly one is missed."""
    hashes, others = hashes_about(60, 1500, seed=3), hashes_about(60, 1400, seed=3)

    def searched():
        if within:
            return near_copies_within(hashes, bits=NEAR)
        return near_copies(hashes, others, bits=NEAR)

    every = searched()
    monkeypatch.setattr(hashing, "EXACT", 0)
    found = searched()
    pool = hashes if within else others
    for row, near in enumerate(found.nearest.tolist()):
        known = [other for other in near if other >= 0]
        assert len(set(known)) == len(known)
        assert not (within and row in known)
        assert all(distance(hashes[row], pool[other]) <= NEAR for other in known)
        if known:
            assert distance(hashes[row], pool[known[0]]) == found.distances[row]
    assert (found.counts > 0).sum() >= 0.98 * (every.counts > 0).sum()
    assert (found.distances == every.distances).mean() > 0.9
