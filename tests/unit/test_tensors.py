import torch

from detector.tensors import Batch, Targets, to_device


def a_batch() -> Batch:
    targets = Targets(
        boxes=torch.rand(2, 3, 4),
        labels=torch.tensor([[0, 1, -1], [2, -1, -1]]),
        valid=torch.tensor([[True, True, False], [True, False, False]]),
        ignored=torch.zeros(2, 3, dtype=torch.bool),
    )
    return Batch(torch.rand(2, 1, 8, 8), targets, torch.tensor([5, 7]))


def test_every_tensor_moves_nested_ones_too():
    moved = to_device(a_batch(), "meta")
    tensors = [moved.images, moved.image_ids, *vars(moved.targets).values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert moved.targets.boxes.shape == (2, 3, 4)


def test_a_batch_that_is_there_already_shares_its_storage():
    batch = a_batch()
    moved = to_device(batch, "cpu")
    assert moved.images.data_ptr() == batch.images.data_ptr()
    assert moved.targets.boxes.data_ptr() == batch.targets.boxes.data_ptr()
    torch.testing.assert_close(moved.targets.labels, batch.targets.labels)
