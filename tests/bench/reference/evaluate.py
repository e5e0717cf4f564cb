"""evaluate.py CHECKPOINT FOLDER SIZE: accuracy of a ResNet-18 of dtrain on FOLDER/validation, by torchvision and Pillow.

Pictures are decoded in full, resized to 8/7 of SIZE and cut, as torchvision's references do. Says what the accuracy of
weights is elsewhere that were trained and evaluated with dtrain's decoding.
"""
import sys

import safetensors.torch
import torch
import torchvision
from torchvision.transforms import v2

checkpoint, folder, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
transform = v2.Compose([
    v2.Resize(round(size * 8 / 7)), v2.CenterCrop(size), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True),
    v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
pictures = torchvision.datasets.ImageFolder(folder + "/validation", transform)
model = torchvision.models.resnet18(num_classes=len(pictures.classes))
model.load_state_dict(safetensors.torch.load_file(checkpoint + "/model.safetensors"))
model.eval()
right = 0
with torch.inference_mode():
    for images, targets in torch.utils.data.DataLoader(pictures, 64):
        right += (model(images).argmax(1) == targets).sum().item()
print(f"{100 * right / len(pictures):.3f} % of {len(pictures)}")
