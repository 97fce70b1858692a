"""Every link and picture of the pages leads somewhere, and every page is in the site's navigation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.site.pages import HERE, PAGES, REPOSITORY, as_myst, links


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_and_pictures_exist(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    broken = [link for link in links(text) if not (REPOSITORY / page).parent.joinpath(link).exists()]
    assert not broken


def test_every_page_is_in_the_navigation_and_nothing_else():
    text = (HERE / "navigation.md").read_text(encoding="utf-8")
    named = re.findall(r"<?((?:data|docs)/[\w-]+)>?$", text, re.MULTILINE)
    assert sorted(f"{name}.md" for name in named) == sorted(page for page in PAGES if page != "README.md")


def test_links_are_those_to_other_files():
    text = "[a](b.md#c) ![d](e/f.png) [g](#h) [i](https://j) `[k](l.md)`\n```\n[m](n.md)\n```\n"
    assert list(links(text)) == ["b.md", "e/f.png"]


def test_what_a_git_host_reads_becomes_what_the_site_reads(tmp_path: Path):
    (tmp_path / "results").mkdir()
    text = "$`x_1`$ of `$y$` in [results/](results), [here](page.md), [start](../README.md#results)"
    assert as_myst(text, tmp_path) == (
        "{math}`x_1` of `$y$` in results/, [here](page.md), [start](../index.md#results)"
    )
