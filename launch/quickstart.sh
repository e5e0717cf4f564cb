#!/usr/bin/env bash
# From a bare Debian 12 or Ubuntu to a trained network: installs what is missing, builds dtrain, trains a
# narrow ResNet-18 on Fashion-MNIST with two ranks, tests it on images it has not seen, and writes a page
# with curves, confusions and the hardest images. The last line says where the page is.
#
#   launch/quickstart.sh [flags of dtrain]     for instance: launch/quickstart.sh --epochs 4
#
# The results go to runs/ of this checkout unless the flags say otherwise; paths in them are relative to
# the caller's folder. DTRAIN_DATA_DIR names a folder with the data set where Debian's package of it is not
# installed.
set -euo pipefail
launch=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$launch")

phase() { echo "== $* (after $SECONDS s)"; }
minutes() { printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); }

phase "set-up"
"$launch/setup.sh"
after_setup=$SECONDS

phase "build"
"$launch/build.sh" release dtrain
after_build=$SECONDS

phase "training"
flags=(--output "$root/runs")  # the caller's flags come later and win, however they are spelled
[[ -z ${DTRAIN_DATA_DIR:-} ]] || flags+=(--data-dir "$DTRAIN_DATA_DIR")
more=()
(($(nproc) >= 2)) || more=(DTRAIN_OVERSUBSCRIBE=1)  # two ranks on one processor: slow, but it runs
dtrain=$root/build/release/dtrain
command=("$launch/mpirun.sh" -np 2 "$dtrain" --config "$root/configs/fashion_mnist_quickstart.json"
  "${flags[@]}" "$@")
echo "${command[*]#"$PWD"/}"
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
code=0
# `-i`: what dtrain prints after an interrupt is still shown.
env "${more[@]}" "${command[@]}" | tee -i "$printed" || code=${PIPESTATUS[0]}
((code == 0)) || exit "$code"
after_training=$SECONDS

# dtrain's last line names the run folder, which a resumed run has from an earlier start.
folder=$(sed -n 's/^Done: epoch [0-9]* of [0-9]*, results in //p' "$printed" | tail -n 1)
if [[ -z $folder ]]; then
  echo "quickstart: error: dtrain ended well but did not say where the results are" >&2
  exit 70
fi

# The settings, with the data's folder, are in the checkpoint: no flag is needed here.
phase "test and report"
"$dtrain" predict --checkpoint "$folder" --split test
tested=$("$dtrain" evaluate "$folder/predictions-test.h5")
"$dtrain" report "$folder"
after_report=$SECONDS

phase "done"
awk '$1 == "accuracy," { printf "test accuracy:  %.2f %% (95 %% interval: %.2f to %.2f)\n", $3, $7, $9 }' <<<"$tested"
# The columns are found by name; a run prints its last epoch and its best. An epoch without evaluation has
# an empty cell.
[[ ! -e $folder/summary.csv ]] || awk -F, '
  NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
  $column["eval_top1"] == "" { next }
  { last = $column["eval_top1"]; epoch = $column["epoch"]; if (last + 0 >= best + 0) best = last }
  END { if (last != "") printf "validation:     %.2f %% after epoch %s (best: %.2f %%)\n", last, epoch, best }
' <"$folder/summary.csv"
echo "wall time:      set-up $(minutes $after_setup), build $(minutes $((after_build - after_setup)))," \
  "training $(minutes $((after_training - after_build)))," \
  "test and report $(minutes $((after_report - after_training))), together $(minutes "$SECONDS")"
echo "results:        $folder"
echo "  summary.csv   one row an epoch        checkpoints/last, best   weights as safetensors"
echo "  log.txt       what was printed        config.json              every setting as it was"
echo "report:         $folder/report.html"
