"""Tensors that Python and C++ compute alike, so that no weights need to be stored.

The twin of this file is tests/support/formula_tensor.h. Every operation is exact in double precision
(or a correctly rounded multiplication, division or square root), so both sides get the same bits.
"""

import math

import numpy as np
import torch

_MASK = (1 << 64) - 1


def _key(name: str) -> int:
    """FNV-1a, 64 bits."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & _MASK
    return h


def formula(name: str, shape, scale: float = 1.0, offset: float = 0.0) -> torch.Tensor:
    """float64; element i (row-major) is offset + scale * u, u in [-1, 1) from splitmix64(key(name), i)."""
    n = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(_key(name))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0
    return torch.from_numpy(offset + scale * u).reshape(list(shape))


def fill_resnet(state: dict) -> None:
    """Sets every tensor of a ResNet's state_dict by its name and shape."""
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            tensor.zero_()
        elif tensor.dim() == 4:  # Kaiming, fan out
            fan_out = tensor.numel() // tensor.shape[1]
            tensor.copy_(formula(name, tensor.shape, math.sqrt(6.0 / fan_out)))
        elif name.startswith("fc."):
            tensor.copy_(formula(name, tensor.shape, 1.0 / math.sqrt(state["fc.weight"].shape[1])))
        elif name.endswith("running_var"):
            tensor.copy_(formula(name, tensor.shape, 0.5, 1.0))
        elif name.endswith("running_mean"):
            tensor.copy_(formula(name, tensor.shape, 0.125))
        elif name.endswith("bias"):
            tensor.copy_(formula(name, tensor.shape, 0.25))
        elif ends_branch(name, state):
            tensor.copy_(formula(name, tensor.shape, 0.0625, 0.125))
        else:
            tensor.copy_(formula(name, tensor.shape, 0.25, 1.0))


def ends_branch(name: str, state) -> bool:
    """Whether this is the weight of a residual branch's last norm. A small one keeps gradients of deep
    networks near one, so that float32 can be compared too."""
    prefix, _, last = name.rpartition("bn")
    return last == "3.weight" or (last == "2.weight" and prefix + "bn3.weight" not in state)


def digest(name: str, tensor: torch.Tensor) -> list:
    """Four numbers that pin a tensor down: its norm, its dot product with formula(name + "#"), which any
    wrong, moved or swapped element changes, its first element and its last."""
    flat = tensor.detach().double().flatten()
    probe = formula(name + "#", flat.shape)
    return [flat.norm().item(), flat.dot(probe).item(), flat[0].item(), flat[-1].item()]


def targets_of(batch: int, classes: int, shift: int = 0) -> torch.Tensor:
    return (torch.arange(batch) * 7 + 3 + shift) % classes
