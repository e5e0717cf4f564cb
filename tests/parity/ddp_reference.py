#!/usr/bin/env python3
"""Trains in Python what parity_dump trained in C++, and compares.

    .deps/venv/bin/python tests/parity/ddp_reference.py FOLDER... [--tolerance 1e-4]

For each FOLDER, two processes of torch's DistributedDataParallel over Gloo start from
FOLDER/weights_before.safetensors, take the batches of FOLDER/rank<r>.safetensors in their order and train with torch.optim.SGD (Nesterov),
SequentialLR(LinearLR, CosineAnnealingLR), clip_grad_norm_ and torchvision's ResNet. Writes
FOLDER/reference<r>.json (its losses), prints a table, and exits with 1 when a loss differs by more
than `tolerance` relative, or the weights at the end by more than 100 times that, relative to the way they
went (which a low learning rate does not make small). README.md describes the files.
"""

import argparse
import contextlib
import json
import os
import pathlib
import sys
import tempfile
import warnings

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from torch.distributed.nn.functional import all_reduce  # differentiable

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "golden"))
from make_models import make_model


class SyncBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the batches of all ranks, by its definition; torch's own refuses CPU tensors.

    The backward pass of all_reduce sums the gradients over the ranks, so the gradient of a parameter on
    a rank is that of the sum of all ranks' losses with respect to this rank's use of it.
    """

    group = None  # of its own: DDP reduces buckets on the default group at the same time

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        n = x.numel() // x.shape[1] * dist.get_world_size()
        mean = all_reduce(x.sum((0, 2, 3)), group=self.group) / n
        centred = x - mean[None, :, None, None]
        var = all_reduce(centred.square().sum((0, 2, 3)), group=self.group) / n
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * n / (n - 1), self.momentum)
        scale = (var + self.eps).rsqrt() * self.weight
        return centred * scale[None, :, None, None] + self.bias[None, :, None, None]


def synchronise(model, group):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = SyncBatchNorm2d
            module.group = group


def make_optimizer(model, s):
    decay = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.SGD(
        [{"params": decay, "weight_decay": s["weight_decay"]}, {"params": plain, "weight_decay": 0.0}],
        lr=s["lr"], momentum=s["momentum"], nesterov=True)
    warmup = round(s["warmup_steps"])
    linear = torch.optim.lr_scheduler.LinearLR(optimizer, s["warmup_factor"], total_iters=warmup)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, s["steps"] - warmup, eta_min=s["min_lr"])
    return optimizer, torch.optim.lr_scheduler.SequentialLR(optimizer, [linear, cosine], milestones=[warmup])


def train(rank, folder, s):
    dtype = getattr(torch, s["dtype"])
    batches = load_file(folder / f"rank{rank}.safetensors")
    weights = load_file(folder / "weights_before.safetensors")
    model = make_model(s["model"], "small", batches["images"].shape[2], weights["fc.bias"].shape[0], s["width"], dtype)
    model.load_state_dict(weights, strict=True)
    synchronise(model, dist.new_group())
    model.train()
    ddp = nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)
    optimizer, scheduler = make_optimizer(model, s)
    losses = []
    for i, (images, targets) in enumerate(zip(batches["images"], batches["targets"])):
        is_last = (i + 1) % s["accumulate"] == 0
        with contextlib.nullcontext() if is_last else ddp.no_sync():
            loss = F.cross_entropy(ddp(images), targets, label_smoothing=s["label_smoothing"])
            (loss / s["accumulate"]).backward()
        losses.append(loss.item())
        if not is_last:
            continue
        nn.utils.clip_grad_norm_(model.parameters(), s["clip_grad"])
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    (folder / f"reference{rank}.json").write_text(json.dumps({"losses": losses}))
    if rank == 0:
        save_file(model.state_dict(), folder / "reference_after.safetensors")
    return ddp


def train_all(rank, cases, ranks, store):
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=ranks)
    kept = [train(rank, folder, s) for folder, s in cases]
    dist.barrier()
    # Without taking `kept` and the process groups down: torch 2.11 may deadlock there, when a worker thread of Gloo
    # waits for the interpreter lock to release a tensor and the main thread, which has it, for the worker.
    assert len(kept) == len(cases)
    sys.stdout.flush()
    os._exit(0)


def weight_error(folder):
    """Norm of the difference of the weights at the end, relative to how far training moved them."""
    names = ("weights_after", "reference_after", "weights_before")
    ours, theirs, start = (load_file(folder / f"{name}.safetensors") for name in names)
    assert ours.keys() == theirs.keys() == start.keys()
    keys = [k for k in ours if ours[k].is_floating_point()]
    norm = lambda a, b: sum((a[k].double() - b[k].double()).square().sum() for k in keys).sqrt().item()
    return norm(ours, theirs) / norm(theirs, start)


def compare(folder, s, tolerance):
    """Prints the losses of both sides; returns what differs, or nothing."""
    tolerance = tolerance or (1e-9 if s["dtype"] == "float64" else 1e-4)
    ours, reference = [], []
    for rank in range(s["ranks"]):
        ours.append(load_file(folder / f"rank{rank}.safetensors")["losses"])
        reference.append(json.loads((folder / f"reference{rank}.json").read_text())["losses"])
    ours, reference = torch.stack(ours), torch.tensor(reference, dtype=torch.float64)
    errors = ((ours - reference) / reference).abs().amax(0)

    print(f"{s['model']} width {s['width']}, {s['dtype']}, {s['ranks']} ranks: mean loss over ranks")
    print("step      dtrain      python   largest relative difference")
    last = s["steps"] * s["accumulate"] - 1
    for step in sorted({*range(0, last, 5 * s["accumulate"]), last}):
        print(f"{step:4d} {ours[:, step].mean():11.6f} {reference[:, step].mean():11.6f}   {errors[step]:.1e}")
    weights = weight_error(folder)
    print(f"all {s['steps']} steps: {errors.max():.1e}, weights at the end: {weights:.1e} of the way they went, "
          f"tolerance {tolerance:.0e}")
    if not errors.max() <= tolerance:
        return f"{s['model']}, {s['dtype']}: the losses differ"
    if not weights <= 100 * tolerance:
        return f"{s['model']}, {s['dtype']}: the weights at the end differ"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    parser.add_argument("--tolerance", type=float, default=None, help="1e-4 in float32, 1e-9 in float64")
    args = parser.parse_args()
    cases = [(folder, json.loads((folder / "settings.json").read_text())) for folder in args.folders]
    (ranks,) = {s["ranks"] for _, s in cases}
    with tempfile.TemporaryDirectory() as scratch:
        mp.spawn(train_all, args=(cases, ranks, f"{scratch}/store"), nprocs=ranks)
    failures = [failure for folder, s in cases if (failure := compare(folder, s, args.tolerance))]
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
