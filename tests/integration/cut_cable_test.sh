#!/usr/bin/env bash
# cut_cable_test.sh DTRAIN: trains on two hosts and pulls the cable between them. For less than half of
# dist.timeout_s the result is the one of a sound network, byte for byte; for longer, the ranks on both
# sides end, and the message names a rank.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../support/two_hosts.sh"
dtrain=$1
data=${DTRAIN_DATA_DIR:-/usr/share/datasets/fashion-mnist}

# train OUTPUT TIMEOUT: 120 steps of a narrow network, a fraction of a minute.
train() {
  on_two_hosts 2 "$dtrain" --config "$here/../../configs/fashion_mnist_resnet18.json" --data-dir "$data" \
    --output "$1" --set dist.timeout_s="$2" --epochs 3 -b 24 --set model.width=8 --set data.limit_train=1920 \
    --set data.limit_eval=100 --set run.threads=1 --set run.log_interval=1 >"$1.out" 2>&1
}

# Waits until the run has made 20 steps: the cable is pulled in the middle of training, not at a set time.
wait_for_training() {
  for ((i = 0; i < 600; ++i)); do
    grep -qs "\[20/40" "$1.out" && return
    sleep 0.1
  done
  echo "the training did not start:" && cat "$1.out" && exit 1
}

fail() {
  echo "FAILED: $1"
  tail -n 20 "$folder"/*.out
  exit 1
}

train "$folder/sound" 30 || fail "a sound network"

train "$folder/short" 30 &
run=$!
wait_for_training "$folder/short"
cut
sleep 5
mend
wait "$run" || fail "a cut of 5 s with a timeout of 30 s ended the run"
for part in model state; do
  cmp "$folder"/sound/*/checkpoints/last/$part.safetensors "$folder"/short/*/checkpoints/last/$part.safetensors ||
    fail "a cut of 5 s changed the result"
done

train "$folder/long" 6 &
run=$!
wait_for_training "$folder/long"
cut
for ((i = 0; i < 400; ++i)); do
  left=$(for n in 0 1; do ip netns pids "$tag$n"; done | xargs -r ps -o comm= -p | grep -c '^dtrain$' || true)
  ((left == 0)) && break
  sleep 0.1
done
((left == 0)) || fail "$left ranks are left 40 s after the cable was cut for good"
mend
status=0
wait "$run" || status=$?
((status == 75)) || fail "exit code $status instead of 75"
grep -h "dtrain: error:" "$folder/long.out" "$folder"/long/*/rank*.log | sort -u
grep -hq "rank [01]" <(grep -h "dtrain: error:" "$folder/long.out" "$folder"/long/*/rank*.log) || fail "no rank is named"
echo "ok"
