"""The page of a study, read as GitHub reads it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.report.study.page import (
    Study,
    differences_table,
    fronts_table,
    means_table,
    page,
    title_of,
)
from detector.tuning.results import Results

STUDY = Study(
    name="width",
    question="Does width help?",
    command="thermal-detector study study=width",
    prepare=[["synth", "root=data", "scene.objects=[0,8]"]],
    base=["data.root=data", "engine.epochs=3"],
    arms={"plain": [], "wide": ["model=small", "name=a|b"]},
    conditions={},
    tests={},
    baseline="plain",
    seeds=[0, 1, 2],
    folds=0,
)
NOISY = replace(STUDY, conditions={"clean": [], "noisy": ["data.root=noisy"]})


def results(plain, wide, *, metrics=("AP",), condition="") -> Results:
    """One value, or one for each metric, for each run; their places are the seeds."""
    runs = [
        (arm, seed, value)
        for arm, values in (("plain", plain), ("wide", wide))
        for seed, value in enumerate(values)
    ]
    return Results(
        conditions=(condition,) * len(runs),
        arms=tuple(arm for arm, _, _ in runs),
        seeds=tuple(seed for _, seed, _ in runs),
        folds=(None,) * len(runs),
        metrics=metrics,
        values=np.array([np.atleast_1d(value) for _, _, value in runs], float),
    )


def joined(*parts: Results) -> Results:
    return Results(
        conditions=sum((part.conditions for part in parts), ()),
        arms=sum((part.arms for part in parts), ()),
        seeds=sum((part.seeds for part in parts), ()),
        folds=sum((part.folds for part in parts), ()),
        metrics=parts[0].metrics,
        values=np.concatenate([part.values for part in parts]),
    )


def cells(table: str) -> list[list[str]]:
    """Rows of a table below its header, its code marks taken off."""
    return [
        [cell.strip().replace("`", "") for cell in row.strip("|").split("|")]
        for row in table.splitlines()[2:]
    ]


BY_HAND = results([0.5, 0.4, 0.6], [0.6, 0.6, 0.7])
"""Differences 0.1, 0.2 and 0.1; t is 0.1333 / (0.05774 / sqrt(3)) = 4, with 2 degrees of freedom."""


def test_the_tables_by_hand():
    assert means_table(STUDY, BY_HAND).splitlines() == [
        "| arm | runs | AP |",
        "| --- | --- | --- |",
        "| `plain` | 3 | 0.500 ± 0.100 |",
        "| `wide` | 3 | **0.633 ± 0.058** |",
    ]
    assert differences_table(STUDY, BY_HAND).splitlines() == [
        "| minus `plain` | pairs | AP |",
        "| --- | --- | --- |",
        "| `wide` | 3 | +0.133 ± 0.143, p 0.057 |",
    ]
    assert cells(fronts_table(STUDY, BY_HAND)) == [["AP", "wide", "plain"]]


def test_what_is_told_apart_is_bold():
    sure = results([0.5, 0.4, 0.6], [0.601, 0.5, 0.699])
    assert cells(differences_table(STUDY, sure)) == [["wide", "3", "**+0.100 ± 0.002, p <0.001**"]]
    assert cells(fronts_table(STUDY, sure)) == [["AP", "wide", "none"]]


def test_single_runs_have_neither_spread_nor_p_and_missing_ones_a_dash():
    one = results([(0.5, np.nan)], [(0.6, np.nan)], metrics=("AP", "AP75"))
    assert cells(means_table(STUDY, one)) == [["plain", "1", "0.500", "-"], ["wide", "1", "**0.600**", "-"]]
    assert cells(differences_table(STUDY, one)) == [["wide", "1", "+0.100", "-"]]
    assert cells(fronts_table(STUDY, one)) == [["AP", "wide", "plain"]]


def test_the_best_is_the_least_where_less_is_better_and_all_that_look_as_good():
    assert cells(means_table(STUDY, results([0.5], [0.6], metrics=("MR-2",))))[0][2] == "**0.500**"
    same = cells(means_table(STUDY, results([0.50011], [0.50012])))
    assert [row[2] for row in same] == ["**0.500**", "**0.500**"]
    assert cells(means_table(STUDY, results([0.5], [])))[0][2] == "0.500", "nothing to be better than"


def test_arms_stand_in_the_study_s_order_whichever_was_finished_first():
    found = joined(results([], [0.6]), results([0.5], []))
    assert [row[0] for row in cells(means_table(STUDY, found))] == ["plain", "wide"]


@pytest.mark.parametrize(
    ("metric", "title"),
    [
        ("AP50", "AP50"),
        ("precision_at_recall_0.8", "precision at recall 0.8"),
        ("overlap/>0.3/AP50", "AP50 overlap >0.3"),
        ("overlap/0-0.1/R50", "R50 overlap 0-0.1"),
        ("sizes/<6/AP", "AP size <6"),
        ("per_class/person/AP50", "AP50 person"),
        ("per_class/person/MR-2", "MR-2 person (less is better)"),
    ],
)
def test_titles_are_short(metric, title):
    assert title_of(metric) == title


def test_the_page_says_how_to_make_it_again():
    text = page(STUDY, BY_HAND, device="1 x cpu", versions={"python": "3.11", "torch": "2.14"})
    for line in (
        "# width",
        "Does width help?",
        "6 runs.",
        "thermal-detector study study=width",
        "- data: `thermal-detector synth root=data 'scene.objects=[0,8]'`",
        "- every run: `thermal-detector train data.root=data engine.epochs=3`",
        "- seeds: 0, 1, 2",
        "- folds: none",
        "- device: 1 x cpu",
        "- versions: python 3.11, torch 2.14",
        "| `plain` (baseline) | as it is |",
        r"| `wide` | `model=small` `name=a\|b` |",
    ):
        assert line in text.splitlines()
    assert "(results.svg)" in text
    assert "[results.csv](results.csv)" in text
    for table in (means_table, differences_table, fronts_table):
        assert table(STUDY, BY_HAND) in text


def test_each_condition_has_its_tables():
    """The second knows only one arm yet."""
    found = joined(
        results([0.5, 0.6], [0.6, 0.8], condition="clean"), results([0.3, 0.4], [], condition="noisy")
    )
    text = page(NOISY, found, device="1 x cpu", versions={})
    assert "| `noisy` | `data.root=noisy` |" in text
    clean, noisy = text.split("### clean\n")[1].split("### noisy\n")
    assert "| `wide` | 2 | **0.700 ± 0.141** |" in clean
    assert "minus `plain`" in clean
    assert "| `plain` | 2 | 0.350 ± 0.071 |" in noisy
    assert "minus" not in noisy


def test_tests_have_tables_as_conditions_have_and_are_no_runs_of_their_own():
    study = replace(STUDY, tests={"near": ["data.root=near"], "far": []})
    found = joined(results([0.5], [0.6], condition="near"), results([0.3], [0.4], condition="far"))
    text = page(study, found, device="", versions={})
    assert "**Unfinished: 2 of 6 runs.**" in text
    assert "| `near` | `data.root=near` |" in text
    near, far = text.split("### near\n")[1].split("### far\n")
    assert "| `wide` | 1 | **0.600** |" in near
    assert "| `wide` | 1 | **0.400** |" in far


def test_an_unfinished_study_says_so():
    part = results([0.5], [0.6])
    assert "**Unfinished: 2 of 6 runs.**" in page(STUDY, part, device="", versions={})
    assert "**Unfinished: 2 of 36 runs.**" in page(replace(NOISY, folds=3), part, device="", versions={})
    nothing = page(STUDY, Results((), (), (), (), ("AP",), np.zeros((0, 1))), device="", versions={})
    assert "**Unfinished: 0 of 6 runs.**" in nothing
    assert "results.svg" not in nothing


def test_the_page_reads_its_numbers_by_what_was_tested():
    def reading(study: Study, found: Results) -> str:
        return page(study, found, device="", versions={}).split("## How to read this")[1]

    assert "nothing here tells a difference from luck" in reading(STUDY, results([0.5], [0.6]))
    assert "paired by seed, " in reading(STUDY, BY_HAND)
    folded = replace(BY_HAND, folds=(0, 1, 2, 0, 1, 2))
    assert "Nadeau" in reading(replace(STUDY, folds=3), folded)
    assert "Nadeau" not in reading(STUDY, BY_HAND)


def test_a_study_s_folds_widen_its_intervals():
    """Of 3 folds each tests on half of what it trains on: sqrt((1/3 + 1/2) / (1/3)) * 0.1434 = 0.2268."""
    table = differences_table(replace(STUDY, folds=3), BY_HAND)
    assert cells(table)[0][2].startswith("+0.133 ± 0.227, p ")
