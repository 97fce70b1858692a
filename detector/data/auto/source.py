"""A set of somebody's own, in whatever layout it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path

from detector.data.annotations import Annotations
from detector.data.auto.archive import unpacked
from detector.data.auto.coco_layout import coco
from detector.data.auto.kinds import kinds_of
from detector.data.auto.layouts import (
    ALL,
    Layout,
    Place,
    Splits,
    csv,
    cvat,
    label_studio,
    labelme,
    shown_files,
)
from detector.data.auto.listing import Listing, list_folder
from detector.data.auto.manifest import NAME, Manifest, read_manifest
from detector.data.auto.published import PUBLISHED, published
from detector.data.auto.roles import by_role, role_of_name
from detector.data.auto.sharing import shared_out
from detector.data.auto.voc_layout import voc
from detector.data.auto.yolo_layout import yolo
from detector.data.readers.assemble import sequence_finder
from detector.data.readers.lookup import Pictures
from detector.data.splits import merge
from detector.errors import UserError

log = logging.getLogger(__name__)

LAYOUTS: Mapping[str, Callable[[Place, Sequence[str]], Layout]] = {
    "coco": coco,
    "csv": csv,
    "cvat": cvat,
    "label_studio": label_studio,
    "labelme": labelme,
    "voc": voc,
    "yolo": yolo,
}
"""By the kind of label files, which is also the name of the reader."""


@dataclass(frozen=True)
class AutoSource:
    """A data set in any layout that one of the readers knows, or a zip file of one.

    root: the set's folder or zip. classes: which names to learn, in label order; None takes all. layout: the
    one of LAYOUTS to read where several are there; None: the only one. sequence_pattern: a regular expression
    whose one group finds the recording in a picture's path under root, for sets that do not tell it.

    Splits are called train, val and test whatever the set calls them. Where there are none they are made,
    which `sharing` describes; what stands in for a missing one, and all else that was decided, is logged as
    information once for each state of the files.
    """

    root: Path | str
    classes: Sequence[str] | None
    layout: str | None
    sequence_pattern: str | None

    def __post_init__(self) -> None:
        if self.layout is not None and self.layout not in {*LAYOUTS, *PUBLISHED}:
            known = ", ".join(sorted({*LAYOUTS, *PUBLISHED}))
            raise UserError(f"data.source.layout={self.layout}: must be one of {known}")
        sequence_finder(self.sequence_pattern)

    def splits(self) -> tuple[str, ...]:
        """train, val and test as far as they are there, then the set's other splits."""
        return tuple(self._read().own)

    def load(self, split: str) -> Annotations:
        """Raises UserError where nothing, or several things, are recognised, and as the readers do."""
        read = self._read()
        known = {**read.own, **read.standing_in}
        load = known.get(split) or known.get(role_of_name(split) or split)
        if load is None:
            raise UserError(
                f"data split '{split}': {self.root} has no such split; splits found: {', '.join(read.own)}; "
                "say which is which, as data.train=NAME data.val=NAME data.split=NAME"
            )
        return load()

    def _read(self) -> _Recognised:
        root = Path(self.root)
        listing = list_folder(unpacked(root) if root.is_file() else root)
        if NAME in listing.others:
            listing = _with_zips(listing)
        classes = None if self.classes is None else tuple(self.classes)
        if isinstance(self.classes, str):
            raise UserError(f"data.source.classes: must be a list of names, found the text '{self.classes}'")
        return _recognised(root, listing, classes, self.layout, self.sequence_pattern)


@dataclass(frozen=True)
class _Recognised:
    """How to read the splits of a set, and those that stand in for missing ones."""

    own: Splits
    standing_in: Splits


def _with_zips(listing: Listing) -> Listing:
    """A folder with the zips in it unpacked: label tools export zips, which are put down as they are."""
    files = listing.ending(".zip")
    for file in files:
        unpacked(listing.root / file)
    return list_folder(listing.root) if files else listing


@lru_cache(maxsize=2)  # train, val and test of one state of the files are one reading
def _recognised(
    root: Path,
    listing: Listing,
    classes: tuple[str, ...] | None,
    layout: str | None,
    sequence_pattern: str | None,
) -> _Recognised:
    manifest = read_manifest(listing)
    place = _place(listing, manifest, classes, sequence_pattern)
    found = _layout(root, place, layout)
    said = f"{root}: taken for {found.says}"
    if manifest is not None:
        frames, recordings = len(manifest.recordings), len(set(manifest.recordings.values()))
        said += f", of {frames} frames of {recordings} recordings in {NAME}, read as counts"
    splits = {name: cache(load) for name, load in found.splits.items()}
    if manifest is not None and not by_role(splits) and len(splits) > 1:
        splits = {ALL: cache(lambda: merge({name: load() for name, load in found.splits.items()}))}
    if len(splits) == 1:
        made, how = shared_out(next(iter(splits.values()))(), root)
        log.info("%s; %s", said, how)
        return _Recognised({role: partial(_itself, split) for role, split in made.items()}, {})
    read, how = _with_roles(splits)
    log.info("%s; %s", said, how)
    return read


def _itself(annotations: Annotations) -> Annotations:
    return annotations


def _place(
    listing: Listing,
    manifest: Manifest | None,
    classes: Sequence[str] | None,
    pattern: str | None,
) -> Place:
    """Where to look for labels, and the pictures that they may be of."""
    pictures = Pictures({name: listing.root / name for name in listing.pictures})
    return Place(
        listing,
        pictures if manifest is None else manifest.counts,
        classes,
        pattern,
        find_sequence=sequence_finder(pattern) if manifest is None else manifest.recordings.get,
        manifest=manifest is not None,
    )


def _layout(root: Path, place: Place, chosen: str | None) -> Layout:
    """The one layout that is there, or the chosen one of several."""
    kinds = kinds_of(place.listing, place.pictures)
    known = None if place.manifest else published(place, kinds)
    if known is not None and chosen in (None, known[0]):
        return known[1]
    kinds = {kind: files for kind, files in kinds.items() if kind in LAYOUTS and chosen in (None, kind)}
    if len(kinds) > 1:
        told = ", ".join(f"{kind} ({shown_files(files)})" for kind, files in sorted(kinds.items()))
        raise UserError(f"{root}: has labels of several formats, {told}: choose with data.source.layout=NAME")
    if not kinds:
        raise UserError(f"{root}: {_nothing(place, chosen)}")
    ((kind, files),) = kinds.items()
    return LAYOUTS[kind](place, files)


def _nothing(place: Place, chosen: str | None) -> str:
    """Why there is nothing to read, and what to do."""
    what = f"no labels of layout={chosen}" if chosen else "no labels of any known format"
    if place.manifest:
        names = len(place.pictures.key_of)
        return f"{what} for the {names} frames of {NAME}: label them and put what the tool exports beside it"
    zips = place.listing.ending(".zip")
    if zips:
        return f"{what} beside {shown_files(zips)}: give the zip as data.root, or unpack it"
    return (
        f"{what} among {place.listing.told()}; known are {', '.join(sorted({*LAYOUTS, *PUBLISHED}))}: name "
        "the reader and where files lie, as data=coco data.source.annotations=... data.source.images=..."
    )


def _with_roles(splits: Splits) -> tuple[_Recognised, str]:
    """The splits of a set that has several, as train, val and test where their names say so; and in words."""
    sole = {role: names[0] for role, names in by_role(splits).items() if len(names) == 1}
    own = {role: splits[name] for role, name in sole.items()}
    own |= {name: load for name, load in splits.items() if name not in sole.values()}
    told = [name if sole.get(name, name) == name else f"{name} ({sole[name]})" for name in own]
    standing_in = {name: splits[name] for name in splits if name not in own}
    said = f"splits: {', '.join(told)}"
    for missing, other in (("val", "test"), ("test", "val")):
        if missing not in own and other in own:
            standing_in[missing] = own[other]
            said += f"; no {missing} split, so {other} stands in for it"
    return _Recognised(own, standing_in), said
