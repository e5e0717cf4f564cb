"""end_to_end.py FOLDER BATCH WORKERS pillow|torchvision: one epoch of ResNet-18 at 128 x 128 and its evaluation.

PyTorch DDP as a careful user tunes it for a CPU: channels-last, bfloat16 autocast, fused SGD, bucket views,
persistent workers; see common.py.
"""
import sys

import torch
import torch.nn.functional as F
import torchvision
from torchvision.transforms import v2

from common import distribute, join_group, make_optimizer

folder, batch_size, workers, backend = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(1)
rank, world = join_group()
torch.manual_seed(0)

tail = [v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
head = [v2.PILToTensor()] if backend == "pillow" else []
train_transform = v2.Compose([v2.RandomResizedCrop(128), v2.RandomHorizontalFlip(), *head, *tail])
eval_transform = v2.Compose([v2.Resize(146), v2.CenterCrop(128), *head, *tail])
read = {} if backend == "pillow" else {
    "loader": lambda path: torchvision.io.decode_image(path, torchvision.io.ImageReadMode.RGB)}
train_set = torchvision.datasets.ImageFolder(folder + "/train", train_transform, **read)
eval_set = torchvision.datasets.ImageFolder(folder + "/test", eval_transform, **read)
sampler = torch.utils.data.distributed.DistributedSampler(train_set, world, rank, drop_last=True)
train = torch.utils.data.DataLoader(train_set, batch_size, sampler=sampler, num_workers=workers, drop_last=True)
evaluation = torch.utils.data.DataLoader(
    torch.utils.data.Subset(eval_set, range(rank, len(eval_set), world)), batch_size, num_workers=workers)

model = torchvision.models.resnet18(num_classes=len(train_set.classes), zero_init_residual=True)
model = model.to(memory_format=torch.channels_last)
optimizer = make_optimizer(model, 0.01)
replica = distribute(model, world)
replica.train()
for images, targets in train:
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        loss = F.cross_entropy(replica(images), targets, label_smoothing=0.05)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
model.eval()
right = torch.zeros(2, dtype=torch.int64)
with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
    for images, targets in evaluation:
        logits = model(images.contiguous(memory_format=torch.channels_last))
        right += torch.tensor([(logits.argmax(1) == targets).sum().item(), len(targets)])
if world > 1:
    torch.distributed.all_reduce(right)
    torch.distributed.barrier()
    del replica  # its reducer holds the group, whose threads have to end before the interpreter does
    torch.distributed.destroy_process_group()
if rank == 0:
    print(f"loss {loss.item():.4f}, right {right[0]} of {right[1]}", file=sys.stderr)
