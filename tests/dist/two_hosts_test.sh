#!/usr/bin/env bash
# two_hosts_test.sh PROGRAM: runs a test under mpirun with two ranks on each of two hosts, once with the
# interface found by itself and once with the one that is named.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/two_hosts.sh"
on_two_hosts 4 "$1"
# By name: the name differs between the hosts, so each rank picks its own.
cat >"$folder/named" <<'EOF'
#!/usr/bin/env bash
name=$(ip -o -4 addr show | awk '/10\.77\.0\./ { print $2 }')
GLOO_SOCKET_IFNAME=$name exec "$@"
EOF
chmod +x "$folder/named"
on_two_hosts 2 "$folder/named" "$1"
