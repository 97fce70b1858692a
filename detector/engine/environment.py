"""Which versions of what a run was made with, so that it can be made again."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

DISTRIBUTIONS = (
    "thermal-detector",
    "torchvision",
    "numpy",
    "albumentations",
    "opencv-python-headless",
    "pycocotools",
    "hydra-core",
)


def versions() -> dict[str, str]:
    """Python and the packages that results depend on, by name; those not installed are left out."""
    # torch's own word tells the build, +cpu or +cu130, too.
    found = {"python": platform.python_version(), "torch": str(torch.__version__)}
    for name in DISTRIBUTIONS:
        number = _version(name)
        if number is not None:
            found[name] = number
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
