"""Zip files of data sets, unpacked once into a folder beside them.

A zip may be anybody's: names that lead out of the folder, links, encrypted members and sizes out of all
proportion are refused before anything is written, and what is read of a member ends at the size it tells.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from detector.data.readers.assemble import brief
from detector.data.writers.output import fresh_folder
from detector.errors import UserError

UNPACKED = ".unpacked"
"""Put behind the zip's name for the folder."""
STAMP = ".unpacked_from"
"""In that folder; holds what the zip's table of contents was."""

LARGEST_RATIO = 200
"""Bytes unpacked for one packed: label texts reach 30, deflate's bombs 1,000."""
ALWAYS_FINE = 2**26
MOST_MEMBERS = 10**6


def unpacked(file: Path) -> Path:
    """The folder with what a zip holds, unpacked where that has not been done or the zip has changed.

    Raises UserError for what is no sound and harmless zip, and where the folder cannot be written.
    """
    folder = file.with_name(file.name + UNPACKED)
    try:
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            stamp = _stamp(members)
            if _stamp_of(folder) == stamp:
                return folder
            _check(file, members)
            _clear(folder, file)
            with fresh_folder(folder) as new:
                for member in members:
                    _unpack(archive, member, new)
                (new / STAMP).write_text(stamp)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise UserError(f"{file}: not a readable zip file: {error}") from None
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    return folder


def _stamp(members: list[zipfile.ZipInfo]) -> str:
    """Changes with names and contents of the members."""
    lines = (f"{member.filename} {member.file_size} {member.CRC}\n" for member in members)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _stamp_of(folder: Path) -> str | None:
    try:
        return (folder / STAMP).read_text()
    except OSError:
        return None


def _clear(folder: Path, file: Path) -> None:
    """Removes what an earlier state of the zip was unpacked to."""
    if folder.is_symlink() or (folder.exists() and _stamp_of(folder) is None):
        raise UserError(f"{folder}: is in the way of unpacking {file.name}: move or remove it")
    shutil.rmtree(folder, ignore_errors=True)


def _check(file: Path, members: list[zipfile.ZipInfo]) -> None:
    """Raises UserError for whatever must not be unpacked."""
    if not members or len(members) > MOST_MEMBERS:
        raise UserError(f"{file}: holds {len(members)} files; must be 1 to {MOST_MEMBERS}")
    size = sum(member.file_size for member in members)
    if size > max(ALWAYS_FINE, LARGEST_RATIO * file.stat().st_size):
        raise UserError(
            f"{file}: would unpack to {size} bytes, more than {LARGEST_RATIO} times its size: refused"
        )
    free = shutil.disk_usage(file.parent).free
    if size > free:
        raise UserError(
            f"{file}: unpacks to {size / 2**30:.1f} GiB, and {free / 2**30:.1f} are free beside it"
        )
    for member in members:
        what = _forbidden(member)
        if what:
            raise UserError(f"{file}: {brief(member.filename)} {what}: refused")


def _forbidden(member: zipfile.ZipInfo) -> str | None:
    """Why a member must not be unpacked."""
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        return "leads out of the folder"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is no file (a link or a device)"
    if member.flag_bits & 0x1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is encrypted or packed in an unusual way"
    if not name.isprintable():
        return "has a name that cannot be printed"
    return None


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / PurePosixPath(member.filename.replace("\\", "/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    # "x": of two members with one name neither may win silently. The copy ends at the size that was checked.
    with archive.open(member) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
