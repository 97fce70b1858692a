"""The folder of a training run: one training at a time, and no run in the place of another unless asked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from detector.errors import UserError

try:
    import fcntl
except ImportError:  # Windows: nothing keeps a second run out
    fcntl = None  # type: ignore[assignment]

LOCK = "run.lock"
CHECKPOINTS = "checkpoints"
RESULTS = (CHECKPOINTS, "metrics.json", "predictions.json", "weights.safetensors")
"""What makes a folder one of a run that nobody would want to lose."""
OWN = (*RESULTS, "config.yaml", "environment.json", "nonfinite.json", "resumed.json", "tensorboard")
OWN_PICTURES = ("samples.png", "report.html", "evaluation")


class Locked:
    """Holds a run's folder for this process, until `release` or its end, however it ends.

    The system keeps the lock, so a crash leaves none behind. A second process of the same run, `join=True`,
    shares it; while any of them lives nobody else gets in. Raises UserError where another run has it.
    """

    def __init__(self, folder: Path, *, join: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / LOCK
        self.join = join
        self._file = self._taken(join)
        if not join:
            os.truncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let others in; who came first leaves no file."""
        if not self.join:
            self.path.unlink(missing_ok=True)
        os.close(self._file)

    def _taken(self, join: bool) -> int:
        """The open file, which is locked."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if fcntl is not None:
                    if not join:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if os.fstat(file).st_ino == self.path.stat().st_ino:
                    return file
            except FileNotFoundError:
                pass
            except BlockingIOError:
                holder = os.pread(file, 20, 0).decode(errors="replace").strip()
                os.close(file)
                raise UserError(
                    f"{self.path.parent}: another training runs there (process {holder or 'unknown'}); wait "
                    "for its end, or train into another folder: hydra.run.dir=PATH"
                ) from None
            os.close(file)  # the one that was locked has been taken away by who had it before


def require_unused(folder: Path, *, overwrite: bool) -> None:
    """UserError where a folder holds what a run has found and nobody said that it may go."""
    found = [name for name in RESULTS if (folder / name).exists()]
    if CHECKPOINTS in found and not any((folder / CHECKPOINTS).glob("*.pt")):
        found.remove(CHECKPOINTS)  # it was killed while it wrote the first one
    if found and not overwrite:
        raise UserError(
            f"{folder}: holds a run already ({', '.join(found)}); go on with it: "
            f"resume={folder / 'checkpoints' / 'last.pt'}, take another folder, or overwrite=true"
        )


def clear(folder: Path) -> None:
    """Take away what an earlier run left, so that nothing of it stands beside what the next one writes."""
    for name in (*OWN, *OWN_PICTURES):
        path = folder / name
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
