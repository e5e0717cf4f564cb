"""What the comparisons share: the environment of both sides, and how pairs of timings are reported."""
import json
import os
import pathlib
import statistics
import sys

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


def report(name, unit, pairs, sides=("python", "dtrain")):
    """pairs: (python, dtrain) of each round, or other sides."""
    first, second = zip(*pairs)
    ratios = [b / a for a, b in pairs]
    for side, values in ((sides[0], first), (sides[1], second)):
        print(f"{name:24} {side:8} median {statistics.median(values):9.3f} {unit}"
              f"  min {min(values):9.3f}  max {max(values):9.3f}")
    print(f"{name:24} ratio    median {statistics.median(ratios):9.3f} ({sides[1]} / {sides[0]})"
          f"  min {min(ratios):9.3f}  max {max(ratios):9.3f}", flush=True)
