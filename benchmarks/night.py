"""Nights of recordings through `summary`, killed on the way: `python benchmarks/night.py CLIPS [--frames N]`.

The clips of the folder CLIPS (drone_ir/clips, say) are copied one after the other into a folder until they
have N frames, 25,920 unless told: a tenth of eight hours at 9 frames a second. `summary` reads them in a
process that is killed at random moments and started again. Then every recording must have been read to its
end once, and have the visits that its clip has when it is read alone; and the process must not have grown.
Prints what there was; status 1 where anything was not as it must be.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detector.thermal import io

NIGHT = 8 * 3600 * 9
KIB_PER_MIB = 1024
SETTLED = 60.0
"""Seconds after which a process has loaded all that it needs."""
GROWTH = 0.1
"""Share by which its memory may grow from then on."""
OWN = ("recording", "picture", "alarms")
"""Of a visit, what tells which recording it is of."""


def main() -> None:
    options = arguments()
    rng = random.Random(options.seed)
    clips = sorted(options.clips.glob("*.mp4"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = {clip.stem: alone(clip, folder / "alone" / clip.stem, options) for clip in clips}
        lengths = {clip.stem: sum(1 for _ in io.open_recording(clip)) for clip in clips}
        season, frames, count = folder / "season", 0, 0
        season.mkdir()
        while frames < options.frames:
            clip = clips[count % len(clips)]
            shutil.copy(clip, season / f"{count:05d}_{clip.name}")  # a link would be the same recording again
            frames, count = frames + lengths[clip.stem], count + 1
        began = time.monotonic()
        memory = watched(season, folder / "out", options, rng=rng)
        took = time.monotonic() - began
        faults = differences(folder / "out", expected, count=count, frames=frames)
    settled, most = memory
    print(
        f"{frames} frames in {count} recordings, {frames / NIGHT:.1%} of a night of 8 hours at 9 frames/s; "
        f"{frames / took:.0f} frames/s with {options.kills} kills"
    )
    print(f"memory: {settled:.0f} MiB after {SETTLED:.0f} s, at most {most:.0f} MiB")
    if most > (1 + GROWTH) * settled:
        faults.append(f"it grew by {most / settled - 1:.0%}")
    print(
        "\n".join(faults) or f"{sum(map(len, expected.values()))} visits of a round of clips, all there, once"
    )
    sys.exit(bool(faults))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--checkpoint", default="thermal", help="a file, say an .onnx of 8 bits")
    parser.add_argument("--frames", type=int, default=NIGHT // 10)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def summary(source: Path, output: Path, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    words = ["summary", f"source={source}", f"output={output}", f"checkpoint={options.checkpoint}"]
    return subprocess.Popen(
        [sys.executable, "-m", "detector", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def alone(clip: Path, output: Path, options: argparse.Namespace) -> list[Any]:
    """The visits of a clip."""
    if summary(clip, output, options).wait():
        sys.exit(f"{clip}: summary did not end well")
    return [own(visit) for visit in lines(output / "visits.jsonl")]


def watched(
    season: Path, output: Path, options: argparse.Namespace, *, rng: random.Random
) -> tuple[float, float]:
    """MiB that the process held once it had settled, and at most after that, over all its lives."""
    settled: list[float] = []
    most = 0.0
    for life in range(options.kills + 1):
        process = summary(season, output, options)
        began = time.monotonic()
        due = began + (rng.uniform(0.5, 2) * SETTLED if life < options.kills else float("inf"))
        while process.poll() is None and time.monotonic() < due:
            time.sleep(0.5)
            if time.monotonic() - began > SETTLED and (held := resident(process.pid)):
                settled += [held] if not settled else []
                most = max(most, held)
        if process.poll() is None:
            process.kill()
        elif process.wait():
            sys.exit("summary did not end well")
    return (settled or [most])[0], most


def resident(pid: int) -> float:
    """MiB; 0 where it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    held = [line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")]
    return float(held[0]) / KIB_PER_MIB if held else 0.0


def differences(output: Path, expected: Mapping[str, list[Any]], *, count: int, frames: int) -> list[str]:
    """What is not as it must be."""
    visits: dict[str, list[Any]] = defaultdict(list)
    for visit in lines(output / "visits.jsonl"):
        visits[Path(visit["recording"]).stem].append(own(visit))
    entries = lines(output / "recordings.jsonl")
    read = [Path(entry["recording"]).stem for entry in entries]
    seen = sum(entry["frames"] for entry in entries)
    faults = [] if len(read) == len(set(read)) == count else [f"{len(set(read))} of {count} read to the end"]
    faults += [] if seen == frames else [f"{seen} of {frames} frames read"]
    wrong = (name for name in read if visits[name] != expected[name.partition("_")[2]])
    return faults + [f"{name}: not the visits that its clip has alone" for name in wrong]


def own(visit: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in visit.items() if key not in OWN}


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    main()
