"""Choice of device and precision."""

import pytest
import torch
from torch import nn

from detector.engine.device import Precision, pick_device, pick_precision
from detector.errors import UserError

CPU = torch.device("cpu")


def test_devices_on_a_machine_without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == CPU
    with pytest.raises(UserError, match=r"engine.device=cuda: .*use engine.device=auto"):
        pick_device("cuda")
    with pytest.raises(UserError, match=r"engine\.device=gpu: must be auto, cpu or cuda"):
        pick_device("gpu")


def test_devices_on_a_machine_with_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert pick_device("cpu") == CPU
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert pick_device("auto") == torch.device("cuda", 3)


@pytest.mark.parametrize(
    ("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_a_named_precision_is_taken(name, dtype):
    assert pick_precision(name, CPU) == Precision(dtype, CPU)


@pytest.mark.parametrize(
    ("avx512", "amx", "dtype"),
    [(False, False, torch.float32), (True, False, torch.bfloat16), (False, True, torch.bfloat16)],
)
def test_auto_takes_bf16_where_the_cpu_computes_it(monkeypatch, avx512, amx, dtype):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert pick_precision("auto", CPU).dtype == dtype


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_auto_on_a_gpu_never_takes_emulated_bf16(monkeypatch, native, dtype):
    def supported(including_emulation: bool = True) -> bool:
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert pick_precision("auto", torch.device("cuda", 0)).dtype == dtype


def test_an_unknown_precision_is_refused():
    with pytest.raises(UserError, match=r"engine\.precision=half: must be auto, fp32, bf16 or fp16"):
        pick_precision("half", CPU)


def test_convolutions_compute_in_the_precision_and_weights_do_not():
    layer = nn.Conv2d(1, 1, 1)
    image = torch.ones(1, 1, 2, 2)
    for precision in (Precision(torch.float32, CPU), Precision(torch.bfloat16, CPU)):
        with precision.autocast():
            assert layer(image).dtype == precision.dtype
        assert layer(image).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


def test_only_half_precision_scales_losses():
    assert Precision(torch.float16, CPU).scaler().is_enabled()
    assert not Precision(torch.bfloat16, CPU).scaler().is_enabled()
    assert not Precision(torch.float32, CPU).scaler().is_enabled()
