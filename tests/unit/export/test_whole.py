"""A whole detector without its network: what that is shown, and what becomes of its answer."""

from __future__ import annotations

import torch
import torchvision  # noqa: F401 - registers its suppression
from torch import Tensor, nn

from detector.export.whole import Whole
from detector.tensors import HeadOutput
from detector.thermal.agc import FixedRange
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
