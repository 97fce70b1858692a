"""What needs no tensors needs no torch: the ground that a runtime for small machines stands on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

import detector

PACKAGE = Path(detector.__file__).parent
ROOMS = (
    *(
        "errors",
        "structures",
        "thermal",
        "synth",
        "data",
        "doctor",
        "evaluation",
        "charts",
        "report",
        "tuning",
        "labelling",
        "tracking",
        "events",
        "live",
    ),
    *(
        "geometry.nms",
        "inference",
        "engine.settings",
        "app.parts",
        "app.configs",
        "app.settings",
        "app.build",
    ),
)
WITH_TENSORS = {
    *("data.loading.dataset", "data.loading.loader"),
    *("inference.network", "inference.split"),
}
"""The modules of those rooms that hold tensors."""

USE = """
import sys
sys.modules["torch"] = sys.modules["torchvision"] = None
import importlib, json
for name in sys.argv[2:]:
    importlib.import_module(name)

import numpy as np
from detector.app.parts import build
from detector.inference.draw import draw
from detector.structures import Detections
from detector.thermal import io

frame = io.read(sys.argv[1])
gain = build("thermal", {"name": "percentile", "low": 0.0, "high": 100.0, "min_span": 16.0})
found = Detections(np.array([[8, 4, 20, 16]], np.float32), np.array([0.9], np.float32), np.array([0]))
picture = draw(gain(frame), found, classes=("person",), scale=2)
print(json.dumps([picture.shape, picture[6, 2].tolist(), picture[7, 30].tolist()]))
"""


def modules(room: str) -> list[str]:
    """The full names of a room's modules."""
    folder = PACKAGE / room.replace(".", "/")
    files = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    names = (".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in files)
    return sorted(f"detector.{name.removesuffix('.__init__')}" for name in names if name not in WITH_TENSORS)


def test_a_frame_is_read_gained_and_drawn_on_without_torch(tmp_path: Path) -> None:
    """After every module of the rooms was imported; a black frame with a white corner keeps both."""
    counts = np.full((24, 32), 7000, np.uint16)
    counts[:4, :4] = 7100
    cv2.imwrite(str(tmp_path / "frame.png"), counts)
    wanted = [name for room in ROOMS for name in modules(room)]
    assert len(wanted) > 100
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path / "frame.png"), *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    orange_line = [255, 149, 0]  # above the box, in the first class's colour
    assert json.loads(done.stdout) == [[48, 64, 3], [255, 255, 255], orange_line]
