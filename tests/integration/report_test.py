"""dtrain evaluate and dtrain report after real trainings: every file is opened by what reads such files."""
import base64
import csv
import functools
import html.parser
import json
import pathlib
import re
import shutil
import struct
import unittest
import xml.etree.ElementTree
import zlib

from harness import CONFIG, QUICK, TrainingTest, copy_of, error_lines, only_run, reference, run, small_data

VOID = {"meta", "img", "br", "hr", "input", "link"}
# Long enough for a temperature to help samples that it was not fitted on, without which none is kept.
CALIBRATED = ["--epochs", 8, "-b", 24, "--lr", 0.05, "--set", "data.holdout=0.2", "--data-dir", small_data()]


@functools.cache
def calibrated():
    """The folder of a run with predictions of two splits and a temperature."""
    folder = reference(*CALIBRATED)
    run(["predict", "--checkpoint", folder])
    run(["calibrate", folder / "predictions-eval.h5"])
    run(["predict", "--checkpoint", folder, "--split", "test"])
    return folder


def png_size(data):
    """(width, height) of a sound PNG of 8 bits; fails where a checksum or the number of pixels is wrong."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    at, pixels, kinds = 8, b"", []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8:at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        assert checksum == zlib.crc32(kind + content), kind
        kinds.append(kind)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", content)
        if kind == b"IDAT":
            pixels += content
        at += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND", kinds
    assert depth == 8
    assert len(zlib.decompress(pixels)) == (1 + width * {0: 1, 2: 3}[colour]) * height
    return width, height


def svg_texts(data):
    """What is written in a picture; fails where it is no XML, runs something or leads somewhere."""
    root = xml.etree.ElementTree.fromstring(data)
    for element in root.iter():
        assert element.tag.split("}")[1] in {"svg", "title", "style", "rect", "line", "text", "g", "path", "polyline",
                                             "circle"}, element.tag
        assert not [name for name in element.attrib if name.startswith("on") or name.endswith("href")], element.attrib
    style = "".join(element.text for element in root.iter() if element.tag.endswith("}style"))
    assert "url(" not in style and "@import" not in style
    return [element.text for element in root.iter() if element.tag.endswith("}text")]


def table(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


class Page(html.parser.HTMLParser):
    """A page whose tags balance, and that runs nothing and fetches nothing."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.html = path.read_text(encoding="utf-8")
        self.open, self.ids, self.targets, self.tags = [], set(), set(), set()
        self.headings, self.cells, self.facts, self.text = [], [], [], ""
        self.pictures = {}  # what they show -> bytes
        assert not re.search(r"https?://|//\w+\.\w", re.sub(r"base64,[\w+/=]*", "", self.html))
        self.feed(self.html)
        self.close()
        assert not self.open, self.open
        assert self.targets <= self.ids, self.targets - self.ids
        assert not self.tags & {"script", "link", "iframe", "object", "embed", "form", "base"}, self.tags

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        attributes = dict(attrs)
        assert not [name for name in attributes if name.startswith("on")], attributes
        if "id" in attributes:
            assert attributes["id"] not in self.ids
            self.ids.add(attributes["id"])
        if "href" in attributes:
            assert attributes["href"].startswith("#"), attributes
            self.targets.add(attributes["href"][1:])
        if tag == "img":
            kind, data = re.fullmatch(r"data:image/(png|svg\+xml);base64,([\w+/=]+)", attributes["src"]).groups()
            data = base64.b64decode(data, validate=True)
            png_size(data) if kind == "png" else svg_texts(data)
            assert attributes["alt"]
            self.pictures[attributes["alt"]] = data
        for name, texts in (("h2", self.headings), ("h3", self.headings), ("td", self.cells), ("dt", self.facts),
                            ("dd", self.facts)):
            if tag == name:
                texts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.open, tag, self.getpos())
        self.open.pop()

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        for names, texts in (({"h2", "h3"}, self.headings), ({"td"}, self.cells), ({"dt", "dd"}, self.facts)):
            if inside in names:
                texts[-1] += data
        if inside != "style":
            self.text += data

    def fact(self, name):
        return self.facts[self.facts.index(name) + 1]


class AfterATraining(TrainingTest):
    """One training with predictions of two splits and a temperature, which no test changes."""

    def setUp(self):
        super().setUp()
        self.folder = calibrated()
        self.test = self.folder / "predictions-test.h5"

    def copy(self):
        return copy_of(self.folder, self.scratch)


class Evaluations(AfterATraining):
    def test_write_files_that_others_open(self):
        output = self.output("evaluation")
        done = run(["evaluate", self.test, "--output", output, "--hardest", 10])
        self.assertIn(f"Wrote: {output}", done.stdout)
        self.assertEqual({path.name for path in output.iterdir()},
                         {"metrics.json", "per_class.csv", "confusion.csv", "confusion.svg", "confusion.png",
                          "reliability.svg", "reliability.png", "hardest.csv", "hardest.png"})
        metrics = json.loads((output / "metrics.json").read_text())
        self.assertEqual((metrics["samples"], metrics["labelled"]), (203, 203))
        self.assertNotEqual(metrics["temperature"], 1)
        shown = re.search(r"accuracy, % +([0-9.]+)  95 % interval ([0-9.]+) to ([0-9.]+)", done.stdout)
        self.assertEqual(shown[1], f"{100 * metrics['top1']:.3f}")
        self.assertLess(float(shown[2]), float(shown[1]))
        self.assertLess(float(shown[1]), float(shown[3]))
        confusion = table(output / "confusion.csv")
        names = [row["target"] for row in confusion]
        self.assertEqual(len(names), 10)
        right = sum(int(row[row["target"]]) for row in confusion)
        self.assertAlmostEqual(right / 203, metrics["top1"], places=12)
        for row, scores in zip(confusion, table(output / "per_class.csv")):
            self.assertEqual(scores["class"], row["target"])
            self.assertEqual(sum(int(row[name]) for name in names), int(scores["samples"]))
        for name in names:
            self.assertIn(name, svg_texts((output / "confusion.svg").read_bytes()))
        svg_texts((output / "reliability.svg").read_bytes())
        for name in ("confusion", "reliability"):
            png_size((output / f"{name}.png").read_bytes())
        hardest = table(output / "hardest.csv")
        self.assertEqual(len(hardest), 10)
        probabilities = [float(row["target_probability"]) for row in hardest]
        self.assertEqual(probabilities, sorted(probabilities))
        # Two rows of six pictures of 28 pixels, enlarged four times.
        width, height = png_size((output / "hardest.png").read_bytes())
        self.assertGreater(width, 6 * 4 * 28)
        self.assertGreater(height, 2 * 4 * 28)

    def test_of_two_files_list_what_differs(self):
        flipped = self.output("flipped.h5")
        run(["predict", "--checkpoint", self.folder, "--split", "test", "--views", "flip", "--output", flipped])
        output = self.output("evaluation")
        done = run(["evaluate", self.test, flipped, "--output", output])
        self.assertIn("Right less left: ", done.stdout)
        differing = table(output / "differing.csv")
        self.assertIn(f"{len(differing)} of 203 samples differ", done.stdout)
        self.assertGreater(len(differing), 0)
        self.assertTrue(all(row["left"] != row["right"] for row in differing))
        png_size((output / "differing.png").read_bytes())
        alone = [sum(row[one] == row["target"] for row in differing) for one in ("left", "right")]
        self.assertIn(f"right alone: {alone[0]} and {alone[1]};", done.stdout)
        accuracies = [json.loads((output / side / "metrics.json").read_text())["top1"] for side in ("left", "right")]
        self.assertAlmostEqual(203 * (accuracies[1] - accuracies[0]), alone[1] - alone[0], places=9)
        self.assertTrue((output / "right/hardest.png").is_file())
        # Outside of a run folder the data have to be named.
        done = run(["evaluate", flipped, "--output", self.output("other")])
        self.assertIn("No contact sheet", done.stdout)
        run(["evaluate", flipped, "--output", self.output("other"), "--config", self.folder / "config.json"])
        self.assertTrue((self.output("other") / "hardest.png").is_file())
        refused = run(["evaluate", self.test, self.folder / "predictions-eval.h5"], expect=65)
        self.assertEqual(len(error_lines(refused)), 1)
        self.assertIn("predictions-eval.h5", error_lines(refused)[0])


class ReportsOfRuns(AfterATraining):
    def test_have_all_there_is_to_know(self):
        folder = self.copy()
        done = run(["report", folder])
        self.assertIn(f"Wrote: {folder}/report.html", done.stdout)
        page = Page(folder / "report.html")
        for heading in ("Result", "Curves", "predictions-eval", "predictions-test", "Classes", "Confusion",
                        "Reliability", "Hardest samples", "Calibration", "Settings"):
            self.assertIn(heading, page.headings)
        self.assertEqual(page.fact("epochs"), "8 of 8")
        best = max(float(row["eval_top1"]) for row in table(folder / "summary.csv"))
        self.assertEqual(page.fact("best accuracy, %"), f"{best:.3f}")
        for setting in ("optimizer.lr", "data.holdout", "command line --lr"):
            self.assertIn(setting, page.text)
        for picture in ("Loss, accuracy and learning rate", "The samples whose targets are least probable",
                        "Reliability diagrams before and after"):
            self.assertIn(picture, page.pictures)
        self.assertEqual(len([name for name in page.pictures if name.startswith("Confusion matrix of")]), 2)
        self.assertIn("Sneaker", page.cells)
        # The page is all there is: it needs no other file of the folder.
        alone = self.scratch / "alone"
        alone.mkdir()
        shutil.move(folder / "report.html", alone)
        self.assertEqual(Page(alone / "report.html").pictures, page.pictures)

    def test_find_the_data_where_flags_say_they_are_now(self):
        folder = self.copy()
        shown = "The samples whose targets are least probable"
        page = self.output("page.html")
        run(["report", folder, "--output", page, "--data-dir", self.scratch / "none"])
        self.assertNotIn(shown, Page(page).pictures)
        run(["report", folder, "--output", page, "--data-dir", small_data(), "--hardest", 3])
        self.assertIn(shown, Page(page).pictures)
        self.assertFalse((folder / "report.html").exists())

    def test_of_a_run_that_is_not_finished_say_what_is_missing(self):
        run(["--config", CONFIG, *QUICK, "--output", self.output("runs"), "--set", "train.max_steps=2"])
        folder = only_run(self.output("runs"))
        for name in ("report.html", "again.html"):
            run(["report", folder, "--output", self.output(name)])
            page = Page(self.output(name))
            self.assertIn(f"dtrain predict --checkpoint {folder}", page.text)
            self.assertIn("Settings", page.headings)
            self.assertNotIn("best accuracy, %", page.facts)
            # A run that was killed before it wrote anything but its settings.
            for path in folder.iterdir():
                if path.name != "config.json":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.assertIn("No epoch of this run is complete yet.", page.text)

    def test_need_a_run_or_an_ensemble(self):
        for subject in (self.scratch, self.scratch / "none", self.folder / "checkpoints", self.test):
            refused = run(["report", subject], expect=74)
            self.assertEqual(len(error_lines(refused)), 1)
            self.assertIn(str(subject), error_lines(refused)[0])
        self.assertEqual(list(self.scratch.iterdir()), [])


class ReportsOfEnsembles(TrainingTest):
    def test_have_members_and_vote_wherever_the_folder_is(self):
        config = self.scratch / "ensemble.json"
        folder = self.scratch / "three eyes"
        config.write_text(json.dumps({
            "ensemble": {"output": str(folder)},
            "base": {"run": {"epochs": 2, "threads": 1}, "model": {"width": 8}, "optimizer": {"lr": 0.02},
                     "data": {"data_dir": str(small_data()), "limit_train": 240, "limit_eval": 203, "holdout": 0.2}},
            "members": [{"name": "small", "seeds": [1, 2]}],
        }))
        done = run(["ensemble", "--config", config], ranks=2)
        report = folder / "report.html"
        own = report.read_bytes()
        report.unlink()
        run(["report", folder])
        self.assertEqual(report.read_bytes(), own)
        page = Page(report)
        for heading in ("Vote", "Curves", "Calibration", "The vote", "Members", "The vote, class by class", "Classes",
                        "Confusion", "Reliability", "Hardest samples", "Settings"):
            self.assertIn(heading, page.headings)
        for name in ("small-seed1", "small-seed2"):
            self.assertIn(f"members/{name}/predictions-test.h5", page.cells)
            self.assertIn(name, page.cells)
        self.assertIn("oracle", page.cells)
        gain = re.search(r"Gain over the best member .*", done.stdout)[0]
        self.assertIn(gain, page.text)
        self.assertIn("Curves of the members", page.pictures)
        self.assertIn("small-seed1", svg_texts(page.pictures["Curves of the members"]))
        self.assertIn("Reliability diagrams before and after", page.pictures)
        self.assertIn('"limit_train": 240', page.text)
        moved = self.scratch / "elsewhere" / folder.name
        moved.parent.mkdir()
        folder.rename(moved)
        (moved / "report.html").unlink()
        run(["report", moved / "vote.h5"])
        again = Page(moved / "report.html")
        self.assertEqual(again.cells, page.cells)
        self.assertEqual(again.pictures, page.pictures)
        # Each member is a run of its own.
        run(["report", moved / "members/small-seed2"])
        self.assertIn("Calibration", Page(moved / "members/small-seed2/report.html").headings)


if __name__ == "__main__":
    unittest.main()
