#!/usr/bin/env python3
"""Reading pictures in dtrain beside Python, in one run: rounds of both in turn, medians, spread, ratios.

usage: tests/bench/compare_loader.py [rates] [augment] [cores] [memory] [pack] [end_to_end] [--rounds R] [--build DIR]

  rates       images per second on one core: a random part of 512 x 512 JPEG, at 224 and 128 and flipped,
              beside torchvision with Pillow and with torchvision.io
  augment     the same at 224 with RandAugment, beside torchvision with Pillow
  cores       dtrain alone: images per second on two cores over those on one
  memory      proportional memory (PSS) of all processes with two workers, beside torchvision with Pillow
  pack        dtrain alone: 128 x 128 pixels from a pack over decoding the same from the folder it was made of, one core
  end_to_end  1,000 pictures, ResNet-18 at 128, bf16, 2 ranks: seconds from exec to exit, beside PyTorch DDP
              with the best of 0, 1 and 2 workers and of both decoders; and how long steps waited for data

Python's DataLoader runs in the main process for one core: workers only cost there. Both sides run with the
same malloc variables. Needs `./launch/setup.sh --with-python` and a build with benchmarks. Machines are
noisy: read the ratios, not the single times.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

from bench_tools import MPIRUN, PYTHON, REFERENCE, ROOT, environment, last_json, report

SECONDS = "3"


def output_of(command, cores=None):
    pinned = ["taskset", "-c", cores] if cores else []
    done = subprocess.run([*pinned, *map(str, command)], stdout=subprocess.PIPE, text=True, env=environment(1),
                          check=True)
    return last_json(done.stdout)


def python_loader(folder, size, backend, workers=0, augment="none", cores="0"):
    return output_of([PYTHON, REFERENCE / "loader.py", folder, size, workers, SECONDS, backend, augment], cores)


def dtrain_loader(build, data, size, workers=1, cores="0", augment=None, middle=False):
    more = [*(["--augment", augment] if augment else []), *(["--eval"] if middle else [])]
    return output_of([build / "tests/bench/loader_bench", "--data", data, "--size", size, "--workers", workers,
                      "--seconds", SECONDS, *more], cores)


def rate(result):
    return result["images_per_second"]


def compare_rates(build, folder, rounds):
    for size in (224, 128):
        results = [(rate(python_loader(folder, size, "pillow")), rate(python_loader(folder, size, "torchvision")),
                    rate(dtrain_loader(build, folder, size))) for _ in range(rounds)]
        for column, side in enumerate(("pillow", "torchvision.io")):
            report(f"loader at {size}", "/s", [(r[column], r[2]) for r in results], (side, "dtrain"))


def compare_augment(build, folder, rounds):
    report("loader with RandAugment", "/s", [
        (rate(python_loader(folder, 224, "pillow", augment="randaugment")),
         rate(dtrain_loader(build, folder, 224, augment="ra"))) for _ in range(rounds)], ("pillow", "dtrain"))


def compare_cores(build, folder, rounds):
    for size in (224, 128):
        report(f"loader at {size}, cores", "/s", [
            (rate(dtrain_loader(build, folder, size)), rate(dtrain_loader(build, folder, size, 2, "0,1")))
            for _ in range(rounds)], ("one", "two"))


def compare_memory(build, folder, rounds):
    report("loader, 2 workers, memory", "MB", [
        (python_loader(folder, 224, "pillow", 2, cores=None)["pss_mb"],
         dtrain_loader(build, folder, 224, 2, cores=None)["pss_mb"]) for _ in range(rounds)], ("pillow", "dtrain"))


def compare_pack(build, folder, rounds):
    pack = folder + "/pack.h5"
    subprocess.run([build / "dtrain", "pack", "--set", "data.dataset=image_folder", "--data-dir", folder, "--output",
                    pack, "--size", "128"], check=True, stdout=subprocess.DEVNULL)
    report("reading at 128", "/s", [
        (rate(dtrain_loader(build, folder, 128, middle=True)), rate(dtrain_loader(build, pack, 0, middle=True))) for _ in range(rounds)],
        ("folder", "pack"))


# --- end to end ---------------------------------------------------------------------------------------
BATCH = "32"


def seconds_of(start):
    begin = time.perf_counter()
    result = start()
    return time.perf_counter() - begin, result


def python_training(folder, workers, backend):
    command = [PYTHON, REFERENCE / "end_to_end.py", folder, BATCH, str(workers), backend]
    with tempfile.TemporaryDirectory() as store:
        ranks = [subprocess.Popen(command, env=environment(
            1, RANK=str(rank), WORLD_SIZE="2", RENDEZVOUS_FILE=store + "/store")) for rank in range(2)]
        if any(rank.wait() for rank in ranks):
            sys.exit(f"the Python side failed: {command}")


def dtrain_training(build, folder):
    """What the run printed, a line for each step."""
    with tempfile.TemporaryDirectory() as runs:
        command = [*MPIRUN, "-np", "2", build / "dtrain", "--data-dir", folder, "--output", runs, "--dataset",
                   "image_folder", "--set", "transforms.size=128", "--set", "run.threads=1", "--epochs", "1", "--model",
                   "resnet18", "-b", BATCH, "--amp", "--workers", "1", "--set", "run.log_interval=1",
                   "--set", "model.stem=imagenet", "--set", "dist.sync_bn=false"]  # as DDP by itself
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment(1)).stdout


def compare_end_to_end(build, folder, rounds):
    settings = [(workers, backend) for workers in (0, 1, 2) for backend in ("pillow", "torchvision")]
    times = {s: seconds_of(lambda s=s: python_training(folder, *s))[0] for s in settings}
    best = min(times, key=times.get)
    print("end to end, Python's settings: " + ", ".join(
        f"{workers} workers and {backend} {times[workers, backend]:.1f} s" for workers, backend in settings))
    pairs, shares, waited = [], [], []
    for _ in range(rounds):
        python = seconds_of(lambda: python_training(folder, *best))[0]
        ours, log = seconds_of(lambda: dtrain_training(build, folder))
        pairs.append((python, ours))
        steps = [(float(t), float(d)) for t, d in re.findall(r"Time: ([0-9.]+)s.*Data: ([0-9.]+)", log)][1:]
        shares.append(sum(d for _, d in steps) / sum(t for t, _ in steps))
        waited.append(sum(d > 0.02 * t for t, d in steps) / len(steps))
    report("end to end", "s ", pairs)
    print(f"time that steps behind the first waited for data: median {100 * statistics.median(shares):.2f} %; "
          f"steps that waited for more than 2 % of their time: {100 * statistics.median(waited):.1f} %")


COMPARISONS = {"rates": (compare_rates, 400), "augment": (compare_augment, 400), "cores": (compare_cores, 400),
               "memory": (compare_memory, 400), "pack": (compare_pack, 400), "end_to_end": (compare_end_to_end, 1000)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[*COMPARISONS, []])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    a = parser.parse_args()
    a.build = a.build.resolve()
    for name in a.what or COMPARISONS:
        compare, pictures = COMPARISONS[name]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([a.build / "tests/support/make_pictures", "photos", folder, str(pictures), "64"], check=True)
            compare(a.build, folder, a.rounds)


if __name__ == "__main__":
    main()
