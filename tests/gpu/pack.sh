#!/usr/bin/env bash
# tests/gpu/pack.sh [DIR]: puts all that check.py needs on a machine with a GPU into one folder (default
# build/gpu-pack, about 45 MB): the GPU flavour of dtrain, the shared libraries that a bare machine lacks
# (Open MPI and what it needs), the data set. LibTorch 2.11 for CUDA 13 and its wheels must be there already;
# they are too large to carry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
pack=${1:-build/gpu-pack}
data=${DTRAIN_DATA_DIR:-/usr/share/datasets/fashion-mnist}
binary=build/cuda/dtrain
[[ -x $binary ]] || {
  echo "pack.sh: $binary is missing; build it: launch/setup.sh --cuda && launch/build.sh cuda dtrain" >&2
  exit 1
}
rm -rf "$pack"
mkdir -p "$pack/lib" "$pack/data"
cp "$binary" configs/fashion_mnist_resnet18.json tests/gpu/check.py "$pack/"
cp "$data"/*.gz "$pack/data/"
# What dtrain is linked with, but not the wheels' libraries nor those of every glibc system.
ldd "$binary" | awk '/=> \//{print $3}' | grep -vE 'site-packages|/lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s)\.so' |
  xargs -I{} cp -L {} "$pack/lib/"
du -sh "$pack"
