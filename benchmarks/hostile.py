"""Files of somebody who means harm, fed to the commands: `python -m benchmarks.hostile SECONDS SEED`.

Makes a tiny set and a run, and of them the files of benchmarks/corpus: every kind of file that is read,
harmed in every way (corpus/harm.py says which). Each is given to a command in a process and a folder of its
own. Python's audit hooks tell what the process does; beside the folder lies a place that must stay as it is,
and the system tells who opens a file there, a decoder in C too. A case is fine where the command ends well,
or with one line of ours. Prints a line for each fault and the table of docs/security.md; status 1 with one.
--sound FOLDER keeps the files that are harmed, which take a minute to make, for the next call.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.corpus import frames, labels, networks, results
from benchmarks.corpus.harm import HARMS, Case, Kind, Words
from detector.app import commands
from detector.app.cli import main as main_program
from detector.app.running.workers import PROGRAM
from detector.data.readers.coco import CocoSource
from detector.errors import UserError

SET = [
    *("dataset={train: 8, val: 4, test: 4, frames_per_scene: 2}", "scene.width=64", "scene.height=64"),
    *("scene.fine=1", "scene.objects=[1,4]", "scene.side_px=[9.0,30.0]", "processes=1"),
]
LIMIT = 60
"""Seconds for a case."""
MEMORY = 6 * 2**30
"""Bytes of data that a case may hold: an honest one takes half a GiB."""
RUNS = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "subprocess.Popen",
    "pty.spawn",
    "socket.connect",
}
CHANGES = {
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "shutil.rmtree",
}
PICKLED = ("torch", "collections", "numpy")
"""From where torch's reader of tensors takes names."""


def watch(case: Case, report: int) -> None:
    """From here on this process tells of what it may not do; Python has no way to take a hook off again."""
    allowed = (str(case.folder), "/dev/null")

    def told(what: str) -> None:
        os.write(report, (what[:300].replace("\n", " ") + "\n").encode(errors="replace"))

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and list(args[1][:4]) == [*PROGRAM, "train"]:
            raise UserError("a training would begin")  # as after any tuning's start: it lasts too long here
        if event in RUNS:
            told(f"ran {event} {args!r:.200}")
        elif event == "pickle.find_class" and not str(args[0]).startswith(PICKLED):
            told(f"ran pickle {args!r:.200}")
        elif event == "open" and isinstance(args[0], str | bytes):
            path = os.path.realpath(os.fsdecode(args[0]))
            if path.startswith(str(case.outside)):
                told(f"led outside to {path}")
            elif args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not path.startswith(allowed):
                told(f"wrote {path}")
        elif event in CHANGES and isinstance(args[0], str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(args[0]))
            nothing_new = event == "os.mkdir" and os.path.isdir(path)
            if not path.startswith(allowed) and not nothing_new:
                told(f"wrote {event} {path}")

    sys.addaudithook(hook)


def child(words: Words, case: Case, report: int) -> None:
    """Run the command; never returns."""
    os.chdir(case.folder)
    os.environ["TMPDIR"] = tempfile.tempdir = str(case.folder / "tmp")
    os.mkdir(tempfile.tempdir)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    sys.argv = ["thermal-detector", *words]
    watch(case, report)
    status = 70
    try:
        main_program()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 71
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(status)


def run_case(words: Words, case: Case) -> tuple[str, list[str]]:
    """How it ended, in a word, and its faults."""
    before = {file: file.read_bytes() for file in case.outside.iterdir()}
    opened = Opened(case.outside)
    receiver, sender = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(words, case, sender)
    os.close(sender)
    ends, faults, status = time.monotonic() + LIMIT, [], None
    while status is None and time.monotonic() < ends:
        done, value = os.waitpid(pid, os.WNOHANG)
        status = os.waitstatus_to_exitcode(value) if done else None
        time.sleep(0.01)
    if status is None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        faults.append(f"not done after {LIMIT} s")
    with os.fdopen(receiver, errors="replace") as lines:
        faults += sorted({line.strip() for line in lines})
    if opened.any() and not any(fault.startswith("led") for fault in faults):
        faults.append("led outside: something there was opened")
    said = (case.folder / "stderr").read_text(errors="replace")
    if {file: file.read_bytes() for file in case.outside.iterdir()} != before:
        faults.append("wrote to the place outside")
    if status not in (0, 1, None) or "Traceback (most recent" in said:
        faults.append(f"no error of ours (status {status}): {said.strip().splitlines()[-1:]}")
    elif (
        status == 1
        and NOT_FIT not in (case.folder / "stdout").read_text(errors="replace")
        and sum(line.startswith("error: ") for line in said.splitlines()) != 1
    ):
        faults.append(f"status 1 without one line: {said.strip()[-200:]}")
    return "taken" if status == 0 else "refused", faults


class Opened:
    """What the system tells of a folder: whether a file in it was opened or changed since this was made."""

    OPEN, MODIFY, CREATE, DELETE = 0x20, 0x2, 0x100, 0x200  # of inotify(7)

    def __init__(self, folder: Path) -> None:
        system = ctypes.CDLL(None, use_errno=True)
        self._handle = system.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = self.OPEN | self.MODIFY | self.CREATE | self.DELETE
        if system.inotify_add_watch(self._handle, os.fsencode(folder), mask) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def any(self) -> bool:
        try:
            return bool(os.read(self._handle, 4096))
        except BlockingIOError:
            return False
        finally:
            os.close(self._handle)


def prepare(base: Path) -> None:
    """Files of every kind that are sound."""
    base.mkdir()
    run, best = base / "run", base / "run" / "checkpoints" / "best.pt"
    steps = [
        ["synth", f"root={base / 'set'}", *SET],
        ["train", f"data.root={base / 'set'}", f"hydra.run.dir={run}", *networks.RUN, "data.split=test"],
        ["export", f"checkpoint={best}", f"output={base / 'exported.onnx'}"],
    ]
    for name, form in labels.CONVERTED.items():
        told = [f"data.root={base / 'set'}", "splits=[val]", "pictures=copy", f"format={form}"]
        steps.append(["convert", "data=coco", *told, f"output={base / 'formats' / name}"])
    for words in steps:
        sound(words, base)
    split = CocoSource(base / "set", None, "annotations/{split}.json", "{split}", None).load("val")
    labels.write_formats(split, base / "formats")
    results.write_storages(base)


def sound(words: Words, base: Path) -> None:
    """A command that must end well, in a process of its own."""
    pid = os.fork()
    if pid == 0:
        sys.argv = ["thermal-detector", *words]
        os.dup2(os.open(base / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
        status = 70
        try:
            main_program()
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    if os.waitpid(pid, 0)[1]:
        sys.exit(f"could not be prepared: {' '.join(words)}")


NOT_FIT = "not fit to train on"
"""Doctor's verdict, with status 1."""
COMMANDS = (
    *("synth", "train", "evaluate", "predict", "report", "replay", "compare", "doctor", "convert", "study"),
    *("tune", "export", "frames"),
)
KINDS: dict[str, Kind] = networks.KINDS | labels.KINDS | frames.KINDS | results.KINDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--sound", type=Path)
    options = parser.parse_args()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    cells = [(kind, harm) for harm in HARMS for kind in options.kinds if harm in KINDS[kind].harms]
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MPLCONFIGDIR"] = folder
        for name in COMMANDS:
            commands.load(name)
        importlib.import_module("matplotlib.font_manager")  # asks the system for its fonts once
        base = options.sound or Path(folder) / "base"
        if not base.exists():
            prepare(base)
        number, ends = 0, time.monotonic() + options.seconds
        while time.monotonic() < ends:
            kind, harm = cells[number % len(cells)]
            case = Case(Path(folder) / str(number) / "case", base)
            words = KINDS[kind].make(case, random.Random(f"{options.seed} {number}"), harm)
            ended, faults = run_case(words, case)
            counts[kind, ended] += 1
            counts[kind, harm] += 1
            for fault in faults:
                counts[kind, fault.split()[0]] += 1
                print(f"{number} {kind}, {harm}: {fault}\n    {' '.join(words)[:300]}", flush=True)
            shutil.rmtree(case.folder.parent)
            number += 1
    for line in table(counts, options.kinds):
        print(line)
    sys.exit(any(word not in ("taken", "refused", *HARMS) for _, word in counts))


def table(counts: Counter[tuple[str, str]], kinds: list[str]) -> list[str]:
    """Markdown: cases by kind of file and of harm, and how they ended."""
    ways = ("taken", "refused")
    lines = [
        f"| files | {' | '.join(HARMS)} | taken | refused | ran code | went outside | other ends |",
        "|---|" + "---:|" * (len(HARMS) + 5),
    ]
    everything: Counter[str] = Counter()
    rows = [(kind, Counter({word: n for (of, word), n in counts.items() if of == kind})) for kind in kinds]
    for _, own in rows:
        everything.update(own)
    for name, own in (*rows, ("all", everything)):
        outside = own["wrote"] + own["led"]
        other = own.total() - sum(own[word] for word in (*HARMS, *ways)) - own["ran"] - outside
        cells = [own[harm] if harm_is_there(name, harm) else "" for harm in HARMS]
        numbers = [*cells, *(own[way] for way in ways), own["ran"], outside, other]
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    return lines


def harm_is_there(kind: str, harm: str) -> bool:
    return kind not in KINDS or harm in KINDS[kind].harms


if __name__ == "__main__":
    main()
