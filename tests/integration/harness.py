"""What the integration tests share: starting dtrain, and reading what it wrote. Standard library only."""
import atexit
import csv
import functools
import gzip
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DTRAIN = os.environ.get("DTRAIN_BINARY", str(ROOT / "build/release/dtrain"))
DATA = os.environ.get("DTRAIN_DATA_DIR", "/usr/share/datasets/fashion-mnist")
# Evaluated on the test images, of which any number can be had without dividing 60,000 others.
CONFIG = str(ROOT / "tests/integration/fashion_mnist.json")
MPIRUN = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--map-by", "slot"]

# A narrow network on a few hundred real images: seconds instead of minutes, every stage the same. A step of two ranks
# costs a tenth of a second, mostly of waiting for each other, so that there are five in an epoch of 48 samples each.
QUICK = [
    "--set", "model.width=8", "--set", "data.limit_train=240", "--set", "data.limit_eval=203",
    "--set", "run.threads=1", "--set", "run.log_interval=1", "--lr", "0.02",
]


def command(arguments, ranks=None, wrapper=()):
    launcher = [] if ranks is None else [*MPIRUN, "-np", str(ranks)]
    return [*launcher, *wrapper, DTRAIN, *map(str, arguments)]


def run(arguments, ranks=None, expect=0, timeout=120, wrapper=(), **kwargs):
    """Runs dtrain to its end; fails with its output when the exit code is not `expect`.

    `wrapper` stands between mpirun and dtrain on every rank.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **kwargs.pop("env", {})}
    done = subprocess.run(command(arguments, ranks, wrapper), text=True, capture_output=True, timeout=timeout,
                          env=environment, **kwargs)
    if expect is not None and done.returncode != expect:
        raise AssertionError(f"exit code {done.returncode} instead of {expect}: {done.args}\n"
                             f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done


def train(output, *flags, ranks=None, **kwargs):
    """Trains the quick setting; returns the run folder, the only one below `output`."""
    run(["--config", CONFIG, *QUICK, "--output", output, *flags], ranks, **kwargs)
    return only_run(output)


def other_images(folder):
    """A data folder whose training split is the real evaluation split; returns the folder."""
    folder.mkdir()
    for path in pathlib.Path(DATA).iterdir():
        (folder / path.name).symlink_to(path.parent / path.name.replace("train", "t10k"))
    return folder


@functools.cache
def shared_scratch():
    """A folder for what several tests of a process look at; removed when the process ends."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dtrain-test-"))
    atexit.register(shutil.rmtree, folder)
    return folder


@functools.cache
def reference(*flags, ranks=None, **kwargs):
    """The run folder of train(*flags), trained when it is first asked for. No test changes it: see copy_of()."""
    return train(tempfile.mkdtemp(dir=shared_scratch()), *flags, ranks=ranks, **kwargs)


def copy_of(folder, output):
    """Copies a run folder below `output`, where a test may resume or damage it; returns the copy."""
    return pathlib.Path(shutil.copytree(folder, pathlib.Path(output) / folder.name, symlinks=True))


@functools.cache
def small_data(train_images=2000, eval_images=500):
    """A data folder with the first images of Fashion-MNIST.

    A hold-out or a fold reads its split whole, which takes longer than a training of a few hundred images.
    """
    folder = shared_scratch() / f"fashion-mnist-{train_images}-{eval_images}"
    folder.mkdir()
    for prefix, count in (("train", train_images), ("t10k", eval_images)):
        for name, header, item in (("images-idx3-ubyte", 16, 28 * 28), ("labels-idx1-ubyte", 8, 1)):
            with gzip.open(f"{DATA}/{prefix}-{name}.gz") as f:
                data = f.read(header + count * item)
            sliced = data[:4] + struct.pack(">I", count) + data[8:]
            (folder / f"{prefix}-{name}.gz").write_bytes(gzip.compress(sliced, 1))
    return folder


def only_run(output):
    (folder,) = pathlib.Path(output).iterdir()
    return folder


def rows(folder):
    with open(folder / "summary.csv", newline="") as f:
        return list(csv.DictReader(f))


def weights(folder, name="last"):
    """The bytes of a checkpoint's tensors: weights, then optimizer and metrics."""
    checkpoint = folder / "checkpoints" / name
    return (checkpoint / "model.safetensors").read_bytes(), (checkpoint / "state.safetensors").read_bytes()


def error_lines(done):
    return [line for line in done.stderr.splitlines() if line.startswith("dtrain: error:")]


# --- TensorBoard's event files, read by their specification: TFRecord framing, protobuf wire format ---
def records(path):
    data = path.read_bytes()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        yield data[at + 12:at + 12 + length]
        at += 12 + length + 4


def fields(message):
    """(number, value) of each field; value is an int for numbers, bytes otherwise."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        else:
            size = {1: 8, 2: None, 5: 4}[kind]
            if size is None:
                size = varint()
            value = message[at:at + size]
            at += size
        yield key >> 3, value


def scalars(folder, tag):
    """[(step, value)] of a tag over all event files of a run, in the order written."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for record in records(path):
            event = dict(fields(record))
            for number, value in fields(event.get(5, b"")):
                summary = dict(fields(value))
                if summary.get(1) == tag.encode():
                    found.append((event.get(2, 0), struct.unpack("<f", summary[2])[0]))
    return found


class TrainingTest(unittest.TestCase):
    """A scratch folder for each test, removed afterwards."""

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="dtrain-test-"))
        self.addCleanup(shutil.rmtree, self.scratch)

    def output(self, name):
        return self.scratch / name
