"""Whole trainings through the program: what they write, and what must not change their result."""
import fcntl
import json
import os
import struct
import unittest

from harness import (CONFIG, QUICK, ROOT, TrainingTest, copy_of, error_lines, only_run, other_images, reference, rows, run,
                     scalars, train, weights)


def straight(ranks, *flags):
    """Three epochs of five steps without a stop; batches of 48 on all ranks together."""
    return reference("--epochs", 3, "-b", 48 // (ranks or 1), *flags, ranks=ranks)


def in_float64(ranks):
    """Two epochs with the same global batch on any number of ranks."""
    return reference("--epochs", 2, "-b", 48 // ranks, "--set", "train.precision=float64", ranks=ranks)


class RunFolder(TrainingTest):
    def test_one_rank_without_mpirun_writes_the_whole_run_folder(self):
        folder = straight(None)
        for name in ("config.json", "log.txt", "rank0.log", "summary.csv", "curves.svg"):
            self.assertTrue((folder / name).is_file(), name)
        self.assertRegex(folder.name, r"^\d{8}-\d{6}-fashion_mnist_resnet18$")
        self.assertEqual([row["epoch"] for row in rows(folder)], ["0", "1", "2"])
        for name in ("last", "best"):
            self.assertTrue((folder / "checkpoints" / name / "model.safetensors").is_file())
        config = json.loads((folder / "config.json").read_text())
        self.assertEqual(config["loader"]["batch_size"], 48)
        self.assertEqual(len(scalars(folder, "train/loss")), 3 * 5)
        self.assertEqual(len(scalars(folder, "eval/top1")), 3)
        log = (folder / "log.txt").read_text()
        self.assertRegex(log, r"Train: 1 \[5/5 \(100%\)\]  Loss: \S+ \(\S+\)  Time: \S+, \S+/s \(")
        self.assertRegex(log, r"Eval: 1  Loss: \S+  Acc@1: \S+  Acc@5: \S+")
        self.assertRegex(log, r"\*\*\* Best: \S+ \(epoch \d\)")

    def test_every_rank_leaves_a_log_of_its_own(self):
        folder = in_float64(3)
        for rank in range(3):
            self.assertTrue((folder / f"rank{rank}.log").is_file())

    def test_training_learns(self):
        folder = train(self.output("a"), "--epochs", 8, "-b", 32, "--lr", 0.1, "--set", "data.limit_train=480")
        self.assertGreater(float(rows(folder)[-1]["eval_top1"]), 45.0)
        self.assertLess(float(rows(folder)[-1]["train_loss"]), 1.6)

    def test_evaluation_counts_every_sample_once_for_any_number_of_ranks(self):
        # 203 samples: no number of ranks divides them, so padding would show in the third digit.
        for ranks in (1, 2, 3, 4):
            for row in rows(in_float64(ranks)):
                correct = float(row["eval_top1"]) / 100 * 203
                self.assertAlmostEqual(correct, round(correct), places=4)


class UnevenData(TrainingTest):
    """The last batch has fewer samples than ranks, so that one of them has none."""

    DATA = ["--epochs", 2, "--set", "data.limit_train=50", "--set", "loader.drop_last=false"]

    def test_a_rank_without_samples_changes_no_result(self):
        folders = [train(self.output(str(ranks)), *self.DATA, "-b", 48 // ranks, "--set", "train.precision=float64",
                         ranks=ranks) for ranks in (1, 3)]
        for one, three in zip(*map(rows, folders), strict=True):
            for name in ("train_loss", "eval_loss"):
                self.assertLess(abs(float(three[name]) / float(one[name]) - 1), 1e-9)

    def test_a_rank_without_samples_takes_part_in_every_update(self):
        variants = (["--sync-bn", "--model-ema", "--grad-accum-steps", 2], ["--no-sync-bn", "--no-channels-last"],
                    ["--set", "train.precision=float32", "--model", "resnet50", "--set", "model.stem=imagenet"])
        for number, flags in enumerate(variants):
            folder = train(self.output(str(number)), *self.DATA, "-b", 16, "--set", "dist.digest_interval=1", *flags,
                           ranks=3)
            self.assertEqual(len(rows(folder)), 2, flags)


class SameResult(TrainingTest):
    def test_one_and_three_ranks_with_the_same_global_batch_have_the_same_losses_in_float32(self):
        # With zeroed branches and at this rate rounding does not take over; in float64 the next test leaves no
        # such way out.
        one, three = ([value for _, value in scalars(folder, "train/loss")] for folder in (
            train(self.output(str(ranks)), "--epochs", 2, "-b", 48 // ranks, "--set", "train.precision=float32",
                  "--lr", 0.01, "--set", "model.zero_init_residual=true", ranks=ranks) for ranks in (1, 3)))
        self.assertEqual((len(one), len(three)), (10, 10))
        for a, b in zip(one, three):
            self.assertLess(abs(a - b) / a, 1e-4)

    def test_in_float64_one_to_four_ranks_agree_to_one_in_a_billion(self):
        expected = in_float64(1)
        curve = [value for _, value in scalars(expected, "train/loss")]
        for ranks in (2, 3, 4):
            for one, many in zip(rows(expected), rows(in_float64(ranks)), strict=True):
                for name in ("train_loss", "eval_loss"):
                    a, b = float(one[name]), float(many[name])
                    self.assertLess(abs(a - b) / a, 1e-9, f"{name}, {ranks} ranks")
            # The events of TensorBoard are kept as float32.
            steps = [value for _, value in scalars(in_float64(ranks), "train/loss")]
            self.assertEqual(len(steps), 10)
            for a, b in zip(curve, steps):
                self.assertLess(abs(a - b) / a, 1e-6, f"{ranks} ranks")

    def test_the_number_of_workers_changes_no_bit(self):
        expected = weights(straight(2))  # with one worker
        for workers in (0, 4):
            folder = train(self.output(str(workers)), "--epochs", 3, "-b", 24, "-j", workers, ranks=2)
            self.assertTrue(weights(folder) == expected, f"{workers} workers")

    def test_the_same_command_twice_gives_the_same_bits(self):
        again = train(self.output("again"), "--epochs", 3, "-b", 24, ranks=2)
        self.assertTrue(weights(again) == weights(straight(2)))


def doubles(path):
    """All numbers of a safetensors file, which has only float64 and counters."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    body = data[8 + length:]
    found = []
    for name, entry in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            found += struct.unpack("<%d%s" % ((end - begin) // 8, "d" if entry["dtype"] == "F64" else "q"), body[begin:end])
    return found


class Resume(TrainingTest):
    TIMES = {"seconds", "images_per_second"}

    def resume(self, output, ranks, *flags, **kwargs):
        return train(output, "--epochs", 3, "-b", 48 // (ranks or 1), *flags, "--resume", "auto", ranks=ranks, **kwargs)

    def interrupted(self, ranks, stops, *flags):
        """Trains with the process ending after each of `stops` steps, resuming in between."""
        output = self.output(f"resumed{ranks}")
        for stop in stops:
            self.resume(output, ranks, *flags, "--set", f"train.max_steps={stop}")
        return self.resume(output, ranks, *flags)

    def stopped(self, step):
        """The folder of a run of one rank that stopped after this step."""
        return copy_of(reference("--epochs", 3, "-b", 48, "--set", f"train.max_steps={step}"), self.output("a"))

    def assert_same(self, straight, resumed):
        self.assertTrue(weights(straight) == weights(resumed), "weights differ")
        untimed = [[{k: v for k, v in row.items() if k not in self.TIMES} for row in rows(folder)]
                   for folder in (straight, resumed)]
        self.assertEqual(*untimed)

    def test_stopping_in_the_middle_of_epochs_changes_no_bit(self):
        for ranks in (None, 2, 3):
            self.assert_same(straight(ranks), self.interrupted(ranks, [2, 8]))

    def test_stopping_at_the_end_of_an_epoch_changes_no_bit(self):
        self.assert_same(straight(2), self.interrupted(2, [5, 10]))

    def test_batch_norm_of_each_rank_alone_trains_saves_and_goes_on_too(self):
        flags = ["--no-sync-bn", "--model-ema", "--set", "dist.digest_interval=1"]
        for ranks in (2, 3):
            self.assert_same(straight(ranks, *flags), self.interrupted(ranks, [8], *flags))

    def test_a_run_that_is_done_is_not_trained_again(self):
        folder = copy_of(straight(None), self.output("a"))
        before = weights(folder)
        self.resume(self.output("a"), None)
        self.assertEqual(weights(folder), before)
        self.assertEqual(len(rows(folder)), 3)

    def test_a_checkpoint_named_by_path_goes_on_in_its_run_folder(self):
        folder = self.stopped(7)
        train(self.output("a"), "--epochs", 3, "-b", 48, "--resume", folder / "checkpoints" / "last")
        self.assertEqual([row["epoch"] for row in rows(folder)], ["0", "1", "2"])
        self.assertTrue(weights(folder) == weights(straight(None)))

    def test_the_config_of_a_resumed_run_starts_the_same_run_anew(self):
        folder = train(self.output("a"), "--epochs", 3, "-b", 48, "--set", "train.max_steps=7")
        run(["--config", folder / "config.json", "--resume", "auto", "--set", "train.max_steps=0"])
        run(["--config", folder / "config.json", "--output", self.output("b"), "--set", "train.max_steps=0"])
        self.assertEqual(weights(only_run(self.output("b"))), weights(folder))

    def test_another_setting_is_refused_and_named(self):
        folder = self.stopped(7)
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--epochs", 3, "-b", 48,
                    "--resume", folder, "--seed", "8"], expect=78)
        self.assertIn("run.seed", done.stderr)

    def test_another_data_set_is_refused(self):
        folder = self.stopped(7)
        before = sorted(path.name for path in folder.rglob("*"))
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--epochs", 3, "-b", 48,
                    "--resume", folder, "--data-dir", other_images(self.scratch / "data")], expect=78)
        self.assertIn("the training images or labels are not those the run began with", done.stderr)
        self.assertEqual(sorted(path.name for path in folder.rglob("*")), before)


class ResumeWithItsOwnSettings(TrainingTest):
    """--resume without --config, and with another number of epochs."""

    def stopped(self, step, name="a", epochs=3):
        return copy_of(reference("--epochs", epochs, "-b", 48, "--set", f"train.max_steps={step}"), self.output(name))

    def test_a_run_alone_says_all(self):
        folder = self.stopped(7)
        (self.output("a") / "29990101-000000-failed/checkpoints").mkdir(parents=True)
        copies = [copy_of(self.output("a"), self.output(name)) for name in ("b", "c")]
        run(["--resume", folder])
        self.assertTrue(weights(folder) == weights(straight(None)))
        for copy, word in zip(copies, ("last", "auto")):
            done = run(["--output", copy, "--resume", word])
            self.assertIn("29990101-000000-failed: it holds no checkpoint", done.stdout)
            self.assertTrue(weights(copy / folder.name) == weights(straight(None)), word)
        self.assertIn("steps done, epoch", run(["inspect", "checkpoint", folder]).stdout)
        done = run(["--resume", folder, "--seed", 8], expect=78)
        self.assertIn("run.seed: it was 42 and is 8, from which the order of samples", done.stderr)

    def test_what_is_ahead_may_change_from_the_step_it_resumes_at(self):
        folder = self.stopped(7)
        rate = rows(straight(None))[1]["lr"]
        done = run(["--resume", folder, "--set", "schedule.name=constant", "--lr", 0.0625, "--smoothing", 0.1])
        for line in ("loss.label_smoothing: 0.05 until step 7, 0.1 from now on", "schedule.name: cosine until step 7",
                     "Learning rate: 0.0625 at step 7, as the changed settings have it there"):
            self.assertIn(line, done.stdout)
        self.assertNotEqual(float(rate), 0.0625)
        self.assertEqual({float(row["lr"]) for row in rows(folder)[1:]}, {0.0625})
        self.assertFalse(weights(folder) == weights(straight(None)))
        # The checkpoint has them now: nothing changes any more.
        self.assertNotIn("from now on", run(["--resume", folder]).stdout)

    def test_more_epochs_train_on_and_resume_exactly(self):
        folders = {}
        for name, stops in (("straight", []), ("stopped", [12, 17])):
            folder = folders[name] = self.stopped(7, name)
            said = ""
            for stop in stops:
                said += run(["--resume", folder, "--epochs", 4, "--set", f"train.max_steps={stop}"]).stdout
            said += run(["--resume", folder, "--epochs", 4]).stdout
            self.assertEqual(said.count("Ends after 20 steps, not 15: the rest of the decay is stretched"), 1, said)
        self.assertTrue(weights(folders["straight"]) == weights(folders["stopped"]))
        self.assertEqual(len(rows(folders["stopped"])), 4)
        # As if no one had asked: the checkpoint knows.
        self.assertIn("Nothing to train: 4 epochs are done", run(["--resume", folders["straight"]]).stdout)

    def test_a_finished_run_trains_on_or_is_done(self):
        folder = copy_of(straight(None), self.output("a"))
        before = weights(folder)
        for epochs in (2, 3):
            done = run(["--resume", folder, "--epochs", epochs])
            self.assertIn(f"Nothing to train: 3 epochs are done, and run.epochs is {epochs}", done.stdout)
        self.assertEqual(weights(folder), before)
        run(["--resume", folder, "--epochs", 4, "--set", "train.resume_schedule=append"])
        rate = [float(row["lr"]) for row in rows(folder)]
        self.assertEqual((len(rate), rate[3]), (4, rate[2]))


def stored(path, name):
    """The bytes of one tensor of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    begin, end = json.loads(data[8:8 + length])[name]["data_offsets"]
    return data[8 + length + begin:8 + length + end]


def of_fewer_classes(path, classes, written):
    """A copy of a safetensors file whose last layer has the first `classes` alone."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header, body = json.loads(data[8:8 + length]), b""
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        if name.startswith("fc."):
            end = begin + (end - begin) // entry["shape"][0] * classes
            entry["shape"][0] = classes
        entry["data_offsets"] = [len(body), len(body) + end - begin]
        body += data[8 + length + begin:8 + length + end]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    written.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return written


class InitialCheckpoint(TrainingTest):
    def test_a_new_run_starts_from_the_weights_of_another(self):
        old = straight(None)
        file = old / "checkpoints/best/model.safetensors"
        for name, source, ranks in (("run", old, 2), ("file", file, None)):
            flags = ("--epochs", 1, "-b", 48 // (ranks or 1), "--lr", 0, "--set", "train.precision=float32",
                     "--initial-checkpoint", source)
            folder = train(self.output(name), *flags, ranks=ranks)
            self.assertIn("Starts from the weights of", (folder / "log.txt").read_text())
            best = (old / "checkpoints/best").resolve()
            self.assertEqual(json.loads((folder / "config.json").read_text())["model"]["initial_checkpoint"],
                             str(best if name == "run" else file))
            for tensor in ("conv1.weight", "fc.bias"):  # which a learning rate of 0 leaves as they are
                self.assertEqual(stored(folder / "checkpoints/last/model.safetensors", tensor), stored(file, tensor))
            # It belongs to the past: a resume does not look for it.
            run(["--resume", folder, "--initial-checkpoint", self.scratch / "none"], ranks)

    def test_another_number_of_classes_gets_a_fresh_last_layer_and_another_network_is_refused(self):
        flags = ["--config", CONFIG, *QUICK, "--epochs", 1, "-b", 48, "--initial-checkpoint", straight(None)]
        file = straight(None) / "checkpoints/last/model.safetensors"
        seven = of_fewer_classes(file, 7, self.scratch / "7.safetensors")
        done = run([*flags, "--output", self.output("a"), "--initial-checkpoint", seven])
        self.assertIn("the last layer, fc, is fresh: 10 classes in place of 7", done.stdout)
        done = run([*flags, "--output", self.output("b"), "--set", "model.width=16"], expect=78)
        self.assertIn("conv1.weight", done.stderr)
        self.assertFalse(self.output("b").exists())


class OneAtATime(TrainingTest):
    def test_a_run_folder_in_use_is_refused_before_it_is_looked_at(self):
        folder = train(self.output("runs"), "--epochs", 2, "--set", "train.max_steps=4")
        holder = os.open(folder, os.O_RDONLY)
        fcntl.flock(holder, fcntl.LOCK_EX)
        # Another learning rate would be refused too, if the checkpoint was compared first.
        for resume in (folder, folder / "checkpoints/last", "auto"):
            done = run(["--config", CONFIG, *QUICK, "--output", self.output("runs"), "--epochs", 2, "--lr", 0.5,
                        "--resume", resume], expect=74)
            self.assertIn("another process is training in it", error_lines(done)[0])
        os.close(holder)
        train(self.output("runs"), "--epochs", 2, "--resume", folder)


class OldRuns(TrainingTest):
    """tests/golden/run_v1: two ranks, stopped within their second epoch by the first version of the format, before
    metrics had names; and what that program made of it when it went on."""

    GOLDEN = ROOT / "tests/golden/run_v1"

    def test_a_run_of_the_first_format_resumes_to_the_same_weights(self):
        folder = copy_of(self.GOLDEN, self.scratch)
        config = folder / "config.json"
        run(["--config", config, "--set", "run.threads=1", "--set", "train.max_steps=0", "--resume", folder], ranks=2)
        self.assertEqual(json.loads((folder / "checkpoints/last/manifest.json").read_text())["step"], 4)
        for name in ("model.safetensors", "model_ema.safetensors"):
            now, then = (doubles(path / name) for path in (folder / "checkpoints/last", self.GOLDEN / "expected"))
            self.assertEqual(len(now), len(then))
            self.assertLess(max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(now, then)), 1e-9, name)
        for a, b in zip(rows(folder), rows(self.GOLDEN / "expected"), strict=True):
            for column in ("train_loss", "eval_loss", "eval_top1", "train_top1", "lr"):
                self.assertAlmostEqual(float(a[column]), float(b[column]), places=9, msg=column)

if __name__ == "__main__":
    unittest.main()
