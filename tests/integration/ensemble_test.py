"""Ensembles: members in parallel, alone, killed, failing; always the same bytes."""
import fcntl
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from harness import ROOT, TrainingTest, command, error_lines, rows, run, shared_scratch, small_data

MAKE_PICTURES = os.environ.get("MAKE_PICTURES", str(ROOT / "build/release/tests/support/make_pictures"))

BASE = {
    "run": {"epochs": 2, "threads": 1, "log_interval": 1},
    "data": {"data_dir": str(small_data()), "limit_train": 240, "limit_eval": 203, "holdout": 0.11},
    "model": {"width": 8},
    "loader": {"batch_size": 32, "workers": 1},
    "optimizer": {"lr": 0.02},
}
MEMBERS = [
    {"name": "r18", "seeds": [1, 2]},
    {"name": "r34", "config": {"model": {"name": "resnet34"}}},
    {"name": "snap", "snapshots": 2},
    {"name": "cv", "folds": 2, "config": {"data": {"holdout": 0}}},
]
NAMES = ["r18-seed1", "r18-seed2", "r34", "snap", "cv-fold0", "cv-fold1"]


def write(folder, members, **ensemble):
    path = folder / "ensemble.json"
    path.write_text(json.dumps({"ensemble": {"output": str(folder / "out"), **ensemble}, "base": BASE,
                                "members": members}))
    return path


@functools.cache
def trained():
    """The folder and the output of an ensemble of all MEMBERS on two ranks. No test changes the folder."""
    scratch = shared_scratch() / "ensemble"
    scratch.mkdir()
    done = run(["ensemble", "--config", write(scratch, MEMBERS)], 2)
    return scratch / "out", done


class EnsembleTest(TrainingTest):
    """Ensembles in a scratch folder, some of members that are trained once for all tests."""

    def write(self, members=MEMBERS, **ensemble):
        return write(self.scratch, members, **ensemble)

    def ensemble(self, path, *flags, ranks=None, **kwargs):
        return run(["ensemble", "--config", path, *flags], ranks, **kwargs)

    def with_trained(self, *names):
        """Puts members of trained() into the output folder, as if they had been trained there."""
        for name in names:
            shutil.copytree(trained()[0] / "members" / name, self.scratch / "out/members" / name, symlinks=True)

    def content(self, output):
        """What members leave: weights, optimizers and predictions, by path."""
        folder = self.scratch / output / "members"  # `output` may be an absolute path
        return {os.path.relpath(path, folder): path.read_bytes()
                for pattern in ("*/predictions-*.h5", "*/checkpoints/last/*.safetensors", "../vote.h5")
                for path in folder.glob(pattern)}

    def results(self, output):
        """The same, and what is fitted on the validation samples."""
        folder = self.scratch / output / "members"
        return {**self.content(output),
                **{os.path.relpath(path, folder): path.read_bytes()
                   for pattern in ("*/checkpoints/best/calibration.json", "../vote-validation.h5", "../vote.json")
                   for path in folder.glob(pattern)}}

    @staticmethod
    def ranks_of(launcher):
        """The processes of the ranks, in the order of their ranks."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                status = pathlib.Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
                environment = pathlib.Path("/proc", entry, "environ").read_text().split("\0")
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
            ranks = [v.split("=")[1] for v in environment if v.startswith("OMPI_COMM_WORLD_RANK=")]
            if int(status[1]) == launcher.pid and ranks:
                found[int(ranks[0])] = int(entry)
        return [found[rank] for rank in sorted(found)]


class SameMembers(EnsembleTest):
    def test_members_are_the_same_in_parallel_alone_and_in_larger_company(self):
        folder, done = trained()
        path = self.write()
        for name in NAMES:
            self.assertRegex(done.stdout, rf"{name} +finished +2/2")
        expected = self.content(folder)
        # Two tensor files each, two predictions, snap twice that; and the vote.
        self.assertEqual(len(expected), 6 * 2 + 5 * 2 + 4 + 1)
        self.assertRegex(done.stdout, r"(?m)^vote +[0-9.]+ +[0-9. to]+ +1.0000 +soft")
        # Of each of the two folds limit_eval leaves 203 samples.
        self.assertRegex(done.stdout, r"Cross-validation of cv: [0-9.]+ % of 406 samples .* 2 folds from")
        self.assertIn("Cross-validation of cv", (folder / "report.html").read_text())
        self.ensemble(path, "--output", self.scratch / "three", ranks=3)
        self.assertTrue(self.content("three") == expected, "three ranks and two differ")
        for name in ("r34", "snap", "5"):  # the last by its number
            self.ensemble(path, "--output", self.scratch / "alone", "--member", name)
        refused = self.ensemble(path, "--output", self.scratch / "x", "--member", "6", expect=64)
        self.assertIn("0 to 5", error_lines(refused)[0])
        alone = self.content("alone")
        self.assertTrue(alone == {k: v for k, v in expected.items() if k.split("/")[0] in ("r34", "snap", "cv-fold1")},
                        "members alone differ")

    def test_groups_of_different_sizes_train_the_same_members(self):
        path = self.write(members=MEMBERS[:2])
        world = ["--set", "dist.deterministic_world=2"]
        self.ensemble(path, *world, "--set", "ensemble.groups=2,1", ranks=3)
        self.ensemble(path, *world, "--output", self.scratch / "ones", ranks=1)
        # The sums of metrics are stored for each rank.
        results = [{k: v for k, v in self.content(output).items() if not k.endswith("state.safetensors")}
                   for output in ("out", "ones")]
        self.assertEqual(len(results[0]), 3 * 3 + 1)
        self.assertTrue(results[0] == results[1], "members of groups of 2 and of 1 differ")
        refused = self.ensemble(path, "--set", "ensemble.groups=2,1", "--output", self.scratch / "x", ranks=3, expect=78)
        self.assertIn("dist.deterministic_world", error_lines(refused)[0])

    def test_a_killed_ensemble_goes_on_to_the_same_bytes(self):
        path = self.write()
        expected = self.content(trained()[0])
        for victim in (0, 1):
            output = self.scratch / f"killed{victim}"
            process = subprocess.Popen(
                command(["ensemble", "--config", path, "--output", output, "--set", "checkpoint.save_every_steps=2"], 2),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
            # Once one member is finished and another one is under way.
            until = time.monotonic() + 60
            while not (list(output.glob("members/*/finished.json")) and
                       len(list(output.glob("members/*/checkpoints/last"))) >= 3):
                self.assertIsNone(process.poll())
                self.assertLess(time.monotonic(), until)
                time.sleep(0.01)
            os.kill(self.ranks_of(process)[victim], signal.SIGKILL)
            self.assertNotEqual(process.wait(timeout=60), 0)
            finished = {record: record.stat().st_mtime_ns for record in output.glob("members/*/finished.json")}
            self.assertLess(len(finished), len(NAMES))
            done = self.ensemble(path, "--output", output, "--set", "checkpoint.save_every_steps=2", ranks=2)
            for record, written in finished.items():
                self.assertEqual(record.stat().st_mtime_ns, written, "a finished member was made again")
            self.assertIn("was finished before", done.stdout)
            self.assertTrue(self.content(output.name) == expected, "killed and undisturbed differ")

    def test_killed_while_it_predicts_it_goes_on_to_the_same_calibrated_vote(self):
        path = self.write(MEMBERS[:2])
        self.with_trained(*NAMES[:3])
        self.ensemble(path, ranks=2)
        expected = self.results("out")
        self.assertEqual(sum(name.endswith("calibration.json") for name in expected), 3)
        output = self.scratch / "killed"
        process = subprocess.Popen(command(["ensemble", "--config", path, "--output", output], 2),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "OMP_NUM_THREADS": "1"})
        until = time.monotonic() + 60
        while not list(output.glob("members/*/predictions-eval.h5")):
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), until)
            time.sleep(0.001)
        os.kill(self.ranks_of(process)[0], signal.SIGKILL)
        self.assertNotEqual(process.wait(timeout=60), 0)
        self.assertFalse((output / "vote.h5").exists())
        self.ensemble(path, "--output", output, ranks=2)
        self.assertTrue(self.results("killed") == expected, "killed and undisturbed differ")


class Failing(EnsembleTest):
    def test_a_failing_member_does_not_take_the_others_with_it(self):
        members = [
            {"name": "nan", "config": {"optimizer": {"lr": 1e30}, "nonfinite": {"policy": "stop"}}},
            {"name": "nodata", "config": {"data": {"dataset": "cifar10", "data_dir": "/nonexistent"}}},
            {"name": "good"},
            {"name": "better", "config": {"run": {"seed": 5}}},
        ]
        done = self.ensemble(self.write(members, ranks_per_group=2), ranks=4, expect=65)
        for name, state in (("nan", "failed"), ("nodata", "failed"), ("good", "finished"), ("better", "finished")):
            self.assertRegex(done.stdout, rf"(?m)^{name} +{state}")
        self.assertIn("/nonexistent", done.stdout)
        self.assertEqual(len(error_lines(done)), 1)
        self.assertFalse((self.scratch / "out/vote.h5").exists())
        quorum = self.ensemble(self.write(members, ranks_per_group=2, quorum=2), ranks=2)
        self.assertRegex(quorum.stdout, "left out .*/nodata: .*/nonexistent")
        self.assertTrue((self.scratch / "out/vote.h5").is_file())
        missing = json.loads((self.scratch / "out/vote.json").read_text())["missing"]
        self.assertEqual({pathlib.Path(one["path"]).name for one in missing}, {"nan", "nodata"})
        self.assertIn("/nonexistent", (self.scratch / "out/report.html").read_text())
        # Only what failed is made again; once its settings are right, all are finished.
        members[0]["config"] = {}
        members[1]["config"] = {}
        done = self.ensemble(self.write(members, ranks_per_group=2), ranks=2)
        self.assertEqual(done.stdout.count("was finished before"), 2)

    def test_a_bad_picture_is_named_whichever_rank_meets_it(self):
        data = self.scratch / "data"
        subprocess.run([MAKE_PICTURES, "classes", data, "96", "20"], check=True)
        bad = sorted(data.glob("train/*/*.jpg"))[5]
        bad.write_bytes(bad.read_bytes()[:300])
        members = [{"name": "p", "seeds": [1, 2, 3], "config": {
            "data": {"dataset": "image_folder", "data_dir": str(data), "holdout": 0},
            "transforms": {"size": 24}, "loader": {"batch_size": 8}}}]
        done = self.ensemble(self.write(members, ranks_per_group=2, validation="none", calibrate=False), ranks=2, expect=65)
        self.assertIn(str(bad), error_lines(done)[0])
        failures = re.findall(r"p-seed\d failed: (.*)", done.stdout)
        self.assertEqual(len(failures), 3)
        for failure in failures:
            self.assertIn(str(bad), failure)


class Voting(EnsembleTest):
    def test_weights_are_found_on_what_all_members_held_out(self):
        self.with_trained(*NAMES[:3])
        for weights in ("accuracy", "fitted"):
            done = self.ensemble(self.write(MEMBERS[:2], weights=weights), ranks=2)
            found = [float(x) for x in re.findall(r"(?m)^[A-C] +[0-9.]+ +[0-9.]+ to [0-9.]+ +([0-9.]+) +[0-9.]+ +resnet", done.stdout)]
            self.assertEqual(len(found), 3)
            self.assertAlmostEqual(sum(found), 1, places=3)
            self.assertGreater(max(found) - min(found), 0)

    def test_members_alone_and_dtrain_vote_are_the_same_as_the_ensemble(self):
        path = self.write(MEMBERS[:2])
        self.with_trained(*NAMES[:3])
        done = self.ensemble(path, ranks=2)
        self.assertRegex(done.stdout, r"The vote: temperature [0-9.]+ fitted on all 203 samples")
        expected = self.content("out")
        for name in NAMES[:3]:
            self.ensemble(path, "--output", self.scratch / "tasks", "--member", name)
            kept = json.loads((self.scratch / f"tasks/members/{name}/checkpoints/best/calibration.json").read_text())
            self.assertEqual(kept["entries"][0]["calibration"]["fit"]["samples"], 203)
        members = [self.scratch / "tasks/members" / name for name in NAMES[:3]]
        vote = self.scratch / "tasks/vote.h5"
        done = run(["vote", *[folder / "predictions-test.h5" for folder in members], "--output", vote, "--calibrate",
                    "--validation", ",".join(str(folder / "predictions-eval.h5") for folder in members)])
        self.assertTrue(self.content("tasks") == expected, "tasks and the ensemble differ")
        temperatures = [row.split()[6] for row in done.stdout.splitlines() if re.match(r"[A-C] .* to ", row)]
        alone = [run(["calibrate", folder / "predictions-eval.h5", "--no-keep"]).stdout for folder in members]
        self.assertEqual(temperatures, [re.search(r": temperature ([0-9.]+) fitted on all", text).group(1) for text in alone])
        self.assertNotEqual(set(temperatures), {"1.0000"})
        self.ensemble(path, "--output", self.scratch / "plain", "--set", "ensemble.calibrate=false", "--epochs", 1)
        self.assertFalse(list((self.scratch / "plain").rglob("calibration.json")))

    def test_members_with_a_moving_average_predict_with_it(self):
        path = self.write([{"name": "a", "config": {"ema": {"enabled": True, "decay": 0.9},
                                                     "train": {"precision": "float32"}}}])
        done = self.ensemble(path)
        evaluated = max(float(row["eval_top1"]) for row in rows(self.scratch / "out/members/a"))
        done = run(["evaluate", self.scratch / "out/members/a/predictions-eval.h5"])
        found = float(re.search(r"(?m)^accuracy, % +([0-9.]+)", done.stdout).group(1))
        self.assertAlmostEqual(found, evaluated, places=2)


class AgainAndAgain(EnsembleTest):
    def test_what_would_fail_behind_the_trainings_is_refused_before(self):
        for flags, part in ((["--set", "ensemble.views=five_crops"], "five_crop"),
                            (["--set", "ensemble.views=five_crop"], "transforms.size"),
                            (["--set", "ensemble.split=validation"], "validation")):
            refused = self.ensemble(self.write(MEMBERS[:1]), *flags, expect=78)
            self.assertIn(part, error_lines(refused)[0])
            self.assertFalse(list((self.scratch / "out/members").iterdir()))
        refused = self.ensemble(self.write(MEMBERS[:1]), "--member", "0", ranks=2, expect=64)
        self.assertIn("ensemble.ranks_per_group", error_lines(refused)[0])

    def test_a_finished_member_is_made_again_only_where_it_would_be_another(self):
        path = self.write([{"name": "a"}, {"name": "b", "config": {"run": {"seed": 2}}}], ranks_per_group=2)
        self.ensemble(path, "--set", "train.max_steps=5", "--set", "ensemble.checkpoint=last", ranks=2)
        done = self.ensemble(path, "--set", "ensemble.checkpoint=last", ranks=2)
        self.assertIn("it goes on: train.max_steps was 5 and is 0", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^a +finished +2/2")
        calibrated = self.results("out")
        # All are finished, so one rank is enough, though two train a member.
        done = self.ensemble(path, "--set", "ensemble.checkpoint=last", "--workers", 2)
        self.assertEqual(done.stdout.count("was finished before"), 2)
        self.assertTrue(self.results("out") == calibrated)
        done = self.ensemble(path, "--set", "ensemble.checkpoint=last", "--threads", 2)
        self.assertIn("is kept as it is: run.threads was 1 and is 2", done.stdout)
        self.assertTrue(self.results("out") == calibrated)
        shorter = self.ensemble(path, "--set", "ensemble.checkpoint=last", "--set", "train.max_steps=3", ranks=2, expect=78)
        self.assertIn("train.max_steps was 0 and is 3", error_lines(shorter)[0])
        # Without validation samples no temperature of before is used.
        plain = ["--set", "ensemble.checkpoint=last", "--set", "ensemble.validation=none"]
        done = self.ensemble(path, *plain, ranks=2)
        self.assertIn("made with other settings", done.stdout)
        self.ensemble(path, *plain, "--output", self.scratch / "fresh", ranks=2)
        again, fresh = self.content("out"), self.content("fresh")
        self.assertTrue(fresh == {name: again[name] for name in fresh})
        self.assertNotEqual(fresh["../vote.h5"], calibrated["../vote.h5"])
        refused = self.ensemble(path, "--set", "ensemble.checkpoint=last", "--set", "ensemble.ranks_per_group=1",
                                "--set", "ensemble.validation=none", ranks=2, expect=78)
        self.assertIn("ranks were 2 and are 1", error_lines(refused)[0])

    def test_members_predict_where_the_data_are_now(self):
        data = pathlib.Path(shutil.copytree(small_data(), self.scratch / "data"))
        path = self.write(MEMBERS[:1])
        self.ensemble(path, "--data-dir", data)
        data.rename(self.scratch / "moved")
        done = self.ensemble(path, "--data-dir", self.scratch / "moved", "--set", "ensemble.views=flip")
        self.assertRegex(done.stdout, r"(?m)^r18-seed2 +finished")

    def test_a_damaged_checkpoint_is_put_aside_and_trained_again(self):
        path = self.write([{"name": "snap", "snapshots": 2}])
        self.with_trained("snap")
        self.assertIn("was finished before", self.ensemble(path).stdout)
        expected = self.results("out")
        # What does not predict may be damaged.
        self.ensemble(path, "--epochs", 4, "--output", self.scratch / "four")
        third = sorted((self.scratch / "four/members/snap/checkpoints").glob("step-*"))[-2] / "manifest.json"
        third.write_text("{")
        self.assertIn("was finished before", self.ensemble(path, "--epochs", 4, "--output", self.scratch / "four").stdout)
        first = sorted((self.scratch / "out/members/snap/checkpoints").glob("step-*"))[0] / "model.safetensors"
        content = bytearray(first.read_bytes())
        content[-1] ^= 1
        first.write_bytes(content)
        done = self.ensemble(path)
        self.assertRegex(done.stdout, "snap is made again: .*model.safetensors.*checksum")
        self.assertTrue((self.scratch / "out/members/snap.damaged-1/config.json").is_file())
        shutil.rmtree(self.scratch / "out/members/snap.damaged-1")
        self.assertTrue(self.results("out") == expected)

    def test_two_processes_do_not_train_in_one_folder(self):
        member = self.scratch / "out/members/r18-seed1"
        member.mkdir(parents=True)
        holder = os.open(member, os.O_RDONLY)
        fcntl.flock(holder, fcntl.LOCK_EX)
        done = self.ensemble(self.write(MEMBERS[:1]), expect=74)
        os.close(holder)
        self.assertIn("another process is training in it", error_lines(done)[0])
        self.assertRegex(done.stdout, r"(?m)^r18-seed2 +finished")

    def test_finished_members_are_verified(self):
        path = self.write(members=MEMBERS[:1])
        self.with_trained(*NAMES[:2])
        predictions = self.scratch / "out/members/r18-seed1/predictions-test.h5"
        expected = predictions.read_bytes()
        predictions.write_bytes(expected[:-1])
        done = self.ensemble(path)
        self.assertIn("predictions-test.h5 is missing or damaged", done.stdout)
        self.assertEqual(predictions.read_bytes(), expected)
        record = self.scratch / "out/members/r18-seed1/finished.json"
        record.write_text(json.dumps({**json.loads(record.read_text()), "files": []}))
        self.assertIn("finished.json is damaged", self.ensemble(path).stdout)
        changed = self.ensemble(path, "--lr", "0.03", expect=78)
        self.assertIn("optimizer.lr was 0.02 and is 0.03", error_lines(changed)[0])


if __name__ == "__main__":
    unittest.main()
