#!/usr/bin/env bash
# cut_cable_test.sh DTRAIN: trains on two hosts and pulls the cable between them. For less than half of
# dist.timeout_s the result is the one of a sound network, byte for byte; for longer, the ranks on both
# sides end, and each says which rank it missed. `dtrain doctor` says in time that hosts do not reach each
# other, and an interface that does not exist is an error of the settings.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../support/two_hosts.sh"
dtrain=$1
data=${DTRAIN_DATA_DIR:-/usr/share/datasets/fashion-mnist}

settings=(--config "$here/../../configs/fashion_mnist_resnet18.json" --data-dir "$data" -b 24
  --set model.width=8 --set data.limit_train=960 --set data.limit_eval=100 --set run.threads=1)

# train OUTPUT TIMEOUT: 60 steps of a narrow network, some seconds.
train() {
  on_two_hosts 2 "$dtrain" "${settings[@]}" --output "$1" --set dist.timeout_s="$2" --epochs 3 \
    --set run.log_interval=1 >"$1.out" 2>&1
}

# Waits until the run has made 5 steps: the cable is pulled in the middle of training, not at a set time.
wait_for_training() {
  for ((i = 0; i < 600; ++i)); do
    grep -qs "\[ 5/20" "$1.out" && return
    sleep 0.1
  done
  echo "the training did not start:" && cat "$1.out" && exit 1
}

fail() {
  echo "FAILED: $1"
  tail -n 20 "$folder"/*.out
  exit 1
}

train "$folder/sound" 10 || fail "a sound network"

train "$folder/short" 10 &
run=$!
wait_for_training "$folder/short"
cut v
sleep 4
mend v
wait "$run" || fail "a cut of 4 s with a timeout of 10 s ended the run"
for part in model state; do
  cmp "$folder"/sound/*/checkpoints/last/$part.safetensors "$folder"/short/*/checkpoints/last/$part.safetensors ||
    fail "a cut of 4 s changed the result"
done

train "$folder/long" 6 &
run=$!
wait_for_training "$folder/long"
cut v
for ((i = 0; i < 400; ++i)); do
  left=$(ranks_left)
  ((left == 0)) && break
  sleep 0.1
done
((left == 0)) || fail "$left ranks are left 40 s after the cable was cut for good"
mend v
status=0
wait "$run" || status=$?
((status == 75)) || fail "exit code $status instead of 75"
for rank in 0 1; do
  grep -h "dtrain: error:" "$folder"/long/*/rank$rank.log
  grep -hEq "dtrain: error:.*(connection to rank $((1 - rank)) was lost|rank $((1 - rank)) did not take part)" \
    "$folder"/long/*/rank$rank.log || fail "rank $rank does not name rank $((1 - rank))"
done

cut w
started=$SECONDS status=0
on_two_hosts 2 "$folder/on_cable" w "$dtrain" doctor "${settings[@]}" --output "$folder/doctor" \
  >"$folder/doctor.out" 2>&1 || status=$?
((status == 75)) || fail "doctor: exit code $status instead of 75 over a cable that is pulled"
((SECONDS - started < 30)) || fail "doctor took $((SECONDS - started)) s over a cable that is pulled"
grep -E "^connections +FAILURE" "$folder/doctor.out" || fail "doctor does not say that the hosts do not connect"

status=0
GLOO_SOCKET_IFNAME=nosuch0 on_two_hosts 2 -x GLOO_SOCKET_IFNAME "$dtrain" "${settings[@]}" \
  --output "$folder/misspelt" >"$folder/misspelt.out" 2>&1 || status=$?
((status == 78)) || fail "exit code $status instead of 78 for an interface that does not exist"
grep "nosuch0" "$folder/misspelt.out" || fail "the interface that does not exist is not named"
echo "ok"
