#!/usr/bin/env bash
# Configures and builds one flavour of dtrain below build/: launch/build.sh [FLAVOUR] [TARGET ...]
#
#   release   build/release  (the default)
#   cuda      build/release/cuda  the GPU program, with NCCL and --device cuda, linked from the objects of
#             `release`; needs launch/setup.sh --cuda
#   dev       build/dev      file by file: what changes is compiled alone, for people who edit
#   address   build/address  under the address and undefined-behaviour sanitizers
#   thread    build/thread   under the thread sanitizer
#   fuzz      build/fuzz     the fuzz targets alone, by clang with both sanitizers of `address`
#
# All but `dev` and `fuzz` compile ten sources at once (CMake's unity build), which takes a third of the time.
# Without a target everything is built. DTRAIN_JOBS sets how many compilers run at once; the default is
# one for each core, and no more than the free memory holds. ccache is used where it is installed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

flavour=release
case ${1:-} in
  release | cuda | dev | address | thread | fuzz)
    flavour=$1
    shift
    ;;
  -*)
    echo "usage: launch/build.sh [release|cuda|dev|address|thread|fuzz] [TARGET ...]" >&2
    exit 64
    ;;
esac
build=$root/build/$flavour

options=(-DCMAKE_BUILD_TYPE=Release -DDTRAIN_UNITY=ON)
case $flavour in
  dev) options+=(-DDTRAIN_UNITY=OFF) ;;
  cuda)
    build=$root/build/release
    options+=(-DDTRAIN_CUDA=ON)
    (($# > 0)) || set -- cuda
    ;;
  # g++ 12 sees uninitialised values where the address sanitizer's own code goes round them.
  address)
    options+=("-DDTRAIN_SANITIZE=address;undefined" -DDTRAIN_BENCH=OFF
      -DCMAKE_CXX_FLAGS=-Wno-maybe-uninitialized)
    ;;
  thread) options+=(-DDTRAIN_SANITIZE=thread -DDTRAIN_BENCH=OFF) ;;
  fuzz)
    options+=(-DDTRAIN_FUZZ=ON "-DDTRAIN_SANITIZE=address;undefined" -DDTRAIN_TESTS=OFF -DDTRAIN_BENCH=OFF
      -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14)
    ;;
esac
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi

jobs() {
  local cores memory
  cores=$(nproc)
  # One source file that includes LibTorch takes up to 1.5 GB to compile.
  memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  ((memory >= 1)) || memory=1
  echo $((memory < cores ? memory : cores))
}

# Ninja itself repeats a configuration whose files changed; only a folder without one needs CMake here, or
# one that does not have the GPU program yet.
if [[ ! -e $build/build.ninja ]] ||
  { [[ $flavour == cuda ]] && ! grep -q '^DTRAIN_CUDA:BOOL=ON' "$build/CMakeCache.txt"; }; then
  mkdir -p "$build"
  if ! cmake -S "$root" -B "$build" -G Ninja "${options[@]}" >"$build/configure.log" 2>&1; then
    tail -n 20 "$build/configure.log" >&2
    exit 1
  fi
fi
exec ninja -C "$build" -j "${DTRAIN_JOBS:-$(jobs)}" "$@"
