"""A digest of a whole file, inside the file, so that one that changed by a bit is known.

It tells damage, not intent: who writes a file can seal it too. A file says in its description that it is
sealed: one whose digest was lost is damaged, one that says nothing is from before there were seals.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

KEY = "sealed"
_NAME = "sha256"
_DIGITS = 64
BLANK = {_NAME: "0" * _DIGITS}
"""Metadata of a safetensors file that leaves room for its digest."""
_IN_HEADER = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_COMMENT = re.compile(rb"sha256=([0-9a-f]{64})\Z")
_LENGTH = len(_NAME) + 1 + _DIGITS


def sealed_archive(content: bytes) -> bytes:
    """A zip archive without comment, which gets its digest as comment."""
    assert content[-2:] == b"\0\0", "ends with the length of its comment"
    whole = content[:-2] + _LENGTH.to_bytes(2, "little")
    return whole + f"{_NAME}={_digest(whole)}".encode()


def check_archive(content: bytes) -> bool:
    """Whether a zip archive is sealed; ValueError where it has changed since."""
    found = _COMMENT.search(content[-_LENGTH:])
    if found is None:
        return False
    _compare(found[1], content[:-_LENGTH])
    return True


def sealed_tensors(content: bytes) -> bytes:
    """A safetensors file with BLANK in its metadata, where its digest goes."""
    found = _in_header(content)
    assert found is not None
    return content[: found.start(1)] + _digest(content).encode() + content[found.end(1) :]


def check_tensors(content: bytes) -> bool:
    """As `check_archive`, of a safetensors file."""
    found = _in_header(content)
    if found is None:
        return False
    _compare(found[1], content[: found.start(1)] + b"0" * _DIGITS + content[found.end(1) :])
    return True


def check_told(told: object, whole: bool) -> None:
    """ValueError where a file says that it is sealed and has lost its digest."""
    if told and not whole:
        raise ValueError("its digest is damaged")


def is_whole(path: Path) -> bool:
    """Whether a file is there whose seal is unbroken."""
    try:
        content = path.read_bytes()
        return check_archive(content) or check_tensors(content)
    except (OSError, ValueError):
        return False


def _in_header(content: bytes) -> re.Match[bytes] | None:
    length = int.from_bytes(content[:8], "little")
    return _IN_HEADER.search(content, 8, min(8 + length, len(content)))


def _compare(said: bytes, content: bytes) -> None:
    if _digest(content).encode() != said:
        raise ValueError("its bytes are not those that were written")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
