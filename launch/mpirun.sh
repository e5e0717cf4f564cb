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
exec mpirun "${flags[@]}" "$@"
