#!/usr/bin/env python3
"""Writes the golden files of this folder with torch 2.11.0 and torchvision 0.26.0.

    .deps/venv/bin/python tests/golden/generate.py            # after launch/setup.sh --with-python

Tests compare against the committed files, so this runs only when a case is added or the reference
changes. The values are double precision on one thread; another processor may change their last digits.
Formats: one JSON object a file; a tensor is either its elements, row-major, or the four numbers of
formula.digest.
"""

import json
import pathlib
import sys

import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import make_amp
import make_augment
import make_images
import make_models
import make_optim
import make_tasks


def text_of(value, depth=0):
    """JSON with one line for each member of the two outer levels, so that diffs can be read."""
    if isinstance(value, dict) and value and depth < 3 and any(isinstance(v, (dict, list)) for v in value.values()):
        indent = " " * (depth + 1)
        members = [f"{indent}{json.dumps(k)}: {text_of(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(members) + "\n" + " " * depth + "}"
    return json.dumps(value, separators=(",", ":"))


def main():
    versions = {"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0]}
    if versions != {"torch": "2.11.0", "torchvision": "0.26.0"}:
        sys.exit(f"the reference is torch 2.11.0 and torchvision 0.26.0, not {versions}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    folder = pathlib.Path(__file__).parent
    for part in (make_amp, make_models, make_optim, make_tasks):
        for name, content in part.make().items():
            (folder / name).write_text(text_of(content) + "\n")
            print(f"{name}: {(folder / name).stat().st_size} bytes")
    make_images.make()
    make_augment.make(text_of)


if __name__ == "__main__":
    main()
