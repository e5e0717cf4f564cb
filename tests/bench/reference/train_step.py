"""Times training steps of ResNet-18 on 28 x 28 in Python; prints one JSON line from rank 0.

usage: train_step.py --batch-size B --steps S --warmup W --threads T [--precision bfloat16|float32]
"""
import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

from common import distribute, join_group, make_optimizer, small_resnet18


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--batch-size", type=int, default=128)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--warmup", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--precision", default="bfloat16")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    rank, world = join_group()
    torch.manual_seed(0)
    model = small_resnet18()
    model.train()
    optimizer = make_optimizer(model, 0.01)
    model = distribute(model, world)
    images = torch.rand(a.batch_size, 1, 28, 28).to(memory_format=torch.channels_last)
    targets = torch.randint(0, 10, (a.batch_size,))

    times = []
    for step in range(a.warmup + a.steps):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=a.precision == "bfloat16"):
            loss = F.cross_entropy(model(images), targets, label_smoothing=0.05)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step >= a.warmup:
            times.append(time.perf_counter() - start)
    if rank == 0:
        print(json.dumps({"side": "python", "ranks": world, "step_ms": 1e3 * statistics.median(times),
                          "images_per_second": a.batch_size * world / statistics.median(times)}))


if __name__ == "__main__":
    main()
