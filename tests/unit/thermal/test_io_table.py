import re
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.io import read
from detector.thermal.io import table as module

CELSIUS = np.round(np.random.default_rng(0).uniform(-20, 60, (6, 7)), 2)


def text_of(separator: str = ",", *, comma: bool = False, end: str = "") -> str:
    rows = [separator.join(f"{number:.2f}" for number in row) + end for row in CELSIUS]
    return "\n".join(rows).replace(".", "," if comma else ".") + "\n"


def named(separator: str, corner: str | None) -> str:
    """With the numbers of columns and rows; corner: what stands where they meet, None: nothing at all."""
    columns = separator.join(map(str, range(CELSIUS.shape[1])))
    rows = [f"{number}{separator}{line}" for number, line in enumerate(text_of(separator).splitlines())]
    return "\n".join([columns if corner is None else corner + separator + columns, *rows])


@pytest.mark.parametrize(
    "text",
    [
        text_of(),
        text_of(end=","),
        text_of(";", comma=True, end=";"),
        text_of("\t"),
        text_of("\t", comma=True),
        text_of(" "),
        "File;a.jpg\nEmissivity;0,95\n\n" + text_of(";", comma=True),
        "Camera,X,Y,Z,1\nDistance,2.0,m\n" + text_of() + "\n\n",
        named(",", ""),
        named(";", "y\\x"),
        named(",", "0"),
        named(",", None),
        "Frame 1," + text_of().replace("\n", "\n,").rstrip(","),
        ";C0;C1;C2;C3;C4;C5;C6\n"
        + "".join(f"R{k};{row}\n" for k, row in enumerate(text_of(";").splitlines())),
        text_of().replace("\n", "\r\n"),
        re.sub(r"[^,\n]+", r'"\g<0>"', text_of()),
    ],
)
def test_every_way_of_writing_the_same_table(tmp_path: Path, text: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "a.csv").write_bytes(text.encode(encoding))
        frame = read(tmp_path / "a.csv")
        assert frame.calibration is not None
        np.testing.assert_allclose(
            frame.calibration.to_kelvin(frame.counts), CELSIUS + 273.15, atol=1e-9, err_msg=text
        )
        assert frame.taken_for == "celsius"


def test_a_degree_sign_of_another_encoding_is_only_in_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"in \xb0C\n" + text_of().encode())
    assert read(tmp_path / "a.csv").size == CELSIUS.shape


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label,xmin,ymin\na.png,cat,1,2\n", "not a table of temperatures: no row of 4 or more numbers"),
        (text_of() + "1,2\n", "line 7 is not 7 numbers"),
        (text_of() + "mean of all rows,,,,,,\n", "line 7 is not 7 numbers"),
        ("\n" * 40_000, "more than 32768 lines"),
        (text_of() + "nan" + 6 * ",1", "1 of 49 numbers are NaN"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=rf"a\.csv: {message}"):
        read(tmp_path / "a.csv")


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    (tmp_path / "a.csv").write_text(text_of())
    with pytest.raises(UserError, match=r"a\.csv: \d+ bytes, more than a table"):
        read(tmp_path / "a.csv")


def test_a_huge_line_is_not_taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LETTERS", 10)
    (tmp_path / "a.csv").write_text(text_of())
    with pytest.raises(UserError, match="not a table of temperatures"):
        read(tmp_path / "a.csv")
