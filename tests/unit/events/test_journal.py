"""What is on disk, whatever happened in between."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.events.journal import COLUMNS, Journal, Lines
from tests.unit.events.builders import visit

VIEW = np.full((8, 12, 3), 90, np.uint8)
SETTINGS = {"weights": "abc", "events": {"gap": 2.0}}


def journal(folder: Path) -> Journal:
    """Begun, where it was not."""
    made = Journal(folder, settings=SETTINGS)
    made.begin()
    return made


def test_nothing_is_made_before_it_begins(tmp_path: Path):
    Journal(tmp_path / "new", settings=SETTINGS)
    assert not (tmp_path / "new").exists()


def test_what_was_added_is_there_and_comes_once(tmp_path: Path):
    first = journal(tmp_path / "new")
    assert first.add(visit(), VIEW)
    assert not first.add(visit(score=0.9), VIEW)
    again = journal(tmp_path / "new")
    assert not again.add(visit(), VIEW)
    assert again.add(visit(track=2), VIEW)
    assert journal(tmp_path / "new").visits == again.visits
    assert [one.picture for one in again.visits] == ["pictures/000001.jpg", "pictures/000002.jpg"]
    assert all((tmp_path / "new" / str(one.picture)).is_file() for one in again.visits)


def test_a_line_that_a_kill_cut_short_is_dropped_and_written_anew(tmp_path: Path):
    begun = journal(tmp_path)
    begun.add(visit(), VIEW)
    begun.add(visit(track=2), VIEW)
    file = tmp_path / "visits.jsonl"
    whole = file.read_bytes()
    for cut in (1, 30, len(whole.splitlines()[1])):
        file.write_bytes(whole[:-cut])
        again = journal(tmp_path)
        assert [one.track for one in again.visits] == [1]
        assert again.add(visit(track=2), VIEW)
        assert file.read_bytes() == whole


def test_long_lines_are_found_to_their_beginning(tmp_path: Path):
    lines = Lines(tmp_path / "l.jsonl")
    lines.add({"a": "x" * 10_000})
    with lines.path.open("ab") as file:
        file.write(b'{"b": "' + b"y" * 9000)
    lines.add({"c": 1})
    assert [list(entry) for entry in lines.read()] == [["a"], ["c"]]


KILLED = """
import os, signal, sys
from pathlib import Path
from detector.events.journal import Journal
from tests.unit.events.builders import visit
from tests.unit.events.test_journal import SETTINGS, VIEW
journal = Journal(Path(sys.argv[1]), settings=SETTINGS)
journal.begin()
for track in range(1, 6):
    journal.add(visit(track=track), VIEW)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_what_was_over_before_the_process_was_killed_is_there(tmp_path: Path):
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, check=False)
    assert [one.track for one in journal(tmp_path).visits] == [1, 2, 3, 4, 5]


def test_a_recording_is_done_while_it_has_its_size(tmp_path: Path):
    journal(tmp_path).finish("/a.cptv", 100, frames=9, seconds=1.0)
    again = journal(tmp_path)
    assert again.has("/a.cptv", 100)
    assert not again.has("/a.cptv", 101)
    assert not again.has("/b.cptv", 100)
    assert [entry["frames"] for entry in again.recordings] == [9]


def test_an_alarm_is_noted_once(tmp_path: Path):
    assert journal(tmp_path).alarm("guest", visit())
    again = journal(tmp_path)
    assert not again.alarm("guest", visit(last=30.0))
    assert again.alarm("fox", visit())
    entries = [json.loads(line) for line in (tmp_path / "alarms.jsonl").read_text().splitlines()]
    assert [(entry["alarm"], entry["visit"]["track"]) for entry in entries] == [("guest", 1), ("fox", 1)]


def test_the_table_has_every_visit(tmp_path: Path):
    begun = journal(tmp_path)
    begun.table()
    assert not tmp_path.joinpath("visits.csv").exists()
    begun.add(visit(zones={"door": 2.0, "yard": 3.5}, lines={"gate": -1}, alarms=["a", "b"]), VIEW)
    begun.table()
    with (tmp_path / "visits.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    told = [row[key] for key in ("class", "zones", "lines", "alarms")]
    assert told == ["person", "door:2.0 yard:3.5", "gate:-1", "a b"]


def test_refuses(tmp_path: Path):
    journal(tmp_path)
    with pytest.raises(UserError, match="was made with other settings"):
        Journal(tmp_path, settings={"weights": "def"})
    (tmp_path / "visits.jsonl").write_text("[1]\n")
    with pytest.raises(UserError, match=r"visits\.jsonl line 1: is no JSON object"):
        journal(tmp_path)
    (tmp_path / "visits.jsonl").write_text('{"track": 1}\n')
    with pytest.raises(UserError, match=r"visits\.jsonl: holds what is no visit of this version: must have"):
        journal(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"picture": "../secret.jpg"},
        {"picture": "/etc/secret.jpg"},
        {"start": "yesterday"},
        {"track": "1"},
        {"last": None},
        {"zones": []},
        {"lines": {"gate": "1"}},
    ],
)
def test_a_line_that_somebody_made_up_leads_nowhere(tmp_path: Path, changes):
    (tmp_path / "visits.jsonl").write_text(json.dumps({**visit().plain(), **changes}) + "\n")
    with pytest.raises(UserError, match=r"visits\.jsonl: holds what is no visit"):
        journal(tmp_path)
