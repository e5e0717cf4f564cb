#!/usr/bin/env bash
# run.sh PARITY_DUMP PYTHON DTYPE MODEL WIDTH STEPS: two ranks of dtrain, then two of Python, compared.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$here/../support/mpirun.sh" 2 "$1" "$folder" "$3" "$4" "$5" "$6"
"$2" "$here/ddp_reference.py" "$folder"
