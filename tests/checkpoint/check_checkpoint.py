"""Reads the checkpoint of checkpoint_python_test.cpp the way docs/checkpoint_format.md tells users to."""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file

folder = pathlib.Path(sys.argv[1])
module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.BatchNorm2d(2))
module.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
assert torch.equal(module[0].weight, torch.arange(54.0).reshape(2, 3, 3, 3) / 8)
assert torch.equal(module[1].running_var, torch.tensor([3.0, 4.0]))
assert module[1].num_batches_tracked == 7

state = load_file(folder / "state.safetensors")
assert torch.equal(state["momentum/0.weight"], torch.full((2, 3, 3, 3), 0.25))

manifest = json.loads((folder / "manifest.json").read_text())
assert manifest["format"] == "dtrain-checkpoint" and manifest["version"] == 1
assert manifest["step"] == 7 and manifest["epoch"] == 0 and manifest["batch"] == 7
assert manifest["meta"]["class_names"] == ["a", "ü"]
for name, record in manifest["files"].items():
    assert (folder / name).stat().st_size == record["size"], name
