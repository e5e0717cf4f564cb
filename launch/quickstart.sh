#!/usr/bin/env bash
# From a bare Debian 12 or Ubuntu to a trained network: installs what is missing, builds dtrain, trains
# ResNet-18 on Fashion-MNIST with two ranks, and says what came out and where it lies.
#
#   launch/quickstart.sh [flags of dtrain]     for instance: launch/quickstart.sh --epochs 4
#
# The results go to runs/ unless --output says otherwise. DTRAIN_DATA_DIR names a folder with the data set
# where Debian's package of it is not installed.
set -euo pipefail
launch=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$launch")
cd "$root"

output=runs
flags=(--output runs)
for ((i = 1; i <= $#; ++i)); do
  case ${!i} in
    --output=*) output=${!i#--output=} flags=() ;;
    --output) next=$((i + 1)) && output=${!next:-} flags=() ;;
  esac
done

phase() { echo "== $* (after $SECONDS s)"; }
minutes() { printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); }

phase "set-up"
"$launch/setup.sh"
after_setup=$SECONDS

phase "build"
"$launch/build.sh" release dtrain
after_build=$SECONDS

phase "training"
[[ -z ${DTRAIN_DATA_DIR:-} ]] || flags+=(--data-dir "$DTRAIN_DATA_DIR")
more=()
(($(nproc) >= 2)) || more=(DTRAIN_OVERSUBSCRIBE=1)  # two ranks on one processor: slow, but it runs
command=("$launch/mpirun.sh" -np 2 build/release/dtrain
  --config configs/fashion_mnist_resnet18.json "${flags[@]}" "$@")
echo "${command[*]#"$root"/}"
mkdir -p "$output"
before=$(mktemp -p "$output" .quickstart.XXXXXX)
trap 'rm -f "$before"' EXIT
env "${more[@]}" "${command[@]}"
after_training=$SECONDS

# The run folder that this training wrote: the newest summary.csv since it started.
summary=$(find "$output" -mindepth 2 -maxdepth 2 -name summary.csv -newer "$before" -printf '%T@ %p\n' |
  sort -n | tail -n 1 | cut -d' ' -f2-)
if [[ -z $summary ]]; then
  echo "quickstart: error: dtrain ended well but wrote no summary.csv below $output" >&2
  exit 70
fi

phase "done"
# The columns are found by name; a run prints its last epoch and its best.
awk -F, '
  NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
  { last = $column["eval_top1"]; epoch = $column["epoch"]; if (last + 0 >= best + 0) best = last }
  END { printf "test accuracy:  %s %% after epoch %s (best: %s %%)\n", last, epoch, best }' "$summary"
folder=$(dirname "$summary")
echo "results:        $folder"
echo "  summary.csv   one row an epoch        checkpoints/last, best   weights as safetensors"
echo "  log.txt       what was printed        config.json              every setting as it was"
echo "wall time:      set-up $(minutes $after_setup), build $(minutes $((after_build - after_setup)))," \
  "training $(minutes $((after_training - after_build))), together $(minutes "$SECONDS")"
