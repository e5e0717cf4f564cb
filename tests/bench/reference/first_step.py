"""Python from exec to the end of the first training step on Fashion-MNIST, tuned as a careful user would.

Reads the IDX files with gzip and numpy (torchvision's own reader wants a download layout and is slower),
imports only what the step needs, and prints `Train:` after the first step.
"""
import gzip
import sys

import numpy as np
import torch
import torch.nn.functional as F

from common import make_optimizer, small_resnet18


def read_idx(path, offset):
    with gzip.open(path) as f:
        return np.frombuffer(f.read(), np.uint8, offset=offset)


def main():
    folder, batch_size, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    images = torch.from_numpy(
        read_idx(f"{folder}/train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28).copy())
    targets = torch.from_numpy(read_idx(f"{folder}/train-labels-idx1-ubyte.gz", 8).astype(np.int64))
    model = small_resnet18()
    model.train()
    optimizer = make_optimizer(model, 0.01)
    order = torch.randperm(len(images))[:batch_size]
    batch = images[order].float().div_(255).sub_(0.286).div_(0.353)
    batch = batch.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        loss = F.cross_entropy(model(batch), targets[order], label_smoothing=0.05)
    loss.backward()
    optimizer.step()
    print(f"Train: 0 Loss: {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
