"""Processes that train together have the same frames, wherever each reads them from."""

from __future__ import annotations

import socket
from collections.abc import Mapping

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


def _told(fingerprint: Mapping[str, object]) -> str:
    return f"{fingerprint['frames']} frames and {fingerprint['objects']} objects"
