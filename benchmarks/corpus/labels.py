"""Labels of every format that is read, and zips of sets."""

from __future__ import annotations

import json
import random
import shutil
import stat
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus.harm import (
    BENT,
    BOMB,
    CODE,
    DEVICE,
    HARMS,
    OUTSIDE,
    Case,
    Kind,
    Words,
    bent,
    device,
    harmed,
)
from detector.data.annotations import Annotations, ImageRecord
from detector.thermal import io

CONVERTED = {
    "coco": "coco",
    "yolo": "yolo",
    "cvat": "cvat",
    "labelme": "labelme",
    "label_studio": "label_studio",
}
"""Formats that the program writes: data=... by format=..."""
Member = tuple[zipfile.ZipInfo | str, bytes]
"""Of a zip: its name, with what kind of file it says to be, and what is in it."""
FORMATS = (*CONVERTED, "voc", "csv", "hit_uav", "flir_v1", "flir_v2", "llvip")
SPLITS = {"llvip": "test"}
"""Where no split is called val."""


def write_formats(split: Annotations, base: Path) -> None:
    """The sets of formats that the program does not write."""
    for name, write in WRITERS.items():
        write(split, base / name)


def _voc(split: Annotations, root: Path) -> None:
    _xml(split, root, "JPEGImages", ".png")
    names = "\n".join(record.path.stem for record in split.records)
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "ImageSets" / "Main" / "val.txt").write_text(names)


def _llvip(split: Annotations, root: Path) -> None:
    _xml(split, root, "infrared/test", ".png")


def _xml(split: Annotations, root: Path, pictures: str, suffix: str) -> None:
    (root / "Annotations").mkdir(parents=True)
    for record in split.records:
        _picture(record, root / pictures / f"{record.path.stem}{suffix}")
        objects = "".join(
            "<object><name>person</name><bndbox>"
            + "".join(
                f"<{side}>{value:.0f}</{side}>"
                for side, value in zip(
                    ("xmin", "ymin", "xmax", "ymax"), np.add(box, (0, 0, 1, 1)).tolist(), strict=True
                )
            )
            + "</bndbox></object>"
            for box in record.boxes
        )
        (root / "Annotations" / f"{record.path.stem}.xml").write_text(
            f"<annotation><filename>{record.path.stem}{suffix}</filename><size><width>{record.width}</width>"
            f"<height>{record.height}</height></size>{objects}</annotation>"
        )


def _csv(split: Annotations, root: Path) -> None:
    lines = ["path,x1,y1,x2,y2,class"]
    for record in split.records:
        _picture(record, root / "pictures" / record.path.name)
        lines += [
            f"pictures/{record.path.name},{','.join(f'{value:.1f}' for value in box)},person"
            for box in record.boxes
        ]
    (root / "val.csv").write_text("\n".join(lines) + "\n")


def _hit_uav(split: Annotations, root: Path) -> None:
    for record in split.records:
        _picture(record, root / "normal_json" / "val" / record.path.name)
    document = _document(split, "{}")
    for image in document["images"]:
        image |= {"filename": image.pop("file_name"), "date_captured": "20210115"}
    document["annotation"] = document.pop("annotations")
    _save(root / "normal_json" / "annotations" / "val.json", document)


def _flir_v1(split: Annotations, root: Path) -> None:
    for record in split.records:
        _tiff(record, root / "val" / "thermal_16_bit" / f"{record.path.stem}.tiff")
    document = _document(split, "thermal_8_bit/{}")
    for image in document["images"]:
        image["file_name"] = str(Path(image["file_name"]).with_suffix(".jpeg"))
    _save(root / "val" / "thermal_annotations.json", document)


def _flir_v2(split: Annotations, root: Path) -> None:
    folder = root / "images_thermal_val"
    for record in split.records:
        _tiff(record, folder / "analyticsData" / f"{record.path.stem}.tiff")
    document = _document(split, "data/{}")
    for image in document["images"]:
        image["file_name"] = str(Path(image["file_name"]).with_suffix(".jpg"))
        image["extra_info"] = {"video_id": "a"}
    _save(folder / "coco.json", document)


def _document(split: Annotations, name: str) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    objects: list[dict[str, Any]] = []
    for record in split.records:
        own = {"id": record.image_id, "width": record.width, "height": record.height}
        images.append({**own, "file_name": name.format(record.path.name)})
        for x1, y1, x2, y2 in record.boxes.tolist():
            box = [x1, y1, x2 - x1, y2 - y1]
            about = {"id": len(objects), "image_id": record.image_id, "category_id": 1, "iscrowd": 0}
            objects.append({**about, "bbox": box, "area": box[2] * box[3]})
    return {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "person"}]}


def _picture(record: ImageRecord, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(record.path, target)


def _tiff(record: ImageRecord, target: Path) -> None:
    import tifffile

    target.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(target, io.read(record.path).counts, photometric="minisblack")


def _save(file: Path, document: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))


WRITERS: dict[str, Callable[[Annotations, Path], None]] = {
    "voc": _voc,
    "llvip": _llvip,
    "csv": _csv,
    "hit_uav": _hit_uav,
    "flir_v1": _flir_v1,
    "flir_v2": _flir_v2,
}


def labels(case: Case, rng: random.Random, harm: str, *, name: str) -> Words:
    """One file of a set of this format is harmed."""
    root = case.copy(f"formats/{name}")
    split = SPLITS.get(name, "val")
    files = sorted(
        file for suffix in (".json", ".xml", ".txt", ".csv", ".yaml") for file in root.rglob(f"*{suffix}")
    )
    harmed(rng.choice(files), harm, rng, case)
    data = [f"data={rng.choice((name, name, 'auto'))}", f"data.root={root}"]
    written = rng.choice(("coco", "yolo", "cvat", "labelme", "label_studio"))
    return rng.choice(
        [
            ["doctor", *data, f"splits=[{split}]", "page=out/doctor.html"],
            ["convert", *data, f"splits=[{split}]", "output=out", f"format={written}"],
        ]
    )


def zips(case: Case, rng: random.Random, harm: str) -> Words:
    """A set in a zip file, as label tools give it."""
    file = case.folder / "set.zip"
    root = case.base / "formats" / rng.choice(FORMATS)
    members = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        for member, data in _members(case, rng, harm):
            archive.writestr(member, data)
    if harm == BENT:
        file.write_bytes(bent(rng, file.read_bytes()))
    elif harm == DEVICE and rng.random() < 0.5:
        device(file, rng)
    elif harm == BOMB and rng.random() < 0.3:
        file.write_bytes(_lying(file.read_bytes(), rng))
    return ["doctor", "data=auto", f"data.root={file}", "page=out/doctor.html"]


def _members(case: Case, rng: random.Random, harm: str) -> Sequence[Member]:
    """What lies in the zip beside the set; nothing where its bytes are changed afterwards."""
    outside = case.outside
    if harm == OUTSIDE and rng.random() < 0.6:
        places = (
            "../outside/x",
            f"{outside}/x",
            "a/../../outside/x",
            "..\\outside\\x",
            "C:\\x",
            "C:x",
            "//x/y",
        )
        return [(rng.choice(places), b"x")]
    if harm == OUTSIDE:
        target = rng.choice((str(outside), "../outside", f"{outside}/secret.png"))
        return [(_special("link", stat.S_IFLNK), target.encode()), ("link/x", b"x")]
    if harm == DEVICE:
        kind = rng.choice((stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR))
        return [(_special(rng.choice(("x.png", "val/x.png")), kind), b"")]
    if harm == BOMB:
        many: list[Member] = [(f"{number}.txt", b"") for number in range(20_000)]
        large: list[Member] = [("x.json", b" " * 2 * 10**8), ("x.png", bytes(10**8)), ("a/" * 3000, b"")]
        return rng.choice((many, [rng.choice(large)]))
    if harm == BENT:
        return []
    if harm == CODE:
        names = [f"$(touch {case.canary}).txt", "<script>alert(1)</script>.png", "sitecustomize.py", "x;ls"]
    else:
        names = ["a\0b", "a\nb", "x" * 300, "?", " ", "a/b/", "a", ".", "con"]
    return [*((name, b"{}") for name in rng.sample(names, 2)), ("a/b", b"1")]


def _special(name: str, kind: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o777) << 16
    return member


def _lying(data: bytes, rng: random.Random) -> bytes:
    """Sizes in the table of contents that are not those of the members."""
    at = data.rindex(b"PK\1\2")
    changed = bytearray(data)
    changed[at + 24 : at + 28] = rng.choice((0, 1, 2**32 - 2)).to_bytes(4, "little")
    return bytes(changed)


KINDS = {name: Kind(HARMS, partial(labels, name=name)) for name in FORMATS} | {
    "zip of a set": Kind(HARMS, zips)
}
