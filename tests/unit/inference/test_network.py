"""The real network behind a pipeline gives what the network itself gives."""

from __future__ import annotations

import numpy as np
import torch

from detector.engine.device import Precision
from detector.inference.network import candidates_of, pipeline_of
from detector.inference.pipeline import shots
from detector.structures import Frame
from detector.thermal.agc import FixedRange
from tests.built import built
from tests.unit.engine.builders import model_of


def test_detections_are_those_of_the_padded_frame_cut_to_the_frame():
    model = model_of().eval()
    postprocess = built("postprocess/greedy", score_threshold=0.0)
    pipeline = pipeline_of(
        model,
        classes=("person", "car"),
        postprocess=postprocess,
        precision=Precision(torch.float32, torch.device("cpu")),
        batch_size=4,
    )
    counts = np.random.default_rng(0).integers(0, 100, (25, 43), dtype=np.uint16)
    (prediction,) = pipeline(shots([Frame(counts, 16, "noise")], FixedRange(0, 100)))
    assert pipeline.multiple == model.stride

    height, width = (-(-side // model.stride) * model.stride for side in counts.shape)
    padded = torch.zeros(1, 1, height, width)
    padded[0, 0, :25, :43] = torch.from_numpy(counts.astype(np.float32)) * np.float32(0.01)
    with torch.no_grad():
        output = model(padded.to(memory_format=torch.channels_last))
    (expected,) = postprocess(candidates_of(output, postprocess.candidates), [(25, 43)])
    assert len(prediction) > 0
    np.testing.assert_array_equal(prediction.boxes, expected.boxes)
    np.testing.assert_array_equal(prediction.scores, expected.scores)
    assert prediction.boxes[:, 2].max() <= 43
    assert prediction.boxes[:, 3].max() <= 25
