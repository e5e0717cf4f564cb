#!/usr/bin/env bash
# Sets up, builds and tests dtrain: tests/run.sh [--with-python] [--sanitize] [--fuzz] [--cuda] [--slow] [--all] [-L LABEL ...]
#
# Without arguments: the labels unit, mpi, integration and lint, and as root also privileged.
#   --with-python  also python and parity: dtrain against PyTorch in Python (3.4 GB more of wheels)
#   --sanitize     also the sanitizer flavours: address with undefined behaviour, and thread
#   --fuzz         also fuzz: each fuzz target for 20 seconds (DTRAIN_FUZZ_SECONDS)
#   --cuda         also the GPU program: it is linked, and its tests run, GPU or not
#   --slow         also slow
#   --all          all of these, and what uses LibTorch under the address sanitizer too (half an hour more)
#   -L LABEL       only this label (several: -L unit -L mpi) of the release flavour
# docs/testing.md says what each label holds. Ends with the seconds of each phase and the slowest tests.
# Exits with 0 if every test of every flavour passed.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

python=no sanitize=no fuzz=no cuda=no slow=no all=no labels=()
while (($# > 0)); do
  case $1 in
    --with-python) python=yes ;;
    --sanitize) sanitize=yes ;;
    --fuzz) fuzz=yes ;;
    --cuda) cuda=yes ;;
    --slow) slow=yes ;;
    --all) python=yes sanitize=yes fuzz=yes cuda=yes slow=yes all=yes ;;
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
phases=()
logs=()

# phase NAME COMMAND...: runs it and keeps its seconds for the end.
phase() {
  local name=$1 before=$SECONDS code=0
  shift
  echo "== $name (after $SECONDS s)"
  "$@" || code=$?
  phases+=("$(printf '%6d s  %s' $((SECONDS - before)) "$name")")
  return "$code"
}

# A phase whose failure makes the rest pointless.
must() {
  phase "$@" && return
  echo "tests/run.sh: failed: $1" >&2
  exit 1
}

# test_phase NAME BUILD ctest-options...: its closing lines are kept for the end.
test_phase() {
  local name=$1 build=$2 log=build/$2/ctest-${1// /-}.log
  shift 2
  logs+=("$log")
  run_ctest() {
    ctest --test-dir "build/$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@" | tee "$log"
  }
  phase "$name" run_ctest "$@" || failures+=("$name")
  summaries+=("$name: $(grep -E '^[0-9]+% tests passed|^No tests were found' "$log")")
}

# Builds a flavour that comes on top of the release one, and says so if it cannot be built.
build_phase() {
  phase "build $1" launch/build.sh "$@" && return
  failures+=("build $1")
  return 1
}

setup=(--tests)
[[ $cuda == no ]] || setup+=(--cuda)
[[ $python == no ]] || setup+=(--with-python)
must "set-up" launch/setup.sh "${setup[@]}"
must "build release" launch/build.sh release
test_phase "tests" release -L "$(alternatives "${labels[@]}")" -LE "$(alternatives "${without[@]}")"

if [[ $cuda == yes ]]; then
  build_phase cuda && test_phase "tests cuda" release -L '^cuda$'
fi

if [[ $sanitize == yes ]]; then
  # LibTorch itself is not instrumented: what it and MPI never free is not ours to mend.
  export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1}
  export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$root/tests/support/leaks.supp:print_suppressions=0}
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
  export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:suppressions=$root/tests/support/threads.supp}
  if [[ $all == yes ]]; then
    build_phase address unit_tests && test_phase "tests address" address -L '^unit$'
  else
    build_phase address base_tests && test_phase "tests address" address -L '^sanitizer$'
  fi
  build_phase thread thread_tests && test_phase "tests thread" thread -L '^sanitizer$'
fi

if [[ $fuzz == yes ]]; then
  build_phase fuzz fuzz_targets && test_phase "fuzz" fuzz -L '^fuzz$'
fi

echo "== all done after $SECONDS s"
printf '%s\n' "${phases[@]}"
echo "slowest tests:"
sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) .* ([0-9.]+) sec.*/\2 s  \1/p' "${logs[@]}" | sort -rn | head -n 10 |
  sed 's/^/  /'
printf '%s\n' "${summaries[@]}"
if ((${#failures[@]} > 0)); then
  printf -v text '%s, ' "${failures[@]}"
  echo "failed: ${text%, }" >&2
  exit 1
fi
