"""What processes that train together must have alike, on whichever host each of them is."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from detector import distributed
from detector.errors import UserError


def require_alike(fingerprints: Mapping[str, Mapping[str, object]]) -> None:
    """UserError, in every process, where one has other frames or boxes than the first.

    fingerprints: of this process's splits, by name, see data/fingerprint.py. With other frames a process
    would go through its epochs at another pace, and all would wait for ever or learn from who knows what.
    """
    everywhere = distributed.gathered((socket.gethostname(), fingerprints))
    wanted = everywhere[0][1]
    for number, (host, own) in enumerate(everywhere):
        for split, found in own.items():
            if found != wanted[split]:
                raise UserError(
                    f"process {number} on {host} has another {split} split than process 0, {_told(found)} "
                    f"against {_told(wanted[split])}, or other boxes or pictures: all need the same set"
                )


def require_on_first(file: Path) -> None:
    """UserError, in every process, where another one finds a file that the first, its reader, does not."""
    everywhere = distributed.gathered((socket.gethostname(), file.is_file()))
    if everywhere[0][1]:
        return
    for number, (host, there) in enumerate(everywhere):
        if there:
            raise UserError(
                f"{file}: is there for process {number} on {host}, and not for process 0 on "
                f"{everywhere[0][0]}, which would begin anew: copy the run there, or use a shared disk"
            )


def _told(fingerprint: Mapping[str, object]) -> str:
    return f"{fingerprint['frames']} frames and {fingerprint['objects']} objects"
