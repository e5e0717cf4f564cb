#!/bin/sh
# with_loader.sh PROGRAM [ARG ...]: starts a program of the pack with the pack's own glibc and C++ run-time library,
# for machines whose own are older than those it was built with. Only this process gets them, not its children, which
# may be the machine's programs. DTRAIN_LIBRARIES: more folders of libraries.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
exec "$here"/lib/glibc/ld-linux*.so.* \
  --library-path "$here/lib/glibc:$here/lib/gcc:${DTRAIN_LIBRARIES:-}:/usr/local/nvidia/lib64" "$@"
