"""What a new user types first: a folder, and no settings."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from harness import ROOT, TrainingTest, error_lines, only_run, rows, run, train

MAKE_PICTURES = os.environ.get("MAKE_PICTURES", str(ROOT / "build/release/tests/support/make_pictures"))
FORMATS = ROOT / "tests/golden/formats"

# Only what makes it quick on this machine.
QUICK = ["--set", "model.width=8", "--set", "run.threads=1"]


class AFolder(TrainingTest):
    def photos(self, images=600):
        """One folder per class, whose names have spaces and other letters, with images of several formats."""
        made = self.scratch / "made"
        subprocess.run([MAKE_PICTURES, "classes", made, str(images), "20"], check=True)
        photos = self.scratch / "Meine Bilder (2024) ä"
        shutil.copytree(made / "train", photos)
        for number, folder in enumerate(sorted(photos.iterdir())):
            folder = folder.rename(photos / f"Gericht {number}, süß")
            for name in ("bmp_24.bmp", "gif.gif", "tiff_16_bit.tif", "webp_lossy.webp"):
                shutil.copy(FORMATS / name, folder / ("ein Foto " + name))
        return photos

    def test_needs_no_setting_and_learns(self):
        photos = self.photos()
        done = run([photos, "--epochs", 6, "--output", self.output("runs"), *QUICK])
        folder = only_run(self.output("runs"))
        said = [line for line in done.stdout.splitlines()
                if re.match("(Data|Classes|Images|Input|Evaluates)", line)]
        self.assertEqual(len(said), 5, done.stdout)
        self.assertIn("one folder per class", said[0])
        self.assertIn("Classes: 10", said[1])
        self.assertIn("training 576, evaluation 64", said[2])
        self.assertIn("held out", said[4])
        config = json.loads((folder / "config.json").read_text())
        self.assertEqual(config["data"]["dataset"], "image_folder")
        self.assertEqual(config["data"]["holdout"], 0.1)
        self.assertEqual(config["model"]["num_classes"], 10)
        self.assertGreater(config["transforms"]["size"], 0)
        origins = config["_dtrain"]["origins"]
        for path in ("data.dataset", "data.holdout", "transforms.size", "model.stem", "optimizer.lr"):
            self.assertTrue(origins[path].startswith("automatic ("), path)
        # Chance is 10 %.
        self.assertGreater(max(float(row["eval_top1"]) for row in rows(folder)), 40)

        # More epochs, with nothing but the run and their number.
        run(["--resume", folder, "--epochs", 7])
        self.assertEqual(len(rows(folder)), 7)
        resumed = json.loads((folder / "config.json").read_text())
        for section in ("data", "model", "transforms", "optimizer", "schedule"):
            self.assertEqual(resumed[section], config[section])

    def test_of_a_split_is_refused_with_its_parent(self):
        data = self.scratch / "food-11"
        subprocess.run([MAKE_PICTURES, "food11", data, "20", "10"], check=True)
        done = run([data / "training", "--output", self.output("runs")], expect=65)
        (line,) = error_lines(done)
        self.assertIn(f"give its parent: {data}", line)
        self.assertFalse(self.output("runs").exists())

    def test_and_a_configuration_are_words(self):
        data = self.scratch / "food-11"
        subprocess.run([MAKE_PICTURES, "food11", data, "40", "10"], check=True)
        settings = self.scratch / "settings.json"
        settings.write_text('{"run": {"epochs": 1}, "model": {"width": 8}, "train": {"max_steps": 1}}')
        done = run([data, settings, "--output", self.output("runs")])
        self.assertIn("Evaluates on validation", done.stdout)
        self.assertIn("class first in their names", done.stdout)


class OtherFormats(TrainingTest):
    def test_opencv_is_loaded_when_an_image_needs_it(self):
        for name, picture in (("jpeg", ROOT / "tests/golden/images/jpeg_420.jpg"), ("webp", FORMATS / "webp_lossy.webp")):
            for label in ("a", "b"):
                folder = self.scratch / name / "train" / label
                folder.mkdir(parents=True)
                shutil.copy(picture, folder)
            done = run(["verify-data", self.scratch / name, "--set", "data.eval_split=train"], env={"LD_DEBUG": "files"})
            self.assertEqual("libopencv_core" in done.stderr, name == "webp", name)


class AnyName(TrainingTest):
    def test_is_kept_to_the_byte_though_it_is_no_utf8(self):
        made = self.scratch / "made"
        subprocess.run([MAKE_PICTURES, "classes", made, "60", "20"], check=True)
        photos = os.path.join(os.fsencode(self.scratch), b"Gerichte \xfc")
        for number in range(10):
            source = os.fsencode(made / f"train/class_{number}")
            shutil.copytree(source, os.path.join(photos, b"Br\xf6tchen %d" % number))
        run([photos.decode("utf-8", "surrogateescape"), "--epochs", 1, "--output", self.output("runs"), *QUICK])
        folder = only_run(self.output("runs"))
        done = run(["--resume", folder, "--epochs", 2])
        self.assertIn("Done: epoch 2 of 2", done.stdout)
        self.assertIn(r"(Br\xf6tchen ", done.stdout)
        run(["predict", "--checkpoint", folder])
        done = run(["evaluate", folder / "predictions-eval.h5", "--output", self.output("evaluation")])
        self.assertIn(r"Br\xf6tchen 3", done.stdout)
        run(["calibrate", folder / "predictions-eval.h5"])
        run(["report", folder])
        manifest = json.loads((folder / "checkpoints/last/manifest.json").read_text())
        name = manifest["meta"]["class_names"][0]["bytes"]
        self.assertEqual(bytes.fromhex(name), b"Br\xf6tchen 0")

    def test_of_a_test_split_without_labels_is_predicted_and_not_evaluated(self):
        data = self.scratch / "food-11"
        subprocess.run([MAKE_PICTURES, "food11", data, "60", "12"], check=True)
        for number, path in enumerate(sorted((data / "test").iterdir())):
            path.rename(data / "test" / f"{number:04d}.jpg")
        done = run([data, "--epochs", 1, "--output", self.output("runs"), *QUICK])
        self.assertIn("Evaluates on validation", done.stdout)
        folder = only_run(self.output("runs"))
        table = self.scratch / "submission.csv"
        done = run(["predict", "--checkpoint", folder, "--split", "test", "--csv", table])
        self.assertNotIn("Acc@1", done.stdout)
        lines = table.read_text().splitlines()
        self.assertEqual([line.split(",")[0] for line in lines], ["Id", *(f"{i:04d}" for i in range(12))])
        done = run([data, "--set", "data.eval_split=test", "--output", self.output("other")], expect=65)
        self.assertIn("set data.eval_split=validation", error_lines(done)[0])
        run(["verify-data", data])
        run(["verify-data", data, "--set", "data.eval_split=test"], expect=65)
        run(["pack", data, "--output", self.output("food.h5")])
        run(["predict", "--checkpoint", folder, "--split", "test", "--dataset", "pack",
             "--data-dir", self.output("food.h5"), "--output", self.output("packed.h5")])

    def test_of_a_test_split_without_labels_is_voted_on(self):
        data = self.scratch / "food-11"
        subprocess.run([MAKE_PICTURES, "food11", data, "60", "12"], check=True)
        for number, path in enumerate(sorted((data / "test").iterdir())):
            path.rename(data / "test" / f"{number:04d}.jpg")
        members = self.scratch / "ensemble.json"
        members.write_text(json.dumps({
            "ensemble": {"output": str(self.output("ensemble"))},
            "base": {"data": {"data_dir": str(data)}, "run": {"epochs": 1, "threads": 1}, "model": {"width": 8}},
            "members": [{"name": "a"}, {"name": "b", "config": {"run": {"seed": 3}}}]}))
        done = run(["ensemble", "--config", members])
        self.assertIn("Voted: 12 samples by 2 members", done.stdout)
        self.assertNotIn("Gain over the best member", done.stdout)
        table = self.scratch / "votes.csv"
        run(["vote", *sorted(self.output("ensemble").glob("members/*/predictions-test.h5")),
             "--output", self.output("vote.h5"), "--csv", table])
        self.assertEqual(len(table.read_text().splitlines()), 13)
        # Before any member is trained.
        refused = self.output("refused")
        shutil.rmtree(data / "validation")
        done = run(["ensemble", "--config", members, "--output", refused,
                    "--set", "ensemble.validation=validation"], expect=65)
        self.assertIn("set ensemble.validation to eval", error_lines(done)[0])
        self.assertEqual(list((refused / "members").iterdir()), [])


class AnEnsemble(TrainingTest):
    def test_is_refused_before_it_trains_where_no_member_has_the_split_that_is_voted_on(self):
        data = self.scratch / "made"
        subprocess.run([MAKE_PICTURES, "classes", data, "60", "10"], check=True)
        shutil.rmtree(data / "test")
        config = self.scratch / "ensemble.json"
        config.write_text(json.dumps({"ensemble": {"output": str(self.output("ensemble"))},
                                      "base": {"data": {"data_dir": str(data)}, "model": {"width": 8}},
                                      "members": [{"name": "a"}, {"name": "b", "seeds": [1]}]}))
        done = run(["ensemble", config], expect=65)
        self.assertIn("ensemble.split=test", error_lines(done)[0])
        self.assertFalse(list(self.output("ensemble").glob("members/*")))


class Testing(TrainingTest):
    def test_the_best_checkpoint_is_tested_once_after_training(self):
        flags = ["--set", "data.eval_split=train", "--set", "data.test_split=test", "--set", "train.precision=float32"]
        folder = train(self.output("runs"), *flags)
        record = json.loads((folder / "test.json").read_text())
        best = (folder / "checkpoints/best").resolve().name
        self.assertEqual((record["split"], record["checkpoint"]), ("test", best))
        self.assertEqual((folder / "log.txt").read_text().count("Test: test, "), 1)
        # What dtrain predict says of the same checkpoint.
        done = run(["predict", "--checkpoint", folder, "--split", "test"])
        self.assertIn(f"Acc@1: {record['top1']:.3f}", done.stdout)

    def test_samples_without_a_label_are_refused_before_the_training(self):
        data = self.scratch / "food-11"
        subprocess.run([MAKE_PICTURES, "food11_2021", data, "40", "10"], check=True)
        done = run([data, "--set", "data.test_split=test", "--output", self.output("runs"), *QUICK], expect=65)
        (line,) = error_lines(done)
        self.assertIn("data.test_split=none", line)
        self.assertFalse(pathlib.Path(self.output("runs")).exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
