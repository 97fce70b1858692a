"""Help fits on a screen or two, and says what the configurations say."""

from __future__ import annotations

import pytest

from detector.app import configs, help
from detector.app.commands import COMMANDS


def test_the_program_lists_its_commands_one_line_each():
    lines = help.program().splitlines()
    for name in COMMANDS:
        assert len([line for line in lines if line.split()[:1] in ([name], [f"{name},"])]) == 1
    assert "  evaluate, eval       judge a checkpoint" in help.program()
    assert len(lines) < 30


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_how_it_is_used_and_what_it_takes(name):
    text = help.command(name, [])
    lines = text.splitlines()
    assert lines[0] == f"thermal-detector {name}: {COMMANDS[name].says}"
    assert any(line.startswith(f"  thermal-detector {name} ") for line in lines)
    assert len(lines) <= 85
    assert max(map(len, lines)) <= help.WIDTH
    assert "--cfg job" in lines[-1]
    known = configs.settings(name)
    assert set(COMMANDS[name].settings) <= set(known)
    for key in COMMANDS[name].settings:
        assert known[key].meaning, f"{key} has no comment in its file"
        assert f"\n  {key}=" in text


def test_an_option_has_its_line_and_the_default_a_star():
    lines = help.command("train", []).splitlines()
    assert any(line.split()[:2] == ["*", "nano"] for line in lines)
    assert any(line.split()[:1] == ["small"] and "1.1 M parameters" in line for line in lines)


def test_choices_already_made_show_their_own_defaults():
    text = help.command("train", ["model=small", "augment=none", "--help"])
    assert any(line.split()[:2] == ["*", "small"] for line in text.splitlines())


def test_what_must_be_given_is_told():
    text = help.command("convert", [])
    assert "output=...     must be given: a new or empty folder" in text


def test_a_long_setting_is_told_whole():
    lines = help.command("train", []).splitlines()
    (number,) = (number for number, line in enumerate(lines) if line.startswith("  resume=null"))
    told = " ".join(" ".join(lines[number : number + 2]).split())
    assert told.endswith("with that run's configuration; auto: the one in hydra.run.dir, if any")


def test_long_lines_end_with_a_clause():
    assert help._cut("short", 20) == "short"
    assert help._cut("one clause, two clauses: three", 26) == "one clause, two clauses"
    assert help._cut("what another says (et al. 2020) and more", 36) == "what another says (et al. 2020) ..."
