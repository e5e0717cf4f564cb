#!/usr/bin/env bash
# Runs a training command and starts it again where it left off when starting again helps:
#
#   launch/resume_loop.sh [--max N] [--delay S] -- launch/mpirun.sh -np 2 build/release/dtrain --config ...
#
# Again means the same command with `--resume auto`, after exit code 75 (preempted, a peer was lost) or
# after a process was killed by a signal (128 and above: mpirun reports 137 for a rank that the kernel's
# out-of-memory killer took). Every other code is final and becomes the exit code of this script: the
# table is in docs/cli.md. At most N more starts (10), S seconds apart (5).
#
# Another start resumes from the last checkpoint; what a process that was killed had trained since is trained
# again (--checkpoint.save_every_steps bounds how much that is).
#
# SIGTERM, SIGINT and SIGUSR1, by which batch systems warn that time runs out, are passed on to the command,
# which saves and exits with 75; it is not started again.
set -uo pipefail

usage() {
  echo "usage: launch/resume_loop.sh [--max N] [--delay SECONDS] -- COMMAND [ARGUMENT ...]" >&2
  exit 64
}
most=10 delay=5
while (($# > 0)); do
  case $1 in
    --max) most=${2:-} && shift 2 || usage ;;
    --delay) delay=${2:-} && shift 2 || usage ;;
    --)
      shift
      break
      ;;
    *) usage ;;
  esac
done
[[ $# -gt 0 && $most =~ ^[0-9]+$ && $delay =~ ^[0-9]+$ ]] || usage

child="" stopping=no
stop() {
  stopping=yes
  [[ -z $child ]] || kill -s "$1" "$child" 2>/dev/null
}
for signal in TERM INT USR1; do
  # shellcheck disable=SC2064
  trap "stop $signal" "$signal"
done
set -m  # without, the command would ignore INT; and the terminal's Ctrl-C comes here alone

# Waits for the child to end. A trapped signal ends `wait` too, so it is called until the child is gone,
# and once more for the code of a child that ended during that signal (127: it has been told already).
wait_for_child() {
  local code again
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null && continue
    wait "$child" 2>/dev/null
    again=$?
    ((again == 127)) || code=$again
    return "$code"
  done
}

# The command with `--resume auto` in place of any other --resume.
command_to_resume() {
  resumed=()
  while (($# > 0)); do
    case $1 in
      --resume) shift ;;
      --resume=*) ;;
      *) resumed+=("$1") ;;
    esac
    (($# == 0)) || shift
  done
  resumed+=(--resume auto)
}

command=("$@")
for ((starts = 0; ; ++starts)); do
  "${command[@]}" &
  child=$!
  [[ $stopping == no ]] || kill -s TERM "$child" 2>/dev/null  # asked before the child had a number
  wait_for_child
  code=$?
  child=""
  if [[ $stopping == yes || ($code != 75 && $code -lt 128) ]]; then
    exit "$code"
  fi
  if ((starts >= most)); then
    echo "resume_loop: exit code $code after $most more starts: giving up" >&2
    exit "$code"
  fi
  echo "resume_loop: exit code $code; start $((starts + 1)) of $most more in $delay s, with --resume auto" >&2
  sleep "$delay" &
  child=$!
  wait_for_child
  child=""
  [[ $stopping == no ]] || exit "$code"
  command_to_resume "$@"
  command=("${resumed[@]}")
done
