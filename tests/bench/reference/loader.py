"""loader.py FOLDER SIZE WORKERS SECONDS pillow|torchvision [none|randaugment]: Python's DataLoader alone.

Prints images per second, and the proportional memory of all its processes.

RandomResizedCrop and a flip, either of Pillow's images (torchvision's ImageFolder as it comes) or of
tensors decoded by torchvision.io.
"""
import json
import pathlib
import sys
import time

import torch
import torchvision
from torchvision.transforms import v2

folder, size, workers, seconds, backend = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
augment = [v2.RandAugment()] if sys.argv[6:] == ["randaugment"] else []
torch.set_num_threads(1)


def proportional_megabytes():
    """PSS of this process and its workers."""
    kilobytes = 0
    children = pathlib.Path("/proc/self/task").glob("*/children")
    for pid in ["self", *(pid for file in children for pid in file.read_text().split())]:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kilobytes += int(line.split()[1])
    return kilobytes / 1024


if backend == "pillow":
    transform = torchvision.transforms.Compose([
        torchvision.transforms.RandomResizedCrop(size), torchvision.transforms.RandomHorizontalFlip(), *augment,
        torchvision.transforms.PILToTensor()])
    data = torchvision.datasets.ImageFolder(folder + "/train", transform)
else:
    transform = v2.Compose([v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip(), *augment])
    data = torchvision.datasets.ImageFolder(
        folder + "/train", transform,
        loader=lambda path: torchvision.io.decode_image(path, torchvision.io.ImageReadMode.RGB))
loader = torch.utils.data.DataLoader(data, 32, shuffle=True, num_workers=workers, drop_last=True,
                                     persistent_workers=workers > 0)
images = epoch = memory = 0
start = time.perf_counter()
while epoch < 2 or time.perf_counter() - start < seconds:
    if epoch == 1:
        start = time.perf_counter()  # the first one warms up
    for batch, _ in loader:
        images += len(batch) if epoch > 0 else 0
    epoch += 1
    memory = max(memory, proportional_megabytes())
print(json.dumps({"side": backend, "workers": workers, "pss_mb": memory,
                  "images_per_second": images / (time.perf_counter() - start)}))
