"""Composition, visibility and the truth that goes with it."""

from dataclasses import replace

import numpy as np
import pytest

from detector.synth.scene import CLASSES, TALLEST
from tests.unit.synth.scenes import FINE, SMALL, block, empty_scene


def test_boxes_are_the_painted_extent_in_frame_pixels():
    scene = empty_scene()
    canvas, truth = scene.compose([block(left=20, top=40, width=12, height=30, row=35, label=2)])
    assert [(item.label, item.box, item.visible) for item in truth] == [(2, (10.0, 20.0, 16.0, 35.0), 1.0)]
    rows, columns = np.nonzero(canvas == 333.0)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (20, 40, 32, 70)


def test_nearer_things_cover_farther_ones_and_boxes_shrink_to_what_is_seen():
    scene = empty_scene()
    far = block(left=20, top=40, width=20, height=20, row=30, label=0)
    near = block(left=30, top=30, width=20, height=40, row=35, label=1, kelvin=250.0)
    canvas, truth = scene.compose([near, far])  # the order of the list does not matter
    assert canvas[50, 35] == 250.0
    seen = {item.label: item for item in truth}
    assert seen[0].box == (10.0, 20.0, 15.0, 30.0)
    assert seen[0].visible == 0.5
    assert seen[1].visible == 1.0


def test_whole_boxes_are_the_truth_where_pairs_have_a_given_overlap():
    scene = empty_scene(replace(SMALL, pair_iou=(0.0, 0.5)))
    far = block(left=20, top=40, width=20, height=20, row=30, label=0)
    near = block(left=30, top=30, width=20, height=40, row=35, label=1, kelvin=250.0)
    truth = scene.compose([near, far])[1]
    assert [(item.box, item.visible) for item in truth] == [
        ((10.0, 20.0, 20.0, 30.0), 0.5),
        ((15.0, 15.0, 25.0, 35.0), 1.0),
    ]


def test_an_object_cut_by_the_border_has_a_box_inside_the_frame():
    scene = empty_scene()
    _, truth = scene.compose([block(left=-10, top=40, width=20, height=20, row=30, label=0)])
    assert truth[0].box == (0.0, 20.0, 5.0, 30.0)
    assert truth[0].visible == 0.5


def test_the_mostly_hidden_are_taken_out_of_the_picture():
    scene = empty_scene()
    far = block(left=20, top=40, width=20, height=20, row=30, label=0)
    near = block(left=25, top=30, width=20, height=40, row=35, label=1, kelvin=250.0)  # hides 3/4
    canvas, truth = scene.compose([far, near])
    assert [item.label for item in truth] == [1]
    assert not (canvas == 333.0).any()


def test_what_only_a_removed_object_hid_comes_back():
    scene = empty_scene()
    far = block(left=20, top=40, width=20, height=20, row=20, label=0)
    middle = block(left=20, top=40, width=20, height=20, row=30, label=2)  # hides all of far
    near = block(left=20, top=40, width=15, height=20, row=40, label=None)  # clutter hides 3/4 of both
    scene._clutter = [near]
    assert scene.compose([far, middle])[1] == []
    scene._clutter = [replace(near, left=200)]
    assert [item.label for item in scene.compose([far, middle])[1]] == [2]
    beside = replace(near, left=30, row=25)  # hides half of far and, being farther, nothing of middle
    scene._clutter = [beside, replace(near, left=27, row=35)]  # hides 13 of middle's 20 columns
    assert scene.compose([far, middle])[1] == []


def test_every_frame_has_the_same_backdrop():
    scene = empty_scene()
    first, second = scene.compose([])[0], scene.compose([])[0]
    np.testing.assert_array_equal(first, second)
    assert first.shape == (120 * FINE, 160 * FINE)
    assert 230 < first.min() < first.max() < 350


@pytest.mark.parametrize("label", range(len(CLASSES)))
def test_objects_have_a_permitted_size_and_plausible_temperatures(label):
    low, high = SMALL.side_px
    scene = empty_scene()
    seen = 0
    for seed in range(12):
        item = scene.paint_object(np.random.default_rng(seed), label)
        if item is None:
            continue
        seen += 1
        height, width = item.sprite.body.shape
        # Limbs in motion and roofs seen from above reach a little beyond the nominal side.
        assert 0.4 * low * FINE < max(height, width) < 1.4 * high * FINE
        warm = item.sprite.kelvin[item.sprite.body]
        assert 255 < np.percentile(warm, 2) < np.percentile(warm, 98) < 345
    assert seen >= 6


def test_people_are_upright_and_vehicles_lie():
    scene = empty_scene()

    def ratios(label):
        items = [scene.paint_object(np.random.default_rng(seed), label) for seed in range(25)]
        shapes = [item.sprite.body.shape for item in items if item is not None]
        return np.median([height / width for height, width in shapes])

    assert ratios(0) > 1.5
    assert ratios(1) < 0.9
    assert ratios(2) < 1.3


def test_a_row_where_the_object_would_be_too_large_or_small_gives_none():
    scene = empty_scene(replace(SMALL, side_px=(9.0, 12.0)))
    bottom = float(SMALL.height)
    assert 1.75 * scene.camera.scale(bottom) > 20
    assert scene.paint_object(np.random.default_rng(0), 0, row=bottom) is None
    assert scene.paint_object(np.random.default_rng(0), 0, row=scene.camera.row(1.0)) is None


def test_only_what_differs_from_the_ground_stands_out():
    scene = empty_scene()
    ground = float(np.median(scene._backdrop[140:200, 100:160]))
    place = {"left": 120, "top": 160, "width": 20, "height": 20, "row": 90, "label": 0}
    assert scene.stands_out(block(**place, kelvin=ground + 15))
    assert scene.stands_out(block(**place, kelvin=ground - 15))  # colder is as good
    assert not scene.stands_out(block(**place, kelvin=ground))
    assert not scene.stands_out(block(**{**place, "left": 400}, kelvin=ground + 15))  # out of the picture


def test_no_distractor_takes_more_of_the_frame_than_it_may():
    tallest = []
    for seed in range(12):
        scene = empty_scene(replace(SMALL, clutter=(12, 12)), seed)
        assert len(scene._clutter) == 12
        tallest += [item.sprite.body.shape[0] / (SMALL.height * FINE) for item in scene._clutter]
    assert max(tallest) <= TALLEST
    assert max(tallest) > 0.5 * TALLEST
