#!/usr/bin/env python3
"""Writes launch/requirements-{cpu,cuda,python}.txt: every wheel dtrain may install, by version and SHA-256.

Run by hand when a version moves (it asks the package index; nothing else in the tree does):

    launch/pin_requirements.py [--pip /path/to/a/pip/of/23.2/or/newer]

The whole set is resolved once for each supported Python, without installing anything, and split into
three layers that launch/setup.sh installs one on top of the other:

    cpu     what linking and running libtorch_cpu needs: three wheels, no Python packages
    cuda    the NVIDIA libraries that libtorch_cuda needs, at the versions torch itself pins
    python  the reference Python of the parity tests: torchvision, tensorboard and what they import
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

WANTED = [
    "torch==2.11.0",
    # Headers that cuda_runtime.h and cuda_fp16.h include and torch does not ask for.
    "nvidia-cuda-cccl==13.0.85",
    "nvidia-cuda-crt==13.0.88",
    "torchvision==0.26.0",
    "safetensors==0.8.0",
    "tensorboard==2.21.0",
    "h5py==3.16.0",
    "pillow",
    "numpy",
    "scipy",
    "scikit-learn",
]
# The first one resolves freely; the later ones keep its versions where they can.
PYTHONS = ["3.11", "3.12", "3.10"]
# What Debian 12 and Ubuntu 22.04 (glibc 2.35) can load.
PLATFORMS = ["manylinux_2_%d_x86_64" % minor for minor in range(35, 4, -1)] + [
    "manylinux2014_x86_64", "manylinux1_x86_64", "linux_x86_64"]
CPU = {"torch", "nvidia-cuda-runtime", "nvidia-cuda-cupti"}
HEADS = {
    "cpu": "LibTorch and the two CUDA libraries that libtorch_cpu loads. No Python package is needed.",
    "cuda": "The NVIDIA libraries that libtorch_cuda needs; on top of requirements-cpu.txt.",
    "python": "The reference Python of the parity tests; on top of the cpu and cuda layers.",
}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve(pip, python, constraints):
    """{(name, version): sha256} of everything WANTED needs under `python`, or None if `constraints` clash."""
    with tempfile.TemporaryDirectory() as scratch:
        limits = pathlib.Path(scratch, "constraints.txt")
        limits.write_text("".join("%s==%s\n" % pin for pin in constraints))
        command = [pip, "install", "--quiet", "--dry-run", "--ignore-installed", "--no-cache-dir",
                   "--report", "-", "--target", scratch + "/target", "--only-binary", ":all:",
                   "--python-version", python, "--constraint", str(limits)]
        for platform in PLATFORMS:
            command += ["--platform", platform]
        run = subprocess.run(command + WANTED, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode != 0:
        if constraints:
            return None
        raise SystemExit("pip could not resolve the set for Python %s:\n%s" % (python, run.stderr))
    found = {}
    for item in json.loads(run.stdout)["install"]:
        pin = (canonical(item["metadata"]["name"]), item["metadata"]["version"])
        found[pin] = item["download_info"]["archive_info"]["hashes"]["sha256"]
    return found


def keep_versions(pip, python, first):
    """Resolves for `python` with the versions of `first`, giving up those that have no wheel for it."""
    free = resolve(pip, python, [])
    names = {name for name, _ in free}
    kept = resolve(pip, python, [pin for pin in first if pin[0] in names])
    return kept or free


def layer(name):
    if name in CPU:
        return "cpu"
    return "cuda" if name.startswith("nvidia-") else "python"


def marker(pythons):
    if pythons == set(PYTHONS):
        return ""
    return " ; " + " or ".join('python_version == "%s"' % p for p in sorted(pythons, key=lambda v: int(v[2:])))


def main():
    arguments = argparse.ArgumentParser(description="Pins the wheels of launch/requirements-*.txt.")
    arguments.add_argument("--pip", default="pip")
    pip = arguments.parse_args().pip

    first = resolve(pip, PYTHONS[0], [])
    pythons, hashes = {}, {}
    for python in PYTHONS:
        found = first if python == PYTHONS[0] else keep_versions(pip, python, first)
        for pin, digest in found.items():
            pythons.setdefault(pin, set()).add(python)
            hashes.setdefault(pin, set()).add(digest)

    folder = pathlib.Path(__file__).resolve().parent
    for name, head in HEADS.items():
        lines = ["# %s" % head,
                 "# Written by launch/pin_requirements.py for Linux x86-64 and Python %s." % ", ".join(sorted(
                     PYTHONS, key=lambda v: int(v[2:])))]
        for pin in sorted(pin for pin in hashes if layer(pin[0]) == name):
            digests = " \\\n".join("    --hash=sha256:%s" % digest for digest in sorted(hashes[pin]))
            lines.append("%s==%s%s \\\n%s" % (*pin, marker(pythons[pin]), digests))
        (folder / ("requirements-%s.txt" % name)).write_text("\n".join(lines) + "\n")
        print("requirements-%s.txt: %d pins" % (name, sum(layer(pin[0]) == name for pin in hashes)))


if __name__ == "__main__":
    main()
