"""N ranks behave like one: the deterministic world, resumes on other numbers of ranks, replicas that differ,
settings that differ, precision and communication."""
import json
import pathlib
import re
import struct
import unittest

from harness import (CONFIG, DTRAIN, QUICK, TrainingTest, copy_of, error_lines, only_run, other_images, reference, rows,
                     run, scalars, train)


def tensors(folder, name="last"):
    """{name: bytes} of weights, buffers and optimizer; not the metric sums, which are kept by rank."""
    found = {}
    for file in ("model.safetensors", "state.safetensors"):
        data = (folder / "checkpoints" / name / file).read_bytes()
        (length,) = struct.unpack_from("<Q", data)
        for tensor, entry in json.loads(data[8:8 + length]).items():
            if tensor != "__metadata__" and not tensor.startswith("metrics."):
                begin, end = entry["data_offsets"]
                found[tensor] = data[8 + length + begin:8 + length + end]
    return found


class DeterministicWorld(TrainingTest):
    """Twelve virtual ranks; 100 samples in batches of 36 make a short last batch of 28: shards of 3 and 2."""

    WORLD = ["--set", "dist.deterministic_world=12", "--set", "data.limit_train=100", "-b", "3",
             "--set", "loader.drop_last=false", "--epochs", 2]

    def world(self, name, *flags, ranks):
        return train(self.output(name), *self.WORLD, *flags, ranks=ranks)

    def straight(self):
        """Without a stop, on two ranks of one worker each."""
        return reference(*self.WORLD, "-j", 1, ranks=2)

    def test_one_to_six_ranks_and_any_loader_give_the_same_bits(self):
        # Four ranks divide twelve as two, three and six do; they train in the next test.
        expected = tensors(self.world("1", ranks=None))
        self.assertGreater(len(expected), 150)
        self.assertTrue(tensors(self.straight()) == expected, "2 ranks, 1 worker")
        for ranks, workers in ((3, 2), (5, 1), (6, 0)):
            folder = self.world(f"{ranks}-{workers}", "-j", workers, ranks=ranks)
            self.assertTrue(tensors(folder) == expected, f"{ranks} ranks, {workers} workers")

    def test_float32_gives_the_same_bits_too(self):
        flags = ["--set", "train.precision=float32", "--epochs", 1]
        self.assertTrue(tensors(self.world("1", *flags, ranks=None)) == tensors(self.world("4", *flags, ranks=4)))

    def test_stopping_and_going_on_with_two_three_and_one_ranks_changes_no_bit(self):
        self.world("resumed", "--set", "train.max_steps=1", "--resume", "auto", ranks=2)
        self.world("resumed", "--set", "train.max_steps=4", "--resume", "auto", ranks=3)
        resumed = self.world("resumed", "--resume", "auto", ranks=1)
        self.assertTrue(tensors(resumed) == tensors(self.straight()))
        self.assertIn("no bit depends on it", (resumed / "log.txt").read_text())
        for a, b in zip(rows(resumed), rows(self.straight()), strict=True):
            self.assertLess(abs(float(a["train_loss"]) / float(b["train_loss"]) - 1), 1e-6)

    def test_accumulation_gives_the_same_bits_on_any_number_of_ranks(self):
        flags = ["--grad-accum-steps", 2]
        self.assertTrue(tensors(self.world("1", *flags, ranks=None)) == tensors(self.world("3", *flags, ranks=3)))

    def test_more_ranks_than_the_world_holds_are_refused(self):
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--set", "dist.deterministic_world=2"],
                   3, expect=78)
        self.assertEqual(len(error_lines(done)), 1)
        self.assertIn("dist.deterministic_world", error_lines(done)[0])


class ResumeOnOtherRanks(TrainingTest):
    FLAGS = ["--epochs", 2, "--set", "train.precision=float64"]

    def stopped(self):
        """A run of two ranks that stopped in its second epoch; its folder is below output("resumed")."""
        return copy_of(reference(*self.FLAGS, "-b", 24, "--set", "train.max_steps=7", ranks=2), self.output("resumed"))

    def test_is_announced_and_keeps_the_samples_and_their_order(self):
        straight = train(self.output("straight"), *self.FLAGS, "-b", 48)
        self.stopped()
        resumed = train(self.output("resumed"), *self.FLAGS, "-b", 16, "--resume", "auto", ranks=3)
        self.assertIn("the number of ranks was 2 and is 3", (resumed / "log.txt").read_text())
        for a, b in zip(rows(straight), rows(resumed), strict=True):
            self.assertLess(abs(float(a["train_loss"]) / float(b["train_loss"]) - 1), 1e-9)
            self.assertEqual(a["eval_top1"], b["eval_top1"])

    def test_another_global_batch_is_refused(self):
        self.stopped()
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("resumed"), *self.FLAGS, "-b", 24,
                    "--resume", "auto"], 3, expect=78)
        self.assertIn("global batch", done.stderr)


class Precision(TrainingTest):
    # A rate at which rounding does not take over.
    SETTING = ["--epochs", 2, "-b", 24, "--lr", 0.005]

    def trained(self, *flags):
        return reference(*self.SETTING, *flags, ranks=2)

    def losses(self, *flags):
        return [value for _, value in scalars(self.trained(*flags), "train/loss")]

    def test_float16_and_bfloat16_follow_float32(self):
        exact = self.losses("--set", "train.precision=float32")
        self.assertEqual(len(exact), 10)
        for precision, tolerance in (("float16", 0.02), ("bfloat16", 0.05)):
            losses = self.losses("--amp-dtype", precision)
            self.assertEqual(len(losses), len(exact))
            for a, b in zip(losses, exact):
                self.assertLess(abs(a - b) / b, tolerance, precision)

    def test_a_loss_scale_that_is_too_large_falls_and_skips(self):
        folder = train(self.output("a"), "--epochs", 2, "-b", 12, "--amp-dtype", "float16",
                       "--set", "grad_scaler.init_scale=1e12", ranks=2)
        scales = [value for _, value in scalars(folder, "train/loss_scale")]
        self.assertLess(scales[-1], 1e9)
        self.assertEqual(sorted(scales, reverse=True), scales)

    def test_resuming_float16_restores_the_loss_scale_and_changes_no_bit(self):
        flags = ["--amp-dtype", "float16", "--set", "grad_scaler.growth_interval=3", "--grad-accum-steps", 2,
                 "--epochs", 2, "-b", 12, "--model-ema", "--model-ema-decay", 0.9]
        straight = train(self.output("straight"), *flags, ranks=2)
        train(self.output("resumed"), *flags, "--set", "train.max_steps=7", ranks=2)
        resumed = train(self.output("resumed"), *flags, "--resume", "auto", ranks=2)
        self.assertTrue(tensors(resumed) == tensors(straight))
        self.assertEqual(scalars(resumed, "train/loss_scale"), scalars(straight, "train/loss_scale"))
        averages = [(run / "checkpoints/last/model_ema.safetensors").read_bytes() for run in (resumed, straight)]
        self.assertTrue(averages[0] == averages[1])
        self.assertFalse(averages[0] == (resumed / "checkpoints/last/model.safetensors").read_bytes())

    def test_sixteen_bits_on_the_wire_follow_thirty_two(self):
        exact = self.losses("--set", "train.precision=float32")
        for compression in ("bfloat16", "float16"):
            losses = self.losses("--set", "train.precision=float32", "--set", f"dist.compression={compression}")
            self.assertNotEqual(losses, exact)
            for a, b in zip(losses, exact, strict=True):
                self.assertLess(abs(a - b) / b, 0.02, compression)

    def test_a_static_graph_changes_no_bit(self):
        plain = self.trained("--amp-dtype", "bfloat16")
        static = self.trained("--amp-dtype", "bfloat16", "--set", "dist.static_graph=true")
        self.assertTrue(tensors(plain) == tensors(static))

    def test_time_spent_on_communication_is_printed_for_several_ranks(self):
        folder = self.trained("--amp-dtype", "bfloat16")
        self.assertRegex((folder / "log.txt").read_text(), r"Data: \S+  Comm: \d\.\d+  ETA")


class EarlyStopping(TrainingTest):
    def test_ends_the_training_and_does_not_train_on_when_resumed(self):
        # A rate of zero: the weights stay, only running statistics move, and accuracy is best early on.
        flags = ["--epochs", 30, "-b", 24, "--lr", 0, "--set", "train.patience=2"]
        folder = train(self.output("a"), *flags, ranks=2)
        done = rows(folder)
        best = max(range(len(done)), key=lambda i: (float(done[i]["eval_top1"]), -i))
        self.assertEqual(len(done), best + 3)
        before = tensors(folder)
        train(self.output("a"), *flags, "--resume", "auto", ranks=2)
        self.assertEqual(tensors(folder), before)
        self.assertEqual(len(rows(folder)), len(done))


class Replicas(TrainingTest):
    def test_a_flipped_bit_on_one_rank_is_found_at_the_next_check_and_nothing_is_saved(self):
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--epochs", 1, "-b", 16,
                    "--set", "dist.digest_interval=5"], 3, expect=76,
                   env={"DTRAIN_TEST_FAULT": "flip_bit:1:3"})
        (line,) = error_lines(done)
        for mention in ("rank 1 holds other values of conv1.weight", "step 5"):
            self.assertIn(mention, line)
        self.assertEqual(list((only_run(self.output("a")) / "checkpoints").iterdir()), [])

    def test_and_before_a_checkpoint_is_written(self):
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--epochs", 1, "-b", 16,
                    "--set", "dist.digest_interval=0", "--set", "checkpoint.save_every_steps=4"], 3, expect=76,
                   env={"DTRAIN_TEST_FAULT": "flip_bit:2:3"})
        self.assertIn("rank 2 holds other values", error_lines(done)[0])
        self.assertEqual(list((only_run(self.output("a")) / "checkpoints").iterdir()), [])

    def test_two_ranks_that_differ_are_both_named(self):
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--epochs", 1, "-b", 24,
                    "--set", "dist.digest_interval=5"], 2, expect=76, env={"DTRAIN_TEST_FAULT": "flip_bit:0:3"})
        self.assertIn("ranks 0 and 1 hold different values", error_lines(done)[0])


class Agreement(TrainingTest):
    """One rank is started with other settings, as by a host with another config file."""

    def start(self, *flag_of_rank_1):
        wrapper = self.scratch / "rank.sh"
        flags = " ".join(flag_of_rank_1)
        wrapper.write_text(f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && exec "$@" {flags}\nexec "$@"\n')
        wrapper.chmod(0o755)
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("runs")], 3, expect=78,
                   wrapper=[str(wrapper)])
        (line,) = error_lines(done)
        self.assertIn("rank 1 of 3", line)
        self.assertFalse(self.output("runs").exists())
        return line

    def test_another_setting_is_named(self):
        self.assertIn("optimizer.lr", self.start("--lr", "0.05"))

    def test_another_network_is_named_before_its_plan_meets_that_of_others(self):
        self.assertIn("model.width", self.start("--set", "model.width=12"))

    def test_other_data_are_named(self):
        line = self.start("--data-dir", str(other_images(self.scratch / "data")))
        self.assertIn("data set", line)

    def test_another_build_is_named(self):
        # The same program with another build ID, as one that was built anew on one host has.
        program = pathlib.Path(DTRAIN).read_bytes()
        build = re.search(r"build (\w+)", run(["--version"]).stdout).group(1)
        other = self.scratch / "dtrain"
        other.write_bytes(program.replace(bytes.fromhex(build), bytes(20)))
        other.chmod(0o755)
        wrapper = self.scratch / "rank.sh"
        wrapper.write_text(f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && shift && exec {other} "$@"\nexec "$@"\n')
        wrapper.chmod(0o755)
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("runs")], 2, expect=78, wrapper=[str(wrapper)])
        (line,) = error_lines(done)
        for mention in ("code version", "rank 1 of 2", build):
            self.assertIn(mention, line)


class NonFinite(TrainingTest):
    def test_rollback_goes_back_to_the_last_checkpoint_and_leaves_the_update_out(self):
        # The weight of one rank is damaged after step 7; the checkpoint of step 6 has the sound ones.
        folder = train(self.output("a"), "--epochs", 2, "-b", 24, "--set", "nonfinite.policy=rollback",
                       "--set", "checkpoint.save_every_steps=3", ranks=2,
                       env={"DTRAIN_TEST_FAULT": "nan_weight:1:7"})
        log = (folder / "log.txt").read_text()
        self.assertIn("Rolled back from step 7 to step 6", log)
        self.assertIn("not finite on rank 0 (2 of 2 ranks)", log)  # batch norm has spread it
        self.assertEqual([row["epoch"] for row in rows(folder)], ["0", "1"])
        self.assertEqual([step for step, _ in scalars(folder, "train/loss")], list(range(1, 11)))
        manifest = json.loads((folder / "checkpoints/last/manifest.json").read_text())
        self.assertEqual(manifest["meta"]["skipped_updates"], 1)

    def test_rollback_without_a_checkpoint_ends_with_the_reason(self):
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--epochs", 1, "-b", 24,
                    "--set", "nonfinite.policy=rollback"], 2, expect=65,
                   env={"DTRAIN_TEST_FAULT": "nan_weight:1:3"})
        (line,) = error_lines(done)
        self.assertIn("not finite", line)
        self.assertIn("no checkpoint had been saved yet", line)

    def test_rollbacks_end_where_each_update_fails(self):
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--epochs", 2, "-b", 24,
                    "--lr", "1e30", "--set", "schedule.warmup_epochs=0", "--set", "checkpoint.save_every_steps=1",
                    "--set", "train.precision=float32", "--set", "nonfinite.policy=rollback"], 2, expect=65)
        (line,) = error_lines(done)
        self.assertIn("max_skips", line)
        log = (only_run(self.output("a")) / "log.txt").read_text()
        self.assertEqual(log.count("Rolled back from step"), 3)

    def test_a_run_that_diverges_stops_with_a_report_and_the_last_checkpoint_is_finite(self):
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("a"), "--epochs", 3, "-b", 24,
                    "--lr", "1e30", "--set", "schedule.warmup_epochs=0", "--set", "checkpoint.save_every_steps=1",
                    "--set", "train.precision=float32"], 2, expect=65)
        (line,) = error_lines(done)
        self.assertIn("not finite", line)
        folder = only_run(self.output("a"))
        reports = sorted((folder / "nonfinite").iterdir())
        self.assertTrue(any(path.suffix == ".png" for path in reports))
        report = json.loads(next(path for path in reports if path.suffix == ".json").read_text())
        self.assertEqual(len(report["samples"]), 24)
        for name, data in tensors(folder).items():
            if not name.endswith("num_batches_tracked") and name not in ("grad_scaler",):
                values = struct.unpack(f"<{len(data) // 4}f", data)
                self.assertTrue(all(abs(v) < 3.5e38 for v in values), name)


if __name__ == "__main__":
    unittest.main()
