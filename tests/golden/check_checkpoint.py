#!/usr/bin/env python3
"""Does a dtrain checkpoint load into torchvision and give the same logits?

    .deps/venv/bin/python tests/golden/check_checkpoint.py CHECKPOINT EXCHANGE [--model resnet18] [--tolerance 1e-5]

CHECKPOINT is a checkpoint folder (or `last`, `best`), of which only model.safetensors is read. EXCHANGE is
a safetensors file of two tensors that the C++ side wrote:
    images (B, C, H, W)   float32 or float64, normalised, as the model sees them
    logits (B, K)         what dtrain computed for them in evaluation, in the same dtype
The weights are loaded with strict=True into torchvision's constructor; only conv1 and maxpool (small
stem), conv1's input channels and the number of classes are adapted, as the shapes in the file say. Exits
with 0 when every logit agrees to `tolerance` relative to the largest.
"""

import argparse
import pathlib
import sys

import torch
import torchvision
from safetensors.torch import load_file


def make_model(name, weights):
    model = getattr(torchvision.models, name)(num_classes=weights["fc.weight"].shape[0])
    width, channels, kernel, _ = weights["conv1.weight"].shape
    small = kernel == 3
    model.conv1 = torch.nn.Conv2d(channels, width, kernel, stride=1 if small else 2, padding=kernel // 2, bias=False)
    if small:
        model.maxpool = torch.nn.Identity()
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("exchange", type=pathlib.Path)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    args = parser.parse_args()

    weights = load_file(args.checkpoint / "model.safetensors")
    exchange = load_file(args.exchange)
    images, logits = exchange["images"], exchange["logits"]
    model = make_model(args.model, weights).to(images.dtype).eval()
    missing, unexpected = model.load_state_dict(weights, strict=True)
    assert not missing and not unexpected
    with torch.no_grad():
        expected = model(images)
    if expected.shape != logits.shape:
        sys.exit(f"shapes differ: dtrain {tuple(logits.shape)}, torchvision {tuple(expected.shape)}")
    error = ((logits - expected).abs().max() / expected.abs().max()).item()
    print(f"{len(weights)} tensors, {logits.shape[0]} images, {logits.dtype}: largest difference of logits "
          f"{error:.2e} relative to the largest")
    if not error <= args.tolerance:  # also for NaN
        sys.exit(f"more than {args.tolerance:.0e}")


if __name__ == "__main__":
    main()
