#!/usr/bin/env bash
# mpirun as dtrain wants it: launch/mpirun.sh -np 2 dtrain --config ... (any argument of mpirun may come
# first). On one machine `dtrain --ranks 2 --config ...` does the same by itself; src/cli/relaunch.cpp has
# these flags once more, and relaunch_test.py compares the two. The flags, each with its reason:
#   --bind-to none         each rank runs several threads; Open MPI would tie them all to one core
#   --map-by slot          neighbours in rank are neighbours on a host, which the local rank relies on
#   --use-hwthread-cpus    a virtual CPU is a hardware thread: without it a machine with 2 of them may
#                          count one core and refuse -np 2
#   --allow-run-as-root    only as root: containers and CI
# DTRAIN_OVERSUBSCRIBE=1 allows more ranks than processors: for tests, never for speed.
#
# SIGTERM, SIGINT (Ctrl-C), SIGUSR1 and SIGHUP reach the ranks as SIGUSR1: dtrain saves and exits with 75. mpirun
# itself would kill the ranks one second after a SIGTERM, too soon to save. The second SIGINT ends all at once.
set -euo pipefail
# shellcheck source=launch/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
command -v mpirun >/dev/null || {
  echo "launch/mpirun.sh: no mpirun: run launch/setup.sh" >&2
  exit 69
}
flags=(--bind-to none --map-by slot --use-hwthread-cpus)
[[ $(id -u) != 0 ]] || flags+=(--allow-run-as-root)
[[ ${DTRAIN_OVERSUBSCRIBE:-0} == 0 ]] || flags+=(--oversubscribe)

child="" interrupts=0
ask_to_save() {
  [[ $1 != INT ]] || ((++interrupts))
  local started=${child:-${!:-}}  # known a moment before `child` is set
  [[ -n $started ]] || exit 75
  if ((interrupts > 1)); then
    kill -s TERM "$started"
  else
    kill -s USR1 "$started"
  fi 2>/dev/null || true  # it has ended
}
for signal in TERM INT USR1 HUP; do
  # shellcheck disable=SC2064
  trap "ask_to_save $signal" "$signal"
done

# In a process group of its own, so that the terminal's Ctrl-C comes here alone; and not left behind should
# this script be killed.
guard=()
[[ -z $(command -v setpriv) ]] || guard=(setpriv --pdeathsig TERM)
set -m
"${guard[@]}" mpirun "${flags[@]}" "$@" <&0 &
child=$!
# A trapped signal ends `wait` early.
while :; do
  code=0
  wait "$child" || code=$?
  kill -0 "$child" 2>/dev/null || break
done
again=0
wait "$child" 2>/dev/null || again=$?  # of a child that ended during such a signal; 127: told already
((again == 127)) || code=$again
exit "$code"
