"""The processor's own count of what it has used."""

from __future__ import annotations

import pytest

from detector.app.timing.energy import joules, read


def counter(folder, name, *, now, most=10_000_000):
    place = folder / name
    place.mkdir(exist_ok=True)
    (place / "energy_uj").write_text(f"{now}\n")
    (place / "max_energy_range_uj").write_text(f"{most}\n")


def test_processors_are_added_and_their_parts_are_not(tmp_path):
    counter(tmp_path, "intel-rapl:0", now=1_000_000)
    counter(tmp_path, "intel-rapl:1", now=2_000_000)
    counter(tmp_path, "intel-rapl:0:0", now=500_000)
    before = read(tmp_path)
    counter(tmp_path, "intel-rapl:0", now=2_500_000)
    counter(tmp_path, "intel-rapl:1", now=2_250_000)
    counter(tmp_path, "intel-rapl:0:0", now=900_000)
    assert joules(before, read(tmp_path)) == pytest.approx(1.75)


def test_a_counter_begins_anew_at_its_end(tmp_path):
    counter(tmp_path, "intel-rapl:0", now=9_000_000)
    before = read(tmp_path)
    counter(tmp_path, "intel-rapl:0", now=500_000)
    assert joules(before, read(tmp_path)) == pytest.approx(1.5)


def test_where_nobody_tells(tmp_path):
    assert joules(read(tmp_path), read(tmp_path)) is None
