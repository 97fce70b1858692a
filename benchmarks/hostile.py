"""Files of somebody who means harm, fed to the commands: `python benchmarks/hostile.py SECONDS SEED`.

Makes a tiny set and a run, then checkpoints, configurations, annotations, pictures, predictions and studies
that name programs and places outside, are bent, cut or blown up. Each is given to a command in a process and
a folder of its own. Python's audit hooks tell what the process does; beside the folder lies a place that must
stay as it is and not be read, and nothing may appear there. A case is fine where the command ends well, or
with one line of ours. Prints a line for each fault and the table of docs/security.md; status 1 with a fault.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import os
import pickle
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from detector.app import commands
from detector.app.cli import main as main_program
from detector.engine import checkpoint

SET = [
    *("dataset={train: 8, val: 4, test: 4, frames_per_scene: 2}", "scene.width=64", "scene.height=64"),
    *("scene.fine=1", "scene.objects=[1,4]", "scene.side_px=[9.0,30.0]", "processes=1"),
]
RUN = [
    *("model.stem=4", "model.widths=[8,8]", "model.depths=[1,1]", "model.neck_widths=[8,8]", "init=null"),
    *("model.neck_depths=[1]", "augment.size=[64,64]", "engine.device=cpu", "engine.precision=fp32"),
    *("engine.batch_size=4", "engine.epochs=1", "engine.processes=1", "engine.workers=0"),
]
CONFIGS = Path(__file__).absolute().parents[1] / "configs"
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

Words = list[str]


class Case:
    """A place for one file: `folder` is the command's, `outside` nobody's. canary: what must not appear."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder, self.base = folder, base
        self.outside = folder.parent / "outside"
        self.canary = self.outside / "canary"
        self.outside.mkdir(parents=True)
        folder.mkdir()
        shutil.copy(next((base / "set" / "val").glob("*.png")), self.outside / "secret.png")
        (self.outside / "coco.json").write_text("{}")

    def copy(self, name: str) -> Path:
        return Path(shutil.copytree(self.base / name, self.folder / name, symlinks=True))

    def values(self) -> list[Any]:
        """What somebody may write where a number or a name belongs."""
        touch = f"touch {self.canary}"
        return [
            {"_target_": "os.system", "_args_": [touch]},
            {"name": "os:system", "command": touch},
            {"name": "pathlib:Path.write_text"},
            "os:system",
            "${oc.env:HOME}",
            "${oc.create:{_target_:os.system}}",
            f"!!python/object/apply:os.system ['{touch}']",
            "../outside/secret.png",
            str(self.outside / "secret.png"),
            "..\\outside\\secret.png",
            "/dev/zero",
            "a\0b",
            "<script>alert(1)</script>",
            "A" * 10**6,
            *(10**30, -1, 0, 1e308, float("nan"), float("inf"), 2**63, True, None, "", [], {}, [[]]),
            [0] * 10**5,
            self.nested(500),
        ]

    @staticmethod
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value


class Payload:
    """Runs a shell command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def spoilt(rng: random.Random, document: Any, case: Case) -> Any:
    """The document with one to three of its values, or keys, replaced."""
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        holders = [node for node in nodes(document) if node]
        if not holders:
            break
        holder = rng.choice(holders)
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if isinstance(holder, dict) and rng.random() < 0.1:
            holder[rng.choice(["_target_", "name", "../x", ""])] = holder.pop(key)
        else:
            holder[key] = rng.choice(case.values())
    return document


def nodes(value: Any) -> list[Any]:
    """Every list and dictionary in it that is not too deep."""
    found: list[Any] = []
    ahead = [value]
    while ahead:
        node = ahead.pop()
        if isinstance(node, dict | list) and len(found) < 2000:
            found.append(node)
            ahead += list(node.values() if isinstance(node, dict) else node)
    return found


def bent(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed, cut, doubled or put in."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(changed)) if changed else 0
        if changed:
            changed[at] = rng.choice((0, 255, changed[at] ^ 1 << rng.randrange(8)))
    match rng.randrange(5):
        case 0:
            return bytes(changed[: rng.randrange(len(changed) + 1)])
        case 1:
            at = rng.randrange(min(64, len(changed)) or 1)
            return bytes(changed[:at] + rng.randbytes(4) + changed[at:])
        case _:
            return bytes(changed)


def checkpoints(rng: random.Random, case: Case) -> Words:
    suffix = rng.choice((".pt", ".safetensors"))
    file = case.folder / f"hostile{suffix}"
    whole = case.base / "run" / "checkpoints" / "last.pt"
    match rng.randrange(5):
        case 0:
            file.write_bytes(
                bent(
                    rng,
                    (whole if suffix == ".pt" else case.base / "run" / "weights.safetensors").read_bytes(),
                )
            )
        case 1:
            bomb = pickle.dumps({"format": 4, "version": "0", "config": Payload(case.canary)})
            if rng.random() < 0.5:
                file.write_bytes(bomb)
            else:
                with zipfile.ZipFile(
                    file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
                ) as archive:
                    archive.writestr("archive/data.pkl", bomb)
                    archive.writestr("archive/version", "3\n" + " " * rng.choice((0, 10**8)))
        case _:
            state = checkpoint.load(whole)
            part = rng.choice(
                ("config", "config", "config", "classes", "progress", "random", "thresholds", "data")
            )
            state[part] = spoilt(rng, state[part], case)
            if part == "config" and rng.random() < 0.5:
                group = rng.choice(("model", "thermal", "postprocess", "augment", "criterion", "optimizer"))
                state["config"][group] = rng.choice(case.values())
            try:
                (checkpoint.save if suffix == ".pt" else checkpoint.save_weights)(file, state)
            except Exception:  # not even we can write it: so written by hand
                file.write_bytes(pickle.dumps(Payload(case.canary)))
    pictures = case.base / "set" / "val"
    return rng.choice(
        [
            ["predict", f"checkpoint={file}", f"source={pictures}", "output=out", "pictures=none"],
            ["evaluate", f"checkpoint={file}", "output=out"],
            [
                "train",
                f"init={file}",
                f"data.root={case.base / 'set'}",
                "hydra.run.dir=out",
                *RUN[:-5],
                *RUN[-5:],
            ],
            ["train", f"resume={moved(case, file)}"],
        ]
    )


def moved(case: Case, file: Path) -> Path:
    """Where a run's last checkpoint lies."""
    folder = case.folder / "out" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder / "last.pt")
    shutil.copy(case.base / "run" / "checkpoints" / "best.pt", folder / "best.pt")
    return folder / "last.pt"


def configs(rng: random.Random, case: Case) -> Words:
    run = case.copy("run")
    file = run / "config.yaml"
    values = yaml.safe_load(file.read_text())
    if rng.random() < 0.6:
        file.write_text(json.dumps(spoilt(rng, values, case)))  # which is YAML too
    else:
        lines = file.read_text().splitlines()
        line = rng.choice(
            [
                f"x: !!python/object/apply:os.system ['touch {case.canary}']",
                f"thermal: {{_target_: os.system, _args_: ['touch {case.canary}']}}",
                "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]",
                "data: {root: /dev, source: {name: coco}}",
                "\t%",
                "? " * 2000,
            ]
        )
        lines.insert(rng.randrange(len(lines) + 1), line)
        file.write_text("\n".join(lines))
    noted = [{"step": rng.choice((1, 2, -1, 10**9)), "at": "", "terms": [], "images": [1, 2]}]
    (run / "nonfinite.json").write_text(json.dumps(noted if rng.random() < 0.5 else spoilt(rng, noted, case)))
    if rng.random() < 0.5:
        (run / "checkpoints" / "last.pt").unlink()
    return rng.choice(
        [
            ["report", f"run={run}", "output=out/report.html"],
            ["replay", f"run={run}"],
            ["compare", f"runs=[{run},{case.base / 'run'}]"],
        ]
    )


def labels(rng: random.Random, case: Case) -> Words:
    root = case.copy("set")
    file = root / "annotations" / "val.json"
    document = json.loads(file.read_text())
    source = "coco"
    match rng.randrange(6):
        case 0:
            file.write_bytes(bent(rng, file.read_bytes()))
        case 1:
            file.write_text("[" * 10**5 + "]" * 10**5)
        case 2:
            source = "voc"
            for place in ("Annotations", "JPEGImages", "ImageSets/Main"):
                (root / place).mkdir(parents=True)
            (root / "ImageSets" / "Main" / "val.txt").write_text(
                rng.choice(("a", "../../../outside/secret", "/etc/passwd"))
            )
            shutil.copy(case.outside / "secret.png", root / "JPEGImages" / "a.png")
            entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20 if n else "x" * 99}">' for n in range(9))
            outer = f'<!ENTITY a9 SYSTEM "file://{case.outside / "secret.png"}">'
            name = rng.choice(("&a8;", "&a9;", "../../outside/secret.png"))
            body = f"<annotation><filename>{name}</filename></annotation>"
            (root / "Annotations" / "a.xml").write_text(f"<!DOCTYPE x [{entities}{outer}]>{body}")
        case _:
            file.write_text(json.dumps(spoilt(rng, document, case)))
    if rng.random() < 0.2:
        packed = case.folder / "set.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(
                file, rng.choice(("val.json", "../outside/coco.json", str(case.outside / "coco.json")))
            )
            archive.writestr("big.bin", b"\0" * rng.choice((1, 10**8)))
            link = zipfile.ZipInfo("link.png")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, str(case.outside / "secret.png"))
        return ["doctor", "data=auto", f"data.root={packed}", "page=out/doctor.html"]
    data = [f"data={rng.choice((source, source, 'auto'))}", f"data.root={root}"]
    return rng.choice(
        [
            ["doctor", *data, "splits=[val]", "page=out/doctor.html"],
            [
                "convert",
                *data,
                "splits=[val]",
                "output=out",
                f"format={rng.choice(('coco', 'yolo', 'cvat', 'labelme'))}",
            ],
            [
                "evaluate",
                *data,
                "data.split=val",
                f"checkpoint={case.base / 'run' / 'checkpoints' / 'best.pt'}",
                "output=out",
            ],
        ]
    )


def pictures(rng: random.Random, case: Case) -> Words:
    folder = case.folder / "pictures"
    folder.mkdir()
    counts = np.random.default_rng(rng.randrange(2**32)).integers(0, 2**14, (64, 64)).astype(np.uint16)
    suffix = rng.choice((".png", ".tiff", ".jpg", ".npy", ".npy", ".csv", ".cptv", ".seq", ".avi"))
    file = folder / f"a{suffix}"
    if suffix == ".npy" and rng.random() < 0.5:
        np.save(file, np.array([Payload(case.canary)], dtype=object), allow_pickle=True)
    elif suffix == ".npy":
        shape = rng.choice(("(1000000, 1000000)", "(64, -64)", "(64,)*9", "__import__('os').system('x')"))
        head = f"{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
        file.write_bytes(b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head + counts.tobytes())
    elif suffix in (".png", ".tiff", ".jpg"):
        import cv2

        image = counts if suffix != ".jpg" else (counts >> 6).astype(np.uint8)
        data = cv2.imencode(suffix, image)[1].tobytes()
        if suffix == ".png" and rng.random() < 0.3:  # a header that claims more than there is
            data = data[:16] + rng.choice((2**31 - 1, 60000, 0)).to_bytes(4, "big") * 2 + data[24:]
        file.write_bytes(bent(rng, data) if rng.random() < 0.8 else data)
    elif suffix == ".csv":
        file.write_text(
            "\n".join(rng.choice(("1,2,3", "=cmd|' /C calc'!A0", "1e999,nan", "x" * 10**5)) for _ in range(9))
        )
    else:
        head = {
            ".cptv": b"\x1f\x8b\x08" + bytes(7),
            ".seq": b"FFF\0",
            ".avi": b"RIFF\xff\xff\xff\xffAVI LIST",
        }[suffix]
        file.write_bytes(head + rng.randbytes(rng.randrange(4000)))
    if rng.random() < 0.1:
        (folder / "b.png").symlink_to("/dev/zero")
    return [
        "predict",
        f"source={file if rng.random() < 0.5 else folder}",
        "output=out",
        "pictures=none",
        "engine.device=cpu",
    ]


def predictions(rng: random.Random, case: Case) -> Words:
    file = case.folder / "found.json"
    known = (case.base / "run" / "predictions.json").read_bytes()
    entry = {"image_id": 1, "category_id": 1, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.5}
    if rng.random() < 0.3:
        file.write_bytes(bent(rng, known))
    else:
        document = rng.choice(
            (json.loads(known) or [entry], [entry] * 5, {"frames": [entry]}, {"annotations": [entry]})
        )
        file.write_text(json.dumps(spoilt(rng, document, case)))
    data = ["data=coco", f"data.root={case.base / 'set'}", "data.split=test"]
    return ["evaluate", f"predictions={file}", *data, "output=out", *rng.choice(([], ["boxes=xyxy"]))]


def studies(rng: random.Random, case: Case) -> Words:
    """Every run of it is finished, so that nothing is trained."""
    folder = case.folder / "out"
    arms = yaml.safe_load((CONFIGS / "study" / "regularisation.yaml").read_text())["arms"]
    for arm, overrides in arms.items():
        run = folder / arm / "seed0"
        run.mkdir(parents=True)
        for name in ("metrics.json", "environment.json"):
            shutil.copy(case.base / "run" / name, run / name)
        (run / "overrides.json").write_text(json.dumps([*overrides, "seed=0"], indent=1) + "\n")
    file = folder / rng.choice(list(arms)) / "seed0" / rng.choice(("metrics.json", "environment.json"))
    if rng.random() < 0.5:
        file.write_bytes(bent(rng, file.read_bytes()))
    else:
        file.write_text(json.dumps(spoilt(rng, json.loads(file.read_text()), case)))
    own = ["study.base=[]", "study.prepare=[]", "study.seeds=[0]", "study.metrics=[AP,AP50]"]
    return ["study", "study=regularisation", *own, "output=out", "jobs=1"]


KINDS: dict[str, Callable[[random.Random, Case], Words]] = {
    "checkpoints": checkpoints,
    "configs": configs,
    "annotations": labels,
    "pictures": pictures,
    "predictions": predictions,
    "studies": studies,
}


def watch(case: Case, report: int) -> None:
    """From here on this process tells of what it may not do; Python has no way to take a hook off again."""
    allowed = (str(case.folder), "/dev/null")

    def told(what: str) -> None:
        os.write(report, (what[:300].replace("\n", " ") + "\n").encode(errors="replace"))

    def hook(event: str, args: tuple[Any, ...]) -> None:
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
    said = (case.folder / "stderr").read_text(errors="replace")
    if {file: file.read_bytes() for file in case.outside.iterdir()} != before:
        faults.append("wrote to the place outside")
    if status not in (0, 1, None) or "Traceback (most recent" in said:
        faults.append(f"no error of ours (status {status}): {said.strip().splitlines()[-1:]}")
    elif status == 1 and sum(line.startswith("error: ") for line in said.splitlines()) != 1:
        faults.append(f"status 1 without one line: {said.strip()[-200:]}")
    return "fine" if status == 0 else "refused", faults


def prepare(base: Path) -> None:
    """A set and a run that are sound."""
    base.mkdir()
    for words in (
        ["synth", f"root={base / 'set'}", *SET],
        ["train", f"data.root={base / 'set'}", f"hydra.run.dir={base / 'run'}", *RUN, "data.split=test"],
    ):
        subprocess.run([sys.executable, "-m", "detector", *words], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    options = parser.parse_args()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MPLCONFIGDIR"] = folder
        prepare(Path(folder) / "base")
        for name in (
            "train",
            "evaluate",
            "predict",
            "report",
            "replay",
            "compare",
            "doctor",
            "convert",
            "study",
        ):
            commands.load(name)
        importlib.import_module("matplotlib.font_manager")  # asks the system for its fonts once
        number, ends = 0, time.monotonic() + options.seconds
        while time.monotonic() < ends:
            kind = options.kinds[number % len(options.kinds)]
            case = Case(Path(folder) / str(number) / "case", Path(folder) / "base")
            words = KINDS[kind](random.Random(f"{options.seed} {number}"), case)
            ended, faults = run_case(words, case)
            counts[kind, ended] += 1
            for fault in faults:
                counts[kind, fault.split()[0]] += 1
                print(f"{number} {kind}: {fault}\n    {' '.join(words)[:300]}", flush=True)
            shutil.rmtree(case.folder.parent)
            number += 1
    print("| files | cases | taken | refused in a line | executions | writes or reads outside | other ends |")
    print("|---|---|---|---|---|---|---|")
    for kind in options.kinds:
        own = {word: count for (of, word), count in counts.items() if of == kind}
        fine, refused, ran = own.pop("fine", 0), own.pop("refused", 0), own.pop("ran", 0)
        out = own.pop("wrote", 0) + own.pop("led", 0)
        print(f"| {kind} | {fine + refused} | {fine} | {refused} | {ran} | {out} | {sum(own.values())} |")
    sys.exit(any(word not in ("fine", "refused") for _, word in counts))


if __name__ == "__main__":
    main()
