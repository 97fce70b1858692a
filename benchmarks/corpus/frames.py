"""Pictures and recordings."""

from __future__ import annotations

import gzip
import pickle
import random
import struct
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.corpus.harm import BENT, BOMB, CODE, DEVICE, VALUES, Case, Kind, Payload, Words, bent, device
from tests.unit.thermal.io_builders import WRITERS_8, WRITERS_16, write_file, write_film

FILMS = ("film.cptv", "film.tif", "film.npz", "film.npy", "film.mkv", "film.avi", "film.mp4", "packed.csq")
HEADER = 96
"""Bytes among which a file says its size."""


def pictures(case: Case, rng: random.Random, harm: str) -> Words:
    names = [
        (name, kind) for kind in (np.uint16, np.uint8) for name in (WRITERS_16, WRITERS_8)[kind == np.uint8]
    ]
    names = [(name, kind) for name, kind in names if not name.startswith(("film", "recording", "packed"))]
    name, kind = rng.choice(names)
    file = case.folder / "in" / name
    file.parent.mkdir()
    counts = np.random.default_rng(rng.randrange(2**32)).integers(0, 2**14, (64, 64))
    write_file(file, (counts if kind == np.uint16 else counts >> 6).astype(kind))
    return _fed(case, rng, harm, file)


def recordings(case: Case, rng: random.Random, harm: str) -> Words:
    file = case.folder / "in" / rng.choice(FILMS)
    file.parent.mkdir()
    counts = np.random.default_rng(rng.randrange(2**32)).integers(0, 2**14, (3, 64, 64)).astype(np.uint16)
    if file.suffix in (".mkv", ".avi", ".csq"):
        write_file(file, counts[0])
    elif file.suffix == ".mp4":
        write_file(file, (counts[0] >> 6).astype(np.uint8))
    else:
        write_film(file, counts)
    return _fed(case, rng, harm, file)


def _fed(case: Case, rng: random.Random, harm: str, file: Path) -> Words:
    if harm == DEVICE:
        device(file, rng)
    elif harm == BENT:
        file.write_bytes(bent(rng, file.read_bytes()))
    elif harm == VALUES:  # sizes, depths and offsets are in the first bytes, and at a TIFF's end
        file.write_bytes(bent(rng, file.read_bytes(), first=HEADER))
    elif harm == CODE:
        _pickled(file.with_suffix(rng.choice((".npy", ".npz", file.suffix))), rng, case)
    elif harm == BOMB:
        _blown_up(file, rng)
    if harm == DEVICE or rng.random() < 0.5:
        return ["predict", f"source={file}", "output=out", "pictures=none", "engine.device=cpu"]
    return ["frames", f"source={file.parent}", "output=out", "count=2", "checkpoint=null"]


def _pickled(file: Path, rng: random.Random, case: Case) -> None:
    array = np.array([Payload(case.canary)], dtype=object)
    if file.suffix == ".npz":
        np.savez(file, a=array)
    elif rng.random() < 0.5:
        np.save(file.with_suffix(".npy"), array, allow_pickle=True)
    else:
        file.write_bytes(pickle.dumps(Payload(case.canary)))


def _blown_up(file: Path, rng: random.Random) -> None:
    """A header that claims more than there is, or packed bytes that become very many."""
    data = file.read_bytes()
    giant = rng.choice((2**31 - 1, 2**32 - 1, 60000, 0))
    match file.suffix:
        case ".png":
            file.write_bytes(data[:16] + giant.to_bytes(4, "big") * 2 + data[24:])
        case ".npy":
            shape = rng.choice(
                ("(1000000, 1000000)", "(64, -64)", "(64,)*9", "(3, 2000000, 64)", f"({2**62},)")
            )
            head = (
                f"{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
            )
            file.write_bytes(b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head + data[128:])
        case ".npz":
            head = b"{'descr': '<u2', 'fortran_order': False, 'shape': (10000, 10000), }".ljust(117) + b"\n"
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                start = b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head
                archive.writestr("frames.npy", start + bytes(2 * 10**8))
        case ".cptv":
            file.write_bytes(gzip.compress(gzip.decompress(data) + bytes(3 * 10**8), 1))
        case ".tif" | ".tiff":  # every 32-bit number of it may be a size or the place of the next page
            changed = bytearray(data)
            for at in range(8, min(len(data) - 4, 300), 4):
                if rng.random() < 0.2:
                    changed[at : at + 4] = struct.pack("<I", rng.choice((giant, 8)))
            file.write_bytes(bytes(changed))
        case ".pgm":
            file.write_bytes(b"P5 999999 999999 65535\n" + data[:1000])
        case ".bmp" | ".fff" | ".csq" | ".avi" | ".mkv" | ".mp4" | ".jpg" | ".raw":
            changed = bytearray(data)
            for _ in range(8):
                at = rng.randrange(min(len(data) - 4, 400))
                changed[at : at + 4] = giant.to_bytes(4, rng.choice(("little", "big")))
            file.write_bytes(bytes(changed))


OWN = (CODE, BOMB, DEVICE, BENT, VALUES)
"""None of these files names another."""
KINDS = {"picture": Kind(OWN, pictures), "recording": Kind(OWN, recordings)}
