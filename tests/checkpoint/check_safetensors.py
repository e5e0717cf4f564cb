"""Opens the file of safetensors_python_test.cpp with Python's library and compares every value."""

import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file

expected = {
    "flags": torch.tensor([True, False, True]),
    "u8": torch.tensor([[0], [255]], dtype=torch.uint8),
    "i8": torch.tensor([-128, 127], dtype=torch.int8),
    "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
    "i32": torch.tensor([-7, 7], dtype=torch.int32),
    "i64": torch.tensor(2**53),
    "f16": torch.tensor([0.5], dtype=torch.float16),
    "bf16": torch.tensor([-3.140625], dtype=torch.bfloat16),
    "layer.0.f32": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4,
    "f64": torch.tensor([1e300, -0.1], dtype=torch.float64),
    "empty": torch.zeros(0, 5),
}
loaded = load_file(sys.argv[1])
assert loaded.keys() == expected.keys(), loaded.keys()
for name, tensor in expected.items():
    assert loaded[name].dtype == tensor.dtype, name
    assert loaded[name].shape == tensor.shape, name
    assert torch.equal(loaded[name], tensor), name
with safe_open(sys.argv[1], "pt") as file:
    assert file.metadata() == {"format": "pt"}, file.metadata()
