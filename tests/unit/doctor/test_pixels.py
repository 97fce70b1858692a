import numpy as np

from detector.doctor.pixels import PixelWatch


def watched(frames: list[np.ndarray]) -> PixelWatch:
    watch = PixelWatch(*frames[0].shape)
    for frame in frames:
        watch.add(frame)
    return watch


def noise(count: int, *, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(8000, 5, (24, 32)).round().astype(np.uint16) for _ in range(count)]


def test_pixels_that_outlie_in_enough_frames_always_to_the_same_side():
    frames = noise(20)
    for k, frame in enumerate(frames):
        frame[3, 4] += 500  # always
        frame[10, 0] -= 500  # always, at the border
        if k < 17:
            frame[5, 6] += 500  # in 85 %
        frame[7, 8] = 8500 if k % 2 else 7500  # to both sides
    found = watched(frames).judge(0.9)
    assert np.argwhere(found.bad).tolist() == [[3, 4], [10, 0]]
    assert not found.stuck.any()


def test_columns_and_rows_of_half_their_pixels():
    frames = noise(20)
    for frame in frames:
        frame[:12, 31] += 300
        frame[23, :15] += 300
        frame[23, 20] = 1
    found = watched(frames).judge(0.9)
    assert found.columns == [31]
    assert found.rows == [23]


def test_edges_and_corners_of_what_stands_still_are_not_bad():
    frames = noise(20)
    for frame in frames:
        frame[4:12, 6:18] += 400
        frame[15:, 20:] -= 400
    assert not watched(frames).judge(0.9).bad.any()


def test_a_stuck_pixel_need_not_outlie():
    frames = noise(20)
    for frame in frames:
        frame[2, 2] = 8000
    found = watched(frames).judge(0.9)
    assert np.argwhere(found.stuck).tolist() == [[2, 2]]
    assert not found.outlying.any()
