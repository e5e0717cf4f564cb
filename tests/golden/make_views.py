"""Views of a sample merged by numpy and scipy (tests/predict/view_merge_test.cpp, tests/integration/tta_python_test.py).

    .deps/venv/bin/python3 tests/golden/make_views.py

Logits are multiples of 1/8, so that float32 holds them and ties are real. JSON has no infinity: null stands for -inf.
"""
import json
import pathlib

import numpy as np
from scipy.special import softmax

MERGES = ("probabilities", "logits", "vote")


def lowest_of_largest(values):
    """argmax(1), for which sums of equal numbers in another order are equal too."""
    return np.round(values, 12).argmax(1)


def merge(rule, logits):
    """logits (B, V, K) -> probabilities (B, K), predicted (B)."""
    logits = np.asarray(logits, dtype=np.float64)
    _, views, classes = logits.shape
    probabilities = softmax(logits, axis=2).mean(1)
    if rule == "logits":
        mean = logits.mean(1)
        return softmax(mean, axis=1), lowest_of_largest(mean)
    if rule == "vote" and views > 1:  # one view is no vote: its probabilities stay as they are
        votes = (logits.argmax(2)[:, :, None] == np.arange(classes)).sum(1)
        most = votes == votes.max(1, keepdims=True)
        return votes / views, lowest_of_largest(np.where(most, probabilities, -1))
    return probabilities, lowest_of_largest(probabilities)


def case(name, logits):
    logits = np.asarray(logits, dtype=np.float64)
    assert np.array_equal(logits.astype(np.float32), logits)
    merges = {}
    for rule in MERGES:
        probabilities, predicted = merge(rule, logits)
        assert np.isfinite(probabilities).all(), (name, rule)
        merges[rule] = {"probabilities": [float(f"{p:.12g}") for p in probabilities.flatten()],
                        "predicted": predicted.tolist()}
    samples, views, classes = logits.shape
    return {"name": name, "samples": samples, "views": views, "classes": classes,
            "logits": [None if np.isneginf(v) else v for v in logits.flatten()], "merges": merges}


def drawn(seed, samples, views, classes, scale=3.0):
    """Views of a sample resemble each other."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, scale, (samples, 1, classes)) + random.normal(0, scale, (samples, views, classes))
    return np.round(logits * 8) / 8


def main():
    inf = -np.inf
    holes = drawn(7, 12, 4, 6)
    holes[:, :, 4] = inf  # a class that no view thinks possible
    holes[:, 1:3, 2] = inf
    holes[:6, 0, 0] = inf
    tied = [  # within a view the lowest class has the vote
        [[1, 1, 0], [0, 1, 1], [2, 2, 2]], [[0, 3, 3], [0, 3, 3], [0, 3, 3]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[-1, -1, -2], [-2, 0, 0], [-5, -3, -3]]]
    votes = [  # two to two, or one each: the larger mean probability, then the lowest class
        [[4, 0, 0, 0], [3, 0, 0, 0], [0, 0, 5, 0], [0, 0, 6, 0]], [[6, 0, 0, 0], [5, 0, 0, 0], [0, 0, 3, 0], [0, 0, 4, 0]],
        [[0, 2, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 2, 0]], [[0, 0, 0, 9], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]],
        # More probability, but fewer votes.
        [[9, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]]
    # Each class has each of three logits once: means that differ only by the order in which they are added up.
    turned = [[row, row[1:] + row[:1], row[2:] + row[:2]] for row in drawn(8, 40, 1, 3)[:, 0].tolist()]
    sure = [[[0, inf, inf], [200, 0, -200]], [[inf, inf, 0], [-10000, 0, 10000]], [[inf, 0, 1], [inf, 3, 0]],
            [[0, inf, inf], [1, inf, 0]]]
    cases = [
        case("two views", drawn(1, 30, 2, 7)),
        case("ten views", drawn(2, 20, 10, 7)),
        case("a hundred classes", drawn(3, 4, 10, 100)),
        case("one sample", drawn(4, 1, 3, 4)),
        case("one view", drawn(5, 10, 1, 5)),
        case("one class", drawn(6, 3, 5, 1)),
        case("classes that views rule out", holes),
        case("probabilities of 0 and 1", sure),
        case("ties within a view", tied),
        case("ties of the votes", votes),
        case("means in another order", turned),
    ]
    path = pathlib.Path(__file__).parent / "views.json"
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in cases)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
