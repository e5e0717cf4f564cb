#!/usr/bin/env python3
"""What needs a GPU, checked and measured in one go: check.py [--steps N] [--json FILE]

Stands in the folder that pack.sh makes and runs there, with a Python that has LibTorch 2.11 for CUDA 13 (only
to find its libraries; nothing is imported from it but its path). Compares loss curves of the GPU with those of
the CPU in float32, checks that a resumed run on the GPU changes no bit, and measures images per
second. Exits with 1 if a comparison fails; prints a table for docs/reproducing.md.
"""
import argparse
import csv
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def library_path():
    """The folders of torch, its CUDA wheels, and the libraries that were carried along."""
    torch = pathlib.Path(importlib.util.find_spec("torch").origin).parent
    wheels = sorted(str(p) for p in (torch.parent / "nvidia").glob("*/lib"))
    return ":".join([str(torch / "lib"), *wheels, str(HERE / "lib"), os.environ.get("LD_LIBRARY_PATH", "")])


def train(output, *flags, expect=0):
    command = [HERE / "dtrain", "--config", HERE / "fashion_mnist_resnet18.json", "--data-dir", HERE / "data",
               "--output", output, "-b", "128", "-j", "4", *map(str, flags)]
    done = subprocess.run(command, text=True, capture_output=True,
                          env={**os.environ, "LD_LIBRARY_PATH": library_path()})
    if done.returncode != expect:
        sys.exit(f"exit code {done.returncode}: {command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    (folder,) = pathlib.Path(output).iterdir()
    return folder, done.stdout


def losses(log):
    return [float(m) for m in re.findall(r"Train: .*?Loss: (\S+) \(", log)]


def first_difference(a, b):
    return max(abs(x - y) / x for x, y in zip(a, b))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--json", type=pathlib.Path)
    a = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp())
    results, failures = {}, []
    curve = ["--set", "run.log_interval=1", "--lr", "0.01", "--epochs", 1, "--set", "data.limit_train=5120",
             "--set", "data.limit_eval=512"]
    runs = {}
    for name, device, precision in (("cpu float32", "cpu", "float32"), ("cuda float32", "cuda", "float32"),
                                    ("cuda bfloat16", "cuda", "bfloat16"),
                                    ("cuda float16", "cuda", "float16")):
        folder, log = train(scratch / name.replace(" ", "_"), *curve, "--device", device,
                            "--set", f"train.precision={precision}", "--set", f"train.max_steps={a.steps}")
        runs[name] = losses(log)
    # Printed losses have three digits; rounding of float32 stays far below that at this rate.
    for name, limit in (("cuda float32", 0.01), ("cuda bfloat16", 0.05), ("cuda float16", 0.02)):
        difference = first_difference(runs["cpu float32"], runs[name])
        results[f"largest relative difference of the loss, {name} to cpu float32"] = difference
        if len(runs[name]) != a.steps or difference > limit:
            failures.append(f"{name}: {difference} over {len(runs[name])} steps")

    # Stopped in the middle of an epoch and continued, with deterministic algorithms: the same bits.
    output = scratch / "resume"
    flags = ["--epochs", 2, "--set", "data.limit_train=5120", "--device", "cuda", "--set",
             "train.deterministic=true"]
    straight, _ = train(scratch / "straight", *flags)
    train(output, *flags, "--set", "train.max_steps=50")
    folder, _ = train(output, *flags, "--resume", "auto")
    for part in ("model", "state"):
        same = ((straight / f"checkpoints/last/{part}.safetensors").read_bytes()
                == (folder / f"checkpoints/last/{part}.safetensors").read_bytes())
        results[f"resumed run on the GPU, {part}: same bits as uninterrupted"] = same
        if not same:
            failures.append(f"resume: {part} differs")
    with open(folder / "summary.csv", newline="") as f:
        epochs = [row["epoch"] for row in csv.DictReader(f)]
    results["epochs in summary.csv of the resumed run"] = epochs
    if epochs != ["0", "1"]:
        failures.append(f"resume: {epochs}")

    folder, _ = train(scratch / "speed", "--epochs", 3, "--device", "cuda", "-b", "1024", "--lr", "0.4")
    with open(folder / "summary.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    results["images per second, bfloat16, batch 1024, last epoch"] = float(rows[-1]["images_per_second"])
    results["test accuracy after 3 epochs"] = float(rows[-1]["eval_top1"])

    shutil.rmtree(scratch)
    for key, value in results.items():
        print(f"| {key} | {value} |")
    if a.json:
        a.json.write_text(json.dumps({"results": results, "losses": runs, "failures": failures}, indent=1))
    if failures:
        sys.exit("FAILED: " + "; ".join(failures))


if __name__ == "__main__":
    main()
