"""torchrun with two agents, as two hosts: a killed rank goes on from the checkpoint that one of them has."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector.engine import checkpoint
from tests.integration.commands import REPOSITORY, TINY_RUN, files_under, finish

AGENT = [
    *("--nnodes=2", "--nproc-per-node=1", "--max-restarts=1", "--rdzv-backend=c10d", "--rdzv-id=test"),
    *("--local-addr=127.0.0.1", "--monitor-interval=0.1"),
]
RUN = [
    *(word for word in TINY_RUN if not word.startswith(("engine.epochs", "engine.evaluate", "engine.warm"))),
    *("init=null", "engine.epochs=60", "engine.evaluate_every=60", "resume=auto", "hydra.run.dir=run"),
]


def agent(folder: Path, port: int, *words: str) -> subprocess.Popen[str]:
    folder.mkdir()
    # Else torch gives a second round the addresses of the first one, which costs a restart.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", *AGENT, f"--rdzv-endpoint=127.0.0.1:{port}"),
            *(str(REPOSITORY / "scripts" / "train.py"), *words),
        ],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="children of a process are looked up in /proc")
def test_a_killed_rank_goes_on_from_the_checkpoint_of_the_first_host(tiny_set: Path, tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [*RUN, f"data.root={tiny_set}"]
    folders = [tmp_path / name for name in "ab"]
    agents = [agent(folder, port, *words) for folder in folders]
    checkpoints = [folder / "run" / "checkpoints" / "last-1.pt" for folder in folders]
    deadline = time.monotonic() + 300
    while not any(file.exists() for file in checkpoints):
        assert time.monotonic() < deadline
        assert [process.poll() for process in agents] == [None, None]
        time.sleep(0.05)
    # Which of them has rank 0 is torch's to say.
    first = 0 if checkpoints[0].exists() else 1
    other = agents[1 - first].pid
    (rank,) = Path(f"/proc/{other}/task/{other}/children").read_text().split()
    os.kill(int(rank), signal.SIGKILL)
    outcomes = [finish(process) for process in agents]
    for outcome in outcomes:
        outcome.assert_fine()
    assert "lost its connection to the others" in outcomes[first].err
    run = folders[first] / "run"
    assert checkpoint.load(run / "checkpoints" / "last.pt")["progress"]["step"] == 180
    (resumed,) = json.loads((run / "resumed.json").read_text())
    assert 6 <= resumed["after_step"] < 180
    assert resumed["changes"] == []
    assert (run / "metrics.json").is_file()
    assert files_under(folders[1 - first]) == set()
