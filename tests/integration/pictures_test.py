"""Training on folders of pictures: bad samples, the shared cache, contact sheets."""
import os
import shutil
import struct
import subprocess
import unittest

from harness import CONFIG, ROOT, TrainingTest, error_lines, only_run, run, weights

MAKE_PICTURES = os.environ.get("MAKE_PICTURES", str(ROOT / "build/release/tests/support/make_pictures"))

SETTINGS = [
    "--set", "data.dataset=image_folder", "--set", "model.width=8", "--set", "transforms.size=24",
    "--set", "run.threads=1", "--set", "run.log_interval=1", "--epochs", 2, "--lr", "0.02",
    "--set", "dist.deterministic_world=2",
]


class Pictures(TrainingTest):
    def setUp(self):
        super().setUp()
        self.data = self.scratch / "data"
        subprocess.run([MAKE_PICTURES, "classes", self.data, "96", "20"], check=True)

    def train(self, name, *flags, ranks=None, **kwargs):
        """Two ranks with batches of 8 or one with two parts of 8: the same global batches."""
        done = run(["--config", CONFIG, *SETTINGS, "-b", 8, "--data-dir", self.data,
                    "--output", self.output(name), *flags], ranks, **kwargs)
        return done, only_run(self.output(name))

    def damage(self, count):
        """Cuts so many pictures of the training split short; returns their paths."""
        paths = sorted(self.data.glob("train/*/*.jpg"))[:: 96 // count][:count]
        for path in paths:
            path.write_bytes(path.read_bytes()[:300])
        return paths


class BadSamples(Pictures):
    def test_end_the_run_with_their_name(self):
        (path,) = self.damage(1)
        for ranks in (None, 2):
            done = run(["--config", CONFIG, *SETTINGS, "-b", 8, "--data-dir", self.data,
                        "--output", self.output(f"runs{ranks}")], ranks, expect=65)
            (line,) = error_lines(done)
            self.assertIn(str(path), line)

    def test_of_the_evaluation_split_end_the_run_in_its_first_epoch_whatever_the_policy_is(self):
        for name in ("val", "validation", "test"):
            for path in sorted(self.data.glob(f"{name}/*/*.jpg"))[-1:]:
                path.write_bytes(path.read_bytes()[:300])
                bad = path
        for ranks in (None, 2):
            done = run(["--config", CONFIG, *SETTINGS, "-b", 8, "--data-dir", self.data, "--epochs", 100,
                        "--set", "train.eval_interval=100", "--set", "loader.bad_samples=replace",
                        "--output", self.output(f"runs{ranks}")], ranks, expect=65)
            (line,) = error_lines(done)
            self.assertIn("evaluation data, ", line)
            self.assertIn(str(bad.parent.parent.name), line)
            self.assertIn("whatever loader.bad_samples is", line)
            self.assertNotIn("Train: 50", done.stdout)
            self.assertTrue((only_run(self.output(f"runs{ranks}")) / "checkpoints/last/model.safetensors").exists())

    def test_are_replaced_by_the_same_ones_on_any_number_of_ranks(self):
        paths = self.damage(3)
        found = []
        for ranks in (None, 2):
            done, folder = self.train(f"n{ranks}", "--set", "loader.bad_samples=replace", ranks=ranks)
            logs = "".join(log.read_text() for log in folder.glob("rank*.log"))
            for path in paths:
                self.assertIn(logs.count(str(path)), range(1, 1 + (ranks or 1)))  # once on each rank that met it
            self.assertIn("Replaced samples: 3 different ones so far", done.stdout + done.stderr)
            found.append(weights(folder)[0])
        self.assertEqual(found[0], found[1])

    def test_above_the_quota_end_the_run_on_any_number_of_ranks(self):
        self.damage(3)
        for ranks in (None, 2):
            done = run(["--config", CONFIG, *SETTINGS, "-b", 8, "--data-dir", self.data,
                        "--output", self.output(f"runs{ranks}"), "--set", "loader.bad_samples=replace",
                        "--set", "loader.max_bad_samples=2"], ranks, expect=65)
            (line,) = error_lines(done)
            self.assertIn("max_bad_samples", line)


    def test_that_are_bad_in_some_parts_only_are_replaced_there_on_any_number_of_ranks_and_after_a_resume(self):
        # Files that lack their last bytes: what a random part needs is there, or is not.
        shutil.rmtree(self.data)
        subprocess.run([MAKE_PICTURES, "photos", self.data, "24", "20"], check=True)
        for path in sorted(self.data.glob("train/*/*.jpg"))[::2]:
            data = path.read_bytes()
            path.write_bytes(data[:len(data) * 8 // 10])
        flags = ["--set", "loader.bad_samples=replace", "--set", "transforms.crop_scale=0.1,0.4", "-b", 2, "--epochs", 4]
        found = []
        for ranks in (None, 2):
            done, folder = self.train(f"n{ranks}", *flags, ranks=ranks)
            self.assertRegex(done.stdout + done.stderr, "Replaced samples: [1-9]")
            found.append(weights(folder)[0])
        _, folder = self.train("resumed", *flags, "--set", "train.max_steps=9")
        run(["--config", CONFIG, *SETTINGS, "--data-dir", self.data, "--output", self.output("resumed"), *flags,
             "--resume", "auto"])
        found.append(weights(folder)[0])
        self.assertTrue(found[0] == found[1], "one rank and two differ")
        self.assertTrue(found[0] == found[2], "resumed and uninterrupted differ")

    def test_above_the_quota_of_all_ranks_end_the_run_with_one_line(self):
        self.damage(8)
        done = run(["--config", CONFIG, *SETTINGS, "-b", 8, "--data-dir", self.data, "--output", self.output("runs"),
                    "--set", "loader.bad_samples=replace", "--set", "loader.max_bad_samples=7"], 2, expect=65)
        (line,) = error_lines(done)
        self.assertIn("8 different samples were bad", line)


class IgnoredFiles(Pictures):
    def test_are_counted_once_by_every_command_that_opens_the_data(self):
        train, evaluated = (next(self.data.glob(f"{name}*/*")) for name in ("train", "val"))
        (train / "notes.txt").touch()
        (train / ".hidden").touch()
        (evaluated / "odd.t\x1b\n").touch()
        (evaluated / "list.csv").touch()
        in_training = f"{train.parent}: ignored 2 files: 1 .txt, 1 hidden"
        in_evaluation = f"{evaluated.parent}: ignored 2 files: 1 .csv, 1 .t\\x1b\\x0a"
        done, folder = self.train("runs", "--set", "data.eval_split=validation", "--set", "train.max_steps=1")
        self.assertEqual((done.stdout + done.stderr).count(in_training), 1)
        self.assertEqual((done.stdout + done.stderr).count(in_evaluation), 1)
        self.assertIn(in_evaluation, (folder / "log.txt").read_text())
        pack = run(["pack", self.data, "--output", self.output("data.h5")])
        predict = run(["predict", "--checkpoint", folder])
        evaluate = run(["evaluate", folder / "predictions-eval.h5", "--output", self.output("evaluation")])
        self.assertEqual((pack.stdout + pack.stderr).count(in_training), 1)
        for done in (pack, predict, evaluate):
            self.assertEqual((done.stdout + done.stderr).count(in_evaluation), 1, done.args)


class Cache(Pictures):
    def test_changes_nothing_whether_pictures_fit_or_not_and_whoever_decoded_them(self):
        found = []
        for name, ranks, megabytes in (("one", None, 64), ("two", 2, 64), ("small", 2, 1)):
            _, folder = self.train(name, "--set", "data.cache=memory", "--set", f"data.cache_mb={megabytes}",
                                   ranks=ranks)
            found.append(weights(folder)[0])
        _, folder = self.train("exact", "--set", "transforms.exact_decoding=true")
        found.append(weights(folder)[0])
        for other in found[1:]:
            self.assertEqual(found[0], other)


class ContactSheet(Pictures):
    def test_shows_twelve_samples_with_their_labels(self):
        sheet = self.scratch / "sheet.png"
        for views, columns in (("train", 7), ("ten_crop", 11), ("weak_strong", 5)):
            done = run(["inspect", "data", sheet, views, *SETTINGS, "--data-dir", self.data])
            self.assertEqual(done.stdout.count(".jpg"), 12)
            self.assertIn("class_0 (0)", done.stdout)
            raw = sheet.read_bytes()
            self.assertEqual(raw[:8], b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", raw[16:24])
            self.assertEqual(width, 8 + columns * (96 + 8))
            self.assertGreater(height, 12 * 96)

    def test_that_cannot_be_made_says_why(self):
        done = run(["inspect", "data", self.scratch / "sheet.png", "fivecrop", *SETTINGS,
                    "--data-dir", self.data], expect=78)
        self.assertIn("five_crop", done.stderr)
        run(["inspect", "data"], expect=64)


if __name__ == "__main__":
    unittest.main()
