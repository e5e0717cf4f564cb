#!/usr/bin/env python3
"""dtrain beside Python, in one run: rounds of both in turn, medians, spread and the ratio of each pair.

usage: tests/bench/compare.py [step] [ddp] [first_step] [scaling] [world] [loader] [--rounds R] [--build DIR]

  step        one training step, 1 rank x 2 threads, bf16, ResNet-18 on 28 x 28, batch 128
  ddp         the same, 2 ranks x 1 thread, batch 64 each, gradients averaged (Python: DDP over Gloo)
  first_step  exec to the end of the first step on the real Fashion-MNIST: wall time and peak memory
  scaling     images per second of 2 ranks x 1 thread over twice those of 1 rank x 1 thread, batch 64 each
  world       dtrain alone, 2 ranks: the deterministic world of 2 beside the fast mode, both with
              synchronised batch norm; and how long a step waits for communication
  loader      images per second on one core: a random part of 512 x 512 JPEG, at 224 and 128 and flipped,
              beside torchvision with Pillow and with torchvision.io

Both sides run with the same malloc variables. Needs `./launch/setup.sh --with-python` and a build with
benchmarks. Machines are noisy: read the ratios, not the single times.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests/bench/reference"
PYTHON = ROOT / ".deps/venv/bin/python3"
DATA = os.environ.get("DTRAIN_DATA_DIR", "/usr/share/datasets/fashion-mnist")
# Large blocks come from the heap and stay there: worth 5 to 15 % to Python, and dtrain sets the same
# values at the start of main.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "2147483647",
    "MALLOC_TOP_PAD_": "268435456",
}
MPIRUN = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "--map-by", "slot", "--oversubscribe"]


def environment(threads, **more):
    return {**os.environ, **MALLOC, "OMP_NUM_THREADS": str(threads), **more}


def last_json(text):
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if not lines:
        sys.exit(f"no result in the output:\n{text}")
    return json.loads(lines[-1])


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
             "--data-dir", DATA, "--output", folder], 2)


def loader_rates(build, folder, size):
    """(Pillow, torchvision.io, dtrain), each with the decoding in one thread on core 0."""
    one_core = ["taskset", "-c", "0"]
    python = [*one_core, PYTHON, REFERENCE / "loader.py", folder, str(size), "0", "3"]
    ours = [*one_core, build / "tests/bench/loader_bench", "--data-dir", folder, "--size", str(size), "--workers", "1",
            "--seconds", "3"]
    return [last_json(subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment(1),
                                     check=True).stdout)["images_per_second"]
            for command in ([*python, "pillow"], [*python, "torchvision"], ours)]


def compare_loaders(build, rounds):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([build / "tests/support/make_pictures", "photos", folder, "400", "1"], check=True)
        for size in (224, 128):
            rates = [loader_rates(build, folder, size) for _ in range(rounds)]
            for column, side in enumerate(("pillow", "torchvision.io")):
                report(f"loader at {size}", "/s", [(rate[column], rate[2]) for rate in rates], (side, "dtrain"))


def report(name, unit, pairs, sides=("python", "dtrain")):
    """pairs: (python, dtrain) of each round, or other sides."""
    first, second = zip(*pairs)
    ratios = [b / a for a, b in pairs]
    for side, values in ((sides[0], first), (sides[1], second)):
        print(f"{name:24} {side:8} median {statistics.median(values):9.3f} {unit}"
              f"  min {min(values):9.3f}  max {max(values):9.3f}")
    print(f"{name:24} ratio    median {statistics.median(ratios):9.3f} ({sides[1]} / {sides[0]})"
          f"  min {min(ratios):9.3f}  max {max(ratios):9.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["step", "ddp", "first_step", "scaling", "world", "loader", []])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    a = parser.parse_args()
    a.build = a.build.resolve()
    what = a.what or ["step", "ddp", "first_step", "scaling", "world", "loader"]
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
    if "loader" in what:
        compare_loaders(a.build, a.rounds)
    if "first_step" in what:
        rounds = [(python_first_step(), dtrain_first_step(a.build)) for _ in range(a.rounds + 1)][1:]
        report("first step, wall", "s ", [(p[0], d[0]) for p, d in rounds])
        report("first step, memory", "MB", [(p[1], d[1]) for p, d in rounds])


if __name__ == "__main__":
    main()
