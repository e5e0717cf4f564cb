#!/usr/bin/env python3
"""What needs a GPU, checked and measured in stages from small to large.

Stands in the folder that pack.sh makes and runs there; all it needs is Python 3.10 and LibTorch 2.11 for CUDA 13, of
which nothing is imported but by reference_step.py. Each stage has a time limit of its own, and so has the whole; a
stage that fails does not end the others. After each stage a line of JSON is printed and added to
$OUT/check.jsonl, if OUT is set. The exit code is 1 if a stage failed.

  check.py                        all stages, at most six minutes
  check.py --stage losses         one of them after the first, or several: --stage losses,resume
  check.py --device cpu --quick   all that can be shown without a GPU, small
  check.py --list                 their names and what they do
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

import pack_tools as tools
from pack_tools import DTRAIN, StageFailed, scalars, summary, tensors

STAGES = []


def stage(limit, needs_gpu=False):
    def register(function):
        STAGES.append((function.__name__, limit, needs_gpu, function))
        return function
    return register


class Check:
    """What a stage is given: settings, a scratch folder, its remaining time; and what it finds."""

    def __init__(self, device, quick, scratch, limit):
        self.device, self.quick, self.scratch = device, quick, scratch
        self.end = time.monotonic() + limit
        self.results, self.failures = {}, []

    def left(self):
        return self.end - time.monotonic()

    def expect(self, condition, message):
        if not condition:
            self.failures.append(message)

    def close(self, name, value, reference, tolerance):
        """The relative difference is a result; above the tolerance it is a failure."""
        difference = abs(value - reference) / max(abs(reference), 1e-12)
        self.results[name] = difference
        self.expect(difference <= tolerance, f"{name}: {value} and {reference} differ by more than {tolerance}")

    def dtrain(self, *arguments, ranks=None, **variables):
        if DTRAIN is None:
            raise StageFailed("there is no program bin/dtrain beside this file: run it where pack.sh put it")
        variables.setdefault("OMP_NUM_THREADS", "1" if self.quick else str(max(1, (os.cpu_count() or 2) // 2)))
        return tools.run(tools.started(DTRAIN, *arguments, ranks=ranks), self.left(),
                         variables=tools.environment(**variables))

    def train(self, name, *flags, device=None, ranks=None, **variables):
        """A run on Fashion-MNIST; its folder. Runs of one name share an output folder."""
        width, evaluated = (8, 64) if self.quick else (64, 512)
        self.dtrain("--config", tools.CONFIG, "--data-dir", tools.DATA, "--output", self.scratch / name, "--device",
                    device or self.device, "--set", f"model.width={width}", "--set", "run.log_interval=1",
                    "--set", f"data.limit_eval={evaluated}", "--set", "checkpoint.save_every_epochs=1", *flags,
                    ranks=ranks, **variables)
        return tools.only_run(self.scratch / name)

    def steps(self, count):
        """Flags for that many steps of 64 samples on all ranks together; short runs, one evaluation."""
        return ["--epochs", 1, "--set", f"data.limit_train={64 * count}", "--lr", "0.01",
                "--set", "model.zero_init_residual=true"]


@stage(limit=60)
def environment(check):
    """Driver, GPU, torch; the program starts; `dtrain doctor` finds the set-up sound."""
    results = check.results
    results["python"], results["torch"] = sys.version.split()[0], tools.torch_version()
    results["torch folder"] = str(tools.torch_folder())
    results["cores"] = os.cpu_count()
    check.expect(results["torch"] is None or results["torch"].startswith("2.11."), "LibTorch is not 2.11")
    check.expect(tools.DATA is not None and tools.DATA.exists(), f"there is no data set: {tools.DATA}")
    if shutil.which("nvidia-smi"):
        results["gpu"] = tools.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total,memory.used",
                                    "--format=csv,noheader"], min(20, check.left()), expect=None).strip()
    elif check.device == "cuda":
        results["gpu"] = "nvidia-smi is missing"
    try:
        version = check.dtrain("version")
    except StageFailed as failed:
        if not re.search("GLIBC|CXXABI", str(failed)):
            raise
        tools.own_loader = True
        results["glibc"] = "the machine's, or its C++ run-time library, is too old; the pack's are used"
        version = check.dtrain("version")
    results["dtrain"] = version.strip().replace("\n", ", ")
    doctor = check.dtrain("doctor", "--config", tools.CONFIG, "--data-dir", tools.DATA, "--device", check.device,
                          "--output", check.scratch / "doctor", "--set", "model.width=8", OMP_NUM_THREADS="1")
    results["doctor"] = [" ".join(line.split()) for line in doctor.splitlines() if "warning" in line.lower()]


@stage(limit=60)
def one_step(check):
    """One step in float32, bfloat16 and float16: does anything run at all, and is the loss a number?"""
    for precision in ("float32", "bfloat16", "float16"):
        try:
            folder = check.train(precision, *check.steps(1), "--set", f"train.precision={precision}", "--set",
                                 "train.max_steps=1", "-b", 8 if check.quick else 64)
        except StageFailed as failed:
            check.expect(False, f"{precision}: {failed}")
            continue
        (loss,) = scalars(folder, "train/loss")
        check.results[f"loss, {precision}"] = loss
        # Ten classes and weights as drawn: about log(10) = 2.3.
        check.expect(1 < loss < 5, f"{precision}: the first loss is {loss}")


# Largest relative differences to float32 on the CPU: of the first loss and the first gradient norm, where both
# have the same weights and only rounding differs, and of the last of the losses, after rounding has gone through
# every update before. Multiplications keep 24 bits in float32, 11 in TF32 (what cuDNN takes for float32 unless it
# is forbidden) and float16, 8 in bfloat16; a loss averages thousands of such roundings, a norm fewer.
TOLERANCES = {
    "float32": (1e-5, 1e-3, 0.02),
    "tf32": (2e-3, 0.02, 0.05),
    "bfloat16": (0.01, 0.05, 0.1),
    "float16": (2e-3, 0.02, 0.05),
}


@stage(limit=75)
def losses(check):
    """Losses and gradient norms of twenty steps beside those of the CPU in float32."""
    flags = check.steps(8 if check.quick else 20)
    runs = {"reference": ("cpu", "float32"), "float32": (check.device, "float32"),
            "bfloat16": (check.device, "bfloat16"), "float16": (check.device, "float16")}
    if check.device == "cuda":
        runs["tf32"] = (check.device, "float32")
    if check.quick:
        del runs["float16"]  # seconds a step on a CPU
    curves = {}
    for name, (device, precision) in runs.items():
        variables = {"NVIDIA_TF32_OVERRIDE": "0"} if name == "float32" else {}
        folder = check.train(name, *flags, "--set", f"train.precision={precision}", device=device, **variables)
        curves[name] = scalars(folder, "train/loss"), scalars(folder, "train/grad_norm")
        check.results[f"losses, {name}"] = [round(loss, 5) for loss in curves[name][0]]
    reference, norms = curves.pop("reference")
    for name, (values, own_norms) in curves.items():
        check.expect(len(values) == len(reference), f"{name}: {len(values)} steps instead of {len(reference)}")
        first, norm, last = TOLERANCES[name]
        check.close(f"first loss, {name}", values[0], reference[0], first)
        check.close(f"first gradient norm, {name}", own_norms[0], norms[0], norm)
        check.close(f"last loss, {name}", values[-1], reference[-1], last)


@stage(limit=40, needs_gpu=True)
def nccl(check):
    """A world of one rank over NCCL: it connects, reduces and ends as without."""
    flags = [*check.steps(5), "--set", "train.precision=float32", "--set", "train.deterministic=true"]
    alone = check.train("alone", *flags, "--set", "dist.backend=gloo")
    over_nccl = check.train("nccl", *flags, "--set", "dist.backend=nccl", ranks=1)
    same = (tensors(alone / "checkpoints/last/model.safetensors")
            == tensors(over_nccl / "checkpoints/last/model.safetensors"))
    check.results["same weights over NCCL as over Gloo"] = same
    check.expect(same, "one rank has other weights over NCCL than over Gloo")


@stage(limit=60)
def two_ranks(check):
    """Two ranks over Gloo, on one GPU: mpirun works here, and the losses are those of one rank."""
    flags = [*check.steps(8), "--set", "train.precision=float32", "--no-sync-bn", "--set", "dist.digest_interval=1"]
    folder = check.train("two", *flags, "-b", 32, "--set", "dist.backend=gloo", ranks=2)
    values = scalars(folder, "train/loss")
    check.results["losses"] = values
    check.expect(len(values) == 8, f"{len(values)} steps instead of 8")
    # Without common statistics of batch norm the losses are near those of one rank, not equal.
    one = scalars(check.train("one", *flags, "-b", 64), "train/loss")
    check.close("first loss, two ranks to one", values[0], one[0], 0.05)


@stage(limit=75)
def sync_batch_norm(check):
    """Two ranks with synchronised batch norm beside one rank on the CPU: the same statistics, the same losses."""
    flags = [*check.steps(8), "--set", "loader.drop_last=false"]
    one = check.train("one", *flags, "-b", 64, "--set", "train.precision=float32", device="cpu")
    for precision in ("float32", "bfloat16", "float16") if check.device == "cuda" else ("float32", "bfloat16"):
        variables = {"NVIDIA_TF32_OVERRIDE": "0"} if precision == "float32" else {}
        two = check.train(precision, *flags, "-b", 32, "--sync-bn", "--set", "dist.backend=gloo", "--set",
                          "dist.digest_interval=1", "--set", f"train.precision={precision}", ranks=2, **variables)
        first, norm, last = TOLERANCES[precision]
        for tag, at, tolerance in (("train/loss", 0, first), ("train/grad_norm", 0, norm), ("train/loss", -1, last)):
            which = f"{tag} of the {'first' if at == 0 else 'last'} step, {precision}"
            check.close(which, scalars(two, tag)[at], scalars(one, tag)[at], tolerance)
    # A batch of one sample, so that one of two ranks has none.
    uneven = [*check.steps(1), "--set", "loader.drop_last=false", "--set", "data.limit_train=65", "--sync-bn"]
    folder = check.train("uneven", *uneven, "-b", 32, "--set", "dist.backend=gloo", "--set",
                         "dist.digest_interval=1", ranks=2)
    check.results["losses where one rank has no sample"] = values = scalars(folder, "train/loss")
    check.expect(len(values) == 2 and all(0 < value < 20 for value in values), f"an empty rank: {values}")


@stage(limit=60)
def resume(check):
    """A run stopped in the middle of an epoch and resumed has the same bits as one that was not."""
    samples, stop = (640, 7) if check.quick else (1280, 13)
    flags = ["--epochs", 2, "--set", f"data.limit_train={samples}", "--set", "train.deterministic=true"]
    straight = check.train("straight", *flags)
    check.train("stopped", *flags, "--set", f"train.max_steps={stop}")
    resumed = check.train("stopped", *flags, "--resume", "auto")
    for part in ("model", "state"):
        paths = [folder / f"checkpoints/last/{part}.safetensors" for folder in (straight, resumed)]
        a, b = map(tensors, paths)
        different = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
        check.results[f"{part}: tensors, of them different"] = [len(a), len(different)]
        check.expect(not different, f"{part}: {len(different)} tensors differ, {different[:5]}")
    epochs = [row["epoch"] for row in summary(resumed)]
    check.expect(epochs == ["0", "1"], f"summary.csv of the resumed run has the epochs {epochs}")


@stage(limit=60)
def predict_and_ensemble(check):
    """Predictions are those of the CPU; an ensemble of two members trains, predicts and votes."""
    folder = check.train("run", "--epochs", 1, "--set", "data.limit_train=1280", "--set", "train.precision=float32")
    found = {}
    for device in (check.device, "cpu"):
        path = check.scratch / f"predictions-{device}.h5"
        output = check.dtrain("predict", "--checkpoint", folder, "--device", device, "--output", path,
                              NVIDIA_TF32_OVERRIDE="0")
        line = [line for line in output.splitlines() if line.startswith("Eval:")][-1]
        words = line.replace(":", " ").split()
        found[device] = {name: float(words[words.index(name) + 1]) for name in ("Loss", "Acc@1")}
        check.expect(path.stat().st_size > 1000, f"{path.name} is too small")
    check.results["evaluation"] = found
    check.close("loss of predictions", found[check.device]["Loss"], found["cpu"]["Loss"], 2e-3)
    # One sample may lie between two classes.
    check.expect(abs(found[check.device]["Acc@1"] - found["cpu"]["Acc@1"]) <= (1.6 if check.quick else 0.2), "the accuracies differ")

    config = check.scratch / "ensemble.json"
    base = json.loads(tools.CONFIG.read_text())
    base["run"] |= {"epochs": 1, "device": check.device, "log_interval": 10}
    base["data"] |= {"data_dir": str(tools.DATA), "limit_train": 640, "limit_eval": 128, "holdout": 0.1}
    base["model"] |= {"width": 8}
    config.write_text(json.dumps({
        "ensemble": {"output": str(check.scratch / "ensemble")}, "base": base,
        "members": [{"name": "a"}, {"name": "b", "config": {"run": {"seed": 2}}}]}))
    output = check.dtrain("ensemble", "--config", config)
    check.expect((check.scratch / "ensemble/vote.h5").is_file(), "the ensemble left no vote: " + output[-800:])


@stage(limit=60)
def loss_scale(check):
    """An overflow planted in float16 halves the loss scale and skips the update: no weight changes."""
    def run(name, scale, count):
        folder = check.train(name, *check.steps(32), "--set", "train.precision=float16", "--set",
                             f"grad_scaler.init_scale={scale}", "--set", f"train.max_steps={count}",
                             "-b", 4 if check.quick else 64)
        return tensors(folder / "checkpoints/last/model.safetensors"), scalars(folder, "train/loss_scale")
    # Gradients of the logits are about 1 / 64 or larger; times 2^37 far above 65504, the largest float16.
    planted = float(2 ** 40)
    first, _ = run("one", planted, 1)
    last, scales = run("four", planted, 4)
    check.results["scales of four steps that overflow"] = scales
    check.expect(scales == [planted / 2 ** i for i in range(4)], f"the scale was not halved each time: {scales}")
    changed = sorted(name for name in first if first[name] != last[name])
    check.expect(not changed, f"updates were not skipped: {len(changed)} tensors changed, {changed[:5]}")
    start, steps = (2 ** 20, 8) if check.quick else (2 ** 32, 32)
    after, scales = run("until it fits", float(start), steps)
    check.results["scales until the gradients fit"] = scales
    check.expect(all(b in (a, a / 2) for a, b in zip(scales, scales[1:])), f"the scale jumped: {scales}")
    check.expect(len(scales) > 1 and scales[-1] == scales[-2], f"no update was made in {steps} steps: {scales}")
    check.expect(any(after[name] != first[name] for name in first), "no weight changed once the gradients fitted")


@stage(limit=40)
def host_waits(check):
    """How often the host waits for the GPU in a step: calls of the CUDA run-time library, by LD_PRELOAD."""
    if tools.COUNT_WAITS is None:
        raise StageFailed("libcount_waits.so is not in the pack")
    counts = []
    short, long = (4, 8) if check.quick else (20, 60)
    for count in (short, long):
        path = check.scratch / f"waits-{count}.jsonl"
        check.train(f"steps-{count}", *check.steps(80), "--set", "run.log_interval=1000", "--set",
                    f"train.max_steps={count}", LD_PRELOAD=tools.COUNT_WAITS, DTRAIN_WAITS_FILE=path)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        # Children count too; what trains calls the library most.
        counts.append(max(lines, key=lambda line: sum(line.values()) - line["pid"]))
    # The difference of two runs leaves out how they start and end.
    check.results["per step"] = {name: round((counts[1][name] - counts[0][name]) / (long - short), 3)
                                 for name in counts[0] if name != "pid"}
    if check.device == "cuda":
        check.expect(sum(counts[1].values()) > counts[1]["pid"], "nothing was counted: the library was not in front")


RATES = (("resnet50", 256, 224, 3, 1000), ("resnet18", 256, 224, 3, 1000), ("resnet18", 512, 32, 3, 10))


def measured(check, command, variables, variant, name, *flags):
    """Images per second of one of the two sides, a result; None if it failed."""
    model, batch, size, channels, classes = variant
    try:
        output = tools.run([*command, "--model", model, "--batch-size", batch, "--size", size, "--channels", channels,
                            "--classes", classes, "--device", check.device, *flags], min(90, check.left()),
                           variables=variables)
    except StageFailed as failed:
        check.results[f"{name} failed"] = str(failed)[-600:]
        return None
    rate = tools.last_json(output)["images_per_second"]
    check.results[f"images/s, {model} at {size}, batch {batch}, {name}"] = round(rate, 1)
    return rate


def beside_python(check, name, *flags):
    python = tools.python_with_torch()[0]
    steps = ["--steps", 2, "--warmup", 1, "--threads", 1] if check.quick else ["--steps", 30, "--warmup", 10]
    for variant in [("resnet18", 4, 28, 1, 10)] if check.quick else RATES:
        ours = measured(check, tools.started(tools.BENCH), tools.environment(), variant, "dtrain", *steps)
        check.expect(ours is not None, f"{variant}: dtrain gave no rate")
        if python is None or check.quick:
            continue
        theirs = measured(check, [python, tools.HERE / "reference_step.py"], None, variant, name, *steps, *flags)
        if ours and theirs:
            check.results[f"dtrain / {name}, {variant[0]} at {variant[2]}"] = round(ours / theirs, 3)


@stage(limit=100)
def rates(check):
    """Images per second of training steps in bfloat16 beside PyTorch's; both work on one batch on the device."""
    if tools.BENCH is None:
        raise StageFailed("train_step_bench is not in the pack")
    beside_python(check, "Python")


@stage(limit=45, needs_gpu=True)
def whole_run(check):
    """Two epochs of Fashion-MNIST: images per second with loader and all, and the accuracy."""
    folder = check.train("speed", "--epochs", 2, "-b", 512, "-j", max(2, min(8, (os.cpu_count() or 2) // 2)), "--lr",
                         "0.2", "--set", "run.log_interval=50", "--set", "data.limit_eval=0")
    last = summary(folder)[-1]
    check.results["images per second, bfloat16, batch 512"] = float(last["images_per_second"])
    check.results["test accuracy"] = accuracy = float(last["eval_top1"])
    # Far above chance, which is 10: what is learned in so few steps differs, a broken step learns nothing.
    check.expect(accuracy > 60, f"two epochs gave an accuracy of {accuracy}")


@stage(limit=150, needs_gpu=True)
def rates_compiled(check):
    """The rates beside torch.compile, which takes a minute for each network: last, with the time that is left."""
    if tools.BENCH is None:
        raise StageFailed("train_step_bench is not in the pack")
    beside_python(check, "torch.compile", "--compile")


def run_stage(entry, a, end):
    """The line of one stage."""
    name, limit, needs_gpu, function = entry
    line = {"stage": name, "what": function.__doc__, "status": "passed", "seconds": 0.0}
    if needs_gpu and a.device != "cuda":
        return {**line, "status": "needs a GPU"}
    # With less than this a stage would only spend what the later ones could use.
    if end - time.monotonic() < 15:
        return {**line, "status": "skipped for time"}
    start = time.monotonic()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="dtrain-check-"))
    check = Check(a.device, a.quick, scratch, min(limit, end - start))
    try:
        function(check)
    except StageFailed as failed:
        check.failures.append(str(failed))
    except Exception as error:  # a stage that breaks must not take the others along
        check.failures.append(f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {**line, "status": "failed" if check.failures else "passed",
            "seconds": round(time.monotonic() - start, 1), "results": check.results, "failures": check.failures}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--quick", action="store_true", help="narrow networks, few steps")
    parser.add_argument("--stage", help="names, separated by commas")
    parser.add_argument("--minutes", type=float, default=6, help="for all stages together")
    parser.add_argument("--list", action="store_true")
    a = parser.parse_args()
    chosen = [entry for entry in STAGES if a.stage is None or entry[0] in a.stage.split(",")]
    if not chosen:
        parser.error("the stages are " + ", ".join(entry[0] for entry in STAGES))
    if a.list:
        for name, limit, _, function in STAGES:
            print(f"{name:22}{limit:4} s  {function.__doc__}")
        return
    if a.stage and "environment" not in a.stage.split(","):
        chosen.insert(0, STAGES[0])  # it finds out how programs start here
    end = time.monotonic() + 60 * a.minutes
    file = pathlib.Path(os.environ["OUT"], "check.jsonl") if os.environ.get("OUT") else None
    statuses = {}
    for entry in chosen:
        line = run_stage(entry, a, end)
        statuses[entry[0]] = line["status"]
        text = json.dumps(line)
        print(text, flush=True)
        if file:
            with file.open("a") as out:
                out.write(text + "\n")
    print("; ".join(f"{name}: {status}" for name, status in statuses.items()))
    sys.exit("failed" in statuses.values())


if __name__ == "__main__":
    main()
