#!/usr/bin/env python3
"""Writes tests/golden/checkpoint_v1/: a checkpoint of format version 1, by docs/checkpoint_format.md alone.

Every later dtrain must read it (tests/checkpoint/checkpoint_test.cpp), so it is made once and committed. Needs
the reference Python (.deps/venv/bin/python3) and the program xxh128sum (Debian package xxhash).
"""

import json
import pathlib
import subprocess

import torch
from safetensors.torch import save_file

root = pathlib.Path(__file__).resolve().parent / "checkpoint_v1"
folder = root / "step-00000938"


def xxh3_128(content):
    return subprocess.run(["xxh128sum", "-"], input=content, capture_output=True, check=True).stdout[:32].decode()


folder.mkdir(parents=True, exist_ok=True)
model = {
    "conv1.weight": torch.arange(18, dtype=torch.float32).reshape(2, 1, 3, 3) / 8,
    "bn1.weight": torch.ones(2),
    "bn1.running_mean": torch.tensor([0.5, -0.25]),
    "bn1.num_batches_tracked": torch.tensor(938),
    "fc.bias": torch.tensor([1e-3, float("inf")], dtype=torch.float64),
}
state = {
    "optimizer/conv1.weight/momentum": torch.full((2, 1, 3, 3), -1.5),
    "ema/fc": torch.tensor([0.5, -3.140625], dtype=torch.bfloat16),
    "flags": torch.tensor([True, False]),
    "bytes": torch.tensor([0, 255], dtype=torch.uint8),
}
files = {}
for name, tensors in {"model.safetensors": model, "state.safetensors": state}.items():
    save_file(tensors, folder / name, metadata={"format": "pt"})
    content = (folder / name).read_bytes()
    files[name] = {"size": len(content), "xxh3_128": xxh3_128(content)}

manifest = {
    "format": "dtrain-checkpoint",
    "version": 1,
    "xxh3_128": "0" * 32,
    "step": 938,
    "epoch": 1,
    "batch": 469,
    "files": files,
    "meta": {"metrics": {"eval_top1": 91.53}, "class_names": ["Träger", "Hose"], "world_size": 2},
}
text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
text = text.replace("0" * 32, xxh3_128(text.encode()), 1)
(folder / "manifest.json").write_text(text)
(root / "last").unlink(missing_ok=True)
(root / "last").symlink_to("step-00000938")
