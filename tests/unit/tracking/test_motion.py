"""The filter against its textbook form, and where it says that things are."""

from __future__ import annotations

import numpy as np
import pytest

from detector.tracking.motion import Motion

SETTINGS = {"noise": 0.2, "speed": 5.0, "agility": 3.0}


def box(x: float, y: float, side: float = 10.0) -> np.ndarray:
    return np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], np.float32)


def test_it_is_the_kalman_filter_of_the_textbook():
    """State (place, speed) with white noise of acceleration, written with matrices; the size stays 10."""
    motion = Motion(box(20, 30), **SETTINGS)
    state, spread = np.array([20.0, 0.0]), np.diag([2.0**2, 50.0**2])
    measure, error = np.array([[1.0, 0.0]]), 2.0**2
    for seconds, x in ((0.1, 22.0), (0.3, 30.0), (0.1, 31.0)):
        step = np.array([[1, seconds], [0, 1]])
        noise = 30.0**2 * np.array([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]])
        state, spread = step @ state, step @ spread @ step.T + noise
        motion.move(seconds)
        assert motion.centre[0] == pytest.approx(state[0])
        assert motion.spread == pytest.approx(np.sqrt(spread[0, 0] + error))
        gain = spread @ measure.T / (spread[0, 0] + error)
        state = state + gain[:, 0] * (x - state[0])
        spread = (np.eye(2) - gain @ measure) @ spread
        motion.see(box(x, 30))
        assert [motion.centre[0], motion.velocity[0]] == pytest.approx(state)
        assert [motion.place, motion.shared, motion.pace] == pytest.approx(spread[[0, 0, 1], [0, 1, 1]])
    assert motion.centre[1] == pytest.approx(30)


def test_what_moves_evenly_is_expected_where_it_will_be():
    motion = Motion(box(0, 100), **SETTINGS)
    for frame in range(1, 30):
        motion.move(1 / 9)
        motion.see(box(4 * frame, 100 - 2 * frame))
    motion.move(3 / 9)
    assert motion.centre == pytest.approx([4 * 32, 100 - 2 * 32], abs=0.1)


def test_doubt_grows_while_it_is_not_seen_and_sizes_change_slowly():
    motion = Motion(box(0, 0), **SETTINGS)
    spreads = []
    for _ in range(3):
        motion.move(0.1)
        spreads.append(motion.spread)
    assert spreads == sorted(spreads)
    motion.see(box(0, 0, side=20))
    assert 10 < motion.size < 15
    assert motion.box[2] - motion.box[0] == pytest.approx(motion.size)
