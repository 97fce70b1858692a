"""What the shell offers after a tab, asked as bash asks."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from detector.app.completion import candidates, script

BASH = shutil.which("bash")


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("", {"train", "eval", "predict", "--help"}),
        ("tr", {"train"}),
        ("train mod", {"model=", "model."}),
        ("train model=", {"model=pico", "model=nano", "model=small", "model=medium"}),
        ("train model=s", {"model=small"}),
        ("train engine.ep", {"engine.epochs="}),
        ("train model=small engine.pa", {"engine.patience="}),
        ("train criterion.mining.r", {"criterion.mining.ratio="}),
        ("train criterion=varifocal criterion.mi", set()),
        ("train engine.compile=", {"engine.compile=true", "engine.compile=false"}),
        ("train engine.device=", {"engine.device=auto"}),
        ("train --c", {"--cfg", "--config-dir"}),
        ("eval check", {"checkpoint="}),
        ("convert data=v", {"data=voc"}),
        ("convert data=voc data.source.im", {"data.source.images="}),
        (
            "compare_suppression postprocess@methods.so",
            {"postprocess@methods.soft=", "postprocess@methods.soft_linear="},
        ),
        ("compare_suppression postprocess@methods.soft=gr", {"postprocess@methods.soft=greedy"}),
        ("study study=lo", {"study=loss", "study=loss_tuning"}),
        ("nonsense x", set()),
    ],
)
def test_candidates_begin_as_what_is_typed(line, some):
    found = set(candidates(f"thermal-detector {line}"))
    if line:
        assert found == some
    assert found >= some


def test_deeper_keys_come_level_by_level():
    found = candidates("thermal-detector train ")
    assert {"engine.", "engine=", "seed=", "criterion."} <= set(found)
    assert all(word.count(".") <= 1 for word in found)


@pytest.mark.skipif(BASH is None, reason="no bash here")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("thermal-detector trai", ["train"]),
        (
            "thermal-detector train model=",
            ["medium", "nano", "pico", "small"],
        ),  # bash keeps what is before the =
        ("thermal-detector train engine.ep", ["engine.epochs="]),
    ],
)
def test_bash_offers_them(line, offered, tmp_path):
    program = tmp_path / "thermal-detector"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m detector "$@"\n')
    program.chmod(0o755)
    asked = f"""{script()}
COMP_LINE={line!r}; COMP_POINT={len(line)}; COMP_WORDS=({program}); COMP_CWORD=0
_thermal_detector
printf '%s\\n' "${{COMPREPLY[@]}}"
complete -p thermal-detector
"""
    ended = subprocess.run([str(BASH), "-c", asked], capture_output=True, text=True, check=True)
    *words, registered = ended.stdout.splitlines()
    assert words == offered
    assert "_thermal_detector" in registered


def test_zsh_reads_the_same_function():
    assert script("zsh").endswith(script("bash"))
    assert "bashcompinit" in script("zsh")
