"""The course of torch's GradScaler over scripted overflows: scales as they change, and skipped updates."""

import torch

STEPS = 5000

# An update overflows when rule(step, scale) says so.
PATTERNS = {
    "none": (lambda step, scale: False, dict(growth_interval=2000)),
    "first_four": (lambda step, scale: step < 4, dict(growth_interval=2000)),
    "every_701st": (lambda step, scale: step % 701 == 700, dict(growth_interval=500)),
    "above_2_to_17": (lambda step, scale: scale > 2.0**17, dict(growth_interval=100)),
    "scattered": (lambda step, scale: step * 2654435761 % 2**32 < 2**32 // 300, dict(growth_interval=150)),
    "odd_factors": (lambda step, scale: step % 37 == 5 and scale > 50.0,
                    dict(init_scale=1000.0, growth_factor=1.7, backoff_factor=0.3, growth_interval=9)),
    "grows_past_float": (lambda step, scale: False, dict(init_scale=2.0**120, growth_interval=200)),
}


def course(rule, settings):
    scaler = torch.amp.GradScaler("cpu", **settings)
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    scales, skipped = [], []
    for step in range(STEPS):
        scale = scaler.get_scale() if step else settings.get("init_scale", 65536.0)
        if not scales or scales[-1][1] != scale:
            scales.append([step, scale])
        scaler.scale(torch.zeros(()))  # makes its tensors in the first step
        weight.grad = torch.full((3,), float("inf") if rule(step, scale) else 1.0)
        scaler.unscale_(optimizer)
        before = torch.isfinite(weight.grad).all().item()
        scaler.step(optimizer)
        if not before:
            skipped.append(step)
        scaler.update()
    return {"settings": settings, "scales": scales, "skipped": skipped}


def make():
    return {"amp.json": {"steps": STEPS, "courses": {n: course(*p) for n, p in PATTERNS.items()}}}
