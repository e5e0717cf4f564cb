#!/usr/bin/env bash
# tests/gpu/prove_pack.sh [PACK]: shows that the pack (default build/gpu-pack) works where nothing but glibc, Python
# and LibTorch's wheels is installed: a fresh Debian made by debootstrap, into which the pack and the wheels are
# mounted. Runs `check.py --device cpu --quick` there, which trains with one rank and with two. Root only; about two
# minutes. DTRAIN_PROOF_STAGES names stages to run instead of all. DTRAIN_PROOF_ROOT names a folder to keep the
# system in (default: a new one, removed afterwards).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
pack=$(realpath "${1:-build/gpu-pack}")
[[ $(id -u) == 0 ]] || {
  echo "prove_pack.sh: making a system takes root" >&2
  exit 77
}
command -v debootstrap >/dev/null || {
  echo "prove_pack.sh: debootstrap is missing: apt-get install debootstrap" >&2
  exit 77
}
[[ -x $pack/bin/dtrain ]] || {
  echo "prove_pack.sh: no pack in $pack: tests/gpu/pack.sh makes it" >&2
  exit 1
}
wheels=$(echo "$PWD"/.deps/venv/lib/python3*/site-packages)
root=${DTRAIN_PROOF_ROOT:-$(mktemp -d /tmp/dtrain-proof-XXXXXX)}
mounts=()
clean_up() {
  local mount
  for mount in $(printf '%s\n' "${mounts[@]}" | tac); do umount "$mount" || return; done
  [[ -n ${DTRAIN_PROOF_ROOT:-} ]] || rm -rf --one-file-system "$root"
}
trap clean_up EXIT
bind() { # SOURCE PLACE: read-only
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
  mounts+=("$root$2")
  mount -o remount,ro,bind "$root$2"
}

if [[ ! -e $root/etc/debian_version ]]; then
  mirror=$(grep -rhE '^(deb |URIs:)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 || true)
  debootstrap --variant=minbase --include=python3 bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || {
    tail -5 "$root.log" >&2
    exit 1
  }
fi
rm -f "$root.log"
for place in /proc /sys /dev /dev/shm; do
  mount --bind "$place" "$root$place"
  mounts+=("$root$place")
done
bind "$pack" /pack
bind "$wheels/torch" /wheels/torch
[[ ! -d $wheels/nvidia ]] || bind "$wheels/nvidia" /wheels/nvidia
mkdir -p "$root/tmp"
chmod 1777 "$root/tmp"

inside() {
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DTRAIN_TORCH=/wheels/torch chroot "$root" "$@"
}
# What the machine of the build has must not be there, or nothing is shown.
for missing in mpirun orted ompi_info g++; do
  ! inside sh -c "command -v $missing" || {
    echo "prove_pack.sh: the system is not bare: it has $missing" >&2
    exit 1
  }
done
inside python3 /pack/check.py --device cpu --quick --minutes 10 ${DTRAIN_PROOF_STAGES:+--stage "$DTRAIN_PROOF_STAGES"}
# The same with the pack's own glibc, as on a machine with an older one.
inside env DTRAIN_PACK_LOADER=1 python3 /pack/check.py --device cpu --quick --stage environment,two_ranks
echo "prove_pack.sh: the pack works in a bare system"
