"""ResNets of torchvision: names and shapes, logits, loss, gradients, batch-norm buffers over two steps."""

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import resnet

from formula import digest, fill_resnet, formula, targets_of

BATCH = 8
SMOOTHING = 0.1
LR = 0.01
BLOCKS = {
    "resnet18": (resnet.BasicBlock, [2, 2, 2, 2]),
    "resnet34": (resnet.BasicBlock, [3, 4, 6, 3]),
    "resnet50": (resnet.Bottleneck, [3, 4, 6, 3]),
}
# model, stem, input channels, classes, side, width
CASES = [
    ("resnet18", "imagenet", 3, 7, 64, 64),
    ("resnet34", "small", 3, 10, 16, 64),
    ("resnet50", "small", 4, 10, 16, 64),
    ("resnet18", "small", 1, 10, 16, 8),
    ("resnet50", "imagenet", 3, 7, 64, 8),
]


class ResNet(resnet.ResNet):
    """torchvision's network with another base width: the stages are its own, made by its own code."""

    def __init__(self, block, layers, num_classes, width):
        super().__init__(block, layers, num_classes=num_classes)
        if width == 64:
            return
        self.inplanes = width
        self.base_width = 64  # only scales a Bottleneck's inner width relative to 64
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = self._make_layer(block, width, layers[0])
        self.layer2 = self._make_layer(block, 2 * width, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 4 * width, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 8 * width, layers[3], stride=2)
        self.fc = nn.Linear(8 * width * block.expansion, num_classes)


def make_model(name, stem, channels, classes, width, dtype):
    model = ResNet(*BLOCKS[name], num_classes=classes, width=width)
    if stem == "small":
        model.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=1, padding=1, bias=False)
        model.maxpool = nn.Identity()
    else:
        model.conv1 = nn.Conv2d(channels, width, kernel_size=7, stride=2, padding=3, bias=False)
    model = model.to(dtype)
    with torch.no_grad():
        fill_resnet(model.state_dict())
    return model


def run(case, dtype):
    name, stem, channels, classes, side, width = case
    model = make_model(name, stem, channels, classes, width, dtype)
    result = {}

    def images(step):
        return formula(f"images{step}", (BATCH, channels, side, side), 2.0).to(dtype)

    model.eval()
    with torch.no_grad():
        result["eval_logits_before"] = model(images(0))
    model.train()
    for step in (1, 2):
        model.zero_grad()
        logits = model(images(step))
        loss = F.cross_entropy(logits, targets_of(BATCH, classes, step), label_smoothing=SMOOTHING)
        loss.backward()
        result[f"logits{step}"] = logits.detach()
        result[f"loss{step}"] = loss.detach()
        result[f"grads{step}"] = {n: p.grad.clone() for n, p in model.named_parameters()}
        with torch.no_grad():
            for p in model.parameters():
                p -= LR * p.grad
    result["buffers"] = {n: b.clone() for n, b in model.named_buffers()}
    model.eval()
    with torch.no_grad():
        result["eval_logits_after"] = model(images(0))
    return result


def deviation(exact, rough):
    """Norm of the error of `rough` relative to the norm of `exact`, over all tensors of a kind."""
    if not isinstance(exact, dict):
        exact, rough = {"": exact}, {"": rough}
    error = sum(((exact[n] - rough[n].double()) ** 2).sum() for n in exact)
    return (error / sum((exact[n].double() ** 2).sum() for n in exact)).sqrt().item()


def make_case(case):
    name, stem, channels, classes, side, width = case
    exact = run(case, torch.float64)
    rough = run(case, torch.float32)
    golden = {
        "model": name, "stem": stem, "channels": channels, "classes": classes, "side": side, "width": width,
        "batch": BATCH, "label_smoothing": SMOOTHING, "lr": LR,
        # How far torch's own float32 is from its float64: the measure for dtrain's float32.
        "float32_deviation": {k: deviation(exact[k], rough[k]) for k in exact},
    }
    for key, value in exact.items():
        if isinstance(value, dict):
            golden[key] = {n: digest(n, t) for n, t in value.items()}
        else:
            golden[key] = value.tolist()
    return golden


def make_names():
    """state_dict names and shapes of the unchanged torchvision models with 1000 classes."""
    names = {}
    for name in BLOCKS:
        model = getattr(resnet, name)()
        names[name] = {
            "parameters": [[n, list(p.shape)] for n, p in model.named_parameters()],
            "buffers": [[n, list(b.shape)] for n, b in model.named_buffers()],
            "parameter_count": sum(p.numel() for p in model.parameters()),
        }
    return names


def make():
    files = {"resnet_names.json": make_names()}
    for case in CASES:
        name, stem, _, _, _, width = case
        files[f"{name}_{stem}{'' if width == 64 else f'_width{width}'}.json"] = make_case(case)
    return files
