"""thermal-detector predict with a tracker, and summary: run, killed, run again."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from detector.app.runtime import TRACKER
from detector.thermal import io
from tests.built import built
from tests.integration.commands import files_under, finish, start

FRAMES = 24


@pytest.fixture
def season(tmp_path, tiny_set) -> Path:
    """Two recordings in which a scene stands still: whatever is found there is found in every frame."""
    for name, file in zip("ab", sorted((tiny_set / "test").iterdir()), strict=False):
        counts = io.read(file).counts
        (tmp_path / "season").mkdir(exist_ok=True)
        np.save(tmp_path / "season" / f"{name}.npy", np.stack([counts] * FRAMES))
    return tmp_path / "season"


@pytest.fixture
def told(finished) -> list[str]:
    """Everything that scores counts, and every object is one place: the tiny run finds nothing well."""
    engine = ["engine.device=cpu", "engine.precision=fp32", "engine.batch_size=4"]
    return [f"checkpoint={finished.run / 'checkpoints' / 'best.pt'}", "confidence=0.001", *engine]


def lines(file: str) -> list[dict]:
    return [json.loads(line) for line in Path("out", file).read_text().splitlines()]


def test_predict_numbers_what_stands_still_anew_in_every_recording(call, season, told):
    call("predict", f"source={season}", "tracker=bytetrack", "output=out", *told).assert_fine()
    frames = json.loads(Path("out/detections.json").read_text())["frames"]
    assert len(frames) == 2 * FRAMES
    for recording in (frames[:FRAMES], frames[FRAMES:]):
        numbers = [sorted(found["track"] or 0 for found in frame["objects"]) for frame in recording]
        assert not any(numbers[0])
        assert numbers[5] == numbers[-1] == list(range(1, len(numbers[0]) + 1))
    rows = Path("out/detections.csv").read_text().splitlines()
    assert rows[0].endswith(",track")
    assert rows[-1].split(",")[-1].isdigit()


def test_the_runtime_has_the_tracker_of_the_configuration():
    assert built("tracker/bytetrack") == TRACKER


def test_a_summary_goes_on_after_a_kill_and_tells_nothing_twice(call, season, told):
    rules = [
        "events.zones={all: [[0,0],[1,0],[1,1],[0,1]]}",
        "events.alarms={long: {seconds: 1.5, zone: all}}",
    ]
    summary = [f"source={season}", "output=out", *told, *rules]
    outcome = call("summary", *summary).assert_fine()
    visits, alarms, files = lines("visits.jsonl"), lines("alarms.jsonl"), files_under(Path("out"))
    assert {Path(visit["recording"]).name for visit in visits} == {"a.npy", "b.npy"}
    assert {visit["sightings"] for visit in visits} == {FRAMES - 2}
    assert all(visit["zones"] == {"all": pytest.approx(21 / 9, abs=0.01)} for visit in visits)
    assert len(alarms) == len(visits)
    assert f"{len(visits)} visits in 2 recordings, 5 s. {len(visits)} of them new: out\n" in outcome.out
    assert {"visits.csv", "settings.json", "index.html", "night_unknown.html", "recordings.jsonl"} <= files

    again = call("summary", *summary).assert_fine()
    assert "5 s. 0 of them new: out\n" in again.out
    assert (lines("visits.jsonl"), lines("alarms.jsonl")) == (visits, alarms)

    # As a kill in the middle of the second recording leaves it.
    whole = Path("out/visits.jsonl").read_bytes()
    Path("out/visits.jsonl").write_bytes(whole[: -len(whole) // 5])
    done = Path("out/recordings.jsonl").read_text().splitlines(keepends=True)
    Path("out/recordings.jsonl").write_text(done[0])
    call("summary", *summary).assert_fine()
    assert (lines("visits.jsonl"), lines("alarms.jsonl")) == (visits, alarms)
    assert files_under(Path("out")) == files


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_real_kill_loses_nothing(call, season, told, tmp_path):
    summary = [f"source={season}", "output=out", *told]
    process = start("summary", *summary, folder=tmp_path)
    while not (tmp_path / "out" / "visits.jsonl").exists() and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    finish(process)
    before = lines("visits.jsonl")
    call("summary", *summary).assert_fine()
    after = lines("visits.jsonl")
    assert after[: len(before)] == before
    keys = [(visit["recording"], visit["track"]) for visit in after]
    assert len(set(keys)) == len(keys) > 1
    assert {Path(name).name for name, _ in keys} == {"a.npy", "b.npy"}


def test_a_recording_that_is_cut_short_is_told_and_read_again(call, season, told):
    file = season / "b.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    outcome = call("summary", f"source={season}", "output=out", *told)
    assert outcome.status == 1
    assert "b.npy" in outcome.err
    assert [Path(entry["recording"]).name for entry in lines("recordings.jsonl")] == ["a.npy"]
    file.write_bytes(whole)
    call("summary", f"source={season}", "output=out", *told).assert_fine()
    assert [Path(entry["recording"]).name for entry in lines("recordings.jsonl")] == ["a.npy", "b.npy"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["~tracker"], "tracker: visits are of objects that are followed"),
        (["source=nothing"], "nothing: no such image file or folder"),
        (["events.gap=0.5"], "events.gap=0.5: must be at least tracker.keep=1.0"),
        (["output=season"], "must be a new folder or an empty one"),
    ],
)
def test_refuses(call, season, told, tmp_path, options, message):
    before = files_under(tmp_path)
    call("summary", f"source={season}", "output=out", *told, *options).assert_error(message)
    assert files_under(tmp_path) == before


def test_other_settings_are_another_output(call, season, told):
    call("summary", f"source={season}", "output=out", *told).assert_fine()
    outcome = call("summary", f"source={season}", "output=out", *told, "events.shortest=0.5")
    outcome.assert_error("out: was made with other settings; choose another output")
