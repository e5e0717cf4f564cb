#!/usr/bin/env bash
# two_hosts_test.sh PROGRAM: runs a test under mpirun with ranks on two hosts that two cables join: over the
# interface found by itself, which is that of the first cable, and over the second one when it is named.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/two_hosts.sh"

fail() {
  echo "FAILED: $1"
  exit 1
}

cut w
on_two_hosts 4 "$1" || fail "over the interface found by itself"
# Named, the second cable is used: it works with the cable, and does not without.
if on_two_hosts 2 "$folder/on_cable" w "$1" --gtest_filter='ProcessGroup.*' >"$folder/out" 2>&1; then
  cat "$folder/out"
  fail "the named interface was not used: its cable is pulled"
fi
mend w
on_two_hosts 2 "$folder/on_cable" w "$1" --gtest_filter='ProcessGroup.*:GradientReducer.Equals*' ||
  fail "over the interface that is named"
