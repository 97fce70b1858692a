"""What changes in a split changes its fingerprint; where it lies does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from detector.data.fingerprint import fingerprint
from tests.unit.data.builders import split_on_disk


def test_a_moved_set_is_the_same_set(tmp_path: Path) -> None:
    one, other = split_on_disk(tmp_path / "a", 3), split_on_disk(tmp_path / "b", 3)
    assert fingerprint(one) == fingerprint(other)
    assert (fingerprint(one)["frames"], fingerprint(one)["objects"]) == (3, 6)


def test_a_set_without_boxes_has_one_too(tmp_path: Path) -> None:
    split = split_on_disk(tmp_path, 2)
    first = split.records[0]
    empty = replace(first, boxes=first.boxes[:0], labels=first.labels[:0], ignored=first.ignored[:0])
    assert fingerprint(replace(split, records=(empty,)))["objects"] == 0


def test_every_change_is_seen(tmp_path: Path) -> None:
    split = split_on_disk(tmp_path, 3)
    record = split.records[1]
    picture = tmp_path / "0.png"
    changed = [
        replace(record, boxes=record.boxes + np.float32(0.5)),
        replace(record, labels=1 - record.labels),
        replace(record, ignored=~record.ignored),
        replace(record, path=tmp_path / "0.png"),
        replace(record, sequence="s"),
        replace(record, colour="luminance"),
    ]
    found = [fingerprint(split)["digest"]]
    found += [
        fingerprint(replace(split, records=(split.records[0], each, split.records[2])))["digest"]
        for each in changed
    ]
    found.append(fingerprint(replace(split, records=split.records[:2]))["digest"])
    found.append(fingerprint(replace(split, classes=("car", "person")))["digest"])
    picture.write_bytes(picture.read_bytes() + b"0")
    found.append(fingerprint(split)["digest"])
    assert len(set(found)) == len(found)


def test_other_false_alarms_are_another_fingerprint_and_none_the_one_without(tmp_path):
    split = split_on_disk(tmp_path, 3)
    plain = fingerprint(split)
    found = [fingerprint(split, false_alarms=counts) for counts in ([0, 0, 1], [0, 1, 0], [0, 0, 0])]
    assert len({one["false_alarms"] for one in found}) == 3
    assert all({**plain, "false_alarms": one["false_alarms"]} == one for one in found)
    assert "false_alarms" not in plain
