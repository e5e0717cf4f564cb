#!/usr/bin/env bash
# run.sh PARITY_DUMP PYTHON ARGUMENT...: two ranks of dtrain, then two of Python, compared. The arguments are
# those of parity_dump behind its folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
dump=$1 python=$2
shift 2
"$here/../support/mpirun.sh" 2 "$dump" "$folder" "$@"
"$python" "$here/ddp_reference.py" "$folder"
