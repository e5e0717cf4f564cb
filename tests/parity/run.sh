#!/usr/bin/env bash
# run.sh PARITY_DUMP PYTHON CASE...: each case with two ranks of dtrain, then all of them with two of Python, which
# start once, compared. A case is the arguments of parity_dump behind its folder, as one word.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dump=$1 python=$2
shift 2
folders=()
for case in "$@"; do
  read -ra arguments <<<"$case"
  folders+=("$scratch/${#folders[@]}")
  mkdir "${folders[-1]}"
  "$here/../support/mpirun.sh" 2 "$dump" "${folders[-1]}" "${arguments[@]}"
done
"$python" "$here/ddp_reference.py" "${folders[@]}"
