from pathlib import Path

import pytest

from detector.data.readers.lookup import Pictures
from detector.errors import UserError


def pictures(*names: str) -> Pictures:
    return Pictures({name: Path("/set") / name for name in names})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("possum_0042.png", "walk/possum_0042.png"),
        ("frames/walk/possum_0042.png", "walk/possum_0042.png"),
        ("walk\\possum_0042.png", "walk/possum_0042.png"),
        ("a1b2c3d4-possum_0042.png", "walk/possum_0042.png"),
        ("/data/upload/3/a1b2c3d4-possum_0042.png", "walk/possum_0042.png"),
        ("/data/local-files/?d=my%20set/walk/possum_0042.png", "walk/possum_0042.png"),
        ("https://host/bucket/possum_0042.png?sig=1", "walk/possum_0042.png"),
        ("possum_0042_png.rf.0123456789abcdef0123456789abcdef.jpg", "walk/possum_0042.png"),
        ("labels/possum_0042", "walk/possum_0042.png"),
        ("possum_0042.jpg", "walk/possum_0042.png"),
        ("../../walk/possum_0042.png", "walk/possum_0042.png"),
        ("deadbeef-1.png", "deadbeef-1.png"),  # the picture's own name, though it looks like a hash
        ("labels/val/a.txt".removesuffix(".txt"), "images/val/a.png"),
        ("train/labels/b", "train/images/b.png"),
        ("possum_0043.png", None),
        ("/etc/passwd", None),
        ("..", None),
        ("", None),
    ],
)
def test_names_are_matched_from_their_end(name: str, found: str | None) -> None:
    known = pictures(
        *("walk/possum_0042.png", "deadbeef-1.png", "1.png", "images/train/a.png", "images/val/a.png"),
        *("train/images/b.png", "valid/images/b.png"),
    )
    assert known.find(name, where="x") == (None if found is None else Path("/set") / found)
    assert known.has(name) == (found is not None)


def test_of_two_the_error_names_both() -> None:
    known = pictures("walk/a.png", "drive/a.png")
    assert known.find("set/drive/a.png", where="x") == Path("/set/drive/a.png")
    with pytest.raises(UserError, match=r"^here: 'a.png' may be walk/a.png or drive/a.png"):
        known.find("a.png", where="here")


def test_two_names_of_one_file_are_no_ambiguity() -> None:
    known = Pictures({"a.png": Path("/counts/a.tiff"), "preview/a.png": Path("/counts/a.tiff")})
    assert known.find("upload/a.png", where="x") == Path("/counts/a.tiff")
    assert known.key_of == {Path("/counts/a.tiff"): "a.png"}
