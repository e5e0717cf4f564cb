#!/usr/bin/env bash
# Keeps what fuzzing has found worth trying: tests/fuzz/keep_corpus.sh [TARGET ...]
#
# Merges the corpora in build/fuzz/corpus/ (all of them without TARGET) to the fewest and smallest inputs that
# reach the same code, and packs those into tests/fuzz/corpora/TARGET.tar.xz, from where the next build folder
# starts. Grow them first: DTRAIN_FUZZ_SECONDS=600 ctest --test-dir build/fuzz -L fuzz -j 2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=build/fuzz

if (($# == 0)); then
  for folder in "$build"/corpus/*/; do
    set -- "$@" "$(basename "$folder")"
  done
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export ASAN_OPTIONS=quarantine_size_mb=32:detect_leaks=0
mkdir -p tests/fuzz/corpora
for target in "$@"; do
  mkdir "$scratch/$target"
  # Inputs that take seconds or megabytes would cost every later run its time.
  "$build/tests/fuzz/fuzz_$target" -merge=1 -max_len=4096 -timeout=2 -rss_limit_mb=512 \
    -artifact_prefix="$scratch/" "$scratch/$target" "$build/corpus/$target" >"$scratch/log" 2>&1 || {
    tail -n 20 "$scratch/log" >&2
    exit 1
  }
  # The same inputs give the same archive: sorted, without times and owners.
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar \
    -C "$scratch/$target" -c . | xz -9e >"tests/fuzz/corpora/$target.tar.xz"
  echo "$target: $(ls "$scratch/$target" | wc -l) inputs," \
    "$(stat -c %s "tests/fuzz/corpora/$target.tar.xz") bytes"
done
