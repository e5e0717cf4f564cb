"""What the Python side of the benchmarks shares: the tuned settings, the model, the process group.

Tuned means: channels-last, bfloat16 autocast, fused SGD, bucket views in DDP. The malloc variables that
keep large blocks mapped are set by the caller (compare.py), since they must stand before the process
starts.
"""
import os

import torch
import torch.nn as nn
import torchvision


def join_group():
    """(rank, world size); joins a Gloo group when the caller started several ranks."""
    rank = int(os.environ.get("RANK", "0"))
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1:
        import torch.distributed as dist

        dist.init_process_group(
            "gloo", init_method="file://" + os.environ["RENDEZVOUS_FILE"], rank=rank, world_size=world
        )
    return rank, world


def small_resnet18(channels=1, classes=10):
    """torchvision's resnet18 with the stem for small images."""
    model = torchvision.models.resnet18(num_classes=classes, zero_init_residual=True)
    model.conv1 = nn.Conv2d(channels, 64, 3, 1, 1, bias=False)
    model.maxpool = nn.Identity()
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    return model.to(memory_format=torch.channels_last)


def make_optimizer(model, lr):
    decay = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    return torch.optim.SGD(
        [{"params": decay, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0.0}],
        lr=lr,
        momentum=0.9,
        nesterov=True,
        fused=True,
    )


def distribute(model, world):
    if world == 1:
        return model
    return nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)
