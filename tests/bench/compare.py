#!/usr/bin/env python3
"""dtrain beside Python, in one run: rounds of both in turn, medians, spread and the ratio of each pair.

usage: tests/bench/compare.py [step] [ddp] [first_step] [scaling] [world] [--rounds R] [--build DIR]

  step        one training step, 1 rank x 2 threads, bf16, ResNet-18 on 28 x 28, batch 128
  ddp         the same, 2 ranks x 1 thread, batch 64 each, gradients averaged (Python: DDP over Gloo)
  first_step  exec to the end of the first step on the real Fashion-MNIST: wall time and peak memory
  scaling     images per second of 2 ranks x 1 thread over twice those of 1 rank x 1 thread, batch 64 each
  world       dtrain alone, 2 ranks: the deterministic world of 2 beside the fast mode, both with
              synchronised batch norm; and how long a step waits for communication

compare_loader.py is about reading data. Both sides run with the same malloc variables. Needs
`./launch/setup.sh --with-python` and a build with
benchmarks. Machines are noisy: read the ratios, not the single times.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from bench_tools import DATA, MPIRUN, PYTHON, REFERENCE, ROOT, environment, last_json, report


def python_step(ranks, threads, batch, steps):
    command = [PYTHON, REFERENCE / "train_step.py", "--batch-size", str(batch), "--threads", str(threads),
               "--steps", str(steps)]
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(
                threads, RANK=str(rank), WORLD_SIZE=str(ranks), RENDEZVOUS_FILE=folder + "/store"))
            for rank in range(ranks)
        ]
        outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit(f"the Python side failed: {command}")
    return last_json(outputs[0])["step_ms"]


def dtrain_bench(build, ranks, threads, batch, steps, *flags):
    command = [*MPIRUN, "-np", str(ranks), build / "tests/bench/train_step_bench", "--batch-size", str(batch),
               "--threads", str(threads), "--steps", str(steps), *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment(threads), check=True)
    return last_json(done.stdout)


def dtrain_step(build, ranks, threads, batch, steps):
    return dtrain_bench(build, ranks, threads, batch, steps)["step_ms"]


def until_first_step(command, threads):
    """Wall seconds until a line that starts with `Train:` arrives, and the peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(threads))
    seconds = None
    for line in process.stdout:
        if line.startswith("Train:"):
            seconds = time.perf_counter() - start
            break
    process.kill()
    process.stdout.close()
    _, _, usage = os.wait4(process.pid, 0)
    if seconds is None:
        sys.exit(f"no step was reported by {command}")
    return seconds, usage.ru_maxrss / 1024


def python_first_step():
    return until_first_step([PYTHON, REFERENCE / "first_step.py", DATA, "128", "2"], 2)


def dtrain_first_step(build):
    with tempfile.TemporaryDirectory() as folder:
        return until_first_step(
            [build / "dtrain", "--config", ROOT / "configs/fashion_mnist_resnet18.json", "--batch-size", "128",
             "--data-dir", DATA, "--output", folder, "--set", "data.holdout=0", "--set", "data.eval_split=test"], 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["step", "ddp", "first_step", "scaling", "world", []])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    a = parser.parse_args()
    a.build = a.build.resolve()
    what = a.what or ["step", "ddp", "first_step", "scaling", "world"]
    for name, ranks, threads, batch in (("step", 1, 2, 128), ("ddp", 2, 1, 64)):
        if name in what:
            report(f"{name}, {ranks} x {threads} threads", "ms", [
                (python_step(ranks, threads, batch, a.steps), dtrain_step(a.build, ranks, threads, batch, a.steps))
                for _ in range(a.rounds)])
    if "scaling" in what:
        def efficiency(step, *start):
            return step(*start, 1, 1, 64, a.steps) / step(*start, 2, 1, 64, a.steps)
        report("scaling efficiency 1 -> 2", "  ", [
            (efficiency(python_step), efficiency(dtrain_step, a.build)) for _ in range(a.rounds)])
    if "world" in what:
        rounds = [(dtrain_bench(a.build, 2, 1, 64, a.steps, "--sync-bn"),
                   dtrain_bench(a.build, 2, 1, 64, a.steps, "--world", "2")) for _ in range(a.rounds)]
        for key, name in (("step_ms", "step, 2 x 1 threads"), ("comm_ms", "  of it communication")):
            report(name, "ms", [(fast[key], world[key]) for fast, world in rounds], ("fast", "world"))
    if "first_step" in what:
        rounds = [(python_first_step(), dtrain_first_step(a.build)) for _ in range(a.rounds + 1)][1:]
        report("first step, wall", "s ", [(p[0], d[0]) for p, d in rounds])
        report("first step, memory", "MB", [(p[1], d[1]) for p, d in rounds])


if __name__ == "__main__":
    main()
