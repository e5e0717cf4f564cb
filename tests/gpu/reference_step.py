#!/usr/bin/env python3
"""Times training steps of a ResNet in Python on one batch; prints one line of JSON.

usage: reference_step.py --model resnet50 --batch-size 256 --size 224 --channels 3 --classes 1000
                         [--steps S] [--warmup W] [--device cuda] [--compile]

The same work as tests/bench/train_step_bench: torchvision's networks (written out, since torchvision may be missing),
channels-last, bfloat16 autocast, fused SGD without weight decay on norms and biases, label smoothing 0.05.
"""
import argparse
import json
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    """A residual block: two 3 x 3 convolutions, or 1 x 1, 3 x 3, 1 x 1 with four times the channels."""

    def __init__(self, before, width, stride, bottleneck):
        super().__init__()
        after = width * 4 if bottleneck else width
        shapes = ([(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)] if bottleneck
                  else [(before, width, 3, stride), (width, width, 3, 1)])
        self.convs = nn.ModuleList(nn.Conv2d(i, o, k, s, k // 2, bias=False) for i, o, k, s in shapes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for _, o, _, _ in shapes)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = x
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            y = norm(conv(y))
            if i + 1 < len(self.convs):
                y = F.relu(y, inplace=True)
        return F.relu(y + self.shortcut(x), inplace=True)


def resnet(name, channels, classes, small):
    bottleneck = name == "resnet50"
    stem = ([nn.Conv2d(channels, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)] if small else
            [nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
             nn.MaxPool2d(3, 2, 1)])
    layers, before = stem, 64
    for stage, blocks in enumerate((3, 4, 6, 3) if bottleneck else (2, 2, 2, 2)):
        for block in range(blocks):
            layers.append(Block(before, 64 << stage, 2 if stage > 0 and block == 0 else 1, bottleneck))
            before = (64 << stage) * (4 if bottleneck else 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="resnet18", choices=["resnet18", "resnet50"])
    for name, default in (("batch-size", 128), ("size", 28), ("channels", 1), ("classes", 10), ("steps", 20),
                          ("warmup", 5)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--compile", action="store_true")
    a = parser.parse_args()
    torch.manual_seed(0)
    model = resnet(a.model, a.channels, a.classes, a.size <= 64)
    model = model.to(a.device, memory_format=torch.channels_last).train()
    parameters = sum(p.numel() for p in model.parameters())
    decay = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.SGD([{"params": decay, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0.0}],
                                lr=0.01, momentum=0.9, nesterov=True, fused=True)
    images = torch.rand(a.batch_size, a.channels, a.size, a.size).to(a.device, memory_format=torch.channels_last)
    targets = torch.randint(0, a.classes, (a.batch_size,)).to(a.device)

    def loss_of(images, targets):
        with torch.autocast(a.device, torch.bfloat16):
            return F.cross_entropy(model(images), targets, label_smoothing=0.05)

    if a.compile:
        loss_of = torch.compile(loss_of)
    synchronise = torch.cuda.synchronize if a.device == "cuda" else lambda: None
    for step in range(a.warmup + a.steps):
        if step == a.warmup:
            synchronise()
            start = time.perf_counter()
        loss = loss_of(images, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    synchronise()
    seconds = (time.perf_counter() - start) / a.steps
    print(json.dumps({"side": "python", "compiled": a.compile, "torch": torch.__version__, "step_ms": 1e3 * seconds,
                      "images_per_second": a.batch_size / seconds, "parameters": parameters}))


if __name__ == "__main__":
    main()
