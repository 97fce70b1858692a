"""Files that are whole or not there, failures that say which file, and what is no file at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from detector.errors import UserError


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Gives an OSError that names no file, as a full disk's, the name of the one that is being written."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path`, which takes its place when it is on the disk; its folder is made.

    Whatever interrupts it, also a loss of power, `path` holds the old bytes or the new ones, whole. Raises
    OSError with the file's name.
    """
    with named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            synchronise(path.parent)
        finally:
            # Where the disk is gone, what made it go is the news.
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """As `replacing`, UTF-8."""
    with replacing(path) as file:
        file.write(text.encode())


def write_quickly(path: Path, data: bytes) -> None:
    """The file is whole or not there, but after a loss of power: nothing waits for the disk.

    Its folder must be there. Raises OSError with the file's name.
    """
    partial = path.with_name(f".{path.name}.partial")
    with named(path):
        try:
            partial.write_bytes(data)
            partial.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def synchronise(folder: Path) -> None:
    """The names in a folder are on the disk too: a rename is not, until then."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        with contextlib.suppress(OSError):  # some network disks have no such call
            os.fsync(handle)
    finally:
        os.close(handle)


def require_regular(path: Path) -> None:
    """UserError for a pipe, a socket or a device: reading it may wait for ever. A missing file passes."""
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise UserError(f"{path}: is no regular file but a pipe, a socket or a device; save it as a file")
