#!/usr/bin/env python3
"""Do dtrain checkpoints load into torchvision and give the same logits?

    .deps/venv/bin/python tests/golden/check_checkpoint.py CHECKPOINT EXCHANGE MODEL TOLERANCE [CHECKPOINT ...]

CHECKPOINT is a checkpoint folder (or `last`, `best`), of which only model.safetensors is read. EXCHANGE is
a safetensors file of two tensors that the C++ side wrote:
    images (B, C, H, W)   float32 or float64, normalised, as the model sees them
    logits (B, K)         what dtrain computed for them in evaluation, in the same dtype
The weights are loaded with strict=True into torchvision's MODEL; only its width, the stem, conv1's input channels
and the number of classes are adapted, as the shapes in the file say. Prints a line for each checkpoint, which begins
with its folder's name and ends with `agree` when every logit agrees to TOLERANCE relative to the largest. Exits with
0 when all agree.
"""

import pathlib
import sys

import torch
from safetensors.torch import load_file

from make_models import make_model


def verdict(checkpoint, exchange, name, tolerance):
    weights = load_file(checkpoint / "model.safetensors")
    exchange = load_file(exchange)
    images, logits = exchange["images"], exchange["logits"]
    width, channels, kernel, _ = weights["conv1.weight"].shape
    stem = "small" if kernel == 3 else "imagenet"
    model = make_model(name, stem, channels, weights["fc.weight"].shape[0], width, images.dtype).eval()
    missing, unexpected = model.load_state_dict(weights, strict=True)
    assert not missing and not unexpected
    with torch.no_grad():
        expected = model(images)
    if expected.shape != logits.shape:
        return f"shapes differ: dtrain {tuple(logits.shape)}, torchvision {tuple(expected.shape)}"
    error = ((logits - expected).abs().max() / expected.abs().max()).item()
    agree = error <= tolerance  # not for NaN
    return (f"{len(weights)} tensors, {logits.shape[0]} images, {logits.dtype}: largest difference of logits "
            f"{error:.2e} relative to the largest, {'agree' if agree else f'more than {tolerance:.0e}'}")


def main():
    words = sys.argv[1:]
    if not words or len(words) % 4:
        sys.exit(__doc__)
    verdicts = []
    for i in range(0, len(words), 4):
        checkpoint = pathlib.Path(words[i])
        verdicts.append(verdict(checkpoint, words[i + 1], words[i + 2], float(words[i + 3])))
        print(f"{checkpoint.name}: {verdicts[-1]}")
    sys.exit(not all(text.endswith(" agree") for text in verdicts))


if __name__ == "__main__":
    main()
