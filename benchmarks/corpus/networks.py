"""Checkpoints, weights, exported networks, a run's configuration and notes."""

from __future__ import annotations

import json
import pickle
import random
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.corpus.harm import (
    BENT,
    BOMB,
    BOMBS,
    CODE,
    DEVICE,
    HARMS,
    OUTSIDE,
    VALUES,
    Case,
    Kind,
    Payload,
    Words,
    bent,
    device,
    harmed,
    spoilt,
)
from detector.engine import checkpoint

RUN = [
    *("model.stem=4", "model.widths=[8,8]", "model.depths=[1,1]", "model.neck_widths=[8,8]", "init=null"),
    *("model.neck_depths=[1]", "augment.size=[64,64]", "engine.device=cpu", "engine.precision=fp32"),
    *("engine.batch_size=4", "engine.epochs=1", "engine.processes=1", "engine.workers=0"),
]
PARTS = ("config", "config", "config", "classes", "progress", "random", "thresholds", "data")
GROUPS = ("model", "thermal", "postprocess", "augment", "criterion", "optimizer")


def checkpoints(case: Case, rng: random.Random, harm: str) -> Words:
    return _trained(case, rng, harm, case.folder / "hostile.pt")


def weights(case: Case, rng: random.Random, harm: str) -> Words:
    return _trained(case, rng, harm, case.folder / "hostile.safetensors")


def _trained(case: Case, rng: random.Random, harm: str, file: Path) -> Words:
    run = case.base / "run"
    whole = run / "checkpoints" / "last.pt"
    sound = whole if file.suffix == ".pt" else run / "weights.safetensors"
    if harm == DEVICE:
        device(file, rng)
    elif harm == BENT:
        file.write_bytes(bent(rng, sound.read_bytes(), first=rng.choice((512, 10**9))))
    elif harm == CODE and rng.random() < 0.5:
        _pickled(file, rng, case)
    elif harm == BOMB and rng.random() < 0.5:
        _blown_up(file, sound, rng)
    else:
        _described(file, whole, rng, harm, case)
    pictures = f"source={case.base / 'set' / 'val'}"
    commands = [
        ["predict", f"checkpoint={file}", pictures, "output=out", "pictures=none"],
        ["evaluate", f"checkpoint={file}", "output=out"],
        ["train", f"init={file}", f"data.root={case.base / 'set'}", "hydra.run.dir=out", *RUN],
    ]
    if harm != DEVICE:
        commands.append(["train", f"resume={_moved(case, file)}"])
    return rng.choice(commands)


def _pickled(file: Path, rng: random.Random, case: Case) -> None:
    bomb = pickle.dumps({"format": 4, "version": "0", "config": Payload(case.canary)})
    if rng.random() < 0.3:
        file.write_bytes(bomb)
        return
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        archive.writestr("archive/data.pkl", bomb)
        archive.writestr("archive/version", "3\n")


def _blown_up(file: Path, sound: Path, rng: random.Random) -> None:
    """A header or a packed member that stands for gigabytes."""
    if file.suffix == ".safetensors":
        side = rng.choice((10**6, 2**40, -1))
        head = {"a": {"dtype": "F16", "shape": [side, side], "data_offsets": [0, 2 * side * side]}}
        text = json.dumps(head).encode()
        claimed = rng.choice((len(text), 2**62))
        file.write_bytes(struct.pack("<Q", claimed) + text + bytes(64))
        return
    with zipfile.ZipFile(sound) as whole, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in whole.namelist():
            archive.writestr(name, whole.read(name))
        archive.writestr(rng.choice(("archive/data/0", "archive/version", "x")), b" " * 10**8)


def _described(file: Path, whole: Path, rng: random.Random, harm: str, case: Case) -> None:
    """Sound but for what it says of the network, and with a seal that fits."""
    state = checkpoint.load(whole)
    part = rng.choice(PARTS)
    if harm == BOMB:
        key = rng.choice(("widths", "depths", "stem", "neck_widths"))
        state["config"]["model"][key] = rng.choice((10**6, [10**5] * 2, [2048] * 2, 10**30))
    elif part == "config" and rng.random() < 0.5:
        state["config"][rng.choice(GROUPS)] = rng.choice(case.values(harm))
    else:
        state[part] = spoilt(rng, state[part], case.values(harm))
    try:
        (checkpoint.save if file.suffix == ".pt" else checkpoint.save_weights)(file, state)
    except Exception:  # not even we can write it: so written by hand
        file.write_bytes(pickle.dumps(state))


def _moved(case: Case, file: Path) -> Path:
    """Where a run's last checkpoint lies."""
    folder = case.folder / "out" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder / "last.pt")
    shutil.copy(case.base / "run" / "checkpoints" / "best.pt", folder / "best.pt")
    return folder / "last.pt"


def exported(case: Case, rng: random.Random, harm: str) -> Words:
    """An ONNX file: its description, its graph and where it says that its weights lie."""
    import onnx

    file = case.copy("exported.onnx")
    model = onnx.load(file)
    if harm == DEVICE:
        device(file, rng)
    elif harm == BENT:
        file.write_bytes(bent(rng, file.read_bytes(), first=rng.choice((512, 10**9))))
    elif harm == OUTSIDE and rng.random() < 0.7:
        tensor = rng.choice(model.graph.initializer)
        size = len(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        place = rng.choice(("../outside/secret.png", str(case.outside / "secret.png"), "link"))
        (case.folder / "link").symlink_to(case.outside / "secret.png")
        for key, value in (("location", place), ("offset", "0"), ("length", str(size))):
            tensor.external_data.add(key=key, value=value)
        file.write_bytes(model.SerializeToString())
    elif harm == BOMB:
        _giant(model, rng)
        file.write_bytes(model.SerializeToString())
    else:
        (words,) = (entry for entry in model.metadata_props if entry.key == "thermal-detector")
        words.value = json.dumps(spoilt(rng, json.loads(words.value), case.values(harm)))
        if harm == CODE and rng.random() < 0.3:
            rng.choice(model.graph.node).domain = "os.system"
        file.write_bytes(model.SerializeToString())
    pictures = f"source={case.base / 'set' / 'val'}"
    return ["predict", f"checkpoint={file}", pictures, "output=out", "pictures=none"]


def _giant(model: Any, rng: random.Random) -> None:
    """A constant that the file says is enormous, or tensors of a size that their bytes are not."""
    from numpy import array, int64
    from onnx import helper, numpy_helper

    if rng.random() < 0.5:
        tensor = rng.choice(model.graph.initializer)
        tensor.dims[:] = [rng.choice((2**40, 2**31, 10**5, -1))] * max(1, len(tensor.dims))
        return
    shape = numpy_helper.from_array(array([10**5, 10**5, 10], int64), "giant_shape")
    model.graph.initializer.append(shape)
    node = model.graph.node[-1]
    name = node.output[0]
    node.output[0] = "before_giant"
    model.graph.node.extend(
        [
            helper.make_node("ConstantOfShape", ["giant_shape"], ["giant"]),
            helper.make_node("ReduceSum", ["giant"], ["sum"], keepdims=0),
            helper.make_node("Add", ["before_giant", "sum"], [name]),
        ]
    )


def runs(case: Case, rng: random.Random, harm: str) -> Words:
    """A run's folder: its configuration and what else it notes."""
    run = case.copy("run")
    file = run / rng.choice(("config.yaml", "config.yaml", "nonfinite.json", "metrics.json", "resumed.json"))
    if not file.exists():
        file.write_text(json.dumps([{"step": rng.choice((1, 10**9)), "at": "", "terms": [], "images": [1]}]))
    if file.suffix == ".yaml" and harm in (CODE, OUTSIDE, VALUES):
        lines = file.read_text().splitlines()
        if harm == CODE and rng.random() < 0.4:
            line = f"x: !!python/object/apply:os.system ['touch {case.canary}']"
            lines.insert(rng.randrange(len(lines) + 1), line)
            file.write_text("\n".join(lines))
        else:
            values = yaml.safe_load("\n".join(lines))
            file.write_text(json.dumps(spoilt(rng, values, case.values(harm))))  # which is YAML too
    elif file.suffix == ".yaml" and harm == BOMB:
        file.write_bytes(file.read_bytes() + b"\n" + rng.choice(BOMBS[".yaml"]))
    else:
        harmed(file, harm, rng, case)
    if rng.random() < 0.5:
        (run / "checkpoints" / "last.pt").unlink()
    return rng.choice(
        [
            ["report", f"run={run}", "output=out/report.html"],
            ["replay", f"run={run}"],
            ["compare", f"runs=[{run},{case.base / 'run'}]"],
        ]
    )


KINDS = {
    "checkpoint": Kind(HARMS, checkpoints),
    "weights": Kind(HARMS, weights),
    "exported network": Kind(HARMS, exported),
    "a run's files": Kind(HARMS, runs),
}
