"""Docstrings become markup without losing a word."""

from __future__ import annotations

from docs.site.docstrings import as_rst


def shrink(boxes: object, *, by: float = 0.5) -> None:
    """Stands for a function with a docstring."""


def test_sentences_about_parameters_become_fields_and_what_is_raised_a_paragraph():
    text = "Smaller boxes.\n\nboxes: [N, 4] in\npixels. by: the share. Raises UserError for\nby > 1."
    assert as_rst(text.split("\n"), shrink) == [
        "Smaller boxes.",
        "",
        "",
        ":param boxes: [N, 4] in",
        "   pixels.",
        ":param by: the share.",
        "",
        "Raises UserError for",
        "by > 1.",
    ]


def test_a_colon_behind_another_word_is_none():
    assert as_rst(["size: by: 3"], shrink) == ["size: by: 3"]
    assert as_rst(["by: 3"], None) == ["by: 3"]


def test_stars_bars_and_underscores_stay_plain_and_code_stays_code():
    lines = [r"|a| * b_ of `c_ * d` and e_f: see docs/losses.md."]
    assert as_rst(lines, None) == [
        r"\|a\| \* b\_ of `c_ * d` and e_f: see :doc:`docs/losses.md </docs/losses>`."
    ]


def test_a_list_stands_by_itself():
    assert as_rst(["Two:", "- one", "  more", "- two"], None) == ["Two:", "", "- one", "  more", "- two"]
