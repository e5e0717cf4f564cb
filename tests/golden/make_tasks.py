"""Label-smoothed cross entropy with its gradient, and top-k accuracy."""

import torch
import torch.nn.functional as F

from formula import formula, targets_of

BATCH, CLASSES = 37, 10


def make_loss(smoothing, dtype):
    logits = formula("logits", (BATCH, CLASSES), 8.0).to(dtype).requires_grad_()
    scores = logits if dtype == torch.float64 else logits.float()
    loss = F.cross_entropy(scores, targets_of(BATCH, CLASSES), label_smoothing=smoothing)
    loss.backward()
    return {"label_smoothing": smoothing, "dtype": str(dtype).removeprefix("torch."), "loss": loss.item(),
            "grad": logits.grad.double().flatten().tolist()}


def make_accuracy(classes, k):
    """Counts as torchvision's references/classification/utils.py `accuracy` takes them."""
    logits, targets = formula("logits", (BATCH, classes)), targets_of(BATCH, classes)
    _, pred = logits.topk(k, 1, True, True)
    correct = pred.t().eq(targets[None]).flatten().sum().item()
    return {"classes": classes, "k": k, "correct": correct}


def make():
    return {"tasks.json": {
        "batch": BATCH, "classes": CLASSES,
        "losses": [make_loss(s, d) for d in (torch.float64, torch.float32, torch.bfloat16) for s in (0.0, 0.1, 1.0)],
        "accuracy": [make_accuracy(c, k) for c, k in ((10, 1), (10, 5), (4, 1), (4, 3), (100, 1), (100, 5))],
    }}
