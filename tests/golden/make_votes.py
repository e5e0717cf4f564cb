"""Votes on shared logits by numpy and scipy: hard, soft, weighted and rank-average (tests/predictions/voting_test.cpp).

    .deps/venv/bin/python3 tests/golden/make_votes.py

Logits are multiples of 1/8, so that float32 holds them and ties are real. JSON has no infinity: null stands for -inf.
"""
import json
import pathlib

import numpy as np
from scipy.special import softmax
from scipy.stats import rankdata

RULES = ("hard", "soft", "weighted", "rank-average")


def vote(rule, logits, temperatures, weights):
    """logits (M, n, K) -> shares (n, K), predicted (n)."""
    members, _, classes = logits.shape
    probabilities = np.stack([softmax(one / t, axis=1) for one, t in zip(logits, temperatures)])
    if rule == "soft":
        shares = probabilities.mean(0)
    elif rule == "weighted":
        shares = np.average(probabilities, axis=0, weights=weights)
    elif rule == "rank-average":
        ranks = np.stack([rankdata(one, method="average", axis=1) for one in logits]).mean(0)
        shares = ranks / (classes * (classes + 1) / 2)
    else:
        votes = (logits.argmax(2)[:, :, None] == np.arange(classes)).sum(0)
        tied = np.where(votes == votes.max(1, keepdims=True), probabilities.sum(0), -1)
        # Sums of equal numbers in another order are equal too.
        return votes / members, np.round(tied, 12).argmax(1)
    return shares, np.round(shares, 12).argmax(1)


def case(name, logits, temperatures=None, weights=None, rules=RULES):
    logits = np.asarray(logits, dtype=np.float64)
    members = len(logits)
    temperatures = temperatures or [1.0] * members
    weights = weights or [1.0] * members
    results = {}
    for rule in rules:
        shares, predicted = vote(rule, logits, temperatures, weights)
        with np.errstate(divide="ignore"):
            log = np.log(shares)
        results[rule] = {"logits": texts(log), "predicted": predicted.tolist()}
    return {"name": name, "members": members, "samples": logits.shape[1], "classes": logits.shape[2],
            "temperatures": temperatures, "weights": weights, "logits": texts(logits), "rules": results}


def texts(values):
    return [None if np.isneginf(v) else float(f"{v:.9g}") for v in np.asarray(values).flatten()]


def drawn(seed, members, samples, classes, scale=3.0):
    logits = np.random.default_rng(seed).normal(0, scale, (members, samples, classes))
    return np.round(logits * 8) / 8


def main():
    holes = drawn(5, 3, 8, 6)
    holes[:, :, 2] = -np.inf  # a class that nobody has seen
    holes[0, :4, 0] = -np.inf
    ties = [[[2, 1, 0], [0, 0, 0], [1, 3, 3], [5, 5, 0]], [[0, 1, 2], [0, 0, 0], [3, 1, 3], [0, 5, 5]]]
    hard = [[[4, 0, 0], [4, 0, 0], [1, 0, 0]], [[0, 1, 0], [0, 4, 0], [0, 1, 0]], [[0, 0, 2], [0, 0, 4], [0, 1, 0]]]
    cases = [
        case("five members", drawn(1, 5, 30, 7)),
        case("temperatures and weights", drawn(2, 4, 20, 10, 6.0), [0.5, 1.0, 1.75, 4.0], [0.5, 2.0, 0.0, 1.25]),
        case("one sample", drawn(3, 3, 1, 4)),
        case("one member", drawn(4, 1, 10, 5), [2.5]),
        case("one class", drawn(6, 3, 3, 1)),
        case("a missing class", holes),
        case("ties", ties),
        # Means of three in another order differ in their last bit: only the votes and ranks are equal.
        case("ties of the votes", hard, rules=("hard", "rank-average")),
        case("probabilities of 0 and 1", [[[3e38, -3e38, 0], [1e30, 1e30, -1e30]], [[0, 1, 2], [-1e4, 0, 1e4]]]),
        case("a hundred classes", drawn(7, 3, 10, 100)),
    ]
    path = pathlib.Path(__file__).parent / "votes.json"
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in cases)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
