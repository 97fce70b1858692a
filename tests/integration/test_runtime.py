"""thermal-detector-runtime: its wheel, in an environment that has what it requires and nothing else."""

from __future__ import annotations

import email
import importlib.metadata
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from packaging.requirements import Requirement

import detector
from tests.integration.commands import REPOSITORY, Call, files_under
from tests.integration.wheels import Environment, built

NAME = "thermal-detector-runtime"
HEAVY = (
    *("torch", "torchvision", "scipy", "albumentations", "hydra", "omegaconf", "pycocotools"),
    *("matplotlib", "sklearn", "tqdm", "yaml"),
)

EVERY_MODULE = """
import importlib, importlib.util, pathlib, sys
assert not [name for name in sys.argv[1:] if importlib.util.find_spec(name)]
import detector
package = pathlib.Path(detector.__file__).parent
for file in sorted(package.rglob("*.py")):
    parts = ("detector", *file.relative_to(package).with_suffix("").parts)
    importlib.import_module(".".join(parts).removesuffix(".__init__"))
print(package)
"""
PREDICT = """
import json, sys, detector
model = detector.load(sys.argv[1])
found = [model.predict(file, confidence=0.0) for file in sys.argv[2:]]
print(json.dumps([[one.boxes.tolist(), one.scores.tolist(), one.labels.tolist()] for one in found]))
"""
MISTAKE = """
import sys, detector
try:
    print(eval(sys.argv[1]))
except detector.UserError as error:
    print(error)
"""
WHERE = "import detector; print(detector.__file__)"


def required(wheel: Path, *, extra: str = "") -> set[str]:
    """What it must have, and what it must for an extra."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])
    return {f"{one.name}{one.specifier}" for one in map(Requirement, told) if meant(one, extra)}


def meant(requirement: Requirement, extra: str = "") -> bool:
    """Whether it holds here, for those who asked for an extra."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def closure(names: list[str]) -> set[str]:
    """The distributions of these names and those that they require, as they are here."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            needed = map(Requirement, importlib.metadata.requires(name) or [])
            names += [one.name for one in needed if meant(one)]
    return found


def tops(distribution: str) -> Iterator[Path]:
    """The files and folders of a distribution that lie right in the folder of packages."""
    files = importlib.metadata.files(distribution) or []
    root = Path(str(importlib.metadata.distribution(distribution).locate_file("")))
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        yield root / top


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return built(REPOSITORY / "runtime", tmp_path_factory.mktemp("runtime_wheel"))


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    """The wheel of the full package."""
    return built(REPOSITORY, tmp_path_factory.mktemp("full_wheel"))


@pytest.fixture(scope="module")
def runtime(wheel, tmp_path_factory) -> Environment:
    """The runtime with what it requires, all the way down, and nothing else that is here."""
    there = Environment.new(tmp_path_factory.mktemp("runtime"))
    for name in closure([Requirement(one).name for one in required(wheel)]):
        for top in tops(name):
            (there.packages / top.name).symlink_to(top)
    there.install(wheel)
    return there


@pytest.fixture(scope="module")
def frames(tiny_set, tmp_path_factory) -> list[Path]:
    """Of 16 and of 8 bits, of sizes that no stride divides, as PNG, TIFF and NumPy."""
    folder = tmp_path_factory.mktemp("frames")
    scenes = [
        cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in sorted((tiny_set / "val").glob("*.png"))
    ]
    assert {scene.dtype for scene in scenes} == {np.dtype(np.uint16)}
    cv2.imwrite(str(folder / "whole.png"), scenes[0])
    cv2.imwrite(str(folder / "odd.png"), scenes[1][:61, :47])
    cv2.imwrite(str(folder / "odd.tif"), scenes[2][3:, :33])
    low, high = scenes[3].min(), scenes[3].max()
    # With noise: where a picture is flat, scores are equal, and their order is nobody's promise.
    grey = (scenes[3] - low) / (high - low) * 240 + np.random.default_rng(0).uniform(0, 15, scenes[3].shape)
    grey = grey.astype(np.uint8)
    cv2.imwrite(str(folder / "grey.png"), grey[:50, :63])
    np.save(folder / "grey.npy", grey[:, 1:])
    return sorted(folder.iterdir())


def test_the_wheel_owns_no_file_of_the_full_package_and_no_heavy_module(wheel, runtime):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0].split("-")[0] for name in names}
    assert tops == {"thermal_detector_runtime", "thermal_detector_runtime.pth"}
    assert "thermal_detector_runtime/LICENSE" in names
    package = Path(runtime.run("python", "-c", EVERY_MODULE, *HEAVY).strip())
    inside = {name.partition("/")[2] for name in names if name.endswith(".py")}
    assert {f"detector/{file.relative_to(package).as_posix()}" for file in package.rglob("*.py")} == inside
    for name in inside:
        assert (package.parent / name).read_bytes() == (REPOSITORY / name).read_bytes()
    absent = ("app/commands", "app/trained.py", "inference/network.py", "inference/split.py", "models")
    assert not [name for name in inside if name.removeprefix("detector/").startswith(absent)]


def test_it_asks_for_what_the_full_package_asks_for(wheel, full):
    assert {Requirement(one).name for one in required(wheel)} == {
        *("numpy", "onnxruntime", "opencv-python-headless", "tifffile"),
    }
    assert required(wheel) <= required(full, extra="onnx")
    assert required(wheel, extra="cptv") <= required(full, extra="onnx") | required(full, extra="cptv")


def test_it_finds_what_the_full_package_finds(runtime, exported, frames):
    found = json.loads(runtime.run("python", "-c", PREDICT, str(exported.file), *map(str, frames)))
    model = detector.load(exported.checkpoint, device="cpu", precision="fp32")
    for frame, mine in zip(frames, found, strict=True):
        expected = model.predict(frame, confidence=0.0)
        # Above a wide gap in the scores, so that it is clear what is to be found; of two that score alike but
        # for the last bits either may come first.
        clear = 21 + int(np.diff(expected.scores)[20:80].argmin())
        boxes, scores, labels = (np.array(part[:clear]) for part in mine)
        apart = np.abs(boxes[:, None] - expected.boxes[:clear]).max(2)
        apart[labels[:, None] != expected.labels[:clear]] = np.inf
        partner = apart.argmin(0)
        assert sorted(partner) == list(range(clear))
        assert apart.min(0).max() <= 0.05
        np.testing.assert_allclose(scores[partner], expected.scores[:clear], atol=1e-4)


def test_the_program_writes_what_predict_writes(runtime, exported, tiny_set, call: Call, tmp_path):
    np.save(tmp_path / "night.npy", np.random.default_rng(0).integers(0, 999, (3, 40, 52), np.uint16))
    np.arange(64 * 48, dtype="<u2").tofile(tmp_path / "frame.raw")
    sources = [str(tiny_set / "val"), str(tmp_path / "night.npy"), str(tmp_path / "frame.raw")]
    settings = ["--confidence", "0.001", "--pictures", "auto", "--raw-shape", "48", "64"]
    out = runtime.run(NAME, str(exported.file), *sources, "--output", str(tmp_path / "mine"), *settings)
    assert out.startswith("8 frames, ")
    call(
        "predict", f"checkpoint={exported.file}", f"source=[{','.join(sources)}]", "output=theirs",
        "confidence=0.001", "raw_shape=[48,64]",
    ).assert_fine()  # fmt: skip
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    assert files_under(mine) == files_under(theirs) > {"detections.json", "detections.csv", "night.mp4"}
    assert json.loads((mine / "detections.json").read_text())["frames"][0]["objects"]
    for name in ("detections.json", "detections.csv"):
        assert (mine / name).read_text() == (theirs / name).read_text()


def test_what_cannot_be_read_is_named_and_the_rest_is_done(runtime, exported, tiny_set, tmp_path):
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    sources = (str(tmp_path / "cut.png"), *map(str, (tiny_set / "val").glob("*.png")))
    ended = runtime.end_of(NAME, str(exported.file), *sources, "--output", str(tmp_path / "found"))
    assert ended.returncode == 1
    named, last = ended.stderr.splitlines()
    assert named.startswith(f"{tmp_path / 'cut.png'}: ")
    assert last == "error: 1 could not be read whole, as named above; the rest is done"
    assert len(json.loads((tmp_path / "found" / "detections.json").read_text())["frames"]) == 4


def test_what_it_lacks_is_told_in_a_line(runtime, exported, frames):
    best = exported.checkpoint
    for mistake in (
        f"detector.load({str(best)!r})",
        "detector.train()",
        f"detector.load({str(exported.file)!r}).evaluate()",
    ):
        assert "needs the full package, thermal-detector" in runtime.run("python", "-c", MISTAKE, mistake)
    ended = runtime.end_of(NAME, str(best), str(frames[0]))
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith(f"error: checkpoint {best}: needs the full package")


def test_beside_the_full_package_neither_takes_the_other_s_files(wheel, full, exported, frames, tmp_path):
    there = Environment.new(tmp_path)
    there.see_all()
    there.install(full)
    there.install(wheel)
    package = Path(there.run("python", "-c", WHERE).strip())
    assert package.parent.parent == there.packages
    predict = (NAME, str(exported.file), str(frames[0]), "--output", str(tmp_path / "found"))
    assert there.run(*predict).startswith("1 frames, ")

    there.uninstall("thermal-detector")
    alone = Path(there.run("python", "-c", WHERE).strip())
    assert alone.parent.parent == there.packages / "thermal_detector_runtime"
    assert there.run(*predict).startswith("1 frames, ")

    there.install(full)
    there.uninstall(NAME)
    assert Path(there.run("python", "-c", WHERE).strip()) == package
    assert "predict" in there.run("thermal-detector", "--help")
    assert not [*there.packages.glob("thermal_detector_runtime*")]
