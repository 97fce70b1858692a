"""A run's page in a real browser: complete, offline, readable, on a phone and on a wide screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.app.commands.report import read_run
from detector.report.kit.page import write
from detector.report.run.page import SECTIONS, run_page
from tests.browser import chromium
from tests.unit.report.run_builders import made_run

pytestmark = pytest.mark.skipif(
    chromium.executable() is None, reason="no Chromium on the PATH: apt-get install chromium"
)

COMPLAINTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

TOO_WIDE = """[...document.querySelectorAll("body *")]
    .filter(element => !element.closest(".scroll, svg"))
    .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map(element => element.tagName + "." + element.className)"""

PICTURES = """Promise.all([...document.images]
    .map(image => image.decode().then(() => image.naturalWidth, () => 0)))"""

TEXTS = """(() => {
    const colour = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const ground = element => {
        for (let at = element; at; at = at.parentElement) {
            const found = colour(getComputedStyle(at).backgroundColor);
            if (found.length && found[3] !== 0) return found.slice(0, 3);
        }
        return null;
    };
    return ["h1", "h2", "p", "a", "td", "th", "dt", "dd", "figcaption", "summary", ".hint", ".level",
            ".caption", "svg text"]
        .flatMap(kind => [...document.querySelectorAll(kind)].slice(0, 40).map(element => {
            const style = getComputedStyle(element);
            const front = kind == "svg text" ? style.fill : style.color;
            return [kind, colour(front).slice(0, 3), ground(element)];
        }));
})()"""
"""Kind, colour of the letters and of what is behind them, as red, green, blue in 0 to 255."""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    run = made_run(tmp_path_factory.mktemp("made"))
    write(run_page(read_run(run)), run / "report.html")
    return run / "report.html"


@pytest.fixture(scope="module")
def tab(tmp_path_factory) -> Iterator[chromium.Tab]:
    with chromium.started(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(params=[(400, "light"), (400, "dark"), (1600, "light"), (1600, "dark")], ids=str)
def opened(request, tab, page) -> chromium.Tab:
    """The page in a window of that width, in a browser that prefers that scheme."""
    width, scheme = request.param
    tab.look(width, scheme=scheme)
    tab.open(page.as_uri())
    assert tab.ask("innerWidth") == width
    assert tab.ask(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
    return tab


def test_the_browser_has_nothing_to_complain_about_and_fetches_nothing(opened, page):
    assert len(opened.ask("[...document.querySelectorAll('h2')].map(h => h.textContent)")) == len(SECTIONS)
    assert [event for event in opened.events if event[0] in COMPLAINTS] == []
    asked = {p["request"]["url"] for method, p in opened.events if method == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}


def test_nothing_is_wider_than_the_window(opened):
    """What is wide, such as a table of many classes, scrolls inside the page."""
    assert opened.ask("document.documentElement.scrollWidth <= innerWidth")
    assert opened.ask(TOO_WIDE) == []


def test_every_picture_can_be_seen(opened):
    widths = opened.ask(PICTURES)
    assert len(widths) >= 5
    assert min(widths) > 100
    assert opened.ask(
        "[...document.querySelectorAll('svg')].every(svg => svg.getBoundingClientRect().width > 200)"
    )


def test_all_text_stands_out_from_what_is_behind_it(opened):
    texts = opened.ask(TEXTS)
    assert {"h1", "p", "td", "figcaption", ".hint", ".level", "svg text"} <= {kind for kind, _, _ in texts}
    poor = [text for text in texts if contrast(text[1], text[2]) < 4.5]
    assert poor == []


def test_links_lead_to_their_sections(opened):
    places = opened.ask(
        "[...document.querySelectorAll('nav a')].map(a => document.querySelector(a.hash) !== null)"
    )
    assert len(places) == len(SECTIONS)
    assert all(places)


@pytest.mark.parametrize(
    ("front", "back", "ratio"),
    [
        ((0, 0, 0), (255, 255, 255), 21.0),
        ((119, 119, 119), (255, 255, 255), 4.48),
        ((9, 9, 9), (9, 9, 9), 1.0),
    ],
)
def test_contrast_is_that_of_the_web_s_guidelines(front, back, ratio):
    assert contrast(front, back) == pytest.approx(ratio, abs=0.005)


def contrast(front: list[float], back: list[float]) -> float:
    """WCAG 2.1's contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(front), luminance(back)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: list[float]) -> float:
    shares = (value / 255 for value in colour)
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
