#!/usr/bin/env bash
# Trains the quickstart's network from several seeds with two ranks, and prints the accuracy of each on the
# test images, their mean and the lowest.
#
#   tests/bench/quickstart_seeds.sh [--output FOLDER] [SEED ...]      default: runs/quickstart_seeds, 1 to 5
#
# A second call trains only what is missing. DTRAIN names another program than build/release/dtrain.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dtrain=${DTRAIN:-$root/build/release/dtrain}
output=$root/runs/quickstart_seeds
if [[ ${1:-} == --output ]]; then
  output=${2:?quickstart_seeds: --output needs a folder}
  shift 2
fi
seeds=("$@")
((${#seeds[@]})) || seeds=(1 2 3 4 5)
data=()
[[ -z ${DTRAIN_DATA_DIR:-} ]] || data=(--data-dir "$DTRAIN_DATA_DIR")

mkdir -p "$output"
accuracies=()
for seed in "${seeds[@]}"; do
  log=$output/seed-$seed.txt
  "$root/launch/mpirun.sh" -np 2 "$dtrain" --config "$root/configs/fashion_mnist_quickstart.json" "${data[@]}" \
    --seed "$seed" --experiment "seed-$seed" --output "$output" --resume auto >"$log"
  folder=$(sed -n 's/^Done: epoch [0-9]* of [0-9]*, results in //p' "$log" | tail -n 1)
  "$dtrain" predict --checkpoint "$folder" --split test >>"$log"
  accuracy=$(sed -n 's|^Eval: .*/test  Loss: .*  Acc@1: \([0-9.]*\).*|\1|p' "$log" | tail -n 1)
  echo "seed $seed: ${accuracy:?quickstart_seeds: no accuracy in $log} %"
  accuracies+=("$accuracy")
done
printf '%s\n' "${accuracies[@]}" | awk '
  { sum += $1; if (NR == 1 || $1 < lowest) lowest = $1 }
  END { printf "mean %.2f %%, lowest %.2f %%\n", sum / NR, lowest }'
