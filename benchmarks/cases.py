"""Every input of a folder of cases, with its outcome: `python benchmarks/cases.py CASES [--tree CHECKOUT]`.

Each case goes through the command or reader that a user would take. It is right where all values are those
wanted, or where a line names the cause and the remedy. Prints a Markdown table: a row for each case, a column
for each checkout, this one last; status 1 where something is not right here. Other checkouts run with this
one's interpreter.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import cv2
import numpy as np
import tifffile

HERE = Path(__file__).resolve().parents[1]
SHORT = 110
"""Letters of an outcome in the table."""
LEFT_OUT = "page:", "written as", "metrics, predictions"
PLAIN = "coco_backslash"
"""A case whose pictures and boxes most others have in another form."""
READ = """
import sys, zlib
import numpy as np
from pathlib import Path
from detector.thermal.io import open_recording
given = {"colour": sys.argv[2]} if sys.argv[2] else {}
for name in sys.argv[3:]:
    stem = Path(sys.argv[1]) / str(zlib.crc32(name.encode()))
    try:
        for number, frame in enumerate(open_recording(Path(name), **given)):
            np.save(f"{stem}_{number}.npy", frame.counts)
            if frame.calibration is not None:
                np.save(f"{stem}_{number}_kelvin.npy", frame.calibration.to_kelvin(frame.counts))
    except Exception as error:
        Path(f"{stem}.txt").write_text(f"{error}")
"""
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""
TINY = [
    *("init=null", "model.stem=4", "model.widths=[8,8]", "model.depths=[1,1]", "model.neck_widths=[8,8]"),
    *("model.neck_depths=[1]", "augment.size=[64,64]", "engine.batch_size=4", "engine.workers=0"),
    *("engine.epochs=1", "engine.device=cpu"),
]

Box = tuple[float, ...]
Truth = dict[str, list[tuple[str, Box]]]
"""By SPLIT/STEM of a picture: names and x, y, w, h, in order."""


class Outcome(NamedTuple):
    """What came of a case."""

    right: bool
    told: str


class Read(NamedTuple):
    """Of a file: the counts of its frames, their kelvin where known, or why there are none."""

    counts: list[np.ndarray]
    kelvin: list[np.ndarray]
    error: str


@dataclass
class Tree:
    """A checkout, and a folder for what its commands write."""

    folder: Path
    place: Path
    outputs: int = 0

    def run(self, command: str, *words: str) -> tuple[int, list[str]]:
        """Status and lines of a command."""
        return self.start(sys.executable, str(self.folder / "scripts" / f"{command}.py"), *words)

    def start(self, *words: str) -> tuple[int, list[str]]:
        """The same of any program, which finds the checkout's package."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "COLUMNS": "10000"}
        done = subprocess.run(words, cwd=self.place, env=environment, capture_output=True, text=True)
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
        return done.returncode, [line for line in lines if line and not line.startswith(LEFT_OUT)]

    def output(self) -> Path:
        """Where a command may write that no other has written to."""
        self.outputs += 1
        return self.place / f"output{self.outputs}"

    def read(self, *files: Path, colour: str = "") -> list[Read]:
        folder = Path(tempfile.mkdtemp(dir=self.place))
        status, lines = self.start(sys.executable, "-c", READ, str(folder), colour, *map(str, files))
        if status:
            return [Read([], [], lines[-1])] * len(files)
        return [self._found(folder / str(zlib.crc32(str(file).encode()))) for file in files]

    @staticmethod
    def _found(stem: Path) -> Read:
        error = Path(f"{stem}.txt")
        every = sorted(stem.parent.glob(f"{stem.name}_*.npy"))
        counts, kelvin = (
            [np.load(f) for f in every if f.stem.endswith("kelvin") is k] for k in (False, True)
        )
        return Read(counts, kelvin, error.read_text() if error.is_file() else "")


Check = Callable[[Tree, Path], Outcome]


def truth_of(folder: Path) -> Truth:
    """Of a COCO set's files, with nothing of the project's."""
    found: Truth = {}
    for file in sorted((folder / "annotations").glob("*.json")):
        document = json.loads(file.read_text())
        names = {category["id"]: category["name"] for category in document["categories"]}
        stems = {
            image["id"]: f"{file.stem}/{Path(image['file_name'].replace(chr(92), '/')).stem}"
            for image in document["images"]
        }
        found |= {stem: [] for stem in stems.values()}
        for item in document["annotations"]:
            found[stems[item["image_id"]]].append((names[item["category_id"]], tuple(item["bbox"])))
    return {stem: sorted(boxes) for stem, boxes in found.items()}


def classes_of(folder: Path) -> list[list[str]]:
    """The names that each file of a COCO set lists."""
    files = sorted((folder / "annotations").glob("*.json"))
    return [[category["name"] for category in json.loads(file.read_text())["categories"]] for file in files]


def far(found: Truth, wanted: Truth) -> float:
    """The largest distance of two edges in pixels; infinite where anything else differs."""
    if {s: [n for n, _ in b] for s, b in found.items()} != {s: [n for n, _ in b] for s, b in wanted.items()}:
        return float("inf")
    pairs = [
        np.abs(np.subtract(one, other)).max()
        for stem in wanted
        for (_, one), (_, other) in zip(found[stem], wanted[stem], strict=True)
    ]
    return float(max(pairs, default=0))


def last(lines: Sequence[str]) -> str:
    return lines[-1] if lines else "nothing was said"


def told(lines: Sequence[str], says: str) -> str | None:
    """The first line that has it."""
    return next((line for line in lines if re.search(says, line)), None)


def boxes(
    wanted: Callable[[Path], Truth],
    *words: str,
    data: str = "coco",
    within: float = 0.01,
    says: str = "",
    classes: Sequence[str] = ("animal", "person", "vehicle"),
) -> Check:
    """Boxes of the set when it is converted are those wanted, every split has all classes, a line says so."""

    def check(tree: Tree, case: Path) -> Outcome:
        output = tree.output()
        status, lines = tree.run("convert", f"data={data}", f"data.root={case}", f"output={output}", *words)
        if status:
            return Outcome(False, last(lines))
        found = truth_of(output)
        if data == "voc":  # the split is in the names too
            found = {
                stem.replace("/train_", "/").replace("/val_", "/"): every for stem, every in found.items()
            }
        expected, line = wanted(case), told(lines, says)
        apart = far(found, expected)
        count = sum(map(len, found.values()))
        if apart > within:
            of = sum(map(len, expected.values()))
            other = "of other names or pictures" if of == count else f"not the {of} wanted"
            return Outcome(
                False, f"{apart:.1f} pixels off" if np.isfinite(apart) else f"{count} boxes, {other}"
            )
        listed = [sorted(names) for names in classes_of(output)]
        if any(names != sorted(classes) for names in listed):
            return Outcome(False, f"classes {' and '.join(map(', '.join, listed))}")
        if line is None:
            return Outcome(False, f"{count} boxes right, but a line about it is missing")
        return Outcome(True, f"{count} boxes right" + (f"; {line}" if says else ""))

    return check


def says(command: str, pattern: str, *words: str, data: str = "coco") -> Check:
    """A command says this of the set, whatever its status."""

    def check(tree: Tree, case: Path) -> Outcome:
        more = [f"output={tree.output()}"] if command == "convert" else [f"page={tree.output()}.html"]
        _, lines = tree.run(command, f"data={data}", f"data.root={case}", *more, *words)
        line = told(lines, pattern)
        return Outcome(line is not None, f"{command}: {line or last(lines)}")

    return check


def refused(file: str, pattern: str) -> Check:
    """The reader names the cause and what to do."""

    def check(tree: Tree, case: Path) -> Outcome:
        (found,) = tree.read(case / file)
        shapes = f"read as {found.counts[0].dtype} {found.counts[0].shape}" if found.counts else ""
        return Outcome(re.search(pattern, found.error) is not None, found.error or shapes)

    return check


def counts(wanted: Callable[[Path], Mapping[str, list[np.ndarray]]], *, colour: str = "") -> Check:
    """Frames have exactly these counts; floats are kelvin, to be met within half a hundredth."""

    def check(tree: Tree, case: Path) -> Outcome:
        expected = wanted(case)
        for name, found in zip(
            expected, tree.read(*(case / name for name in expected), colour=colour), strict=True
        ):
            frames = found.kelvin if expected[name][0].dtype.kind == "f" else found.counts
            if found.error or not found.counts:
                return Outcome(False, found.error)
            if len(frames) != len(expected[name]):
                return Outcome(False, f"{name}: {len(frames)} frames, not {len(expected[name])}")
            for own, frame in zip(expected[name], frames, strict=True):
                if own.shape != frame.shape:
                    return Outcome(False, f"{name}: {frame.dtype} {frame.shape}, not {own.shape}")
                apart = np.abs(own.astype(np.float64) - frame).max()
                if apart > (0.0051 if own.dtype.kind == "f" else 0):
                    return Outcome(False, f"{name}: up to {apart:g} off")
        files = len(expected)
        return Outcome(
            True, f"{files} file{'s' * (files > 1)}: {'kelvin' if own.dtype.kind == 'f' else 'counts'} right"
        )

    return check


def both(*checks: Check) -> Check:
    def check(tree: Tree, case: Path) -> Outcome:
        found = [one(tree, case) for one in checks]
        wrong = [outcome for outcome in found if not outcome.right]
        return wrong[0] if wrong else Outcome(True, "; ".join(outcome.told for outcome in found))

    return check


# What is wanted.


def plain(case: Path) -> Truth:
    return truth_of(case.parent / PLAIN)


def own(case: Path) -> Truth:
    return truth_of(case)


def called(**names: str) -> Callable[[Path], Truth]:
    """Plain boxes with classes called otherwise."""
    return lambda case: {
        stem: sorted((names.get(name, name), box) for name, box in every)
        for stem, every in plain(case).items()
    }


def with_objects(case: Path) -> Truth:
    return {stem: every for stem, every in plain(case).items() if every}


def on_counts(case: Path) -> Truth:
    """Boxes drawn on a preview of twice the size."""
    return {s: [(n, tuple(side / 2 for side in box)) for n, box in e] for s, e in own(case).items()}


def around_turned(case: Path) -> Truth:
    found: Truth = {}
    for file in sorted((case / "Annotations").glob("*.xml")):
        split, _, stem = file.stem.partition("_")
        every = found.setdefault(f"{split}/{stem}", [])
        for item in ElementTree.parse(file).iter("object"):
            turned = item.find("robndbox")
            assert turned is not None
            x, y, w, h, angle = (float(turned.findtext(k) or 0) for k in ("cx", "cy", "w", "h", "angle"))
            half = np.abs([[np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ (w / 2, h / 2)
            low, high = np.clip(np.add((x, y), np.outer((-1, 1), half)), 0, (160, 120))
            every.append((item.findtext("name") or "", (*low, *(high - low))))
        every.sort()
    return found


def nothing(_: Path) -> Truth:
    return {f"{split}/202105-Enhance-1": [] for split in ("train", "val")}


def pictures(case: Path) -> Iterator[Path]:
    return (file.relative_to(case) for split in ("train", "val") for file in sorted((case / split).iterdir()))


def image(file: Path, how: int = cv2.IMREAD_UNCHANGED) -> np.ndarray:
    """As OpenCV decodes it. Raises FileNotFoundError where OpenCV cannot read it."""
    pixels = cv2.imread(str(file), how)
    if pixels is None:
        raise FileNotFoundError(file)
    return pixels


def as_shown(case: Path) -> dict[str, list[np.ndarray]]:
    """Grey as OpenCV turns it."""
    return {str(name): [image(case / name, cv2.IMREAD_GRAYSCALE)] for name in pictures(case)}


def green(case: Path) -> dict[str, list[np.ndarray]]:
    return {str(name): [image(case / name)[..., 1]] for name in pictures(case)}


def levels(case: Path) -> dict[str, list[np.ndarray]]:
    """Of 8 bits, as the plain frames were reduced to them before they were coloured."""
    return {str(name): [image(case.parent / "img_rgba_equal" / name)[..., 1]] for name in pictures(case)}


def floats(case: Path) -> dict[str, list[np.ndarray]]:
    return {str(name): [tifffile.imread(case / name)] for name in pictures(case)}


def arrays(case: Path) -> dict[str, list[np.ndarray]]:
    """Celsius as kelvin, axes of one left out, of two arrays the frames."""
    loaded = {file.name: np.load(file) for file in sorted(case.glob("*.npy"))}
    loaded["two.npz"] = np.load(case / "two.npz")["frames"]
    loaded["celsius.npy"] = loaded["celsius.npy"].astype(np.float64) + 273.15
    return {name: list(array.reshape(-1, *np.squeeze(array).shape[-2:])) for name, array in loaded.items()}


def dji(case: Path) -> dict[str, list[np.ndarray]]:
    """The segments called APP3, one after the other."""
    found = {}
    for file in sorted(case.glob("*.JPG")):
        data, at, raw = file.read_bytes(), 2, b""
        while data[at] == 0xFF and data[at + 1] != 0xDA:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            raw += data[at + 4 : at + 2 + length] if data[at + 1] == 0xE3 else b""
            at += 2 + length
        found[file.name] = [np.frombuffer(raw, "<u2").reshape(512, 640)]
    return found


def flir(tree: Tree, case: Path) -> Outcome:
    """Checksums are of counts that ExifTool 12.57 gives too."""
    wanted = {"SampleSEQ.seq": [2510837582, 724473090], "flirpy_frame_000000.fff": [3489322135]}
    found = tree.read(*(case / name for name in wanted))
    if any(one.error for one in found):
        return Outcome(False, next(one.error for one in found if one.error))
    same = [[zlib.crc32(frame.tobytes()) for frame in one.counts] for one in found] == [*wanted.values()]
    return Outcome(
        same, "3 frames of 2 files: " + ("counts as ExifTool has them" if same else "other counts")
    )


def results(tree: Tree, case: Path) -> Outcome:
    """Stems for ids, and corners for sizes, on the plain boxes under the ids 5, 17 and 90."""
    root = tree.place / "sparse"
    source = case.parent / PLAIN
    document = json.loads((source / "annotations/val.json").read_text())
    ids = {1: 5, 2: 17, 3: 90}
    for item in document["annotations"]:
        item["category_id"] = ids[item["category_id"]]
    for item in document["categories"]:
        item["id"] = ids[item["id"]]
    for item in document["images"]:
        item["file_name"] = Path(item["file_name"].replace("\\", "/")).name
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "annotations/val.json").write_text(json.dumps(document))
    common = ["data=coco", f"data.root={root}", f"data.source.images={source}/val/frames", "data.split=val"]
    found = []
    for name, more in (("ultralytics", []), ("xyxy", []), ("xyxy", ["boxes=xyxy"])):
        output = tree.output()
        words = [f"predictions={case / name}.json", *common, *more, f"output={output}"]
        status, lines = tree.run("evaluate", *words)
        if status:
            found.append(last(lines))
        else:
            frames = {entry["image_id"] for entry in json.loads((output / "predictions.json").read_text())}
            found.append(
                f"{len(frames)} frames, AP {json.loads((output / 'metrics.json').read_text())['AP']:.2f}"
            )
    stems, doubted, corners = found
    # All of the first file's are of one frame.
    right = stems.startswith("1 frames") and "boxes=xyxy" in doubted and corners == "4 frames, AP 1.00"
    return Outcome(right, f"stems: {stems}; corners: {doubted}")


def many_classes(tree: Tree, case: Path) -> Outcome:
    """A training of one epoch, its memory."""
    if not (tree.folder / "scripts/watch.py").is_file():
        return Outcome(False, "8 GiB and minutes for a confusion picture at every evaluation (its README)")
    script = [sys.executable, str(tree.folder / "scripts/train.py"), f"hydra.run.dir={tree.output()}"]
    words = ["data=coco", f"data.root={case}", "data.split=val", *TINY]
    status, lines = tree.start(sys.executable, "-c", MEASURE, *script, *words)
    if status:
        return Outcome(False, last(lines))
    memory = max(int(line) for line in lines if line.isdecimal()) / 2**20
    cut = told(lines, "worst of 150 classes") is not None
    return Outcome(memory < 2 and cut, f"trains and is judged in {memory:.1f} GiB, the table is cut")


ONE_CLASS, MERGED = "read as one class", ("animal", "person")
ROBOFLOW = ("data.source.lists=null", "data.source.images='{split}'", "data.source.annotations='{split}'")
CASES: dict[str, Check] = {
    "coco_150_classes": many_classes,
    "coco_backslash": boxes(plain),
    "coco_names_differ_by_case_and_blank": boxes(called(vehicle="person"), says=ONE_CLASS, classes=MERGED),
    "coco_no_objects": boxes(own, says="no frame of train, val has an object"),
    "coco_roboflow_supercategory": boxes(plain),
    "coco_same_file_two_ids": boxes(own, says="several image ids"),
    "coco_segmentation_only": boxes(plain),
    "coco_string_image_ids": boxes(plain),
    "coco_two_categories_one_name": boxes(called(vehicle="person"), says=ONE_CLASS, classes=MERGED),
    "coco_val_fewer_categories": boxes(own),
    "coco_val_without_objects": boxes(own, says="no frame of val has an object"),
    "coco_wrong_case": boxes(plain),
    "csv_semicolon": boxes(with_objects, data="csv"),
    "csv_xywh": boxes(with_objects, data="csv"),
    "eval_files": results,
    "flir_jpeg_preview_boxes": boxes(on_counts, says="of the picture that they show", classes=("box",)),
    "fmt_float_npy": counts(arrays),
    "fmt_zip_called_is2": refused("IR_0001.is2", "Fluke.*CSV or TIFF"),
    "img_exif_orientation_3_turned": both(counts(as_shown), boxes(own)),
    "img_float_kelvin_tiff": both(counts(floats), boxes(plain, says="taken for temperatures in kelvin")),
    "img_git_lfs_pointer": both(
        says("doctor", "Git LFS.*git lfs pull"), says("convert", "Git LFS.*git lfs pull")
    ),
    "img_mixed_8_16": both(
        says("doctor", "6 frames have 16 bits, 6 have 8"), says("convert", "6 frames have 16 bits")
    ),
    "img_palette_png_iron": both(counts(levels, colour="embedded"), says("doctor", "data.colour=palette")),
    "img_pseudo_colour": both(
        counts(levels, colour="inferno"), says("doctor", "palette inferno.*data.colour=palette")
    ),
    "img_rgb_off_by_one": both(counts(green), boxes(plain)),
    "img_rgba_equal": both(counts(green), boxes(plain)),
    "real_dji_rjpeg": counts(dji),
    "real_flir_seq": flir,
    "voc_list_suffix": boxes(plain, data="voc", within=1),
    "voc_polygon": boxes(plain, *ROBOFLOW, data="voc", within=1),
    "voc_robndbox": boxes(around_turned, data="voc"),
    "voc_sirst_near_grey": says("doctor", "3 of 40 frames are in colour.*data.colour=luminance", data="voc"),
    "voc_sirst_v2_background": boxes(nothing, data="voc", says="without a box left out", classes=("Target",)),
}


def cell(outcome: Outcome, case: Path, place: Path) -> str:
    text = outcome.told.replace(f"{case}/", "").replace(f"{case.parent}/", "").replace(f"{place}/", "")
    text = "".join(letter if letter.isprintable() else "?" for letter in text).replace("|", "/")
    short = text if len(text) <= SHORT else f"{text[: SHORT - 3]}..."
    return f"{'right' if outcome.right else '**wrong**'}: {short}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path)
    parser.add_argument("--tree", type=Path, action="append", default=[], help="another checkout")
    parser.add_argument("--only", default="", help="cases whose names contain this")
    chosen = parser.parse_args()
    missing = {folder.name for folder in chosen.cases.iterdir() if folder.is_dir()} - CASES.keys()
    if missing:
        raise SystemExit(f"{chosen.cases}: no check for {', '.join(sorted(missing))}")
    with tempfile.TemporaryDirectory() as place:
        folders = [*(tree.resolve() for tree in chosen.tree), HERE]
        trees = [Tree(folder, Path(place) / str(number)) for number, folder in enumerate(folders)]
        for tree in trees:
            tree.place.mkdir()
        right = [0] * len(trees)
        print(f"| case | {' | '.join([*(folder.name for folder in folders[:-1]), 'now'])} |")
        print(f"|---|{'---|' * len(trees)}")
        for name in sorted(name for name in CASES if chosen.only in name):
            case = (chosen.cases / name).resolve()
            outcomes = [CASES[name](tree, case) for tree in trees]
            right = [count + outcome.right for count, outcome in zip(right, outcomes, strict=True)]
            cells = (cell(outcome, case, tree.place) for outcome, tree in zip(outcomes, trees, strict=True))
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
        total = sum(chosen.only in name for name in CASES)
        print(f"| right | {' | '.join(f'{count} of {total}' for count in right)} |")
    raise SystemExit(right[-1] < total)


if __name__ == "__main__":
    main()
