"""Scores of probabilities, calibration and significance by scikit-learn, SciPy and torch (tests/metrics, tests/predictions).

    .deps/venv/bin/python3 tests/golden/make_scores.py

Logits are multiples of 1/8, so that float32 holds them and ties are real. JSON has no infinity: null stands for -inf.
"""
import json
import pathlib

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest, chi2
from sklearn.metrics import log_loss, precision_recall_fscore_support

BINS = 15


def bins_of(parts, confidence, right):
    return [[len(p), confidence[p].mean() if len(p) else 0.0, right[p].mean() if len(p) else 0.0] for p in parts]


def error(bins):
    return sum(n * abs(c - a) for n, c, a in bins) / sum(n for n, _, _ in bins)


def nll(logits, targets, temperature):
    return -log_softmax(logits / temperature, axis=1)[np.arange(len(targets)), targets].mean()


def by_torch(logits, targets):
    t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([t], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-15,
                                  line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(torch.tensor(logits) / t.exp(), torch.tensor(targets))
        loss.backward()
        return loss

    optimizer.step(closure)
    return t.exp().item()


def case(name, logits, targets, temperature=1.0, fits=True):
    logits, targets = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    n, k = logits.shape
    p = softmax(logits / temperature, axis=1)
    predicted = logits.argmax(1)
    right, confidence = predicted == targets, p.max(1)
    edges = np.linspace(0, 1, BINS + 1)
    width = [np.flatnonzero((confidence > low) & (confidence <= high)) for low, high in zip(edges, edges[1:])]
    mass = np.array_split(np.argsort(confidence, kind="stable"), BINS)
    order = np.argsort(-logits, axis=1, kind="stable")
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, labels=range(k), zero_division=0)
    means = {kind: precision_recall_fscore_support(targets, predicted, labels=range(k), average=kind, zero_division=0)[:3]
             for kind in ("macro", "weighted")}
    with np.errstate(divide="ignore"):
        loss = -np.log(p[np.arange(n), targets]).mean()
    if np.isfinite(loss):
        assert abs(loss - log_loss(targets, p, labels=range(k))) < 1e-6
    out = {
        "name": name, "classes": k, "temperature": temperature,
        "logits": [None if np.isneginf(v) else v for v in logits.flatten()], "targets": targets.tolist(),
        "nll": loss if np.isfinite(loss) else None,
        "brier": ((p - np.eye(k)[targets]) ** 2).sum(1).mean(),
        "top1": right.mean(), "top5": (order[:, :5] == targets[:, None]).any(1).mean(),
        "width": bins_of(width, confidence, right), "ece": error(bins_of(width, confidence, right)),
        "mass": bins_of(mass, confidence, right), "adaptive_ece": error(bins_of(mass, confidence, right)),
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "support": support.tolist(),
        "macro": means["macro"], "weighted": means["weighted"],
    }
    if fits:
        scipy = minimize(lambda t: nll(logits, targets, np.exp(t[0])), [0.0], method="BFGS", options={"gtol": 1e-10})
        out["fitted"] = {"torch": by_torch(logits, targets), "scipy": float(np.exp(scipy.x[0]))}
    return out


def drawn(seed, n, k, scale, noise):
    """Logits that know the target to some degree."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, k, n)
    logits = scale * (np.eye(k)[targets] + random.normal(0, noise, (n, k)))
    return np.round(logits * 8) / 8, targets


def main():
    inf = -np.inf
    cases = [
        case("ordinary", *drawn(1, 300, 7, 3, 0.6)),
        case("overconfident", *drawn(2, 300, 5, 12, 0.7)),
        case("at a temperature", *drawn(2, 60, 5, 12, 0.7), temperature=3.5),
        case("timid", *drawn(3, 200, 4, 0.5, 0.3)),
        case("two classes", *drawn(4, 100, 2, 4, 0.8)),
        case("ties", [[1, 1, 0], [0, 1, 1], [2, 2, 2], [0, 0, 1]], [0, 2, 1, 0], fits=False),
        case("missing classes", [[3, 1, 0, 0], [0, 1, 5, 0], [2, 0, 1, 0]], [0, 0, 2], fits=False),
        case("one sample", [[0.5, 1.5, 0]], [1], fits=False),
        case("zero and one", [[0, inf, inf], [inf, 0, inf], [200, 0, -200], [inf, 1, 2]], [0, 1, 0, 2], fits=False),
        case("never", [[0, inf, 1], [1, 0, 0]], [1, 0], fits=False),
    ]
    pairs = [(0, 0), (1, 0), (5, 5), (3, 12), (10, 14), (10, 15), (40, 20), (7, 300)]
    mcnemar = []
    for b, c in pairs:
        n = b + c
        exact = n < 25
        p = 1.0 if n == 0 else binomtest(b, n).pvalue if exact else chi2.sf((max(0, abs(b - c) - 1)) ** 2 / n, 1)
        mcnemar.append({"only_a": b, "only_b": c, "p": float(p), "exact": exact})
    random = np.random.default_rng(5)
    counts = {"both": 700, "only_a": 60, "only_b": 90, "none": 150}
    draws = random.multinomial(1000, np.array(list(counts.values())) / 1000, 200_000)
    accuracy = (draws[:, 0] + draws[:, 1]) / 1000
    difference = (draws[:, 2] - draws[:, 1]) / 1000
    bootstrap = {"counts": counts, "accuracy": np.quantile(accuracy, [0.025, 0.975]).tolist(),
                 "difference": np.quantile(difference, [0.025, 0.975]).tolist()}
    path = pathlib.Path(__file__).parent / "scores.json"
    path.write_text(json.dumps({"cases": cases, "mcnemar": mcnemar, "bootstrap": bootstrap}, separators=(",", ":"))
                    .replace('{"name"', '\n{"name"') + "\n")
    print(path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
