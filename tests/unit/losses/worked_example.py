"""The 5x5 map of docs/losses.md."""

import torch

MAP_PROBS = torch.tensor(
    [
        [0.9, 0.8, 0.7, 0.6, 0.5],
        [0.7, 0.6, 0.4, 0.3, 0.2],
        [0.8, 0.7, 0.5, 0.4, 0.3],
        [0.6, 0.5, 0.4, 0.3, 0.2],
        [0.5, 0.4, 0.3, 0.2, 0.1],
    ],
    dtype=torch.float64,
)
MAP_LOGITS = torch.logit(MAP_PROBS)
MAP_TARGETS = torch.zeros(5, 5, dtype=torch.float64)
MAP_TARGETS[1:3, 1:3] = 1
