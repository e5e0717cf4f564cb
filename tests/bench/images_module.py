#!/usr/bin/env python3
"""What the module with OpenCV costs: a start without and with an image that needs it, in turn; medians of 15 rounds.

  tests/bench/images_module.py [path of dtrain]
"""
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = ["--set", "data.eval_split=train"]
DTRAIN = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build/release/dtrain")


def folder(parent, name, picture):
    for label in ("a", "b"):
        (parent / name / "train" / label).mkdir(parents=True)
        shutil.copy(picture, parent / name / "train" / label)
    return parent / name


def milliseconds(*arguments):
    start = time.perf_counter()
    subprocess.run([DTRAIN, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return 1e3 * (time.perf_counter() - start)


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    without = folder(scratch, "jpeg", ROOT / "tests/golden/images/jpeg_420.jpg")
    with_it = folder(scratch, "webp", ROOT / "tests/golden/formats/webp_lossy.webp")
    rounds = [(milliseconds("--version"), milliseconds("verify-data", without, *SETTINGS),
               milliseconds("verify-data", with_it, *SETTINGS))
              for _ in range(15)]
for name, times in zip(("dtrain --version", "verify-data, JPEG", "verify-data, WebP"), zip(*rounds)):
    print(f"{name:20} {statistics.median(times):7.1f} ms ({min(times):.1f} to {max(times):.1f})")
