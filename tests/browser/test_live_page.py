"""The live page in a real browser, on a phone and on a wide screen."""

from __future__ import annotations

import pytest

from detector.live.newest import Counts
from detector.live.server import serving
from tests.browser import chromium
from tests.unit.live.test_server import view_of

pytestmark = pytest.mark.skipif(
    chromium.executable() is None, reason="no Chromium on the PATH: apt-get install chromium"
)

COLOURED = """(() => {
    const canvas = document.querySelector("canvas");
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let count = 0;
    for (let at = 0; at < data.length; at += 4) count += data[at] !== data[at + 1];
    return count;
})()"""
"""Pixels that are not grey: those of boxes and their names."""

UNTIL = """new Promise(resolve => {
    const look = () => (%s) ? resolve(true) : setTimeout(look, 20);
    look();
})"""


def test_boxes_pause_step_and_sliders(tmp_path):
    view = view_of()
    shown = view.after(0, wait=0.0)._prediction

    def figure(name: str) -> str:
        return f"""document.querySelector('dd[data-name="{name}"]')?.textContent"""

    with serving(view, host="127.0.0.1", port=0) as address, chromium.started(tmp_path) as tab:
        for width in (400, 1600):
            tab.look(width)
            tab.open(address)
            tab.ask(UNTIL % f"{figure('objects')} === '1'")
            assert tab.ask("document.documentElement.scrollWidth") <= width
            assert tab.ask(COLOURED) > 100
        tab.ask("document.querySelector('#pause').click()")
        view.show(shown, arrived=0.0, counts=Counts(6, 2, 1))
        tab.ask("new Promise(resolve => setTimeout(resolve, 300))")
        assert tab.ask(figure("frames")) == "5"
        tab.ask("document.querySelector('#step').click()")
        tab.ask(UNTIL % f"{figure('frames')} === '6'")
        tab.ask(
            "(() => { const all = document.querySelectorAll('input'); all[1].value = 0.9; "
            "all[1].dispatchEvent(new Event('input')); })()"
        )
        assert tab.ask(figure("objects")) == "0"
        assert tab.ask(COLOURED) == 0
        assert not [event for event in tab.events if event[0] == "Runtime.exceptionThrown"]
