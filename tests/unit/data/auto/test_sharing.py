import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

from detector.data.annotations import Annotations
from detector.data.auto.sharing import shared_out
from detector.errors import UserError
from detector.thermal.io.opening import natural
from tests.unit.data.made import record

ROOT = Path("/set")


def frames(*names: str, sequence: str | None = None) -> Annotations:
    """Frames with one object each."""
    records = [
        record(ROOT / name, [((1, 1, 9, 9), 0, False)], image_id=number, sequence=sequence)
        for number, name in enumerate(names)
    ]
    return Annotations(("cat",), tuple(records), (1,))


def numbered(start: str, count: int, suffix: str = ".png") -> list[str]:
    return [f"{start}{number:03d}{suffix}" for number in range(count)]


@pytest.mark.parametrize(
    ("forms", "recordings"),
    [
        (("possum_%03d.png", "walk_2_%03d.png", "pond-%03d.png"), {"possum", "walk_2", "pond"}),
        (("day/%04d.png", "night/%04d.png", "dusk/%04d.png"), {"day", "night", "dusk"}),
        (("a frame %d.png", "b_f%03d.png", "c.img.%d.png"), {"a", "b", "c"}),
        (
            ("a1b2c3d4-x_%03d.png", "00112233-y_%03d.png", "z_%03d_png.rf.0123456789abcdef.jpg"),
            {"x", "y", "z"},
        ),
    ],
)
def test_beginnings_of_names_are_recordings(forms: tuple[str, ...], recordings: set[str]) -> None:
    splits, how = shared_out(frames(*(form % n for form in forms for n in range(5))), ROOT)
    of = {name: {item.sequence for item in split.records} for name, split in splits.items()}
    assert sorted(map(sorted, of.values())) == sorted([name] for name in recordings)
    assert "15 frames of 3 recordings (by the beginnings of names: " in how
    assert "train 5 of 1, val 5 of 1, test 5 of 1" in how


def test_shares_are_met_by_whole_recordings() -> None:
    names = [name for recording in range(20) for name in numbered(f"r{recording}_", 7)]
    splits, how = shared_out(frames(*names), ROOT)
    assert "train 98 of 14, val 21 of 3, test 21 of 3" in how
    seen = [{item.sequence for item in split.records} for split in splits.values()]
    assert len(set().union(*seen)) == sum(map(len, seen)) == 20


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (numbered("IMG_", 100), "no recordings to go by"),
        ([f"{number * 7919 % 1000003:06x}x.png" for number in range(100)], "no recordings to go by"),
        (numbered("a_", 50) + numbered("b_", 50), r"2 recordings \(by the beginnings of names"),
        # One recording is nearly all: the others would make splits of two frames.
        (numbered("a_", 96) + numbered("b_", 2) + numbered("c_", 2), "3 recordings"),
        # Every name begins in its own way.
        ([f"n{number}_{number}.png" for number in range(100)], "no recordings to go by"),
    ],
)
def test_too_few_recordings_leave_blocks_of_neighbours(names: list[str], why: str) -> None:
    splits, how = shared_out(frames(*names), ROOT)
    assert how.endswith("so the figures are too optimistic")
    assert "shared out in 20 blocks of consecutive frames: train 70, val 15, test 15" in how
    assert re.search(why, how)
    order = [item.path.name for split in splits.values() for item in split.records]
    assert sorted(order) == sorted(names)
    # Each block of five neighbours is in one split.
    split_of = {item.path.name: name for name, split in splits.items() for item in split.records}
    ordered = sorted(names, key=lambda name: natural(Path(name)))
    assert all(len({split_of[name] for name in ordered[at : at + 5]}) == 1 for at in range(0, 100, 5))


def test_what_the_set_tells_comes_first() -> None:
    told = [frames(*numbered("x_", 10), sequence=name).records for name in ("one", "two", "three")]
    records = tuple(
        replace(item, path=ROOT / f"{n}.png", image_id=n) for n, item in enumerate(itertools.chain(*told))
    )
    splits, how = shared_out(Annotations(("cat",), records, (1,)), ROOT)
    assert "3 recordings (as the set tells)" in how
    assert {len({item.sequence for item in split.records}) for split in splits.values()} == {1}


def test_numbers_are_in_natural_order() -> None:
    names = [f"{number}.png" for number in range(60)]
    splits, _ = shared_out(frames(*names), ROOT)
    blocks = [{int(item.path.stem) // 3 for item in split.records} for split in splits.values()]
    assert len(set().union(*blocks)) == sum(map(len, blocks)) == 20


def test_two_frames_make_no_three_splits() -> None:
    assert {
        len(split.records) for split in shared_out(frames("a.png", "b.png", "c.png"), ROOT)[0].values()
    } == {1}
    with pytest.raises(UserError, match="2 labelled frames are too few"):
        shared_out(frames("a.png", "b.png"), ROOT)
