#!/usr/bin/env python3
"""A soft vote of files of predictions in dtrain beside numpy, h5py and scipy: rounds of all in turn, medians, peak memory.

usage: tests/bench/compare_vote.py --dir FOLDER [--members M] [--samples N] [--classes K] [--threads T]
                                   [--rounds R] [--build DIR] [--program PROGRAM]

The defaults are 10 files of 1,000,000 samples x 1,000 classes: 40 GB in FOLDER and 8 GB for two results. For a try:
--samples 10000. PROGRAM is called as `PROGRAM soft THREADS OUTPUT MEMBER...`; the default is the build's vote_bench,
which needs a build with benchmarks. Python has its threads off, as its calls use only one anyway; dtrain runs with
one thread and with T. Times are from exec to exit and include reading and writing, so they depend on the disk where
the files do not fit into the page cache.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench_tools import PYTHON, REFERENCE, ROOT, environment, last_json, report


def measure(command):
    """(seconds, peak memory in MB, what it printed) of one process."""
    with tempfile.TemporaryFile("w+") as output:
        begin = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=output,
                                   env={**os.environ, "OMP_NUM_THREADS": "1"})
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"failed with {process.returncode}: {command}")
        output.seek(0)
        return seconds, usage.ru_maxrss / 1024, last_json(output.read())


def make(a, folder):
    bytes_needed = (a.members + 2) * a.samples * a.classes * 4 * 1.05
    free = shutil.disk_usage(folder).free
    if free < bytes_needed:
        sys.exit(f"{folder}: {bytes_needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free")
    paths = [folder / f"member{m}.h5" for m in range(a.members)]
    for m, path in enumerate(paths):
        subprocess.run([a.build / "tests/bench/make_predictions", path, str(a.samples), str(a.classes), str(m)],
                       check=True, env=environment(1))
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--program", type=pathlib.Path)
    a = parser.parse_args()
    program = a.program or a.build / "tests/bench/vote_bench"
    with tempfile.TemporaryDirectory(dir=a.dir) as name:
        folder = pathlib.Path(name)
        paths = make(a, folder)
        python = [PYTHON, REFERENCE / "vote.py"]
        sides = {
            "scipy": [*python, folder / "python.h5", *paths],
            "numpy": [*python, "--numpy", folder / "python.h5", *paths],
            "dtrain, 1": [program, "soft", "1", folder / "dtrain.h5", *paths],
            f"dtrain, {a.threads}": [program, "soft", a.threads, folder / "dtrain.h5", *paths],
        }
        rounds = [{side: measure(command) for side, command in sides.items()} for _ in range(a.rounds)]
    for side in sides:
        print(f"{side:12} peak memory median {statistics.median(r[side][1] for r in rounds):7.1f} MB,"
              f" right {rounds[0][side][2]['ensemble_right']} of {a.samples}")
    for reference in ("scipy", "numpy"):
        for side in list(sides)[2:]:
            report("soft vote", "s", [(r[reference][0], r[side][0]) for r in rounds], (reference, side))


if __name__ == "__main__":
    main()
