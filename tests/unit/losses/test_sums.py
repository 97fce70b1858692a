import pytest
import torch

from detector.losses.sums import confusion_sums


def random_set(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    p, y = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    return p, y.round()


def test_soft_counts_by_hand():
    sums = confusion_sums(torch.tensor([0.9, 0.4, 0.2]), torch.tensor([1.0, 1.0, 0.0]))
    assert [x.item() for x in sums] == pytest.approx([1.3, 0.2, 0.7])


def test_a_mask_selects_a_subset():
    p, y = random_set(50)
    mask = torch.arange(50) % 3 == 0
    for masked, subset in zip(
        confusion_sums(p, y, weights=mask), confusion_sums(p[mask], y[mask]), strict=True
    ):
        torch.testing.assert_close(masked, subset)


def test_sets_along_a_dim_and_a_mask_that_broadcasts():
    p, y = random_set(2, 5, 3)
    mask = torch.tensor([[1, 0, 1, 1, 0], [0, 0, 0, 1, 1]]).unsqueeze(-1)
    sums = confusion_sums(p, y, weights=mask, dim=(1, 2))
    for image in range(2):
        one = confusion_sums(p[image] * mask[image], y[image] * mask[image])
        torch.testing.assert_close(sums.tp[image], one.tp)
        torch.testing.assert_close(sums.fn[image], ((1 - p[image]) * y[image] * mask[image]).sum())


def test_counts_of_the_background_swap_the_kinds_of_error():
    p, y = random_set(20)
    front, back = confusion_sums(p, y), confusion_sums(1 - p, 1 - y)
    torch.testing.assert_close(back.fp, front.fn)
    torch.testing.assert_close(back.fn, front.fp)


def test_sums_of_parts_add_up_to_the_whole():
    p, y = random_set(20)
    parts = zip(confusion_sums(p[:6], y[:6]), confusion_sums(p[6:], y[6:]), strict=True)
    for whole, (first, second) in zip(confusion_sums(p, y), parts, strict=True):
        torch.testing.assert_close(whole, first + second)
