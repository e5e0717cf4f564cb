#!/usr/bin/env bash
# tests/gpu/prove_pack.sh [PACK]: shows that the pack (default build/gpu-pack) works where nothing but glibc, the C++
# run-time library, Python, a shell and LibTorch's wheels is installed: a root file system made of just those, into
# which the pack and the wheels are mounted read-only. Runs `check.py --device cpu --quick` there, which trains with
# one rank and with two, and once more a part of it with the pack's own glibc. Root only; a minute.
#
# DTRAIN_PROOF_STAGES names stages to run instead of all. DTRAIN_PROOF_ROOT names another system to do it in, with
# Python 3.10, for example one made by debootstrap; nothing but mount points is added to it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
pack=$(realpath "${1:-build/gpu-pack}")
[[ $(id -u) == 0 ]] || {
  echo "prove_pack.sh: chroot and mount take root" >&2
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

# copy FILE ...: with what it is linked with, at the same places.
copy() {
  local file
  for file in "$@" $({ ldd "$@" 2>/dev/null || true; } | grep -oE '/[^ )]+' | grep -v ':$' | sort -u); do
    [[ -e $root$file ]] || install -D "$(realpath "$file")" "$root$file"
  done
}
if [[ -z ${DTRAIN_PROOF_ROOT:-} ]]; then
  python=/usr/bin/python3
  library=$($python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
  mkdir -p "$root"/{proc,sys,dev,tmp,root,etc,bin} "$root$library"
  cp -r "$library"/. "$root$library/"
  rm -rf "$root$library/site-packages" "$root$library/dist-packages" "$root$library/test"
  copy $python "$library"/lib-dynload/*.so
  # What every system has: a shell and a few commands, the C++ run-time library, names of users and hosts.
  for program in sh env dirname cat; do
    copy "$(command -v $program)"
    [[ -e $root/bin/$program ]] || cp "$(command -v $program)" "$root/bin/$program"
  done
  needed=$(ldd "$pack/bin/dtrain")
  glibc=$(dirname "$(awk '$1 == "libc.so.6" {print $3}' <<<"$needed")")
  copy "$glibc"/lib{c,m,dl,pthread,rt,resolv,util}.so.?
  copy "$(awk '/libstdc\+\+/ {print $3}' <<<"$needed")" /etc/passwd /etc/hosts /etc/nsswitch.conf
fi
for place in /proc /sys /dev /dev/shm; do
  mkdir -p "$root$place"
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
