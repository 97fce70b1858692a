"""Wheels of this repository, built without the network, in environments of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def built(source: Path, folder: Path) -> Path:
    """The wheel of the project in `source`, by the backend that is here."""
    build = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
    subprocess.run([*PIP, *build, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Environment:
    """programs: the folder of its programs. packages: of its packages. folder: where programs are run."""

    programs: Path
    packages: Path
    folder: Path

    @classmethod
    def new(cls, folder: Path) -> Environment:
        """One without packages."""
        venv = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        paths = sysconfig.get_paths(vars={"base": str(venv), "platbase": str(venv)})
        return cls(Path(paths["scripts"]), Path(paths["purelib"]), folder / "empty")

    def see_all(self) -> None:
        """It also finds the packages that are here, and not what is installed as editable.

        A folder named in a .pth file has its own .pth files ignored.
        """
        (self.packages / "present.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")

    def install(self, wheel: Path) -> None:
        """Without what it requires."""
        self._pip("install", "--quiet", "--no-deps", str(wheel))

    def uninstall(self, name: str) -> None:
        self._pip("uninstall", "--quiet", "--yes", name)

    def run(self, program: str, *words: str, inside: str = "") -> str:
        """What it says on stdout; the test fails with what it said where it ends with an error."""
        ended = self.end_of(program, *words, inside=inside)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def end_of(self, program: str, *words: str, inside: str = "") -> subprocess.CompletedProcess[str]:
        """How it ended, well or not."""
        folder = self.folder / inside
        folder.mkdir(exist_ok=True)
        hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        return subprocess.run(
            [str(self.programs / program), *words],
            cwd=folder,
            env={
                **{key: value for key, value in os.environ.items() if key not in hidden},
                "OMP_NUM_THREADS": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def _pip(self, *words: str) -> None:
        subprocess.run([*PIP, "--python", str(self.programs / "python"), *words], check=True)
