"""frames.json comes back as it was written, and names are safe and unique."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from detector.errors import UserError
from detector.labelling import manifest
from detector.labelling.manifest import Entry, frame_name, unused

ENTRY = Entry(
    name="possum_0042",
    recording="possum",
    source="night/possum.cptv",
    index=42,
    width=160,
    height=120,
    time=4.667,
    depth=16,
    round=1,
    why="changed",
    digest="0f" * 16,
)


def test_it_is_read_as_it_was_written(tmp_path: Path):
    entries = [ENTRY, replace(ENTRY, name="clip_0000", time=None, depth=8, source="Nächte/clip.mp4")]
    manifest.save(entries, tmp_path)
    assert manifest.load(tmp_path) == entries


def test_it_says_what_others_read_of_it(tmp_path: Path):
    manifest.save([ENTRY], tmp_path)
    document = json.loads((tmp_path / "frames.json").read_text())
    assert document["format"] == 1
    (frame,) = document["frames"]
    contract = ("name", "counts", "preview", "recording", "width", "height")
    expected = ["possum_0042", "counts/possum_0042.png", "preview/possum_0042.png", "possum", 160, 120]
    assert [frame[key] for key in contract] == expected


def test_a_folder_without_one_has_no_entries(tmp_path: Path):
    assert manifest.load(tmp_path) == manifest.load(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../../x"}, "frame 0: name '../../x' does not have the form"),
        ({"name": None}, "frame 0: name must be str, found None"),
        ({"index": "4"}, "frame 0: index must be int, found '4'"),
        ({"digest": "xyz"}, "frame 0: digest 'xyz' does not have the form"),
    ],
)
def test_a_broken_entry_is_named(tmp_path: Path, change: dict, message: str):
    manifest.save([ENTRY], tmp_path)
    file = tmp_path / "frames.json"
    document = json.loads(file.read_text())
    document["frames"][0].update(change)
    file.write_text(json.dumps(document))
    with pytest.raises(UserError, match=re.escape(f"{file}: {message}")):
        manifest.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "is no manifest of frames"),
        ('{"format": 2, "frames": []}', "has format 2; this version reads 1"),
        ('{"format": 1, "frames": [3]}', "frame 0: must be an object, found int"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str):
    (tmp_path / "frames.json").write_text(text)
    with pytest.raises(UserError, match=re.escape(message)):
        manifest.load(tmp_path)


def test_names_are_safe_and_unique():
    taken: list[str] = []
    for name in ("possum", "Possum", "possum_2", "a b/ü.c", "夜", "..", "possum"):
        taken.append(unused(name, taken))
    assert taken == ["possum", "Possum_2", "possum_2_2", "a_b_c", "recording", "recording_2", "possum_3"]
    assert [frame_name("possum", index) for index in (7, 12345)] == ["possum_0007", "possum_12345"]
