"""Pages are one file, whatever is written in them."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.charts import plots
from detector.report.kit import page as kit
from detector.report.kit.page import (
    Drawing,
    Facts,
    Notice,
    Page,
    Pair,
    Picture,
    Row,
    Section,
    Table,
    Text,
    Tiles,
    jpeg,
    render,
)

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;{{ 7 * 7 }}"
FIGURE = plots.histograms({HOSTILE: np.ones(3)}, np.arange(4), title=HOSTILE, x=HOSTILE)
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Collects elements and text, and fails where an element is not closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def picture(caption: str = "") -> Picture:
    return Picture(jpeg(np.zeros((6, 8), np.uint8)), alt=HOSTILE, caption=caption)


def whole_page() -> Page:
    """Every kind of block, with hostile text wherever there is text."""
    blocks = (
        Text(HOSTILE),
        Notice("error", HOSTILE, HOSTILE, HOSTILE, (HOSTILE, HOSTILE)),
        Table((HOSTILE, "n"), ((HOSTILE, "1"), ("b", HOSTILE)), HOSTILE),
        Drawing(FIGURE, HOSTILE, HOSTILE),
        picture(HOSTILE),
        Row((picture(HOSTILE), Drawing(FIGURE, HOSTILE)), HOSTILE),
        Row((Pair((picture(), picture())), Pair((picture(), picture())))),
        Row((Table((HOSTILE,), ((HOSTILE,),), HOSTILE), Drawing(FIGURE, HOSTILE))),
        Tiles((picture(HOSTILE),), HOSTILE),
        Facts(((HOSTILE, HOSTILE),)),
    )
    return Page(HOSTILE, HOSTILE, (Section(HOSTILE, blocks), Section("end", ())))


def test_hostile_text_stays_text():
    reader = Reader(render(whole_page()))
    assert reader.of("script") == []
    assert not any(
        attribute.startswith("on") for _, attributes in reader.elements for attribute in attributes
    )
    assert "49" not in "".join(reader.texts)
    assert reader.texts.count(HOSTILE) >= 21
    assert {attributes["alt"] for attributes in reader.of("img")} == {HOSTILE}


def test_nothing_is_fetched_from_elsewhere():
    text = render(whole_page())
    reader = Reader(text)
    assert len(reader.of("img")) == 7
    assert all(
        (attributes["src"] or "").startswith("data:image/jpeg;base64,") for attributes in reader.of("img")
    )
    assert reader.of("link") == []
    # A figure refers to itself, and names the language it is in.
    text = text.replace("url(#", "").replace("http://www.w3.org/", "")
    assert not re.search(r"url\(|@import|https?://", text)
    assert {f"#{attributes['id']}" for attributes in reader.of("section")} == {
        attributes["href"] for attributes in reader.of("a")
    }


def test_a_picture_comes_back_from_the_page():
    shown = np.zeros((40, 60, 3), np.uint8)
    shown[:, 30:] = (255, 0, 0)
    encoded = Picture(jpeg(shown), "half red").source.partition(",")[2]
    back = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert back.shape == shown.shape
    assert np.abs(back[20, (5, 55)].astype(int) - shown[20, (5, 55)]).max() < 12


def test_a_row_of_another_length_than_the_header_is_refused():
    with pytest.raises(ValueError, match="has 1 cells, the header 2"):
        Table(("a", "b"), (("1",),))


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "page.html"
    kit.write(Page("first", "", ()), path)
    monkeypatch.setattr(Path, "replace", _refuse)
    with pytest.raises(OSError, match="full"):
        kit.write(Page("second", "", ()), path)
    assert "first" in path.read_text()


def test_a_name_that_is_no_text_can_be_written(tmp_path):
    name = b"frame_\xff.png".decode("utf-8", "surrogateescape")
    kit.write(Page(name, "", ()), tmp_path / "page.html")
    assert "frame_?.png" in (tmp_path / "page.html").read_text(encoding="utf-8")


def _refuse(*_: Path) -> None:
    raise OSError("disk full")


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        kit.write(Page("title", "lead", ()), tmp_path / "taken")
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


def test_tables_that_a_phone_has_no_room_for_become_blocks():
    """Headers and row names are broken between words, other cells are not."""
    assert not Table(("from score", "found", "right"), (("0.54 (best)", "58 %", "68 %"),)).wide
    assert Table(
        ("class", "AP50", "found"), (("car", "0.692 (0.648-0.740)", "62 % (57-68) of all 123"),)
    ).wide
    assert Table(("class", *"abcdefghijklmnopqrstuvw"), ()).wide
