"""loader.py FOLDER SIZE WORKERS SECONDS pillow|torchvision: images per second of Python's DataLoader alone.

RandomResizedCrop and a flip, either of Pillow's images (torchvision's ImageFolder as it comes) or of
tensors decoded by torchvision.io.
"""
import json
import sys
import time

import torch
import torchvision
from torchvision.transforms import v2

folder, size, workers, seconds, backend = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
torch.set_num_threads(1)
if backend == "pillow":
    transform = torchvision.transforms.Compose([
        torchvision.transforms.RandomResizedCrop(size), torchvision.transforms.RandomHorizontalFlip(),
        torchvision.transforms.PILToTensor()])
    data = torchvision.datasets.ImageFolder(folder + "/train", transform)
else:
    transform = v2.Compose([v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip()])
    data = torchvision.datasets.ImageFolder(
        folder + "/train", transform,
        loader=lambda path: torchvision.io.decode_image(path, torchvision.io.ImageReadMode.RGB))
loader = torch.utils.data.DataLoader(data, 32, shuffle=True, num_workers=workers, drop_last=True,
                                     persistent_workers=workers > 0)
images = epoch = 0
start = time.perf_counter()
while epoch < 2 or time.perf_counter() - start < seconds:
    if epoch == 1:
        start = time.perf_counter()  # the first one warms up
    for batch, _ in loader:
        images += len(batch) if epoch > 0 else 0
    epoch += 1
print(json.dumps({"side": backend, "workers": workers, "images_per_second": images / (time.perf_counter() - start)}))
