"""A recording's frames with something in them are found, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from detector.labelling import change
from detector.labelling.change import CELLS, COLUMNS, FULL, ROWS, cells, digest, survey
from tests.unit.labelling.builders import frames, scene


def test_what_changes_is_an_object_and_neither_noise_nor_drift():
    objects = {5: (20, 30), 6: (20, 34), 40: (0, 0)}
    found = survey(frames(scene(60, objects=objects, drift=3.0)))
    assert len(found) == 60
    assert found.busy.tolist() == [5, 6, 40]


def test_it_changes_the_cells_it_lies_in():
    """64 x 80 pixels are 16 x 20 cells of 4; an object in the corner covers cells 0 and 1 both ways."""
    found = survey(frames(scene(30, objects={9: (0, 0)})))
    (warmest, coldest) = found.changes.reshape(2, ROWS, COLUMNS)
    assert (warmest[:2, :2] == FULL).all()
    assert not warmest[4:].any()
    assert not warmest[:, 4:].any()
    assert found.changes.shape == (1, CELLS)
    assert coldest[0, 0] == FULL  # nothing of that cell is as cold as it was


def test_a_shading_that_comes_and_goes_is_none():
    counts = scene(40).astype(np.float64)
    counts[:8] += 100 * np.linspace(-1, 1, 80) * np.linspace(1, 0, 8)[:, None, None]
    assert survey(frames(counts.astype(np.uint16))).busy.tolist() == []


def test_blocks_do_not_change_what_is_found(monkeypatch: pytest.MonkeyPatch):
    counts = scene(100, objects={3: (9, 9), 50: (30, 30), 99: (50, 70)})
    whole = survey(frames(counts))
    monkeypatch.setattr(change, "BLOCK", 20)
    parts = survey(frames(counts))
    assert parts.digests == whole.digests
    assert parts.busy.tolist() == whole.busy.tolist() == [3, 50, 99]


def test_a_background_that_lasts_a_block_is_one(monkeypatch: pytest.MonkeyPatch):
    """The scene is another from frame 40 on; with one median half of the frames would seem to change."""
    counts = np.concatenate([scene(40), scene(40)[:, ::-1]])
    monkeypatch.setattr(change, "BLOCK", 20)
    assert survey(frames(counts)).busy.tolist() == []


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (120, 160), (512, 640), (17, 1000)])
def test_frames_of_every_size_have_as_many_cells(shape: tuple[int, int]):
    for dtype in (np.uint8, np.uint16):
        table = cells(np.full(shape, 200, dtype))
        assert table.shape == (CELLS,)
        np.testing.assert_allclose(table, 0, atol=1e-3)


def test_one_frame_and_none_are_quiet():
    assert survey(frames(scene(1))).busy.tolist() == []
    empty = survey([])
    assert (len(empty), empty.busy.tolist(), empty.changes.shape) == (0, [], (0, CELLS))


def test_digests_tell_counts_types_and_shapes_apart():
    counts = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert digest(counts) == digest(np.asfortranarray(counts))
    others = [counts + 1, counts.reshape(4, 3), counts.astype(np.uint16), counts.view(np.uint16)]
    assert len({digest(counts), *map(digest, others)}) == 5
