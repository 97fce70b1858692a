"""`make docs`: the site is built without a warning, and needs nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from detector.app.commands import COMMANDS
from tests.integration.commands import REPOSITORY

for needed in ("sphinx", "myst_parser", "furo"):
    pytest.importorskip(needed, reason="needs the extra docs: pip install 'thermal-detector[docs]'")


class _Page(HTMLParser):
    """loaded: what a browser fetches for it. linked: where its links lead. places: what #place may name."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.places: set[str] = set()
        self.text = file.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.places.add(named.get("id", ""))
        if tag == "a":
            self.linked.append(named.get("href", ""))
        elif tag == "link" and named.get("rel") not in ("stylesheet", "icon", "preload"):
            self.linked.append(named["href"])
        elif tag != "use":  # a drawing of the page itself
            self.loaded += [named[name] for name in ("src", "href", "srcset", "data") if name in named]


def test_the_site(tmp_path):
    """One test, because the build takes half a minute and workers would each build their own."""
    ended = subprocess.run(
        [sys.executable, "-m", "docs.site.build", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    pages = {file: _Page(file) for file in tmp_path.rglob("*.html")}
    nothing_is_loaded_from_elsewhere(tmp_path, pages)
    every_link_leads_to_a_page_and_a_place_in_it(pages)
    commands_formulas_and_the_api_are_there(tmp_path, pages)
    search_is_a_script_that_a_file_can_load(tmp_path)


def nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, _Page]) -> None:
    for file, page in pages.items():
        for loaded in page.loaded:
            assert not re.match(r"[a-z]+:|//", loaded), f"{file}: {loaded}"
            assert (file.parent / unquote(loaded.partition("?")[0])).exists(), f"{file}: {loaded}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"@import|url\(['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def every_link_leads_to_a_page_and_a_place_in_it(pages: dict[Path, _Page]) -> None:
    for file, page in pages.items():
        for link in page.linked:
            if re.match(r"[a-z]+:", link):
                continue
            path, _, place = unquote(link).partition("#")
            target = (file.parent / path.partition("?")[0]).resolve() if path else file
            assert target.exists(), f"{file}: {link}"
            if place and target in pages:
                assert place in pages[target].places, f"{file}: {link}"


def commands_formulas_and_the_api_are_there(site: Path, pages: dict[Path, _Page]) -> None:
    assert all((site / "commands" / f"{name}.html") in pages for name in COMMANDS)
    losses = pages[site / "docs" / "losses.html"].text
    assert losses.count("<math ") > 100
    assert "$`" not in losses
    assert "\\frac" not in losses
    assert {"detector.load", "detector.Model.predict"} <= pages[site / "api" / "index.html"].places


def search_is_a_script_that_a_file_can_load(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(")
    assert "wasserstein" in index
