#!/usr/bin/env python3
"""Writes tests/golden/safetensors/: files by Python's safetensors that the C++ reader must understand.

Run with the reference Python (.deps/venv/bin/python3); the values are stated again in
tests/checkpoint/safetensors_test.cpp. The output is committed, so this runs only when cases are added.
"""

import pathlib

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).resolve().parent / "safetensors"
folder.mkdir(exist_ok=True)

every_type = {
    "bool": torch.tensor([True, False, True]),
    "u8": torch.tensor([[0, 1], [254, 255]], dtype=torch.uint8),
    "i8": torch.tensor([-128, 127], dtype=torch.int8),
    "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
    "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
    "i64": torch.tensor(-(2**63) + 1),  # no dimensions
    "f16": torch.tensor([0.5, -2.0], dtype=torch.float16),
    "bf16": torch.tensor([[[1.0], [-3.140625]]], dtype=torch.bfloat16),
    "f32": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4,
    "f64": torch.tensor([1e300, -0.1], dtype=torch.float64),
    "empty": torch.zeros(3, 0, 2),
    "näme with ünicode": torch.tensor([7.0]),
}
save_file(every_type, folder / "every_type.safetensors", metadata={"note": "ä\n"})
save_file({}, folder / "no_tensors.safetensors")
