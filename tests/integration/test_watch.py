"""thermal-detector watch, as a browser meets it."""

from __future__ import annotations

import json
import os
import signal
import urllib.request

import numpy as np
import pytest

from detector.thermal import io
from tests.integration.commands import finish, start


@pytest.mark.skipif(os.name != "posix", reason="ends a process by a signal")
def test_a_recording_plays_on_a_page_until_sigterm(finished, tiny_set, tmp_path):
    still = io.read(sorted((tiny_set / "test").iterdir())[0]).counts
    np.save(tmp_path / "still.npy", np.stack([still] * 4))
    process = start(
        "watch",
        f"checkpoint={finished.run / 'checkpoints' / 'best.pt'}",
        "source=still.npy",
        "tracker=bytetrack",
        "confidence=0.001",
        "port=0",
        "record=kept",
        "events.alarms={stays: {seconds: 0.2}}",
        "engine.device=cpu",
        folder=tmp_path,
    )
    try:
        assert process.stdout is not None
        name, _, address = process.stdout.readline().strip().partition(": ")
        number = 0
        while number < 6:
            with urllib.request.urlopen(f"{address}next?after={number}", timeout=60) as answer:
                shown = json.load(answer)
            number = shown["number"]
        process.send_signal(signal.SIGTERM)
    finally:
        outcome = finish(process, timeout=60)
    assert name == "still"
    assert shown["size"] == list(still.shape[::-1])
    assert sorted(found["track"] for found in shown["objects"]) == list(range(1, len(shown["objects"]) + 1))
    assert shown["objects"]
    assert (outcome.status, outcome.err.splitlines()[-1]) == (130, "stopped by SIGTERM")
    assert "alarm stays: " in outcome.err
    received, kept = (int(line.split()[0]) for line in outcome.out.splitlines()[-2:])
    assert received >= number
    pictures = sorted((tmp_path / "kept").rglob("*.png"))
    assert len(pictures) == kept
    assert np.array_equal(io.read(pictures[0]).counts, still)
