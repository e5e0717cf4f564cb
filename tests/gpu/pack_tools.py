"""What the stages of check.py share: where things are, starting programs within a time, reading runs.

Standard library only, Python 3.10 and newer. By default everything is looked for in the pack that pack.sh made,
beside this file. DTRAIN_BINARY names another program, which finds its libraries by itself; then mpirun is
that of the machine. Also from the environment: DTRAIN_TORCH (the folder of the package torch), DTRAIN_PYTHON (a
Python that can import it), DTRAIN_DATA_DIR, DTRAIN_BENCH, DTRAIN_COUNT_WAITS.
"""
import csv
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
OVERRIDDEN = "DTRAIN_BINARY" in os.environ


def located(variable, *candidates):
    """The path in the variable, else the first candidate that exists, else None."""
    if variable in os.environ:
        return pathlib.Path(os.environ[variable])
    return next((path for path in map(pathlib.Path, candidates) if path.exists()), None)


DTRAIN = located("DTRAIN_BINARY", HERE / "bin/dtrain")
BENCH = located("DTRAIN_BENCH", HERE / "bin/train_step_bench")
COUNT_WAITS = located("DTRAIN_COUNT_WAITS", HERE / "lib/libcount_waits.so")
DATA = located("DTRAIN_DATA_DIR", HERE / "data", "/usr/share/datasets/fashion-mnist")
CONFIG = located("DTRAIN_CONFIG", HERE / "fashion_mnist_resnet18.json",
                 HERE / "../../configs/fashion_mnist_resnet18.json")


class StageFailed(Exception):
    """Ends a stage; the others are still run."""


# --- where LibTorch is ---
FIND = ("import importlib.util as u; s = u.find_spec('torch'); n = u.find_spec('nvidia');"
        "print(s.origin if s else ''); print(*(n.submodule_search_locations if n else []), sep=':')")


@functools.cache
def python_with_torch():
    """(interpreter, folder of torch, folders of nvidia); an interpreter of None: it cannot be imported."""
    for name in filter(None, (os.environ.get("DTRAIN_PYTHON"), sys.executable, "python3", "python")):
        done = subprocess.run([name, "-c", FIND], text=True, capture_output=True) if shutil.which(name) else None
        lines = done.stdout.splitlines() if done and done.returncode == 0 else []
        if lines and lines[0]:
            return name, pathlib.Path(lines[0]).parent, [p for p in lines[1].split(":") if p] if lines[1:] else []
    return None, None, []


@functools.cache
def torch_folder():
    if "DTRAIN_TORCH" in os.environ:
        return pathlib.Path(os.environ["DTRAIN_TORCH"])
    return python_with_torch()[1]


def torch_version():
    try:
        return re.search(r"__version__ = '([^']+)'", (torch_folder() / "version.py").read_text())[1]
    except (OSError, TypeError):
        return None


# Whether programs of the pack are started with its own glibc and C++ run-time library (with_loader.sh), once those
# of the machine have turned out to be too old.
own_loader = bool(os.environ.get("DTRAIN_PACK_LOADER"))


def libraries():
    """Folders of LibTorch, its CUDA wheels and the pack, joined by colons."""
    torch = torch_folder()
    nvidia = [torch.parent / "nvidia", *map(pathlib.Path, python_with_torch()[2])] if torch else []
    wheels = [path for folder in nvidia for path in sorted(folder.glob("*/lib"))]
    own = os.environ.get("LD_LIBRARY_PATH")
    return ":".join(map(str, [*([torch / "lib"] if torch else []), *wheels, HERE / "lib", *([own] if own else [])]))


def environment(**more):
    """The variables for programs of the pack: its libraries, and Open MPI told where it now lives."""
    variables = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    if not OVERRIDDEN:
        variables["DTRAIN_LIBRARIES" if own_loader else "LD_LIBRARY_PATH"] = libraries()
        variables["OPAL_PREFIX"] = str(HERE)
        variables["PMIX_INSTALL_PREFIX"] = str(HERE)
        variables["PMIX_MCA_mca_base_component_path"] = str(HERE / "lib/pmix")
        variables["OMPI_MCA_plm_rsh_agent"] = ""  # one host: there is no ssh to be found missing
    return {**variables, **{key: str(value) for key, value in more.items()}}


def started(program, *arguments, ranks=None):
    """The command line of a program of the pack, under mpirun if there is a number of ranks."""
    loader = [HERE / "bin/with_loader.sh"] if own_loader and not OVERRIDDEN else []
    launcher = []
    if ranks is not None:
        launcher = [*loader, "mpirun" if OVERRIDDEN else HERE / "bin/mpirun", "--oversubscribe", "--bind-to", "none",
                    "--map-by", "slot", "-np", ranks]
    return [*launcher, *loader, program, *arguments]


def run(command, seconds, expect=0, variables=None):
    """Runs a command to its end, at most so long; its output as one text. Raises StageFailed otherwise.

    `variables` is its environment: environment() for programs of the pack, None for the machine's.
    """
    command = list(map(str, command))
    if seconds <= 1:
        raise StageFailed("no time was left for " + " ".join(command[-6:]))
    start = time.monotonic()
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True, env=variables)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # mpirun passes SIGTERM on; what is left of the session after that is killed.
        for number, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, None)):
            try:
                os.killpg(process.pid, number)
                output, _ = process.communicate(timeout=patience)
            except ProcessLookupError:
                output, _ = process.communicate()
            except subprocess.TimeoutExpired:
                continue
            break
        raise StageFailed(f"still running after {time.monotonic() - start:.0f} s: {' '.join(command)}\n"
                          f"{output[-1500:]}") from None
    if expect is not None and process.returncode != expect:
        raise StageFailed(f"exit code {process.returncode}: {' '.join(command)}\n{output[-3000:]}")
    return output


# --- reading what a run wrote ---
def only_run(output):
    (folder,) = (path for path in pathlib.Path(output).iterdir() if path.is_dir())
    return folder


def summary(folder):
    with open(folder / "summary.csv", newline="") as file:
        return list(csv.DictReader(file))


def tensors(path):
    """{name: bytes} of a safetensors file."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    return {name: data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]]
            for name, entry in header.items() if name != "__metadata__"}


def fields(message):
    """(number, value) of the fields of a protobuf message: integers, or bytes."""
    at = 0
    while at < len(message):
        numbers = []
        while len(numbers) < 2:  # the key, then the value or its length, both varints
            value = shift = 0
            while True:
                byte = message[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            numbers.append(value)
            if len(numbers) == 1 and value & 7 in (1, 5):  # 8 or 4 bytes, without a length
                break
        kind = numbers[0] & 7
        if kind == 0:
            yield numbers[0] >> 3, numbers[1]
            continue
        size = {1: 8, 5: 4}.get(kind) or (numbers[1] if kind == 2 else 0)
        yield numbers[0] >> 3, message[at:at + size]
        at += size


def scalars(folder, tag):
    """The values of a tag in a run's TensorBoard events, in the order of steps, as floats of 32 bits."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = dict(fields(data[at + 12:at + 12 + length]))
            at += 12 + length + 4
            for _, value in fields(event.get(5, b"")):
                entry = dict(fields(value))
                if entry.get(1) == tag.encode():
                    found.append((event.get(2, 0), struct.unpack("<f", entry[2])[0]))
    return [value for _, value in sorted(found, key=lambda pair: pair[0])]


def last_json(output):
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise StageFailed("no line of JSON in: " + output[-1000:])
    return json.loads(lines[-1])
