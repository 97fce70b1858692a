"""Small sets in the layouts that people have them in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.unit.data.builders import save_frame, save_json
from tests.unit.data.test_voc import write

NAMES = tuple(
    f"{recording}_{number:04d}.png" for recording in ("walk", "drive", "pond") for number in range(4)
)
WIDTH, HEIGHT = 40, 30
BOX = (4.0, 6.0, 20.0, 15.0)


def pictures(folder: Path, names: Sequence[str] = NAMES) -> None:
    for number, name in enumerate(names):
        save_frame(folder / name, np.full((HEIGHT, WIDTH), 3000 + number, np.uint16))


def coco(file: Path, names: Sequence[str] = NAMES, **image: Any) -> None:
    """Every picture but the last has a cat at BOX."""
    x1, y1, x2, y2 = BOX
    save_json(
        file,
        {
            "images": [
                {"id": n, "file_name": name, "width": WIDTH, "height": HEIGHT, **image}
                for n, name in enumerate(names)
            ],
            "annotations": [
                {"id": n + 1, "image_id": n, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
                for n in range(len(names) - 1)
            ],
            "categories": [{"id": 1, "name": "cat"}],
        },
    )


def yolo(folder: Path, names: Sequence[str] = NAMES) -> None:
    for name in names[:-1]:
        write(folder / name.replace(".png", ".txt"), "0 0.3 0.35 0.4 0.3\n")
    write(folder / names[-1].replace(".png", ".txt"), "")


def voc(folder: Path, names: Sequence[str] = NAMES) -> None:
    x1, y1, x2, y2 = map(int, BOX)
    box = f"<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox>"
    for number, name in enumerate(names):
        item = f"<object><name>cat</name>{box}</object>" if number < len(names) - 1 else ""
        write(folder / name.replace(".png", ".xml"), f"<annotation>{item}</annotation>")


def labelme(folder: Path, names: Sequence[str] = NAMES) -> None:
    for number, name in enumerate(names):
        shape = {"label": "cat", "shape_type": "rectangle", "points": [BOX[:2], BOX[2:]]}
        document = {"imagePath": name, "imageData": None, "shapes": [shape][: number < len(names) - 1]}
        save_json(folder / name.replace(".png", ".json"), document)


def cvat(file: Path, names: Sequence[str] = NAMES) -> None:
    x1, y1, x2, y2 = BOX
    box = f'<box label="cat" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/>'
    images = (
        f'<image name="{name}" width="{WIDTH}" height="{HEIGHT}">{box if n < len(names) - 1 else ""}</image>'
        for n, name in enumerate(names)
    )
    write(file, f"<annotations>{''.join(images)}</annotations>")


def label_studio(file: Path, names: Sequence[str] = NAMES) -> None:
    value = {"x": 10, "y": 20, "width": 40, "height": 30, "rectanglelabels": ["cat"]}
    region = {"type": "rectanglelabels", "original_width": WIDTH, "original_height": HEIGHT, "value": value}
    tasks = [
        {
            "data": {"image": f"/data/upload/3/{n:08x}-{name}"},
            "annotations": [{"result": [region][: n < len(names) - 1]}],
        }
        for n, name in enumerate(names)
    ]
    save_json(file, tasks)


def table(file: Path, names: Sequence[str] = NAMES) -> None:
    rows = [f"{name},4,6,20,15,cat" for name in names[:-1]]
    write(file, "\n".join([*rows, f"{names[-1]},,,,,"]))


def manifest(folder: Path, names: Sequence[str] = NAMES) -> None:
    """frames.json with counts of 16 bits and previews of 8."""
    frames = []
    for name in names:
        save_frame(folder / "preview" / name, np.zeros((HEIGHT, WIDTH), np.uint8))
        about = {"name": name, "counts": f"counts/{name}", "preview": f"preview/{name}"}
        frames.append({**about, "recording": name.split("_")[0], "width": WIDTH, "height": HEIGHT})
    pictures(folder / "counts", names)
    (folder / "frames.json").write_text(json.dumps({"format": 1, "frames": frames}))


FLAT: dict[str, Callable[[Path], None]] = {
    "coco": lambda folder: coco(folder / "result.json"),
    "csv": lambda folder: table(folder / "boxes.csv"),
    "cvat": lambda folder: cvat(folder / "annotations.xml"),
    "label_studio": lambda folder: label_studio(folder / "project-3.json"),
    "labelme": labelme,
    "voc": voc,
    "yolo": lambda folder: (yolo(folder), write(folder / "classes.txt", "cat\n"))[0],
}
"""What writes the labels of a flat folder of pictures, by format."""
