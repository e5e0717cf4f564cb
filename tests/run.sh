#!/usr/bin/env bash
# Sets up, builds and tests dtrain: tests/run.sh [--with-python] [--sanitize] [--fuzz] [--cuda] [--slow] [-L LABEL ...]
#
# Without arguments: the labels unit, mpi, integration and lint, and as root also privileged.
#   --with-python  also python and parity: dtrain against PyTorch in Python (3.4 GB more of wheels)
#   --sanitize     also the sanitizer flavours: address with undefined behaviour, and thread
#   --fuzz         also fuzz: each fuzz target for a minute
#   --cuda         also the GPU flavour: it is built, and its unit tests run, GPU or not
#   --slow         also slow
#   -L LABEL       only this label (several: -L unit -L mpi) of the release flavour
# docs/testing.md says what each label holds. Exits with 0 if every test of every flavour passed.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

python=no sanitize=no fuzz=no cuda=no slow=no labels=()
while (($# > 0)); do
  case $1 in
    --with-python) python=yes ;;
    --sanitize) sanitize=yes ;;
    --fuzz) fuzz=yes ;;
    --cuda) cuda=yes ;;
    --slow) slow=yes ;;
    -L)
      labels+=("${2:?-L needs a label}")
      shift
      ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *)
      echo "tests/run.sh: unknown argument '$1'; --help lists them" >&2
      exit 64
      ;;
  esac
  shift
done

# The environment of the launchers, so that tests start ranks the way users do.
# shellcheck source=launch/env.sh
source launch/env.sh

# Labels: those to run, and those to leave out even where a test has one of the first as well.
if ((${#labels[@]} == 0)); then
  labels=(unit mpi integration lint)
  without=()
  if [[ $(id -u) == 0 ]]; then labels+=(privileged); else without+=(privileged); fi
  if [[ $python == yes ]]; then labels+=(python parity); else without+=(python parity); fi
  if [[ $slow == yes ]]; then labels+=(slow); else without+=(slow); fi
else
  without=()
fi
alternatives() {
  local IFS='|'
  echo "^(${*:-none})\$"
}

failures=()
summaries=()

# A step whose failure makes the rest pointless.
must() {
  "$@" || {
    echo "tests/run.sh: failed: $*" >&2
    exit 1
  }
}

# run_ctest FLAVOUR ctest-options...: its closing lines are kept for the end.
run_ctest() {
  local flavour=$1 log=build/$1/ctest.log before=$SECONDS
  shift
  if ! ctest --test-dir "build/$flavour" --output-on-failure --no-tests=error -j "$(nproc)" "$@" |
    tee "$log"; then
    failures+=("$flavour")
  fi
  summaries+=("$flavour, $((SECONDS - before)) s:" "$(grep -E '^[0-9]+% tests passed|^No tests were found' "$log")")
}

# Builds a flavour that comes on top of the release one, and says so if it cannot be built.
build_flavour() {
  echo "== build/$1 (after $SECONDS s)"
  launch/build.sh "$@" && return
  failures+=("$1 (build)")
  summaries+=("$1:" "does not build")
  return 1
}

echo "== set-up"
setup=(--tests)
[[ $cuda == no ]] || setup+=(--cuda)
[[ $python == no ]] || setup+=(--with-python)
must launch/setup.sh "${setup[@]}"

echo "== build/release (after $SECONDS s)"
must launch/build.sh release
echo "== tests (after $SECONDS s)"
run_ctest release -L "$(alternatives "${labels[@]}")" -LE "$(alternatives "${without[@]}")"

if [[ $sanitize == yes ]]; then
  # LibTorch itself is not instrumented: what it and MPI never free is not ours to mend.
  export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
  export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$root/tests/support/leaks.supp:print_suppressions=0}
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
  export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}
  build_flavour address base_tests && run_ctest address -L '^sanitizer$'
  build_flavour thread base_tests && run_ctest thread -L '^sanitizer$'
fi

if [[ $fuzz == yes ]]; then
  build_flavour fuzz fuzz_targets && run_ctest fuzz -L '^fuzz$'
fi

if [[ $cuda == yes ]]; then
  build_flavour cuda dtrain unit_tests && run_ctest cuda -L '^unit$' -LE "$(alternatives "${without[@]}")"
fi

echo "== all done after $SECONDS s"
printf '%s\n' "${summaries[@]}"
if ((${#failures[@]} > 0)); then
  echo "failed: ${failures[*]}" >&2
  exit 1
fi
