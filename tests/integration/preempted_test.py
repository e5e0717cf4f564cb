"""A training that is asked to end by a signal: saved within two steps, exit code 75, and resumed to the same bits."""
import json
import os
import re
import signal
import subprocess
import time
import unittest

from harness import (CONFIG, DTRAIN, QUICK, ROOT, TrainingTest, only_run, reference, rows, run, small_data, train,
                     weights)

# 240 images in batches of 48: five steps an epoch.
TWO_RANKS = ["-b", "24", "--epochs", 2]
ONE_RANK = ["-b", "48", "--epochs", 2]
STOPPED = re.compile(r"Stopped by (\w+|another rank) at epoch (\d+), step (\d+): saved (\S+); to resume, .*--resume (\S+)")


class Preempted(TrainingTest):
    def stopped(self, fault, *flags, ranks=None):
        """Trains until the fault's signal; returns the run folder and what the last lines say."""
        output = self.output(fault.replace(":", "-"))
        done = run(["--config", CONFIG, *QUICK, "--output", output, *flags], ranks, expect=75,
                   env={"DTRAIN_TEST_FAULT": fault})
        said = STOPPED.findall(done.stdout)
        self.assertEqual(len(said), 1, done.stdout[-2000:])
        self.assertNotIn("error", done.stderr)
        return only_run(output), said[0]

    def assert_same(self, folder, straight):
        self.assertTrue(weights(folder) == weights(straight))
        timeless = [[{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in rows(one)]
                    for one in (folder, straight)]
        self.assertEqual(*timeless)

    def test_each_of_the_signals_saves_the_next_step_and_the_resume_changes_no_bit(self):
        straight = reference(*ONE_RANK)
        for name, step in (("sigterm", 2), ("sigint", 6), ("sigusr1", 3)):
            folder, (by, epoch, at, checkpoint, resume) = self.stopped(f"{name}:0:{step}", *ONE_RANK)
            self.assertEqual((by, int(epoch), int(at)), (name.upper(), step // 5, step + 1))
            self.assertEqual(checkpoint, f"{folder}/checkpoints/step-{step + 1:08}")
            self.assertEqual(resume, str(folder))
            self.assert_same(train(folder.parent, *ONE_RANK, "--resume", resume), straight)

    def test_a_signal_to_one_rank_stops_both_at_the_same_step(self):
        straight = reference(*TWO_RANKS, ranks=2)
        for rank in (0, 1):
            folder, (by, _, at, _, _) = self.stopped(f"sigterm:{rank}:2", *TWO_RANKS, ranks=2)
            self.assertEqual((by, at), ("SIGTERM" if rank == 0 else "another rank", "3"))
            self.assert_same(train(folder.parent, *TWO_RANKS, "--resume", "auto", ranks=2), straight)

    def test_a_signal_before_an_evaluation_leaves_it_to_the_resume(self):
        straight = reference(*ONE_RANK)
        folder, (_, epoch, at, _, _) = self.stopped("sigterm:0:5", *ONE_RANK)
        self.assertEqual((epoch, at), ("0", "5"))
        self.assertEqual(rows(folder), [])
        self.assert_same(train(folder.parent, *ONE_RANK, "--resume", "auto"), straight)

    def test_a_signal_at_the_last_step_leaves_the_last_evaluation(self):
        output = self.output("done")
        done = run(["--config", CONFIG, *QUICK, "--output", output, *ONE_RANK], env={"DTRAIN_TEST_FAULT": "sigterm:0:10"},
                   expect=75)
        self.assertIn("at epoch 1, step 10", done.stdout)  # its last evaluation is not
        run(["--config", CONFIG, *QUICK, "--output", output, *ONE_RANK, "--resume", "auto"])
        self.assert_same(only_run(output), reference(*ONE_RANK))

    def test_a_signal_during_set_up_ends_before_the_first_step(self):
        def ask():  # it arrives when the program begins to watch for it
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            os.kill(os.getpid(), signal.SIGTERM)

        output = self.output("setup")
        done = run(["--config", CONFIG, *QUICK, "--output", output, *ONE_RANK], expect=75, preexec_fn=ask)
        self.assertRegex(done.stdout, r"Stopped by SIGTERM at epoch 0, step 0: nothing new to save")
        (stopped,) = output.iterdir()  # it holds no checkpoint, so that the same command starts anew
        run(["--config", CONFIG, *QUICK, "--output", output, *ONE_RANK, "--resume", "auto"])
        (again,) = set(output.iterdir()) - {stopped}
        self.assert_same(again, reference(*ONE_RANK))

    def test_an_ensemble_saves_what_it_trains_and_begins_nothing_more(self):
        config = self.scratch / "ensemble.json"
        config.write_text(json.dumps({
            "ensemble": {"output": str(self.output("ensemble")), "split": "eval", "validation": "none"},
            "base": {"data": {"data_dir": str(small_data()), "limit_train": 96, "limit_eval": 48},
                     "model": {"width": 8}, "loader": {"batch_size": 24, "workers": 1}, "run": {"epochs": 1}},
            "members": [{"name": "a", "seeds": [1, 2]}]}))
        members = self.output("ensemble") / "members"
        done = run(["ensemble", "--config", config], expect=75, env={"DTRAIN_TEST_FAULT": "sigterm:0:2"})
        self.assertIn("Stopped by a signal", done.stdout)
        self.assertEqual([path.name for path in members.iterdir()], ["a-seed1"])
        self.assertTrue((members / "a-seed1/checkpoints/step-00000003").exists())
        done = run(["ensemble", "--config", config])
        self.assertIn("Resumed", (members / "a-seed1/log.txt").read_text())
        self.assertTrue((self.output("ensemble") / "vote.h5").exists(), done.stdout)

    def test_mpirun_sh_gives_the_ranks_the_time_to_save(self):
        output = self.output("launched")
        command = [str(ROOT / "launch/mpirun.sh"), "-np", "2", DTRAIN, "--config", CONFIG, *QUICK, "--output",
                   str(output), *map(str, TWO_RANKS), "--epochs", "200"]
        for number in (signal.SIGTERM, signal.SIGINT):
            started = subprocess.Popen([*command, "--resume", "auto"], text=True, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1", "DTRAIN_OVERSUBSCRIBE": "1"})
            for line in started.stdout:
                if line.startswith("Train:"):
                    break
            began = time.monotonic()
            started.send_signal(number)
            out, err = started.communicate(timeout=60)
            self.assertEqual(started.returncode, 75, out[-2000:] + err[-2000:])
            self.assertEqual(len(STOPPED.findall(out)), 1, out[-2000:])
            self.assertLess(time.monotonic() - began, 30)


if __name__ == "__main__":
    unittest.main()
