"""A whole detector without its network: what that is shown, and what becomes of its answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision  # noqa: F401 - registers its suppression
from torch import Tensor, nn

from detector.errors import UserError
from detector.export.whole import Whole
from detector.structures import Frame
from detector.tensors import HeadOutput
from detector.thermal.agc import FixedRange, Scaled
from tests.built import built


class Network(nn.Module):
    """Remembers what it is shown; of two classes it says 0.7 and 0.6 of one box that leaves the frame."""

    shown: Tensor

    def forward(self, images: Tensor) -> HeadOutput:
        self.shown = images
        return HeadOutput(
            torch.tensor([[[0.7, 0.6]]]).logit(), torch.tensor([[[-3.0, 1.0, 90.0, 90.0]]]), None
        )


def test_a_frame_is_filled_up_right_and_below_and_boxes_are_cut_to_it():
    network = Network()
    postprocess = built("postprocess/greedy", class_aware=True)
    whole = Whole(network, gain=FixedRange(0, 100), postprocess=postprocess, least=[0.5, 0.65], stride=8)
    boxes, scores, labels = whole(torch.full((10, 20), 50, dtype=torch.int32))
    assert network.shown.shape == (1, 1, 16, 24)
    assert (network.shown[..., :10, :20] == 0.5).all()
    assert network.shown.sum() == 0.5 * 10 * 20
    assert boxes.tolist() == [[0, 1, 20, 10]]
    torch.testing.assert_close(scores, torch.tensor([0.7]))
    assert labels.tolist() == [0], "each class has its own threshold"


def test_an_enlarged_frame_is_shown_as_the_gain_shows_it_and_boxes_are_of_the_frame():
    network, rng = Network(), np.random.default_rng(0)
    gain = Scaled(FixedRange(0, 100), 3)
    postprocess = built("postprocess/greedy", class_aware=True)
    whole = Whole(network, gain=gain, postprocess=postprocess, least=[0.5, 0.65], stride=8)
    counts = rng.integers(0, 100, (8, 16)).astype(np.uint16)
    boxes, _, _ = whole(torch.from_numpy(counts.astype(np.int32)))
    np.testing.assert_allclose(network.shown[0, 0], gain(Frame(counts, 16, Path("one"))), atol=1e-6)
    torch.testing.assert_close(boxes, torch.tensor([[0, 1 / 3, 16, 8]]))


def test_frames_shown_smaller_are_refused():
    with pytest.raises(UserError, match=r"form=whole: frames are shown at 0.5 of their size"):
        Whole(
            Network(),
            gain=Scaled(FixedRange(0, 100), 0.5),
            postprocess=built("postprocess/greedy"),
            least=[0.5],
            stride=8,
        )
