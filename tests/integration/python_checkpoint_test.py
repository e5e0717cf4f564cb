"""A trained checkpoint in Python: strictly into torchvision's resnet18, with the same evaluation there.

Label python: needs the reference Python (torch, torchvision, safetensors).
"""
import gzip
import unittest

import numpy
import torch
import torchvision
from safetensors.torch import load_file

from harness import DATA, TrainingTest, rows, train


def evaluation_images(count):
    with gzip.open(f"{DATA}/t10k-images-idx3-ubyte.gz") as f:
        pixels = numpy.frombuffer(f.read(), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(f"{DATA}/t10k-labels-idx1-ubyte.gz") as f:
        labels = numpy.frombuffer(f.read(), numpy.uint8, offset=8)
    return torch.from_numpy(pixels[:count].copy()), torch.from_numpy(labels[:count].astype(numpy.int64))


class PythonCheckpoint(TrainingTest):
    def test_torchvision_loads_a_checkpoint_strictly_and_evaluates_it_alike(self):
        folder = train(self.output("a"), "--epochs", 1, "-b", 32, "--set", "model.width=64",
                       "--set", "data.limit_train=256", "--set", "train.precision=float32",
                       "--set", "transforms.mean=0.286", "--set", "transforms.std=0.353", ranks=2)
        model = torchvision.models.resnet18(num_classes=10)
        model.conv1 = torch.nn.Conv2d(1, 64, 3, 1, 1, bias=False)
        model.maxpool = torch.nn.Identity()
        model.load_state_dict(load_file(folder / "checkpoints/last/model.safetensors"), strict=True)
        model.eval()
        pixels, labels = evaluation_images(203)
        with torch.no_grad():
            logits = model((pixels.float() / 255 - 0.286) / 0.353)
            loss = torch.nn.functional.cross_entropy(logits, labels).item()
        (row,) = rows(folder)
        self.assertLess(abs(loss - float(row["eval_loss"])) / loss, 1e-5)
        correct = (logits.argmax(1) == labels).sum().item()
        self.assertAlmostEqual(correct / 203 * 100, float(row["eval_top1"]), places=6)


if __name__ == "__main__":
    unittest.main()
