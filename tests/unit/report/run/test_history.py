import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

from detector.report.run.history import Curve, read_history, thinned


def test_scalars_come_back_and_repeated_steps_once(tmp_path):
    with SummaryWriter(str(tmp_path)) as first:
        for step in (1, 2, 3):
            first.add_scalar("loss/box", step / 4, step)
        first.add_image("val/0", np.zeros((3, 4, 4), np.uint8), 3)
    with SummaryWriter(str(tmp_path), purge_step=3) as resumed:
        for step in (3, 4):
            resumed.add_scalar("loss/box", 10 + step, step)
    history = read_history(tmp_path)
    assert set(history) == {"loss/box"}
    np.testing.assert_array_equal(history["loss/box"].steps, (1, 2, 3, 4))
    np.testing.assert_array_equal(history["loss/box"].values, (0.25, 0.5, 13, 14))
    assert (np.diff(history["loss/box"].times) >= 0).all()


@pytest.mark.parametrize("content", [None, b"", b"no event file"])
def test_what_holds_no_events_has_no_history(tmp_path, content):
    folder = tmp_path / "tensorboard"
    if content is not None:
        folder.mkdir()
        (folder / "events.out.tfevents.1.a").write_bytes(content)
    assert read_history(folder) == {}


def test_a_thinned_curve_holds_means_of_stretches():
    curve = Curve(np.arange(1, 8), np.array((1.0, 3, 5, 7, 9, 11, 13)), np.arange(7) / 2)
    thin = thinned(curve, 3)
    np.testing.assert_array_equal(thin.steps, (3, 5, 7))
    np.testing.assert_array_equal(thin.values, (3, 8, 12))
    np.testing.assert_array_equal(thin.times, (1, 2, 3))
    assert thinned(curve, 7) is curve
