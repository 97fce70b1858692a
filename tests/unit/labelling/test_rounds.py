"""A round is there whole or not at all, and what lies beside it stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.labelling import manifest, rounds
from detector.labelling.rounds import new_round, save_pictures
from detector.structures import Frame
from detector.thermal import io
from tests.integration.commands import files_under
from tests.unit.labelling.test_manifest import ENTRY

OTHER = replace(ENTRY, name="possum_0050", index=50, round=2)
IMAGE = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


def write(output: Path, *entries: manifest.Entry, new: manifest.Entry, labels: bool = False) -> None:
    with new_round(output) as folder:
        save_pictures(folder, new, Frame(np.full((3, 4), new.index, np.uint16), 16, "made"), IMAGE)
        manifest.save([*entries, new], folder)
        if labels:
            (folder / "prelabels" / f"round_{new.round}").mkdir(parents=True)
            (folder / "prelabels" / f"round_{new.round}" / "found.txt").write_text("found")


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The folder of a first round, in which a person has labelled."""
    output = tmp_path / "set"
    write(output, new=ENTRY, labels=True)
    (output / "labels").mkdir()
    for name in ("prelabels/round_1/found.txt", "labels/mine.json", "preview/possum_0042.json"):
        (output / name).write_text("a person's work")
    return output


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_counts_come_back_as_they_are(tmp_path: Path, dtype: type):
    """The manifest's depth tells of 14 bits; PNG has 8 or 16."""
    largest = np.iinfo(dtype).max
    counts = np.random.default_rng(0).integers(0, largest, (120, 160), dtype, endpoint=True)
    counts[0, :2] = 0, largest
    image = np.zeros((120, 160), np.float32)
    image[0, :3] = 1.0, 0.5, 1 / 255
    save_pictures(tmp_path, ENTRY, Frame(counts, 8 * counts.itemsize, "made"), image)
    stored = io.read(tmp_path / ENTRY.counts)
    assert stored.counts.dtype == counts.dtype
    np.testing.assert_array_equal(stored.counts, counts)
    preview = io.read(tmp_path / ENTRY.preview).counts
    assert (preview.dtype, preview[0, :4].tolist()) == (np.uint8, [255, 128, 1, 0])


def test_a_second_round_is_added(first: Path, tmp_path: Path):
    before = {name: (first / name).read_bytes() for name in files_under(first) if (first / name).is_file()}
    write(first, ENTRY, new=OTHER, labels=True)
    after = {name: (first / name).read_bytes() for name in files_under(first) if (first / name).is_file()}
    new = {"counts/possum_0050.png", "preview/possum_0050.png", "prelabels/round_2/found.txt"}
    assert after.keys() - before.keys() == new
    assert {name for name in before if after[name] != before[name]} == {"frames.json"}
    assert manifest.load(first) == [ENTRY, OTHER]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def fail_when_read(folder: Path) -> None:
    with new_round(folder) as made:
        save_pictures(made, OTHER, Frame(np.zeros((3, 4), np.uint8), 8, "made"), IMAGE)
        raise KeyboardInterrupt


def test_a_round_that_is_interrupted_leaves_nothing(first: Path, tmp_path: Path):
    before = files_under(tmp_path)
    for output in (first, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt):
            fail_when_read(output)
    assert files_under(tmp_path) == before


def test_a_round_whose_moving_fails_is_taken_back(first: Path, tmp_path: Path, monkeypatch):
    """The manifest comes last; without it nothing of the round may stay."""
    before = files_under(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(rounds.os, "replace", refuse)
    with pytest.raises(UserError, match="set: cannot be written: disk full"):
        write(first, ENTRY, new=OTHER, labels=True)
    assert files_under(tmp_path) == before
    assert manifest.load(first) == [ENTRY]


@pytest.mark.parametrize("mine", ["prelabels/round_2/mine.txt", "preview/possum_0050.png"])
def test_what_a_person_put_there_is_never_written_over(first: Path, mine: str):
    (first / mine).parent.mkdir(exist_ok=True)
    (first / mine).write_text("a person's work")
    before = files_under(first)
    with pytest.raises(UserError, match="is there already, and in no manifest; move it away"):
        write(first, ENTRY, new=OTHER, labels=True)
    assert files_under(first) == before
    assert (first / mine).read_text() == "a person's work"


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UserError, match="must be a new folder or an empty one"):
        write(tmp_path, new=ENTRY)
