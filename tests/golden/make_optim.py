"""Optimizers over 50 steps, learning-rate schedules over a whole run, gradient clipping."""

import math
import warnings

import torch
from torch.optim.lr_scheduler import (
    ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, LinearLR, SequentialLR, StepLR)

from formula import digest, formula

STEPS = 50
SHAPES = {"conv.weight": (4, 3, 3, 3), "bn.weight": (4,), "bn.bias": (4,), "fc.weight": (5, 4), "fc.bias": (5,)}

OPTIMIZERS = [
    dict(name="sgd", momentum=0.9, nesterov=True, weight_decay=0.0, no_decay_norm_bias=False),
    dict(name="sgd", momentum=0.9, nesterov=True, weight_decay=0.05, no_decay_norm_bias=False),
    dict(name="sgd", momentum=0.9, nesterov=True, weight_decay=0.05, no_decay_norm_bias=True),
    dict(name="sgd", momentum=0.8, nesterov=False, weight_decay=0.05, no_decay_norm_bias=False),
    dict(name="sgd", momentum=0.0, nesterov=False, weight_decay=0.05, no_decay_norm_bias=False),
    dict(name="adamw", beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, no_decay_norm_bias=False),
    dict(name="adamw", beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.05, no_decay_norm_bias=False),
    dict(name="adamw", beta1=0.8, beta2=0.95, eps=1e-6, weight_decay=0.05, no_decay_norm_bias=True),
]


def param_groups(params, c):
    if not c["no_decay_norm_bias"]:
        return [dict(params=list(params.values()), weight_decay=c["weight_decay"])]
    return [
        dict(params=[p for p in params.values() if p.dim() > 1], weight_decay=c["weight_decay"]),
        dict(params=[p for p in params.values() if p.dim() <= 1], weight_decay=0.0),
    ]


def make_optimizer(c):
    lr = 0.1 if c["name"] == "sgd" else 0.01
    params = {n: torch.nn.Parameter(formula(n, s)) for n, s in SHAPES.items()}
    groups = param_groups(params, c)
    if c["name"] == "sgd":
        optimizer = torch.optim.SGD(groups, lr=lr, momentum=c["momentum"], nesterov=c["nesterov"], foreach=False)
    else:
        optimizer = torch.optim.AdamW(groups, lr=lr, betas=(c["beta1"], c["beta2"]), eps=c["eps"], foreach=False)
    schedule = {"name": "cosine", "warmup_epochs": 1.0, "warmup_factor": 0.1, "min_lr": 0.001}
    scheduler = torch_schedule(optimizer, schedule, steps_per_epoch=10, epochs=5)
    trajectory = []
    for step in range(STEPS):
        for n, p in params.items():  # depends on the parameter, so that errors feed back
            p.grad = formula(f"{n}@{step}", p.shape, 0.25) + 0.25 * p.detach()
        optimizer.step()
        scheduler.step()
        trajectory.append({n: digest(n, p) for n, p in params.items()} if step < 3 or step == STEPS - 1 else None)
    state = {}
    for n, p in params.items():
        for key, value in optimizer.state[p].items():
            if key != "step" and value is not None:
                state[f"{key}.{n}"] = value.flatten().tolist()
    return {
        "config": c | {"lr": lr}, "schedule": schedule, "steps_per_epoch": 10, "epochs": 5,
        "trajectory": {str(i): t for i, t in enumerate(trajectory) if t},
        "params": {n: p.detach().flatten().tolist() for n, p in params.items()},
        "state": state,
    }


def torch_schedule(optimizer, c, steps_per_epoch, epochs):
    warmup, total = round(c["warmup_epochs"] * steps_per_epoch), steps_per_epoch * epochs
    if c.get("cycles", 1) > 1:
        return CosineAnnealingWarmRestarts(optimizer, T_0=total // c["cycles"], eta_min=c["min_lr"])
    if c["name"] == "cosine":
        after = lambda: CosineAnnealingLR(optimizer, T_max=total - warmup, eta_min=c["min_lr"])
    elif c["name"] == "step":
        after = lambda: StepLR(optimizer, step_size=c["decay_epochs"] * steps_per_epoch, gamma=c["decay_rate"])
    else:
        after = lambda: ConstantLR(optimizer, factor=1.0, total_iters=0)
    if warmup == 0:
        return after()
    linear = LinearLR(optimizer, start_factor=c["warmup_factor"], total_iters=warmup)
    return linear if warmup == total else SequentialLR(optimizer, [linear, after()], milestones=[warmup])


def timm_cosine(step, lr, c, steps_per_epoch, epochs):
    """timm 1.0, timm/scheduler/cosine_lr.py, CosineLRScheduler._get_lr for one cycle with
    warmup_prefix=True, t_initial = total - warmup, warmup_lr_init = warmup_factor * lr."""
    warmup, total = round(c["warmup_epochs"] * steps_per_epoch), steps_per_epoch * epochs
    if step < warmup:
        start = c["warmup_factor"] * lr
        return start + step * ((lr - start) / warmup)
    t = step - warmup
    return c["min_lr"] + 0.5 * (lr - c["min_lr"]) * (1 + math.cos(math.pi * t / (total - warmup)))


SCHEDULES = [
    (dict(name="cosine", warmup_epochs=2.0, warmup_factor=0.01, min_lr=1e-4), 0.4, 13, 9),
    (dict(name="cosine", warmup_epochs=0.5, warmup_factor=0.25, min_lr=0.0), 0.1, 7, 5),
    (dict(name="cosine", warmup_epochs=0.0, warmup_factor=0.01, min_lr=0.0), 0.1, 10, 4),
    (dict(name="cosine", warmup_epochs=3.0, warmup_factor=0.01, min_lr=0.0), 0.1, 5, 3),
    (dict(name="cosine", warmup_epochs=0.0, warmup_factor=0.01, min_lr=1e-3, cycles=3), 0.2, 7, 6),
    (dict(name="step", warmup_epochs=1.0, warmup_factor=0.1, min_lr=0.0, decay_epochs=3, decay_rate=0.1), 0.5, 6, 10),
    (dict(name="constant", warmup_epochs=1.0, warmup_factor=0.1, min_lr=0.0), 0.5, 6, 3),
]


def make_schedule(c, lr, steps_per_epoch, epochs):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=lr)
    scheduler = torch_schedule(optimizer, c, steps_per_epoch, epochs)
    values = []
    for _ in range(steps_per_epoch * epochs):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    golden = {"config": c, "lr": lr, "steps_per_epoch": steps_per_epoch, "epochs": epochs, "torch": values}
    if c["name"] == "cosine" and c.get("cycles", 1) == 1:
        golden["timm"] = [timm_cosine(s, lr, c, steps_per_epoch, epochs) for s in range(len(values))]
    return golden


def make_clip(max_norm):
    grads = {n: formula(f"clip.{n}", s) for n, s in SHAPES.items()}
    params = [torch.nn.Parameter(torch.zeros_like(g)) for g in grads.values()]
    for p, g in zip(params, grads.values()):
        p.grad = g.clone()
    norm = torch.nn.utils.clip_grad_norm_(params, max_norm)
    return {"max_norm": max_norm, "norm": norm.item(),
            "grads": {n: p.grad.flatten().tolist() for n, p in zip(grads, params)}}


def make():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's advice on the order of scheduler and optimizer steps
        return {
            "optimizers.json": {"shapes": {n: list(s) for n, s in SHAPES.items()},
                                "cases": [make_optimizer(c) for c in OPTIMIZERS]},
            "schedules.json": {"cases": [make_schedule(*c) for c in SCHEDULES]},
            "clip.json": {"shapes": {n: list(s) for n, s in SHAPES.items()},
                          "cases": [make_clip(m) for m in (0.5, 3.0, 1000.0)]},
        }
