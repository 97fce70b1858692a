"""What a study prepares, and finds prepared when it is started again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from detector.app.commands.study import prepare
from detector.app.running import workers
from detector.errors import UserError

# Makes its folder, which must be new; stops half-way while a file says so.
SCRIPT = """
import pathlib, sys
words = dict(word.split("=", 1) for word in sys.argv[2:])
folder = pathlib.Path(words["root"])
folder.mkdir()
if (folder.parent / "stop").exists():
    sys.exit("stopped")
(folder / "made").touch()
"""


@pytest.fixture(autouse=True)
def _script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text(SCRIPT)
    monkeypatch.setattr(workers, "PROGRAM", (sys.executable, tmp_path / "program.py"))


def test_a_command_that_was_cut_short_starts_anew_and_one_that_succeeded_does_not(tmp_path):
    study = tmp_path / "study"
    study.mkdir()
    (study / "stop").touch()
    commands = [["make", f"root={study / name}"] for name in "ab"]
    with pytest.raises(UserError, match="stopped"):
        prepare(commands, study)
    (study / "stop").unlink()
    prepare(commands, study)
    made = (study / "a" / "made").stat().st_mtime_ns
    assert (study / "b" / "made").exists()
    prepare(commands, study)
    assert (study / "a" / "made").stat().st_mtime_ns == made


def test_a_folder_outside_the_study_is_never_removed(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(UserError, match="File exists"):
        prepare([["make", f"root={other}"]], tmp_path / "study")
    assert other.exists()


def test_a_folder_of_other_commands_is_left_alone(tmp_path):
    prepare([["make", f"root={tmp_path / 'study' / 'a'}"]], tmp_path / "study")
    with pytest.raises(UserError, match="prepared by other commands"):
        prepare([["make", f"root={tmp_path / 'study' / 'b'}"]], tmp_path / "study")


@pytest.mark.parametrize("record", ["[" * 10**5, "7", "\0"])
def test_a_record_that_somebody_else_wrote_is_refused(tmp_path, record):
    (tmp_path / "prepared.json").write_text(record)
    with pytest.raises(UserError, match=r"prepared\.json: "):
        prepare([["synth"]], tmp_path)
