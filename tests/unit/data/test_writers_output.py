"""A written set is there as a whole or not at all."""

import os
from pathlib import Path

import pytest

from detector.data.annotations import Annotations
from detector.data.writers.coco import write_coco
from detector.data.writers.output import copy, fresh_folder, link
from detector.data.writers.yolo import write_yolo
from detector.errors import UserError
from tests.unit.data.made import record


def two_frames(folder: Path) -> dict[str, Annotations]:
    """The second picture is missing."""
    (folder / "own").mkdir()
    (folder / "own/a.png").write_bytes(b"a")
    records = tuple(
        record(folder / "own" / name, image_id=key) for key, name in enumerate(("a.png", "b.png"))
    )
    return {"train": Annotations(("person",), records, (1,))}


@pytest.mark.parametrize("write", [write_coco, write_yolo])
def test_a_failure_leaves_nothing(tmp_path: Path, write) -> None:
    splits = two_frames(tmp_path)
    with pytest.raises(UserError, match=r"deep/out: cannot be written: .*No such file.*b\.png"):
        write(splits, tmp_path / "new/deep/out", place=copy)
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_an_empty_folder_is_taken_and_another_refused(tmp_path: Path, monkeypatch) -> None:
    output = tmp_path / "out"
    output.mkdir()
    with fresh_folder(output) as folder:
        (folder / "a").write_text("one")
        assert list(output.iterdir()) == []
    assert (output / "a").read_text() == "one"
    for taken in (output, output / "a"):
        with pytest.raises(UserError, match="must be a new folder or an empty one"), fresh_folder(taken):
            raise AssertionError
    assert (output / "a").read_text() == "one"
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    with pytest.raises(UserError, match="not the one you are in"), fresh_folder(Path(".")):
        raise AssertionError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "out"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match=r"file/out: cannot be written: .*"),
        fresh_folder(tmp_path / "file/out"),
    ):
        raise AssertionError


def test_where_links_are_forbidden_copies_are_named(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refuse)
    with pytest.raises(UserError, match=r"a\.png: cannot be linked \(A required.*use pictures=copy"):
        write_coco(two_frames(tmp_path), tmp_path / "out", place=link)
    assert not (tmp_path / "out").exists()
