"""Test-time augmentation beside torchvision: the same views of the same pictures, and the same merged predictions.

Label python: needs the reference Python (torch, torchvision, scipy, h5py, Pillow).
"""
import gzip
import itertools
import pathlib
import shutil
import sys
import tempfile
import unittest

import h5py
import numpy
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy.special import softmax
from torchvision.transforms import CenterCrop, FiveCrop, InterpolationMode, Resize, TenCrop
from torchvision.transforms import functional as F

from harness import CONFIG, DATA, QUICK, ROOT, only_run, run

sys.path.insert(0, str(ROOT / "tests/golden"))
from make_models import make_model
from make_views import merge

SIZE, RESIZE, CLASSES, TESTED = 32, 47, 10, 12
MEAN, STD = [0.45, 0.5, 0.4], [0.25, 0.3, 0.2]
# Width and height. The shorter side is RESIZE already, so that only `scales` resamples; margins are even and odd.
SIZES = [(52, 47), (47, 52), (61, 47), (47, 57), (47, 47), (48, 47), (78, 47)]
EQUAL = 1e-4  # of logits of equal pixels: batch norms folded into the weights, and other convolutions, change 2e-6


def write_pictures(folder, split, prefix, count):
    """`count` pictures of each class as PNG: the garment, its negative, and it on a ramp, of several sizes."""
    with gzip.open(f"{DATA}/{prefix}-images-idx3-ubyte.gz") as f:
        garments = numpy.frombuffer(f.read(), numpy.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(f"{DATA}/{prefix}-labels-idx1-ubyte.gz") as f:
        labels = numpy.frombuffer(f.read(), numpy.uint8, offset=8)
    for k in range(CLASSES):
        target = folder / split / f"class_{k}"
        target.mkdir(parents=True)
        for i, index in enumerate(numpy.flatnonzero(labels == k)[:count]):
            width, height = SIZES[i % len(SIZES)]
            grey = numpy.asarray(Image.fromarray(garments[index]).resize((width, height), Image.Resampling.BICUBIC))
            ramp = numpy.add.outer(numpy.arange(height), 2 * numpy.arange(width)) % 128
            pixels = numpy.stack([grey, 255 - grey, grey // 2 + ramp.astype(numpy.uint8)], 2)
            Image.fromarray(pixels).save(target / f"{i:03}.png")


# --- the lists of views by torchvision on Pillow images ------------------------------------------

def middle(image, resize=RESIZE):
    return CenterCrop(SIZE)(Resize(resize)(image))


def flip(image):
    return [middle(image), F.hflip(middle(image))]


def five_crop(image):
    *corners, center = FiveCrop(SIZE)(Resize(RESIZE)(image))
    return [center, *corners]


def ten_crop(image):
    crops = five_crop(image)
    mirrored = [F.hflip(crop) for crop in crops]
    if (image.width - SIZE) % 2 == 0:
        # Where the margin is odd, torchvision's middle of the mirrored picture is a pixel aside.
        left_top, right_top, left_bottom, right_bottom, center = TenCrop(SIZE)(Resize(RESIZE)(image))[5:]
        mirrored = [center, right_top, left_top, right_bottom, left_bottom]
    return [view for pair in zip(crops, mirrored) for view in pair]


def rotations(image):
    return [F.rotate(middle(image), angle, InterpolationMode.NEAREST) for angle in (0, -10, 10)]


def scales(image):
    return [middle(image, resize) for resize in (47, 41, 53)]


def without_rounding(image, resize):
    """The pixels of middle(), (C, H, W), before they become whole numbers."""
    pixels = F.pil_to_tensor(image).double()
    return F.center_crop(F.resize(pixels, resize, InterpolationMode.BILINEAR, antialias=True), SIZE)


def is_near_half(pixels):
    """Whether a sum in float32 may round one of them to another level than a sum in double."""
    return ((pixels % 1 - 0.5).abs() < 1e-4).any().item()


def scales_rounded_once(image):
    """Pillow rounds to 8 bits between the two directions of a resize, dtrain does not."""
    resized = [without_rounding(image, resize).add(0.5).floor().byte() for resize in (41, 53)]
    return [middle(image), *(F.to_pil_image(levels) for levels in resized)]


CROPS = ["middle", "top left", "top right", "bottom left", "bottom right"]
EXACT = {
    "identity": (["identity"], lambda image: [middle(image)]),
    "flip": (["identity", "identity, flipped"], flip),
    "five_crop": (CROPS, five_crop),
    "ten_crop": ([name for crop in CROPS for name in (crop, crop + ", flipped")], ten_crop),
    "rotations(10)": (["identity", "rotated by -10", "rotated by 10"], rotations),
}


class Predictions:
    """A file of predictions, and the pictures that it is of."""

    def __init__(self, path):
        with h5py.File(path) as file:
            self.paths = list(file["paths"].asstr())
            self.views = list(file["views"].asstr())
            self.method = file.attrs["method"].decode()
            self.logits, self.view_logits = file["logits"][:], file["view_logits"][:]
            self.predicted = file["predicted"][:]


METHODS = {"probabilities": "mean of probabilities over views", "logits": "mean of logits over views",
           "vote": "vote of views"}


def distance(predictions, one, other):
    """How far two views of a sample are from each other, in the middle of all samples."""
    views = predictions.view_logits
    return numpy.median(numpy.abs(views[:, one] - views[:, other]).max(1))


class TestTimeAugmentation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="dtrain-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.data = cls.scratch / "data"
        write_pictures(cls.data, "train", "train", 35)
        write_pictures(cls.data, "test", "t10k", TESTED)
        run(["--config", CONFIG, *QUICK, "--set", "data.dataset=image_folder", "--data-dir", cls.data,
             "--set", f"transforms.size={SIZE}", "--set", f"transforms.eval_resize={RESIZE}",
             "--set", f"transforms.mean={MEAN}", "--set", f"transforms.std={STD}",
             "--set", "train.precision=float32", "--set", "data.limit_train=480", "-b", 32, "--epochs", 2,
             "--output", cls.scratch / "runs"])
        cls.folder = only_run(cls.scratch / "runs")
        cls.model = make_model("resnet18", "small", 3, CLASSES, 8, torch.float32)
        cls.model.load_state_dict(load_file(cls.folder / "checkpoints/best/model.safetensors"), strict=True)
        cls.model.eval()

    def predict(self, views, *flags, ranks=None, name="predictions"):
        path = self.scratch / f"{name}.h5"
        run(["predict", "--checkpoint", self.folder, "--views", views, "--keep-views", "--output", path, *flags], ranks)
        return Predictions(path)

    def pictures(self, predictions):
        for path in predictions.paths:
            with Image.open(self.data / path) as image:
                yield image.convert("RGB")

    def reference(self, predictions, make_views):
        """Logits (B, V, K) of torchvision's views, by torch."""
        images = torch.stack([torch.stack([F.normalize(F.to_tensor(view), MEAN, STD) for view in make_views(picture)])
                              for picture in self.pictures(predictions)])
        with torch.inference_mode():
            return self.model(images.flatten(0, 1)).view(*images.shape[:2], CLASSES).numpy()

    def assert_close(self, found, expected, tolerance):
        numpy.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)

    def test_views_have_the_logits_of_torchvisions_pictures(self):
        for name, (names, make_views) in EXACT.items():
            with self.subTest(name):
                found = self.predict(name)
                self.assertEqual(found.views, names)
                self.assertEqual(found.view_logits.shape, (TESTED * CLASSES, len(names), CLASSES))
                self.assert_close(found.view_logits, self.reference(found, make_views), EQUAL)
                for one, other in itertools.combinations(range(len(names)), 2):
                    self.assertGreater(distance(found, one, other), 100 * EQUAL, (names[one], names[other]))

    def test_scales_have_the_logits_of_torchvisions_pictures_but_for_rounding(self):
        found = self.predict("scales")
        self.assertEqual(found.views, ["resized to 1.000", "resized to 0.875", "resized to 1.125"])
        # Pillow's pixels are another level in one of seven, which moves logits by 0.04; views differ by 0.2 and 0.3.
        self.assert_close(found.view_logits, self.reference(found, scales), 0.1)
        for one, other in itertools.combinations(range(3), 2):
            self.assertGreater(distance(found, one, other), 0.1)
        # Rounded as dtrain does, a pixel is another level only if it lies between two of them.
        expected = self.reference(found, scales_rounded_once)
        self.assert_close(found.view_logits, expected, 0.02)
        sure = numpy.array([[not is_near_half(without_rounding(picture, resize)) for resize in (RESIZE, 41, 53)]
                            for picture in self.pictures(found)])
        self.assertGreater(sure.mean(0).min(), 0.25)
        self.assert_close(found.view_logits[sure], expected[sure], EQUAL)

    def test_merges_are_those_of_numpy(self):
        _, make_views = EXACT["five_crop"]
        by_torch = None
        for rule, method in METHODS.items():
            with self.subTest(rule):
                found = self.predict("five_crop", "--merge", rule)
                self.assertEqual(found.method, method)
                shares = softmax(found.logits.astype(numpy.float64), axis=1)
                probabilities, predicted = merge(rule, found.view_logits)
                self.assert_close(shares, probabilities, 1e-6)  # logits are kept as float32
                numpy.testing.assert_array_equal(found.predicted, predicted)
                # And of the logits that torch has of torchvision's pictures. Where two are close, a view may vote for
                # the other.
                by_torch = self.reference(found, make_views) if by_torch is None else by_torch
                probabilities, _ = merge(rule, by_torch)
                first, second = numpy.moveaxis(numpy.sort(by_torch, axis=2)[:, :, :-3:-1], 2, 0)
                clear = (first - second > 2 * EQUAL).all(1) | (rule != "vote")
                self.assertGreater(clear.mean(), 0.9)
                self.assert_close(shares[clear], probabilities[clear], EQUAL)

    def test_random_views_differ_and_are_those_of_another_number_of_ranks(self):
        found = self.predict("random(3)", name="alone")
        self.assertEqual(found.views, ["draw 0", "draw 1", "draw 2"])
        for one, other in ((0, 1), (0, 2), (1, 2)):
            self.assertGreater(distance(found, one, other), 100 * EQUAL)
        alone = (self.scratch / "alone.h5").read_bytes()
        for ranks in (2, 3):
            self.predict("random(3)", "--workers", ranks, ranks=ranks, name="together")
            self.assertEqual((self.scratch / "together.h5").read_bytes(), alone, f"{ranks} ranks")


if __name__ == "__main__":
    unittest.main()
