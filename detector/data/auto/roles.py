"""What names say about a split's part: train, val or test."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

ROLES = ("train", "val", "test")
_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "validate"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_CVAT_YOLO = re.compile(r"obj_(train|valid|test)_data")


def role_of_name(name: str) -> str | None:
    """The part that a split's or file's name tells, `instances_train2017` or `Validation`; None where none.

    Names of several parts, such as trainval, have none.
    """
    found = {_WORDS[word] for word in re.findall(r"[a-z]+", name.lower()) if word in _WORDS}
    return found.pop() if len(found) == 1 else None


def role_of_folder(path: str) -> str | None:
    """The part that one of the folders of a file tells, the innermost that does; None where none does."""
    return _role_of_parts(path.rpartition("/")[0])


@cache
def _role_of_parts(folders: str) -> str | None:
    for folder in reversed(folders.split("/")):
        inner = _CVAT_YOLO.fullmatch(folder)
        role = _WORDS.get(inner[1] if inner else folder.lower())
        if role:
            return role
    return None


def by_role(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of splits by the part they play, in the order of ROLES; one that is exact stands alone."""
    found: dict[str, list[str]] = {}
    for name in names:
        role = role_of_name(name)
        if role:
            found.setdefault(role, []).append(name)
    return {role: [role] if role in found[role] else found[role] for role in ROLES if role in found}
