"""Predictions: the same bytes on any number of ranks, pictures, submissions, refusals."""
import csv
import os
import re
import shutil
import subprocess
import unittest

from harness import (CONFIG, QUICK, ROOT, TrainingTest, copy_of, error_lines, only_run, reference, run, small_data,
                     train)

MAKE_PICTURES = os.environ.get("MAKE_PICTURES", str(ROOT / "build/release/tests/support/make_pictures"))


def eval_line(done):
    """The loss and accuracies that a prediction or a training printed last."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("Eval:")]
    return dict(re.findall(r"(Loss|Acc@1|Acc@5): ([0-9.a-z]+)", lines[-1]))


def trained():
    """The folder of a run of one epoch."""
    return reference("--epochs", 1)


class Predictions(TrainingTest):
    def predict(self, *arguments, ranks=None, **kwargs):
        return run(["predict", *arguments], ranks, **kwargs)

    @staticmethod
    def write(path, content):
        path.write_bytes(content)
        return path

    def test_do_not_depend_on_the_number_of_ranks_or_of_threads(self):
        folder = trained()
        # 203 samples in batches of 32: seven batches, the last one short, so that ranks differ.
        flags = ["--checkpoint", folder, "--set", "loader.eval_batch_size=32", "--views", "flip", "--keep-views"]
        for threads, ranks in ((1, None), (1, 2), (1, 3), (1, 4), (2, 1), (2, 3)):
            path = self.output(f"t{threads}-n{ranks}.h5")
            self.predict(*flags, "--output", path, "--threads", threads, ranks=ranks)
        files = sorted(self.scratch.glob("t*.h5"))
        self.assertEqual(len(files), 6)
        self.assertEqual(len({path.read_bytes() for path in files}), 1)

    def test_are_as_good_as_the_evaluation_said(self):
        done = run(["--config", CONFIG, *QUICK, "--epochs", 1, "--output", self.output("runs"),
                    "--set", "train.precision=float32"])
        folder = only_run(self.output("runs"))
        plain = self.predict("--checkpoint", folder, "--no-fold-batch-norm")
        trained, predicted = eval_line(done), eval_line(plain)
        self.assertEqual(trained["Acc@1"], predicted["Acc@1"])
        self.assertAlmostEqual(float(trained["Loss"]), float(predicted["Loss"]), delta=0.001)
        self.assertTrue((folder / "predictions-eval.h5").is_file())

    def test_are_calibrated_once_a_temperature_is_kept_with_the_checkpoint(self):
        # Long enough to be sure of itself without reason: then a temperature helps samples that it was not fitted on.
        folder = train(self.output("runs"), "--epochs", 8, "-b", 24, "--lr", 0.05, "--set", "data.holdout=0.2",
                       "--data-dir", small_data())
        validation, test = self.output("validation.h5"), self.output("test.h5")
        self.predict("--checkpoint", folder, "--output", validation)
        done = self.predict("--checkpoint", folder, "--split", "test", "--output", test)
        self.assertNotIn("Temperature", done.stdout)
        plain = test.read_bytes()
        done = run(["calibrate", validation, "--checkpoint", folder])
        fitted = re.search(r"temperature ([0-9.]+) fitted on all", done.stdout)[1]
        self.assertIn("calibration.json", done.stdout)
        done = self.predict("--checkpoint", folder, "--split", "test", "--output", test, ranks=2)
        self.assertIn(f"Temperature: {fitted}", done.stdout)
        self.predict("--checkpoint", folder, "--split", "test", "--output", test, "--no-calibrated")
        self.assertEqual(test.read_bytes(), plain)
        # Another view is another model: it has no temperature yet.
        done = self.predict("--checkpoint", folder, "--split", "test", "--output", test, "--views", "flip")
        self.assertNotIn("Temperature", done.stdout)
        # In a run folder the checkpoint is found.
        self.predict("--checkpoint", folder, "--views", "flip")
        done = run(["calibrate", folder / "predictions-eval.h5"])
        self.assertIn("Kept: ", done.stdout)
        # Not for the samples that it was fitted on: there it would look better than it is.
        before = validation.read_bytes()
        done = self.predict("--checkpoint", folder, "--output", validation)
        self.assertIn("fitted on these very samples", done.stdout)
        self.assertEqual(validation.read_bytes(), before)
        # What carries a temperature is calibrated as if it carried none.
        self.predict("--checkpoint", folder, "--split", "test", "--output", test)
        fits = [re.search(r"temperature ([0-9.]+) fitted on all", run(["calibrate", path, "--no-keep"]).stdout)[1]
                for path in (test, self.write(test.with_name("plain.h5"), plain))]
        self.assertEqual(fits[0], fits[1])
        refused = run(["calibrate", validation, "--checkpoint", trained()], expect=65)
        self.assertIn("has other weights", error_lines(refused)[0])

    def test_of_several_checkpoints_do_not_replace_each_other(self):
        folder = train(self.output("runs"), "--epochs", 2, "--set", "checkpoint.save_every_steps=2")
        checkpoints = sorted(folder.glob("checkpoints/step-*"))
        self.assertGreaterEqual(len(checkpoints), 2)
        first, last = checkpoints[0], checkpoints[-1]
        both = f"{first},{last}"
        self.predict("--checkpoint", both, "--output", self.output("files"))
        self.assertEqual(sorted(path.name for path in self.output("files").iterdir()),
                         [f"{folder.name}-{path.name}.h5" for path in (first, last)])
        self.predict("--checkpoint", both, ranks=2)
        for path in (first, last):
            written = folder / f"predictions-eval-{path.name}.h5"
            self.assertEqual(written.read_bytes(), (self.output("files") / f"{folder.name}-{path.name}.h5").read_bytes())
        moved = self.scratch / "moved" / folder.name
        shutil.copytree(folder, moved)
        same = f"{first},{moved / 'checkpoints' / first.name}"
        refused = self.predict("--checkpoint", same, "--output", self.output("none"), expect=64)
        for path in (first, moved):
            self.assertIn(str(path), error_lines(refused)[0])
        self.assertFalse(self.output("none").exists())

    def test_of_a_split_without_labels_and_a_submission(self):
        data = self.scratch / "data"
        subprocess.run([MAKE_PICTURES, "classes", data, "48", "20"], check=True)
        run(["--config", CONFIG, *QUICK, "--set", "data.dataset=image_folder", "--data-dir", data, "-b", 8,
             "--set", "transforms.size=24", "--epochs", 1, "--output", self.output("runs")])
        folder = only_run(self.output("runs"))
        unlabelled = self.scratch / "new"
        unlabelled.mkdir()
        for i, path in enumerate(sorted(data.glob("test/*/*.jpg"))[:12]):
            (unlabelled / f"{i:04}.jpg").write_bytes(path.read_bytes())
        submission = self.output("submission.csv")
        done = self.predict("--checkpoint", folder, unlabelled, "--csv", submission)
        with open(submission, newline="") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual([row["Id"] for row in rows], [f"{i:04}" for i in range(12)])
        classes = {path.name for path in (data / "train").iterdir()}
        self.assertLessEqual({row["Category"] for row in rows}, classes)
        # The numbers of the files, not their places among "0.jpg", "1.jpg", "10.jpg", "11.jpg", "2.jpg".
        numbered = self.scratch / "numbered"
        numbered.mkdir()
        for i in range(12):
            (numbered / f"{i}.jpg").write_bytes((unlabelled / f"{i:04}.jpg").read_bytes())
        self.predict("--checkpoint", folder, numbered, "--csv", self.output("numbered.csv"))
        self.assertEqual(self.output("numbered.csv").read_text(), submission.read_text())
        refused = self.predict("--checkpoint", folder, numbered, "--split", "test", expect=64)
        self.assertIn("--split", error_lines(refused)[0])
        refused = self.predict("--checkpoint", folder, "--output", submission, "--csv", submission, expect=64)
        self.assertIn("--csv", error_lines(refused)[0])
        self.assertNotIn("%  ", done.stdout)
        # Each picture with its likeliest classes, the first of which is that of the submission.
        done = self.predict(folder, unlabelled)
        blocks = re.findall(r"(\S+)/(\d{4})\.jpg\n([0-9.]+) %  (.*)\n", done.stdout)
        self.assertEqual([(name, best) for _, name, _, best in blocks],
                         [(row["Id"], row["Category"]) for row in rows])

        self.scored_by_name(folder, data)
        self.refused_before_anything_is_predicted(folder, unlabelled)

    # Lists and folders with a part of the classes, in places and orders of their own.
    def scored_by_name(self, folder, data):
        some = sorted(data.glob("test/class_[13]/*.jpg"))
        listed = self.scratch / "some.csv"
        lines = [f"{path.relative_to(self.scratch)},{path.parent.name}" for path in some]
        listed.write_text("image,category\n" + "\n".join(lines) + "\n")
        table = self.output("table.csv")
        done = self.predict(folder, listed, "--probabilities", table)
        with open(table, newline="") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual([row["path"] for row in rows], [line.split(",")[0] for line in lines])
        classes = [name[2:] for name in rows[0] if name.startswith("p_")]
        right = 0
        for row, path in zip(rows, some):
            self.assertEqual(row["class"], classes[int(row["index"])])
            self.assertAlmostEqual(sum(float(row["p_" + name]) for name in classes), 1, places=4)
            right += row["class"] == path.parent.name
        self.assertIn(f"Acc@1: {100 * right / len(rows):.3f}", done.stdout)
        # The same images in class folders without a training split.
        for path in some:
            place = self.scratch / "part/test" / path.parent.name
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        again = self.predict(folder, "--data-dir", self.scratch / "part", "--split", "test")
        self.assertIn(f"Acc@1: {100 * right / len(rows):.3f}", again.stdout)
        run(["evaluate", folder])  # the only predictions that lie there
        listed.write_text("image,category\n" + lines[0] + "\n" + lines[1].split(",")[0] + ",tea\n")
        refused = self.predict(folder, listed, expect=65)
        self.assertIn("line 3: the network knows no class tea", error_lines(refused)[0])

    def refused_before_anything_is_predicted(self, folder, pictures):
        for flag in ("--csv", "--probabilities", "--output"):
            for path in (self.scratch, "/proc/x.csv"):
                refused = self.predict(folder, pictures, flag, path, expect=74)
                self.assertIn(f"cannot write {path}", error_lines(refused)[0])
                self.assertNotIn("Predict", refused.stdout)

    def test_replace_no_labels_no_images_and_no_file_of_a_run(self):
        folder = reference()
        labels = self.scratch / "labels.csv"
        labels.write_text("path,label\na.png,1\n")
        image = self.scratch / "a.png"
        image.write_bytes((ROOT / "tests/golden/images/photo.png").read_bytes())
        before = {path: path.read_bytes() for path in (labels, image, folder / "summary.csv")}
        for inputs, flag, output in ((labels, "--csv", labels), (labels, "--probabilities", labels),
                                     (image, "--csv", image), (image, "--csv", folder / "summary.csv"),
                                     (image, "--csv", "/dev/null")):
            done = run(["predict", "--checkpoint", folder, inputs, flag, output], expect=None)
            self.assertIn(done.returncode, (64, 74), (flag, output))
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content, path)

    def test_of_other_classes_are_refused(self):
        data = self.scratch / "data"
        subprocess.run([MAKE_PICTURES, "classes", data, "48", "20"], check=True)
        done = self.predict("--checkpoint", trained(), "--dataset", "image_folder", "--data-dir", data, expect=78)
        self.assertRegex(error_lines(done)[0], r"the network knows no class class_0 \(sample 0 of .*class_0/.*\), class_1")

    def test_need_a_checkpoint_that_is_there_and_sound(self):
        self.assertIn("no checkpoint", error_lines(self.predict(expect=64))[0])
        missing = self.predict("--checkpoint", self.scratch / "none", expect=74)
        self.assertIn(str(self.scratch / "none"), error_lines(missing)[0])
        folder = copy_of(trained(), self.output("runs"))
        model = folder / "checkpoints/best/model.safetensors"
        data = bytearray(model.read_bytes())
        data[-5] ^= 1
        model.write_bytes(data)
        damaged = self.predict("--checkpoint", folder, ranks=2, expect=74)
        self.assertIn("model.safetensors", error_lines(damaged)[0])
        self.assertFalse((folder / "predictions-eval.h5").exists())


if __name__ == "__main__":
    unittest.main()
