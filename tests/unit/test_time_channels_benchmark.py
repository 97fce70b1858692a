"""What benchmarks/time_channels.py shows a network of earlier frames."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import cv2
import numpy as np
import torch

from benchmarks.time_channels import (
    ARMS,
    BACKGROUND,
    NOW,
    Clip,
    Widened,
    background,
    batch_of,
    clip_from,
    table,
)
from tests.built import built

NOISE = np.random.default_rng(0).integers(0, 256, (112, 144)).astype(np.uint8)
SCENE = cv2.GaussianBlur(NOISE, (9, 9), 0)


def clip_of_frames(frames: Sequence[np.ndarray]) -> Clip:
    box = np.array([[40.0, 30.0, 60.0, 50.0]])
    return clip_from("clip", frames, [(0.0, 255.0)] * len(frames), [box] * len(frames))


def test_a_widened_network_begins_as_the_one_of_single_frames():
    detector = built("model/nano", classes=1).eval()
    wide = Widened(copy.deepcopy(detector), 3).eval()
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        single, widened = detector(images[:, :1]), wide(images)
    torch.testing.assert_close(widened.logits, single.logits)
    torch.testing.assert_close(widened.boxes, single.boxes)
    assert wide.detector.backbone.stem[0].weight.requires_grad


def test_arms_get_the_same_patches_and_a_still_scene_differs_in_nothing():
    clip = clip_of_frames([SCENE] * 6)
    transform = built("augment/default", multiple=16, size=(64, 64))
    batches = {arm: batch_of(arm, clip.views, [2, 5], transform, key=(0, 7)) for arm in ARMS}
    frame = batches["frame"].images
    assert frame.std() > 0.01
    for arm, views in ARMS.items():
        assert batches[arm].images.shape[1] == len(views)
        assert torch.equal(batches[arm].images[:, :1], frame)
        assert torch.equal(batches[arm].targets.boxes, batches["frame"].targets.boxes)
    assert batches["difference"].images[:, 1].abs().max() < 0.01
    assert torch.equal(batches["frames"].images[:, 1:], frame.expand(-1, 2, -1, -1))


def test_at_the_beginning_of_a_clip_the_first_frame_stands_for_those_before():
    frames = [np.full((32, 32), value, np.uint8) for value in range(6)]
    views = clip_of_frames(frames).views
    assert [one.counts[0, 0] for one in views["2 before"]] == [0, 0, 0, 1, 2, 3]
    assert [one.counts[0, 0] for one in views["4 before"]] == [0, 0, 0, 0, 0, 1]
    assert np.array_equal(views[BACKGROUND][0].counts, frames[0])
    assert [one.image_id for one in views[NOW]] == [0, 1, 2, 3, 4, 5]


def test_a_camera_that_turns_sees_no_difference_but_of_what_moves():
    left = [SCENE[4:100, 4 + step : 132 + step].copy() for step in (0, 3, 6, 9)]
    left[-1][40:50, 60:70] = 255
    apart = left[-1] - background(left[:-1], left[-1])
    moving = np.zeros(apart.shape, bool)
    moving[40:50, 60:70] = True
    assert apart[moving].mean() > 80
    assert np.abs(apart[~moving]).mean() < 2  # what the camera has just turned to counts as there before


def test_a_frame_of_another_place_is_no_background():
    other = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, SCENE.shape).astype(np.uint8), (9, 9), 0
    )
    assert np.array_equal(background([other], SCENE), SCENE)


def test_the_table_has_means_of_clips_and_the_extremes_of_whole_seeds():
    rows = [
        {"arm": "frame", "clip": clip, "seed": seed, "AP": value}
        for clip, seed, value in (("a", "0", "0.2"), ("b", "0", "0.4"), ("a", "1", "0.6"), ("b", "1", "0.8"))
    ]
    assert table(rows, "AP").splitlines() == [
        "| AP | a | b | mean | seeds |",
        "|---|---|---|---|---|",
        "| frame | 0.400 | 0.600 | 0.500 | 0.300 to 0.700 |",
    ]
