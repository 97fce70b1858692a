"""The classes of a COCO set: what its files, of which each may list others, say together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from detector.data.readers.assemble import brief, checked_name, folded, shown
from detector.data.readers.files import Json, load_json, parse_json, read_bytes, section
from detector.errors import UserError

Id = int | str
"""Of an image or a category: most programs count, some write names."""


class Category(NamedTuple):
    """One entry of a file's categories. group: its `supercategory`; used: whether an object is of it."""

    key: Id
    name: str
    group: str | None
    used: bool


class Classes(NamedTuple):
    """Of a set: names in label order; the number of each by its folded name; entries that are no class."""

    names: tuple[str, ...]
    numbers: Mapping[str, int]
    groups: frozenset[tuple[Id, str]]

    def are_of(self, category: Category) -> bool:
        """Whether a file's entry is one of them."""
        return (category.key, folded(category.name)) not in self.groups


def id_of(item: Json, key: str, where: str) -> Id:
    """An id as a file has it, 7, 7.0, "7" and " 7" being one; UserError for what can be none."""
    if key not in item:
        raise UserError(f"{where} has no '{key}'; found {shown((name[:40] for name in sorted(item)), 8)}")
    value = item[key]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        text = value.strip()
        whole = text.isascii() and text.isdecimal() and str(int(text[:19])) == text
        value = int(text) if whole else text
    if type(value) is int and abs(value) < 2**63:
        return value
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise UserError(f"{where} {key} {brief(item[key])} is neither a whole number nor a name")


def read_categories(document: Json, file: Path) -> tuple[Category, ...]:
    """Those of a document. Raises UserError where they are malformed or an id is listed twice."""
    annotations = document.get("annotations")
    values = [
        item.get("category_id")
        for item in (annotations if isinstance(annotations, list) else [])
        if isinstance(item, dict)
    ]
    used = {id_of({"id": value}, "id", f"{file}: an annotation's category") for value in _ids(values)}
    found: dict[Id, Category] = {}
    for item in section(document, "categories", file):
        key = id_of(item, "id", f"{file}: category")
        where = f"{file}: category {key}"
        if "name" not in item:
            raise UserError(f"{where} has no 'name'; found {shown((word[:40] for word in sorted(item)), 8)}")
        group = item.get("supercategory")
        name = checked_name(item["name"], where)
        if key in found and found[key].name != name:
            raise UserError(f"{file}: category id {key} is listed twice, as {found[key].name} and {name}")
        found[key] = Category(key, name, group if isinstance(group, str) else None, key in used)
    return tuple(found.values())


def _ids(values: Iterable[Any]) -> set[int | float | str]:
    """Those that may be ids; the others are told where annotations are read."""
    return {
        value
        for value in values
        if type(value) is int
        or (isinstance(value, float) and value.is_integer())
        or (isinstance(value, str) and value.strip())
    }


def set_classes(files: Iterable[Path], known: Mapping[Path, Sequence[Category]] | None = None) -> Classes:
    """What the files of a set's splits say together; those that are no COCO files say nothing.

    known: what has been read already.
    """
    known = known or {}
    return classes_of([known[file] if file in known else _listed(file, *_state(file)) for file in files])


def classes_of(files: Sequence[Sequence[Category]]) -> Classes:
    """The classes by their smallest id, those with words for ids last and by name.

    Names that differ by capitals or blanks are one, in the spelling of the first. A category that has no
    object in any file, and that all others of its file name as their group, is none: Roboflow writes one.
    """
    every = [category for categories in files for category in categories]
    used = {(category.key, folded(category.name)) for category in every if category.used}
    groups = frozenset(group for categories in files for group in _groups(categories)) - used
    first: dict[str, Category] = {}
    for category in sorted(every, key=_order):
        if (category.key, folded(category.name)) not in groups:
            first.setdefault(folded(category.name), category)
    unused = count(max((one.key for one in every if isinstance(one.key, int)), default=0) + 1)
    numbers = {
        name: category.key if isinstance(category.key, int) else next(unused)
        for name, category in first.items()
    }
    return Classes(tuple(category.name for category in first.values()), numbers, groups)


def numbered(categories: Sequence[Category], classes: Classes) -> tuple[dict[Id, int], dict[int, str]]:
    """A file's own ids as numbers, and the names of all classes of the set by number.

    A class whose id is a word, or that the file does not list, has the number that the set has for it, or
    another where the file's own ids take that.
    """
    numbers: dict[Id, int] = {one.key: one.key for one in categories if isinstance(one.key, int)}
    names = {category.key: category.name for category in categories if isinstance(category.key, int)}
    unused = count(max((*names, *classes.numbers.values()), default=0) + 1)

    def give(name: str) -> int:
        wanted = classes.numbers.get(folded(name))
        number = next(unused) if wanted is None or wanted in names else wanted
        names[number] = name
        return number

    numbers |= {category.key: give(category.name) for category in categories if isinstance(category.key, str)}
    no_class = {numbers[one.key] for one in categories if not classes.are_of(one)}
    listed = {folded(category.name) for category in categories if classes.are_of(category)}
    for name in classes.names:
        if folded(name) not in listed:
            give(name)
    return numbers, {key: name for key, name in names.items() if key not in no_class}


def _order(category: Category) -> tuple[bool, int, str]:
    number = category.key if isinstance(category.key, int) else None
    return number is None, number or 0, category.name


def _groups(categories: Sequence[Category]) -> Iterator[tuple[Id, str]]:
    """The entries without object that all others, one at least, name as their group."""
    for category in categories:
        name = folded(category.name)
        others = {folded(one.group or "") for one in categories if one is not category}
        if not category.used and others == {name}:
            yield category.key, name


def _state(file: Path) -> tuple[int, int]:
    """What changes with a file."""
    try:
        about = file.stat()
    except OSError:
        return 0, 0
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=64)  # every split of a set asks for all of them
def _listed(file: Path, _time: int, _size: int) -> tuple[Category, ...]:
    try:
        return read_categories(_uses(file) or load_json(file), file)
    except UserError:  # no COCO file, or one that says what is wrong when it is read itself
        return ()


class _Use(msgspec.Struct, gc=False):
    category_id: int | str


class _Uses(msgspec.Struct):
    categories: msgspec.Raw
    annotations: list[_Use]


def _uses(file: Path) -> Json | None:
    """A document with nothing but the categories and an object for each that has some; None at any doubt."""
    data = read_bytes(file)
    try:
        document = msgspec.json.decode(data, type=_Uses)
        counts = [data.count(key) for key in (b'"categories"', b'"annotations"', b'"category_id"')]
        if counts != [1, 1, len(document.annotations)]:  # a key may be there twice, and only the last is here
            return None
        used = {item.category_id for item in document.annotations}
        return {
            "categories": parse_json(bytes(document.categories)),
            "annotations": [{"category_id": key} for key in used],
        }
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
