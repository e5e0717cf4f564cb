#!/usr/bin/env bash
# mpirun.sh RANKS PROGRAM [ARG ...]: starts a test under mpirun the way every test wants it: more ranks
# than cores allowed, no binding, root allowed (containers), one compute thread a rank.
set -euo pipefail
ranks=$1
shift
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec mpirun --allow-run-as-root --oversubscribe --bind-to none --map-by slot -np "$ranks" "$@"
