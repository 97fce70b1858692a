import numpy as np
import pytest

from detector.data.augment.copy_paste import cut_out, place_of, put_in_front, sources
from detector.data.augment.layers import Layers
from detector.data.augment.patch import VisibilityRule, areas
from detector.data.loading.sample import RawSample, Sample
from detector.errors import UserError
from tests.built import built

RULE = VisibilityRule(min_visible=0.3, min_side=1.5)


def raw_with(
    *boxes: tuple[float, float, float, float],
    labels: tuple[int, ...] = (),
    ignored: tuple[int, ...] = (),
    ground: int = 50,
    value: int = 200,
) -> RawSample:
    """Rectangles of one value on ground of another, in a frame of 80x100 with counts up to 250."""
    counts = np.full((80, 100), ground, np.uint8)
    for left, top, right, bottom in boxes:
        counts[round(top) : round(bottom), round(left) : round(right)] = value
    count = len(boxes)
    return RawSample(
        counts,
        (0.0, 250.0),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels or (0,) * count, np.int64),
        np.isin(np.arange(count), ignored),
        1,
    )


def layers_of(raw: RawSample) -> Layers:
    return Layers(Sample(raw.image(), raw.boxes, raw.labels, raw.ignored, raw.image_id))


OBJECT = (20.0, 20.0, 32.0, 36.0)
GROUND = 100 / 250


def paste_at(layers: Layers, corner: tuple[float, float], *, factor: float = 1.0) -> None:
    """The object of value 0.8, that stood on ground of 0.2, with its box's corner there."""
    cutout = cut_out(raw_with(OBJECT, labels=(4,)), 0, factor=factor)
    place = place_of(cutout, corner, layers.image.shape)
    assert place is not None
    put_in_front(layers, cutout, place)


def test_an_object_alone_is_pasted_without_its_ground() -> None:
    layers = layers_of(raw_with(ground=100))
    paste_at(layers, (50, 40))
    sample = layers.sample(RULE)
    np.testing.assert_allclose(sample.boxes, [(50, 40, 62, 56)])
    np.testing.assert_array_equal(sample.labels, [4])
    expected = np.full((80, 100), GROUND, np.float32)
    expected[40:56, 50:62] = 0.8
    np.testing.assert_allclose(sample.image, expected, atol=1e-6)


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5])
def test_the_box_is_scaled_with_the_object(factor: float) -> None:
    layers = layers_of(raw_with(ground=100))
    paste_at(layers, (30, 30), factor=factor)
    box = layers.sample(RULE).boxes[0]
    np.testing.assert_allclose(box[2:] - box[:2], (12 * factor, 16 * factor), rtol=0.08)
    ys, xs = np.nonzero(layers.image > (GROUND + 0.8) / 2)
    found = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    np.testing.assert_allclose(box, found, atol=1)


def test_a_shrunken_object_is_the_mean_of_its_pixels() -> None:
    """Box and margin are 20 x 20 pixels: a quarter of it, 5 x 5, has the means of 4 x 4."""
    raw = raw_with((20.0, 20.0, 36.0, 36.0))
    raw.counts[:] = np.random.default_rng(0).integers(0, 250, raw.counts.shape)
    cutout = cut_out(raw, 0, factor=0.25)
    expected = raw.image()[18:38, 18:38].reshape(5, 4, 5, 4).mean((1, 3))
    np.testing.assert_allclose(cutout.residual + cutout.surroundings, expected, atol=1e-5)


def test_no_rim_of_the_old_ground_around_a_blurred_object() -> None:
    """Hot on cold, with border pixels half and half, pasted on ground as hot: nothing cold may remain."""
    raw = raw_with(OBJECT)
    raw.counts[20:36, [19, 32]] = 125
    raw.counts[[19, 36], 20:32] = 125
    layers = layers_of(raw_with(ground=200))
    cutout = cut_out(raw, 0, factor=1.0)
    place = place_of(cutout, (50, 40), layers.image.shape)
    assert place is not None
    put_in_front(layers, cutout, place)
    np.testing.assert_allclose(layers.image, 0.8, atol=0.04)
    # Pasted as it was, the rim would be at 0.5.


def test_occlusion_order_by_hand() -> None:
    """An object of 12x16 in front of one just as large, 1, 3 and 6 columns to the right of it."""
    for shift, ignored in ((1, [True, False]), (3, [True, False]), (6, [False, False])):
        layers = layers_of(raw_with((40, 40, 52, 56), ground=100, value=20))
        paste_at(layers, (40 + shift, 40))
        sample = layers.sample(RULE)
        np.testing.assert_allclose(sample.boxes, [(40, 40, 40 + shift, 56), (40 + shift, 40, 52 + shift, 56)])
        np.testing.assert_array_equal(sample.ignored, ignored)
        np.testing.assert_array_equal(sample.labels, [0, 4])
        # The front one is whole, the one behind keeps only what sticks out.
        np.testing.assert_allclose(sample.image[40:56, 40 + shift : 52 + shift], 0.8, atol=1e-6)
        np.testing.assert_allclose(sample.image[40:56, 40], 20 / 250, atol=0.2)


def test_what_is_hidden_whole_is_gone() -> None:
    layers = layers_of(raw_with((42, 42, 50, 50), ground=100, value=20))
    paste_at(layers, (40, 40))
    np.testing.assert_array_equal(layers.sample(RULE).labels, [4])


def test_only_whole_uncovered_objects_are_cut_out() -> None:
    raw = raw_with(
        (20, 20, 32, 36),  # fine
        (1.5, 40, 12, 50),  # cut off by the frame's edge, perhaps
        (60, 60, 70, 78.5),  # the same at the bottom
        (50, 5, 53.5, 20),  # thinner than 4 pixels
        (60, 20, 70, 30),  # a tenth of it belongs to the next one
        (69, 20, 89, 40),  # of which that is only a fortieth
        (5, 60, 15, 70),  # an ignored region
        ignored=(6,),
    )
    np.testing.assert_array_equal(sources(raw), [0, 5])
    assert len(sources(raw_with())) == 0


def test_no_place_outside_the_picture() -> None:
    """The cutout reaches 2 pixels beyond its box."""
    cutout = cut_out(raw_with(OBJECT), 0, factor=1.0)
    assert place_of(cutout, (2, 2), (80, 100)) == (slice(0, 20), slice(0, 16))
    assert place_of(cutout, (86, 62), (80, 100)) == (slice(60, 80), slice(84, 100))
    for corner in ((1, 2), (2, 1), (87, 62), (86, 63)):
        assert place_of(cutout, corner, (80, 100)) is None


def test_pairs_overlap_as_asked_and_the_front_one_stands_nearer() -> None:
    step = built("augment/default:objects.copy_paste", max_objects=1, beside=1.0, overlap=(0.2, 0.5), p=1.0)
    source = raw_with(OBJECT, labels=(0,))
    shares, sides = [], []
    for seed in range(100):
        layers = layers_of(raw_with((44, 24, 56, 44)))
        step(layers, [source], rng=np.random.default_rng(seed))
        assert len(layers.boxes) == 2
        one, other = layers.boxes
        width = min(one[2], other[2]) - max(one[0], other[0])
        shares.append(width / min(one[2] - one[0], other[2] - other[0]))
        sides.append(other[0] > one[0])
        assert -0.6 <= other[3] - one[3] <= 0.3 * (other[3] - other[1]) + 0.6
        # As large as the one of its class that is there, 12x20, give or take a fifth.
        assert 0.85 * 0.93 <= np.sqrt(areas(other[None])[0] / 240) <= 1.2 * 1.07
    # To the pixel: places are whole pixels, and a share is of about 12.
    assert min(shares) > 0.2 - 0.06
    assert max(shares) < 0.5 + 0.06
    assert np.mean(shares) == pytest.approx(0.35, abs=0.03)
    assert np.mean(sides) == pytest.approx(0.5, abs=0.15)


def test_size_follows_the_row() -> None:
    """Distant objects of 8 pixels above, near ones of 24 below: what is pasted at their row is as large."""
    ground = raw_with((10, 6, 18, 14), (70, 50, 94, 74), labels=(0, 0))
    step = built("augment/default:objects.copy_paste", max_objects=1, beside=0.0, p=1.0)
    found = []
    for seed in range(80):
        layers = layers_of(ground)
        step(layers, [raw_with((30, 30, 46, 46))], rng=np.random.default_rng(seed))
        if len(layers.boxes) == 3:
            box = layers.boxes[2]
            found.append((box[3], box[2] - box[0]))
    feet, sides = np.array(found).T
    assert len(feet) > 60
    assert (sides[feet < 40] < 11).all()
    assert (sides[feet > 48] > 18).all()
    assert (feet < 40).any()
    assert (feet > 48).any()


def test_an_object_of_a_class_that_is_not_there_keeps_about_its_size() -> None:
    step = built("augment/default:objects.copy_paste", max_objects=1, beside=0.0, scale=(0.7, 1.25), p=1.0)
    sides = []
    for seed in range(60):
        layers = layers_of(raw_with((10, 6, 18, 14), labels=(1,)))
        step(layers, [raw_with((30, 30, 50, 50))], rng=np.random.default_rng(seed))
        sides += (layers.boxes[1:, 2] - layers.boxes[1:, 0]).tolist()
    assert len(sides) == 60
    assert 0.7 * 20 - 1 <= min(sides) < max(sides) <= 1.25 * 20 + 1


def test_each_picture_has_its_chance_and_up_to_the_most() -> None:
    step = built("augment/default:objects.copy_paste", max_objects=3, beside=0.0, p=0.5)
    small = raw_with((40, 40, 45, 45))
    counts = []
    for seed in range(200):
        layers = layers_of(raw_with())
        step(layers, [small], rng=np.random.default_rng(seed))
        counts.append(len(layers.boxes))
    np.testing.assert_allclose(np.bincount(counts) / 200, [0.5, 0.167, 0.167, 0.167], atol=0.09)


def test_nothing_is_pasted_on_padding_or_out_of_frames_without_objects() -> None:
    for target, source in ((raw_with(ground=0), raw_with(OBJECT)), (raw_with(), raw_with())):
        layers = layers_of(target)
        for seed in range(20):
            built("augment/default:objects.copy_paste", beside=0.0, p=1.0)(
                layers, [source], rng=np.random.default_rng(seed)
            )
        assert len(layers.boxes) == 0


def test_labels_go_with_what_is_seen() -> None:
    """Class 0 is warm and class 1 cold: so must every pasted one be."""
    frames = [raw_with(OBJECT, labels=(0,)), raw_with(OBJECT, labels=(1,), ground=200, value=50)]
    seen = set()
    for seed in range(60):
        layers = layers_of(raw_with(ground=125))
        built("augment/default:objects.copy_paste", max_objects=1, beside=0.0, p=1.0)(
            layers, frames, rng=np.random.default_rng(seed)
        )
        for box, label in zip(layers.boxes, layers.labels, strict=True):
            x, y = ((box[:2] + box[2:]) / 2).astype(int)
            np.testing.assert_allclose(layers.image[y, x], (0.8, 0.2)[label], atol=0.02)
            seen.add(int(label))
    assert seen == {0, 1}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"max_objects": 0}, "max_objects"),
        ({"beside": 1.5}, "beside"),
        ({"overlap": (0.6, 0.1)}, "overlap"),
        ({"scale": (0.0, 1.0)}, "scale"),
    ],
)
def test_impossible_settings_are_refused(settings: dict, name: str) -> None:
    with pytest.raises(UserError, match=name):
        built("augment/default:objects.copy_paste", **settings)
