"""Label Studio's JSON: a list of tasks, as its export "JSON" writes them and its import takes them.

Checked against the documented format and files of label-studio-sdk's converter. A task's `data` names the
picture; each of its `annotations` (somebody's answer) or `predictions` (a model's) holds a `result` of
regions with `value` in percent of `original_width` and `original_height`: rectanglelabels (x y width height
rotation, turned about its upper left corner), polygonlabels (points), ellipselabels (x y radiusX radiusY).
What surrounds nothing, and masks, are left out with one warning.

A task with an annotation is labelled, perhaps with nothing; one without, or with a skipped one, is not. Of
several annotations of one task the one marked as ground truth counts, or else the one changed last.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.data.annotations import Annotations
from detector.data.readers.assemble import MAX_SIDE, brief, checked_name, sequence_finder
from detector.data.readers.files import (
    Json,
    check_pattern,
    load_any_json,
    pictures_under,
    place_of,
    require_split,
    split_names,
)
from detector.data.readers.labelled import (
    Box,
    Labelled,
    Shape,
    around,
    around_ellipse,
    assemble_labelled,
    names_in,
    turned,
)
from detector.data.readers.lookup import pictures_in
from detector.errors import UserError
from detector.thermal.io.opening import PICTURES

log = logging.getLogger(__name__)

TAKE = ("annotations", "predictions")
KINDS = ("rectanglelabels", "polygonlabels", "ellipselabels")


@dataclass(frozen=True)
class LabelStudioSource:
    """A data set of Label Studio's JSON.

    root: the data set's folder. classes: which names to learn, in label order; None takes all that stand in
    the files of any split, by alphabet. annotations: the split's file under root, `{split}` standing for its
    name. images: the folder under root that holds the pictures, which are found by the ends of their names.
    take: `annotations`, or `predictions`, a model's, which nobody has corrected. sequence_pattern: a regular
    expression whose one group finds the recording in a picture's path under `images`.
    """

    root: Path | str
    classes: Sequence[str] | None
    annotations: str
    images: str
    take: str
    sequence_pattern: str | None

    def __post_init__(self) -> None:
        check_pattern("annotations", self.annotations)
        if self.take not in TAKE:
            raise UserError(f"data.source.take={self.take}: must be {' or '.join(TAKE)}")
        sequence_finder(self.sequence_pattern)

    def splits(self) -> tuple[str, ...]:
        return split_names(Path(self.root), self.annotations)

    def load(self, split: str) -> Annotations:
        """The split's truth, pictures numbered from 1 in the file's order.

        Raises UserError on malformed files, and on missing or ambiguous pictures.
        """
        root = Path(self.root)
        place = place_of(root, self.annotations, split)
        require_split(root, place, split, self.splits())
        files = {name: place_of(root, self.annotations, name) for name in {split, *self.splits()}}
        read = {name: read_label_studio(file, take=self.take) for name, file in files.items()}
        folder = place_of(root, self.images, split)
        return assemble_labelled(
            read[split],
            pictures_in(folder, pictures_under(folder)),
            names=names_in(image for images in read.values() for image in images),
            classes=self.classes,
            source=place,
            find_sequence=sequence_finder(self.sequence_pattern),
        )


def read_label_studio(file: Path, *, take: str) -> list[Labelled]:
    """The labelled pictures of an export; take: one of TAKE.

    Raises UserError on what is no such file, on regions that cannot be, and where no task is labelled.
    """
    tasks = load_any_json(file)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise UserError(f"{file}: not Label Studio's JSON: must be a list of tasks; found {brief(tasks)}")
    left_out: Counter[str] = Counter()
    labelled = []
    for number, task in enumerate(tasks, 1):
        where = f"{file}: task {brief(task.get('id', number))}"
        answer = _answer(task, take, where)
        if answer is not None:
            shapes = [Shape(label, box, where) for label, box in _regions(answer, where, left_out)]
            labelled.append(Labelled(_picture(task, where), _size(answer), shapes, where))
    if not labelled:
        other = next(key for key in TAKE if key != take)
        there = any(task.get(other) for task in tasks)
        hint = f"; it has {other}: data=label_studio data.source.take={other}" if there else ""
        raise UserError(f"{file}: none of its {len(tasks)} tasks has {take}{hint}")
    if left_out:
        told = ", ".join(f"{count} {kind}" for kind, count in left_out.items())
        log.warning("%s: regions without box or class left out: %s", file, told)
    return labelled


def _answer(task: Json, take: str, where: str) -> Json | None:
    """What counts of a task's annotations or predictions; None where it is not labelled."""
    answers = task.get(take) or []
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise UserError(f"{where}: {take} must be a list of objects, found {brief(answers)}")
    kept = [answer for answer in answers if not answer.get("was_cancelled")]
    return max(kept, key=_weight, default=None)


def _weight(answer: Json) -> tuple[bool, str]:
    """Of two annotations the greater one counts; times are ISO 8601, so their order is the alphabet's."""
    return answer.get("ground_truth") is True, str(answer.get("updated_at") or answer.get("created_at") or "")


def _results(answer: Json, where: str) -> list[Json]:
    results = answer.get("result") or []
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise UserError(f"{where}: result must be a list of objects, found {brief(results)}")
    return results


def _regions(answer: Json, where: str, left_out: Counter[str]) -> Iterator[tuple[str, Box]]:
    """Class and box of each region."""
    for count, item in enumerate(_results(answer, where), 1):
        place = f"{where}: region {count}"
        kind, value = str(item.get("type")), item.get("value")
        labels = value.get(kind) if isinstance(value, dict) else None
        if kind not in KINDS or not isinstance(value, dict) or not labels:
            left_out[kind[:40]] += 1
            continue
        if not isinstance(labels, list) or len(labels) != 1:
            raise UserError(f"{place}: must have one label, found {brief(labels)}")
        size = _region_size(item)
        if size is None:
            raise UserError(f"{place}: original_width and original_height must be pixels above 0")
        yield checked_name(labels[0], place), _box(kind, value, size, place)


def _size(answer: Json) -> tuple[int, int] | None:
    """The picture's size, where a region tells it."""
    results = answer.get("result")
    sizes = (_region_size(item) for item in (results if isinstance(results, list) else []))
    return next((size for size in sizes if size), None)


def _region_size(item: Json) -> tuple[int, int] | None:
    width, height = item.get("original_width"), item.get("original_height")
    if (
        type(width) is int
        and type(height) is int
        and 0 < min(width, height) <= max(width, height) <= MAX_SIDE
    ):
        return width, height
    return None


def _box(kind: str, value: Json, size: tuple[int, int], where: str) -> Box:
    """xyxy in pixels of a region in percent."""
    width, height = size

    def pixels(key: str, side: int) -> float:
        return _percent(value.get(key), f"{where}: {key}") / 100 * side

    degrees = _percent(value.get("rotation") or 0, f"{where}: rotation")
    if kind == "rectanglelabels":
        x, y = pixels("x", width), pixels("y", height)
        return turned((x, y, x + pixels("width", width), y + pixels("height", height)), degrees, pivot=(x, y))
    if kind == "ellipselabels":
        centre = pixels("x", width), pixels("y", height)
        return around_ellipse(centre, (pixels("radiusX", width), pixels("radiusY", height)), degrees)
    points = value.get("points")
    if (
        not isinstance(points, list)
        or not points
        or not all(isinstance(p, list) and len(p) == 2 for p in points)
    ):
        raise UserError(f"{where}: points must be a list of [x, y], found {brief(points)}")
    corners = ([_percent(number, f"{where}: points") for number in point] for point in points)
    return around((x / 100 * width, y / 100 * height) for x, y in corners)


def _percent(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise UserError(f"{where} must be a number, found {brief(value)}")
    return float(value)


def _picture(task: Json, where: str) -> str:
    """The picture of a task, as `data` names it; of several names the one that ends as a picture does."""
    data = task.get("data")
    texts = [text for text in data.values() if isinstance(text, str)] if isinstance(data, dict) else []
    upload = task.get("file_upload")
    for text in [*texts, *([upload] if isinstance(upload, str) else [])]:
        path = text if "?d=" in text else text.partition("?")[0]
        if Path(path).suffix.lower() in PICTURES:
            return path
    raise UserError(f"{where}: data names no picture: found {brief(data)}")
