"""A study by the real command: run, cut short, gone on with."""

from __future__ import annotations

import json

from tests.integration.commands import TINY_RUN, program


def study(tiny_set, *, second: str) -> list[str]:
    """Two arms of one seed on the tiny set, the second with another criterion."""
    base = [*TINY_RUN, f"data.root={tiny_set}", "engine.epochs=1"]
    quoted = ",".join(json.dumps(value) for value in base)
    return [
        "study=clutter",
        "output=out",
        "study.prepare=[]",
        "~study.conditions.clutter",
        "~study.conditions.empty",
        f"study.base=[{quoted}]",
        "~study.arms.mining",
        "~study.arms.all_negatives",
        "+study.arms.a=[]",
        "study.baseline=a",
        "study.seeds=[0]",
        "study.metrics=[AP, AP50]",
        f"+study.arms.b=['criterion={second}']",
    ]


def test_a_study_cut_short_goes_on_and_keeps_what_is_finished(tiny_set, tmp_path):
    broken = program("study", *study(tiny_set, second="focus"), folder=tmp_path)
    broken.assert_error("error: train model.stem=4 ")
    assert "focus" in broken.err
    first = tmp_path / "out" / "a" / "seed0" / "metrics.json"
    stamp = first.stat().st_mtime_ns
    assert (tmp_path / "out" / "results.csv").read_text().count("\n") == 2

    whole = program("study", *study(tiny_set, second="focal"), folder=tmp_path).assert_fine()
    assert first.stat().st_mtime_ns == stamp
    assert [line.split(",")[:2] for line in (tmp_path / "out" / "results.csv").read_text().splitlines()] == [
        ["condition", "arm"],
        ["", "a"],
        ["", "b"],
    ]
    table = (tmp_path / "out" / "results.md").read_text()
    assert "page: out/results.md" in whole.out
    assert "minus `a`" in table
