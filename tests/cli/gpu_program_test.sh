#!/usr/bin/env bash
# gpu_program_test.sh CPU_PROGRAM GPU_PROGRAM: the two are one program but for src/device/.
#
# The GPU program says what it is; on the CPU it writes the same weights as the CPU program, to the bit; and where
# there is no GPU it refuses one with the advice for that case, as the CPU program does with its own. --gpus too.
set -euo pipefail
cpu=$1 gpu=$2
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "gpu_program_test: $*" >&2
  exit 1
}

[[ $("$cpu" version) == *"CPU only"* ]] || fail "the CPU program says: $("$cpu" version)"
[[ $("$gpu" version) == *"GPU and CPU"* ]] || fail "the GPU program says: $("$gpu" version)"

steps=(--config "$here/../../configs/fashion_mnist_resnet18.json" --device cpu --epochs 1 -b 16 --model.width 8
  --set data.limit_train=64 --set data.limit_eval=16)
"$cpu" "${steps[@]}" --output "$folder/cpu" >"$folder/log" || fail "$(tail -n 5 "$folder/log")"
"$gpu" "${steps[@]}" --output "$folder/gpu" >"$folder/log" || fail "$(tail -n 5 "$folder/log")"
cmp "$folder"/cpu/*/checkpoints/last/model.safetensors "$folder"/gpu/*/checkpoints/last/model.safetensors ||
  fail "the same training on the CPU gave other weights"

expect_refusal() {  # expect_refusal PROGRAM TEXT
  local code=0
  "$1" "${steps[@]}" --device cuda --output "$folder/refused" >"$folder/log" 2>&1 || code=$?
  [[ $code == 78 ]] || fail "$1 --device cuda ended with $code: $(tail -n 5 "$folder/log")"
  grep -qF "$2" "$folder/log" || fail "$1 --device cuda did not say '$2': $(tail -n 5 "$folder/log")"
}
expect_refusal "$cpu" "was built for CPUs only"
[[ -e /dev/nvidia0 ]] || expect_refusal "$gpu" "no GPU is visible"

# --gpus: only in the program for GPUs, which counts what is visible before it starts mpirun.
printf '#!/bin/sh\necho "$@"\n' >"$folder/mpirun"
chmod +x "$folder/mpirun"
export DTRAIN_OVERSUBSCRIBE=1
expect_gpus() {  # expect_gpus CODE TEXT VISIBLE PROGRAM WORDS...
  local code=0
  CUDA_VISIBLE_DEVICES=$3 PATH="$folder:$PATH" "${@:4}" >"$folder/log" 2>&1 || code=$?
  [[ $code == "$1" ]] || fail "${*:4} ended with $code: $(tail -n 5 "$folder/log")"
  grep -qF -- "$2" "$folder/log" || fail "${*:4} did not say '$2': $(tail -n 5 "$folder/log")"
}
expect_gpus 0 "-np 2 $(realpath "$gpu") train --device cuda --lr 1" 0,1 "$gpu" --gpus all --lr 1
expect_gpus 0 "-np 1 $(realpath "$gpu") predict --device cuda -j 1" 0,1 "$gpu" predict -j 1 --gpus=1
expect_gpus 78 "2 were asked for, and 1 is visible" 0 "$gpu" --gpus 2
expect_gpus 78 "no GPU is visible" "" "$gpu" --gpus all
expect_gpus 78 "launch/build.sh cuda" 0,1 "$cpu" --gpus 1
