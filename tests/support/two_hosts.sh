# Two hosts on one machine: network namespaces joined by two virtual cables. Sourced; needs root and
# iproute2, and ends the test with 77 (skipped) where namespaces are not to be had. Both hosts also have an
# interface docker0 with the same address, as real hosts do, which must not be taken for the way to each other.
#
#   $tag0 $tag1    the namespaces. First cable: 10.77.0.1, 10.77.0.2 on v0$tag, v1$tag, where mpirun talks.
#                  Second cable: 10.78.0.1, 10.78.0.2 on w0$tag, w1$tag
#   on_two_hosts N COMMAND...    mpirun of N ranks, every second one on the other host
#   cut v|w, mend v|w            pull the first or second cable, and put it back
#   ranks_left                   how many processes named dtrain there still are
tag=dtr$$
folder=$(mktemp -d)
trap 'for i in 0 1; do ip netns pids "$tag$i" 2>/dev/null | xargs -r kill -9 || true; ip netns del "$tag$i" 2>/dev/null || true; done
      rm -rf "$folder"' EXIT

# (nsenter and not `ip -n`, which also wants to change mounts, and fails at it below a chroot.)
for i in 0 1; do
  ip netns add "$tag$i" 2>/dev/null || { echo "no network namespaces here"; exit 77; }
done
for cable in v w; do
  ip link add "${cable}0$tag" netns "${tag}0" type veth peer name "${cable}1$tag" netns "${tag}1" ||
    { echo "no virtual cables here"; exit 77; }
done
for i in 0 1; do
  in_host=(nsenter --net="/run/netns/$tag$i" ip)
  "${in_host[@]}" link set lo up
  "${in_host[@]}" link add docker0 type bridge && "${in_host[@]}" addr add 172.17.0.1/16 dev docker0 &&
    "${in_host[@]}" link set docker0 up || echo "no bridge: the decoy is left out"
  "${in_host[@]}" addr add "10.77.0.$((i + 1))/24" dev "v$i$tag"
  "${in_host[@]}" addr add "10.78.0.$((i + 1))/24" dev "w$i$tag"
  for cable in v w; do "${in_host[@]}" link set "$cable$i$tag" up; done
done

# What mpirun calls instead of ssh: a command in the namespace that is named like the host.
cat >"$folder/agent" <<'EOF'
#!/usr/bin/env bash
host=$1
shift
exec nsenter --net="/run/netns/$host" bash -c "$*"
EOF
chmod +x "$folder/agent"

# on_cable.sh v|w COMMAND...: names the interface of that cable, which is called otherwise on each host.
cat >"$folder/on_cable" <<'EOF'
#!/usr/bin/env bash
GLOO_SOCKET_IFNAME=$(ip -o link show | grep -o "${1}[01]dtr[0-9]*" | head -n 1)
export GLOO_SOCKET_IFNAME
shift
exec "$@"
EOF
chmod +x "$folder/on_cable"

on_two_hosts() {
  local ranks=$1
  shift
  OMP_NUM_THREADS=1 nsenter --net="/run/netns/${tag}0" mpirun --allow-run-as-root --oversubscribe --bind-to none \
    --mca plm rsh --mca plm_rsh_agent "$folder/agent" \
    --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
    --host "10.77.0.1:$(((ranks + 1) / 2)),${tag}1:$(((ranks + 1) / 2))" --map-by node -np "$ranks" "$@"
}

cut() { nsenter --net="/run/netns/${tag}1" ip link set "${1}1$tag" down; }
mend() { nsenter --net="/run/netns/${tag}1" ip link set "${1}1$tag" up; }

ranks_left() {
  for n in 0 1; do ip netns pids "$tag$n"; done | xargs -r ps -o comm= -p | grep -c '^dtrain$' || true
}
