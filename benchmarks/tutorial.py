"""The evening of docs/tutorial.md, timed: python benchmarks/tutorial.py --clip possum.cptv [--output FOLDER]

Runs the commands of the page one after the other in a folder of their own, and puts labels where the person
would draw them: the boxes of the tracks, which a clip of the Cacophony Project has beside it in a .txt.
Prints how long each took.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from detector.app.running.workers import PROGRAM

REPOSITORY = Path(__file__).absolute().parents[1]
PAGE = REPOSITORY / "docs" / "tutorial.md"
CLIP = "possum.cptv"
"""As the page calls it."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--output", type=Path, help="where all of it stays; else it goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.output is None else options.output
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(options.clip, folder / CLIP)
        evening(folder, options.clip.with_suffix(".txt"))


def evening(folder: Path, tracks: Path) -> None:
    """All commands of the page in `folder`, where the clip lies."""
    total, labelled = 0.0, False
    for words in commands():
        began = time.perf_counter()
        subprocess.run([*PROGRAM, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        total += seconds
        print(f"{seconds:7.1f} s  thermal-detector {shlex.join(words)}", flush=True)
        if words[0] == "frames" and not labelled:
            label(folder / "set", tracks)
            labelled = True
    print(f"{total:7.1f} s  {len(commands())} commands")


def commands() -> list[list[str]]:
    """The words of every command of the page after thermal-detector."""
    lines = re.findall(r"^thermal-detector (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line) for line in lines]


def label(folder: Path, tracks: Path) -> None:
    """What a person would do: boxes on the previews, in COCO's form, put into the folder of the frames.

    tracks: a JSON file with the boxes of every track of the clip, by frame.
    """
    boxes = {
        place["frame_number"]: [place["x"], place["y"], place["width"], place["height"]]
        for track in json.loads(tracks.read_text(encoding="utf-8"))["tracks"]
        for place in track["positions"]
        if place["width"] and place["height"]
    }
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    frames = json.loads((folder / "frames.json").read_text(encoding="utf-8"))["frames"]
    for number, frame in enumerate(frames, start=1):
        images.append({"id": number, "file_name": frame["name"], "width": 160, "height": 120})
        if box := boxes.get(frame["index"]):
            found = {"image_id": number, "category_id": 1, "bbox": box, "iscrowd": 0, "area": box[2] * box[3]}
            annotations.append({"id": len(annotations) + 1, **found})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "animal"}]}
    (folder / "my_labels.json").write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
