"""One changed bit anywhere in a file is found, and the file before it is at hand."""

import random
import zipfile
from pathlib import Path

import pytest
import torch

from detector.engine import checkpoint, seal
from detector.errors import UserError
from tests.unit.engine.test_checkpoint import STATE

WRITERS = {"last.pt": checkpoint.save, "w.safetensors": checkpoint.save_weights}


@pytest.fixture(params=WRITERS)
def written(request, tmp_path) -> Path:
    path = tmp_path / request.param
    state = {**STATE, "ema": {"weight": torch.randn(40, 40)}}
    WRITERS[request.param](path, state)
    return path


def test_every_changed_bit_is_found(written):
    whole = written.read_bytes()
    rng = random.Random(0)
    ends = [*range(0, 64), *range(8 * len(whole) - 8 * 80, 8 * len(whole), 7)]  # lengths, and the seal itself
    for bit in [*ends, *(rng.randrange(8 * len(whole)) for _ in range(60))]:
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        written.write_bytes(changed)
        assert not seal.is_whole(written)
        with pytest.raises(UserError, match="is it complete"):
            checkpoint.load(written)
    written.write_bytes(whole)
    assert seal.is_whole(written)
    checkpoint.load(written)


def test_what_was_written_before_there_were_seals_is_read(tmp_path):
    path = tmp_path / "old.pt"
    torch.save({"format": checkpoint.FORMAT, "version": "0.2.0", **STATE}, path)
    assert checkpoint.load(path)["classes"] == ["person"]
    assert not seal.is_whole(path)


def test_former_checkpoints_are_kept_in_their_order(tmp_path):
    path = tmp_path / "last.pt"
    for name in "abcde":
        checkpoint.save(path, {**STATE, "classes": [name]}, keep=3)
    kept = {file.name: checkpoint.load(file)["classes"] for file in tmp_path.iterdir()}
    assert kept == {"last.pt": ["e"], "last-1.pt": ["d"], "last-2.pt": ["c"], "last-3.pt": ["b"]}


def test_a_damaged_checkpoint_names_the_whole_one_before_it_and_never_takes_its_place(tmp_path):
    path = tmp_path / "last.pt"
    for name in "ab":
        checkpoint.save(path, {**STATE, "classes": [name]}, keep=1)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"last-1\.pt is whole, and goes on a little earlier"):
        checkpoint.load(path)
    checkpoint.save(path, {**STATE, "classes": ["c"]}, keep=1)
    assert checkpoint.load(tmp_path / "last-1.pt")["classes"] == ["a"]
    assert checkpoint.load(path)["classes"] == ["c"]


def test_a_disk_without_links_keeps_copies(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    for name in "ab":
        checkpoint.save(tmp_path / "last.pt", {**STATE, "classes": [name]}, keep=1)
    assert checkpoint.load(tmp_path / "last-1.pt")["classes"] == ["a"]


def test_a_compressed_archive_is_refused_before_it_grows(tmp_path):
    path, squeezed = tmp_path / "a.pt", tmp_path / "b.pt"
    torch.save({"format": checkpoint.FORMAT, "version": "1", **STATE}, path)
    with zipfile.ZipFile(path) as one, zipfile.ZipFile(squeezed, "w", zipfile.ZIP_DEFLATED) as other:
        for member in one.infolist():
            other.writestr(member.filename, one.read(member))
    with pytest.raises(UserError, match="a compressed archive"):
        checkpoint.load(squeezed)
