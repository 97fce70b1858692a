"""A detector computed in one way, in a process of its own: so its start and its memory are its own too."""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from detector.app.exported import Exported
from detector.app.opening import Detector
from detector.app.timing import energy
from detector.data.loading.padding import pad_to_multiple
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.inference.pipeline import shots
from detector.inference.stages import lowest, thresholds
from detector.structures import Frame
from detector.system import die_with_parent

PATIENCE = 600.0
"""Seconds for one answer: the first of a compiled network takes minutes on a small machine."""
FAREWELL = 5.0
"""Seconds in which a process that is no longer asked may tidy up."""
ALONE = InferenceSettings(device="cpu", precision="fp32", batch_size=1)


@dataclass(frozen=True)
class Way:
    """runtime: torch, compiled (by torch), or one of inference.runtimes. precision: for the table.

    file: a checkpoint for the first two, else an .onnx file.
    """

    runtime: str
    precision: str
    file: str
    threads: int


@dataclass(frozen=True)
class Started:
    """seconds: from its process's start to the first answer. memory: MiB, the most it held until then."""

    seconds: float
    memory: float


@dataclass(frozen=True)
class Times:
    """Seconds of each round: the network alone, and from counts to objects. joules: of a frame, or None."""

    network: list[float]
    frame: list[float]
    joules: float | None


class Worker:
    """A process that answers to `start` and `time`, turn by turn with others. To be entered."""

    def __init__(self, way: Way) -> None:
        self.way = way
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(way, theirs), daemon=True)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()  # which tells it to end
        if self._process.pid is not None:
            self._process.join(FAREWELL)
            self._process.kill()
            self._process.join()

    def start(self, counts: np.ndarray) -> Started:
        """Starts the process, which answers for these counts once. UserError where it cannot."""
        begun = time.perf_counter()
        self._process.start()
        memory: float = self._ask("start", counts)
        return Started(time.perf_counter() - begun, memory)

    def time(self, counts: np.ndarray, *, rounds: int) -> Times:
        """After a few rounds that do not count. counts: [H, W] uint16."""
        found: Times = self._ask("time", counts, rounds)
        return found

    def _ask(self, *question: Any) -> Any:
        self._ours.send(question)
        if not self._ours.poll(PATIENCE):
            raise UserError(f"{self.way.runtime}: no answer for {PATIENCE:.0f} s")
        try:
            answer = self._ours.recv()
        except EOFError as error:
            raise UserError(f"{self.way.runtime}: ended without a word; out of memory?") from error
        if isinstance(answer, Exception):
            raise UserError(f"{self.way.runtime}: {str(answer).strip().partition(chr(10))[0]}") from answer
        return answer


def _serve(way: Way, connection: Connection) -> None:
    die_with_parent()
    try:
        subject = Subject(way)
        while True:
            name, *given = connection.recv()
            connection.send(getattr(subject, name)(*given))
    except EOFError:
        return  # nobody asks any more
    except Exception as error:  # whatever a compiler or a runtime may raise is the answer
        connection.send(UserError(f"{type(error).__name__}: {error}"))


class Subject:
    """What is timed, in the process that times it."""

    WARMUP = 3

    def __init__(self, way: Way) -> None:
        cv2.setNumThreads(way.threads)
        self.network, self.detector = _opened(way)
        self.pipeline = self.detector.pipeline(ALONE)
        self.least = lowest(
            thresholds(self.detector.classes, stored=self.detector.thresholds, confidence=None)
        )

    def start(self, counts: np.ndarray) -> float:
        """Of the process until it has answered: MiB."""
        self._frame(counts)
        return _most_held()

    def time(self, counts: np.ndarray, rounds: int) -> Times:
        """See Worker.time."""
        frame = _frame_of(counts)
        image = pad_to_multiple(self.detector.gain(frame), self.pipeline.multiple)[None, None]
        for _ in range(self.WARMUP):
            self.network(image)
            self._frame(counts)
        network = [_seconds(lambda: self.network(image)) for _ in range(rounds)]
        before = energy.read()
        whole = [_seconds(lambda: self._frame(counts)) for _ in range(rounds)]
        used = energy.joules(before, energy.read())
        return Times(network, whole, None if used is None else used / rounds)

    def _frame(self, counts: np.ndarray) -> None:
        """As a camera's frames are computed: one by one, for what counts as an object."""
        for _ in self.pipeline(list(shots([_frame_of(counts)], self.detector.gain)), least=self.least):
            pass


def _opened(way: Way) -> tuple[Callable[[np.ndarray], object], Detector]:
    """The network alone, images [1, 1, H, W] -> anything, and the detector around it."""
    if way.runtime not in ("torch", "compiled"):
        exported = Exported(way.file, runtime=way.runtime, threads=way.threads)
        return exported.file.run, exported
    # Only here: what needs no torch must not pay for it in start and memory.
    import torch

    from detector.app.trained import Trained

    torch.set_num_threads(way.threads)
    trained = Trained(way.file, device=torch.device("cpu"))
    if way.runtime == "compiled":
        trained.model.compile()

    @torch.no_grad()
    def network(image: np.ndarray) -> object:
        return trained.model(torch.from_numpy(image).to(memory_format=torch.channels_last))

    return network, trained


def _frame_of(counts: np.ndarray) -> Frame:
    return Frame(counts, bit_depth=16, source="noise")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _most_held() -> float:
    """MiB that this process has held at most; of its program alone, where the system tells (Linux)."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # bytes on macOS


def quiet_threads(threads: int) -> None:
    """For processes started from now on: threads of libraries that look at the environment alone."""
    os.environ.update(OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
