"""Reads the folders of tensorboard_python_test.cpp with TensorBoard's own EventAccumulator."""

import math
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def read(folder):
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0})
    accumulator.Reload()
    return accumulator


def curve(accumulator, tag):
    return [(event.step, round(event.value, 4)) for event in accumulator.Scalars(tag)]


def expected(attempt_of, steps):
    return [(step, round(attempt_of(step) + step / 1000, 4)) for step in steps]


folder = sys.argv[1]
run = read(folder)
if "--already-running" in sys.argv:
    attempt = lambda step: 1 if step <= 13 else 2
    assert curve(run, "train/loss") == expected(attempt, range(1, 25)), curve(run, "train/loss")
    assert curve(run, "eval/top1") == [(4, 1), (8, 1), (12, 1), (16, 2), (20, 2), (24, 2)]
    sys.exit()

attempt = lambda step: 1 if step <= 13 else 2 if step <= 16 else 3
assert sorted(run.Tags()["scalars"]) == [
    "eval/top1", "odd/infinity", "odd/late", "odd/nan", "train/loss", "train/lr",
], run.Tags()
assert curve(run, "train/loss") == expected(attempt, range(1, 25)), curve(run, "train/loss")
assert curve(run, "eval/top1") == [(4, 1), (8, 1), (12, 1), (16, 2), (20, 3), (24, 3)], curve(run, "eval/top1")
assert [event.step for event in run.Scalars("train/lr")] == list(range(1, 25))
assert math.isnan(run.Scalars("odd/nan")[0].value)
assert run.Scalars("odd/infinity")[0].value == math.inf
assert run.Scalars("odd/late")[0].step == 2**40
assert abs(run.Scalars("train/loss")[0].wall_time - __import__("time").time()) < 600

killed = read(folder + "/killed")
assert curve(killed, "train/loss") == expected(lambda step: 1, range(1, 21)), curve(killed, "train/loss")
assert curve(killed, "eval/top1") == [(step, 1) for step in (4, 8, 12, 16)], curve(killed, "eval/top1")
