"""What Linux tells of processes and does for them; elsewhere these say and do nothing."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

_PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""

STATES = {"R": "running", "S": "waiting", "D": "waiting for a disk", "T": "stopped", "Z": "dead"}
"""By the letters of /proc/PID/stat."""


def die_with_parent() -> None:
    """The system kills this process when the one that started it is gone, however that went.

    Of a parent that went before this was asked for the system says nothing; where multiprocessing knows who
    it was, this process ends here.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)


def state(pid: int) -> str:
    """What a process does, of STATES; "gone" where there is none, "" where nobody tells."""
    if sys.platform != "linux":
        return ""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "gone"
    return STATES.get(text.rpartition(")")[2].split()[0], "")


def obey_parent_alone() -> None:
    """Of the signals that end a process take those of the parent only, which ends us in its own time.

    Ctrl-C and many a time limit reach every process of a group; a helper that went at once would look to its
    parent as if it had been killed for want of memory.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not hasattr(signal, "sigwaitinfo"):
        return
    parent = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def listen() -> None:
        while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
            pass
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
