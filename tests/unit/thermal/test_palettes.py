"""The way back from false colours: exact where nothing was lost, near where JPEG lost something."""

import cv2
import numpy as np
import pytest

from detector.thermal.palettes import NAMES, colours_of, fit, is_gradient, levels_of, recognised

RAMP = np.tile(np.arange(256, dtype=np.uint8), (32, 1))


def jpeg(rgb: np.ndarray, quality: int = 85) -> np.ndarray:
    """RGB after lossy coding with halved chroma."""
    data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize("name", NAMES)
def test_every_level_of_every_palette_comes_back(name: str) -> None:
    """Two levels of one colour cannot be told apart: the colour must be the same and the level beside it."""
    palette = colours_of(name)
    levels = levels_of(palette[RAMP], palette)
    np.testing.assert_array_equal(palette[levels], palette[RAMP])
    assert np.abs(levels.astype(int) - RAMP).max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_palette_runs_from_cold_to_hot_without_leaps(name: str) -> None:
    palette = colours_of(name)
    assert palette.shape == (256, 3)
    assert is_gradient(palette)


def test_no_other_level_is_nearer_than_the_cells_are_wide() -> None:
    rng = np.random.default_rng(0)
    palette = colours_of("seek")
    noise = rng.normal(0, 6, (40, 256, 3))
    pixels = np.clip(palette[np.tile(np.arange(256), (40, 1))] + noise, 0, 255).astype(np.uint8)
    distances = np.linalg.norm(pixels[:, :, None].astype(float) - palette, axis=-1)
    found = np.take_along_axis(distances, levels_of(pixels, palette)[..., None].astype(int), axis=2)[..., 0]
    assert (found <= distances.min(axis=2) + 5.2).all()  # twice half the diagonal of a cell of four colours
    assert np.mean(found > distances.min(axis=2) + 1e-6) < 0.002


@pytest.mark.parametrize("name", ["seek", "iron", "rainbow", "jet"])
def test_after_lossy_coding_the_order_stays(name: str) -> None:
    scene = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 1, (120, 160)), (0, 0), 5)
    counts = np.rint(255 * (scene - scene.min()) / np.ptp(scene)).astype(np.uint8)
    back = levels_of(jpeg(colours_of(name)[counts]), colours_of(name))
    errors = np.abs(back.astype(int) - counts)
    assert errors.mean() < 2.5
    assert np.mean(errors > 16) < 0.005


@pytest.mark.parametrize("name", NAMES)
def test_a_palette_is_recognised_after_lossy_coding(name: str) -> None:
    found = recognised([jpeg(colours_of(name)[RAMP]).reshape(-1, 3)])
    assert found is not None
    assert found.palette == name


def test_any_other_colours_are_of_no_palette() -> None:
    assert recognised([np.random.default_rng(2).integers(0, 256, (1000, 3), dtype=np.uint8)]) is None


def test_the_fit_says_how_far_and_how_many() -> None:
    """Three colours of the palette, and one that is 60 beside white, to which no other comes nearer."""
    black, white = colours_of("hot")[[0, 255]]
    found = fit(np.array([black, black, white, white - (0, 60, 0)]), "hot")
    assert found.error == 0
    assert found.beside == 0.25
    assert not found.good


def test_a_colour_table_in_another_order_is_no_gradient() -> None:
    table = colours_of("iron")
    assert is_gradient(table[::3])
    assert not is_gradient(np.random.default_rng(3).permutation(table))
    assert not is_gradient(table[:20])
    assert not is_gradient(np.zeros((256, 3), np.uint8))
