import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.data.auto.archive import unpacked
from detector.errors import UserError
from tests.built import built
from tests.unit.data.auto import folders


def packed(file: Path, **members: str) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file


def test_a_zip_of_a_set_is_a_set(tmp_path: Path) -> None:
    folders.pictures(tmp_path / "set/images")
    folders.cvat(tmp_path / "set/annotations.xml")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    auto = built("data/auto", root=tmp_path / "set.zip")
    assert auto.splits() == ("train", "val", "test")
    record = auto.load("train").records[0]
    assert record.path.relative_to(tmp_path).parts[:3] == ("set.zip.unpacked", "set", "images")
    assert record.boxes.tolist() == [list(folders.BOX)]


def test_it_is_unpacked_once_and_again_when_it_changes(tmp_path: Path) -> None:
    file = packed(tmp_path / "a.zip", one="1", two="2")
    folder = unpacked(file)
    (folder / "one").write_text("touched")
    assert unpacked(file) == folder
    assert (folder / "one").read_text() == "touched"
    packed(file, one="3")
    assert (unpacked(file) / "one").read_text() == "3"
    assert not (folder / "two").exists()


def member(name: str, *, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def with_members(*members: zipfile.ZipInfo) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for info in members:
            archive.writestr(info, "x")
    return data.getvalue()


def bomb() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2**22))
    return data.getvalue()


def lying() -> bytes:
    """A member of a thousand bytes whose headers tell ten."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "b" * 1000)
    return data.getvalue().replace(struct.pack("<I", 1000), struct.pack("<I", 10))


def encrypted() -> bytes:
    data = bytearray(with_members(member("a.txt")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: with_members(member("../a.txt")), r"'../a.txt' leads out of the folder: refused"),
        (lambda: with_members(member("a/../../b")), "leads out of the folder"),
        (lambda: with_members(member("..\\a.txt")), "leads out of the folder"),
        (lambda: with_members(member("C:/a.txt")), "leads out of the folder"),
        (lambda: with_members(member("/etc/a")), "leads out of the folder"),
        (lambda: with_members(member("a", mode=stat.S_IFLNK | 0o777)), "is no file"),
        (lambda: with_members(member("a"), member("a")), "cannot be written: .*File exists"),
        (lambda: with_members(), "holds 0 files"),
        (bomb, "more than 200 times its size: refused"),
        (lying, "not a readable zip file: Bad CRC"),
        (encrypted, "encrypted"),
        (lambda: b"PK", "not a readable zip file"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    make: Callable[[], bytes], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.data.auto.archive.ALWAYS_FINE", 2**20)
    file = tmp_path / "in/a.zip"
    file.parent.mkdir()
    file.write_bytes(make())
    with pytest.raises(UserError, match=message):
        unpacked(file)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.zip"]


def test_a_folder_of_somebody_else_s_is_not_touched(tmp_path: Path) -> None:
    file = packed(tmp_path / "a.zip", one="1")
    (tmp_path / "a.zip.unpacked").mkdir()
    (tmp_path / "a.zip.unpacked/mine").write_text("mine")
    with pytest.raises(UserError, match=r"is in the way of unpacking a.zip"):
        unpacked(file)
    assert (tmp_path / "a.zip.unpacked/mine").exists()
