"""Where the weights that ship with the package lie."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "weights"
"""One file for each network that ships, NETWORK.safetensors, and NETWORK.md, which tells where it is from."""

THERMAL = "thermal"
"""What a user calls them: as a start, those of the network that is trained; as a detector, SHIPPED."""

SHIPPED = FOLDER / "nano.safetensors"
