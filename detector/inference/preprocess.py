"""From one frame to the network's input, outside any data set: what prediction and export feed it."""

from __future__ import annotations

import torch
from torch import Tensor

from detector.data.loading.padding import pad_to_multiple
from detector.structures import Frame
from detector.thermal.agc import Agc


def network_input(frame: Frame, agc: Agc, *, multiple: int) -> Tensor:
    """[1, 1, H, W] float32 in [0, 1]: the frame after gain, padded right and below to multiples.

    agc: of a recording's frame the gain that `for_sequence` gave for the recording. multiple: the network's
    coarsest stride. The same to the bit as what evaluation feeds the network (WholeFrame).
    """
    return torch.from_numpy(pad_to_multiple(agc(frame), multiple))[None, None]
