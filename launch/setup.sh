#!/usr/bin/env bash
# Installs what dtrain needs and is not there yet; a second call changes nothing and needs no network.
#
#   launch/setup.sh                what building and training on the CPU need
#   launch/setup.sh --cuda         and the CUDA wheels (4 GB), for the GPU flavour
#   launch/setup.sh --with-python  and the reference Python of the parity tests; includes --cuda
#   launch/setup.sh --tests        and what the lint needs
#   launch/setup.sh --no-packages  leave Debian packages alone: an administrator supplies them
#   launch/setup.sh --check        write nothing; say what is missing and exit with 1
#
# Debian packages (launch/packages.txt) are installed by apt-get, with sudo where the caller is not root;
# with all of them there neither is needed. An optional package is tried once; without it set-up goes on.
# Everything else goes below .deps/ of this checkout: wheels pinned by version and SHA-256
# (launch/requirements-*.txt) in .deps/venv, stamps, the logs. Removing .deps/ undoes it.
#
# DTRAIN_PYTHON names another Python (3.10, 3.11 or 3.12) for the venv than /usr/bin/python3.
set -euo pipefail
launch=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$launch")
deps=$root/.deps
venv=$deps/venv
python=${DTRAIN_PYTHON:-/usr/bin/python3}

say() { echo "setup: $*"; }
die() {
  echo "setup: error: $*" >&2
  exit 1
}

layers=(cpu)
tests=no packages=yes check=no
for argument in "$@"; do
  case $argument in
    --cuda) [[ " ${layers[*]} " == *" cuda "* ]] || layers+=(cuda) ;;
    --with-python)
      [[ " ${layers[*]} " == *" cuda "* ]] || layers+=(cuda)
      layers+=(python)
      ;;
    --tests) tests=yes ;;
    --no-packages) packages=no ;;
    --check) check=yes ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) die "unknown argument '$argument'; --help lists them" ;;
  esac
done
lacking=0

# --- Debian packages --------------------------------------------------------------------------------

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Fills `missing` and `missing_optional` with the packages of launch/packages.txt that are not installed.
find_missing_packages() {
  missing=() missing_optional=()
  local name rest
  while read -r name rest; do
    [[ -z $name || $name == \#* ]] && continue
    [[ $rest == "test "* && $tests == no ]] && continue
    is_installed "$name" && continue
    if [[ $rest == "? "* ]]; then missing_optional+=("$name"); else missing+=("$name"); fi
  done <"$launch/packages.txt"
}

advice_without() {  # what launch/packages.txt says to do without an optional package
  sed -n "s/^$1 ? .*: //p" "$launch/packages.txt"
}

optional_stamp() { echo "$deps/without-$1"; }

apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >>"$deps/apt.log" 2>&1 </dev/null
}

must_apt_get() {
  if ! apt_get "$@"; then
    tail -n 5 "$deps/apt.log" >&2
    die "apt-get $1 failed; the log is .deps/apt.log"
  fi
}

install_required() {
  local name
  say "apt-get install ${missing[*]}"
  must_apt_get update
  for name in "${missing[@]}"; do
    apt-cache show "$name" >/dev/null 2>&1 ||
      die "no package '$name' in the configured sources; on Ubuntu enable 'universe'"
  done
  must_apt_get install -y --no-install-recommends "${missing[@]}"
}

# Whatever happens here, set-up goes on. A stamp remembers what could not be had, for a later call must
# need no network.
try_optional() {
  local name
  say "apt-get install $*"
  ((${#missing[@]} > 0)) || apt_get update || true
  for name in "$@"; do
    : >"$(optional_stamp "$name")"
    if apt-cache show "$name" >/dev/null 2>&1 && apt_get install -y --no-install-recommends "$name"; then
      rm -f "$(optional_stamp "$name")"
    fi
  done
}

install_packages() {
  local name optional=()
  as_root=()
  for name in "${missing_optional[@]}"; do
    # With apt-get at work for the others anyway, one more attempt costs nothing.
    if ((${#missing[@]} > 0)) || [[ ! -e $(optional_stamp "$name") ]]; then optional+=("$name"); fi
  done
  if [[ $(id -u) != 0 ]]; then
    # Optional packages alone are not worth asking for a password.
    ((${#missing[@]} > 0)) || return 0
    command -v sudo >/dev/null || die "missing packages, and neither root nor sudo to install them:" \
      "ask an administrator for: apt-get install ${missing[*]} ${missing_optional[*]}"
    as_root=(sudo)
  fi
  ((${#missing[@]} + ${#optional[@]} > 0)) || return 0
  : >"$deps/apt.log"
  ((${#missing[@]} == 0)) || install_required
  ((${#optional[@]} == 0)) || try_optional "${optional[@]}"
}

setup_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian or Ubuntu system: the packages of launch/packages.txt are left to you"
    return
  fi
  find_missing_packages
  if ((${#missing[@]} + ${#missing_optional[@]} > 0)) && [[ $check == no ]]; then
    install_packages
    find_missing_packages
  fi
  local name
  for name in "${missing_optional[@]}"; do
    say "without $name: $(advice_without "$name"); or: apt-get install $name"
  done
  if ((${#missing[@]} > 0)); then
    say "missing packages: ${missing[*]}"
    lacking=1
  else
    say "packages: all installed"
  fi
}

# --- wheels -----------------------------------------------------------------------------------------

requirements() { echo "$launch/requirements-$1.txt"; }

# The stamp of a layer names the pins and the Python it was installed for.
fingerprint() { echo "$(sha256sum <"$(requirements "$1")" | cut -d' ' -f1) python $version"; }

is_current() {
  [[ -x $venv/bin/python && -e $deps/$1.stamp && $(<"$deps/$1.stamp") == "$(fingerprint "$1")" ]]
}

make_venv() {
  if [[ -e $venv ]] && [[ $("$venv/bin/python" -c "$print_version" 2>/dev/null) != "$version" ]]; then
    say "the venv was made for another Python: making it again"
    rm -rf "$venv" "$deps"/*.stamp "$deps"/*.partial
  fi
  if [[ ! -x $venv/bin/python ]] || ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    rm -rf "$venv" "$deps"/*.stamp "$deps"/*.partial
    "$python" -m venv "$venv" >"$deps/venv.log" 2>&1 ||
      die "$python cannot make a venv (package python3-venv?); the log is .deps/venv.log"
  fi
}

need_room() {  # need_room GB: the wheels and, while pip works, their unpacked copies
  local free
  free=$(df --output=avail -B1G "$deps" | tail -n 1)
  ((free >= $1)) || die "$1 GB are needed below $deps, $free GB are free"
}

install_layer() {
  local layer=$1 options=()
  # Files of a layer that pip was interrupted in may be cut short while their package looks installed.
  [[ ! -e $deps/$layer.partial ]] || options=(--force-reinstall)
  rm -f "$deps/$layer.stamp"
  touch "$deps/$layer.partial"
  # pip unpacks below TMPDIR: keep that here too, where there is room and where it can be swept up.
  rm -rf "$deps/tmp"
  mkdir -p "$deps/tmp"
  if ! TMPDIR=$deps/tmp "$venv/bin/python" -I -m pip --disable-pip-version-check install "${options[@]}" \
    --no-deps --require-hashes --only-binary :all: --no-cache-dir --no-compile --progress-bar off \
    -r "$(requirements "$layer")" >"$deps/pip-$layer.log" 2>&1; then
    tail -n 5 "$deps/pip-$layer.log" >&2
    die "pip could not install launch/requirements-$layer.txt; the log is .deps/pip-$layer.log"
  fi
  rm -rf "$deps/tmp" "$deps/$layer.partial"
  fingerprint "$layer" >"$deps/$layer.stamp"
}

setup_wheels() {
  [[ $(uname -sm) == "Linux x86_64" ]] ||
    die "the pinned wheels are for Linux on x86-64; this is $(uname -sm)"
  if [[ ! -x $python && $check == yes ]]; then
    say "missing wheels: ${layers[*]}"
    lacking=1
    return
  fi
  [[ -x $python ]] || die "no Python at $python: install python3-venv or set DTRAIN_PYTHON"
  print_version='import sys; print("%d.%d" % sys.version_info[:2])'
  version=$("$python" -c "$print_version")
  case $version in
    3.10 | 3.11 | 3.12) ;;
    *) die "wheels are pinned for Python 3.10, 3.11 and 3.12; $python is $version: set DTRAIN_PYTHON" ;;
  esac
  local layer
  for layer in "${layers[@]}"; do
    if is_current "$layer"; then
      say "wheels, $layer: installed"
    elif [[ $check == yes ]]; then
      say "missing wheels: $layer"
      lacking=1
    else
      local before=$SECONDS gigabytes=3
      [[ $layer == cpu ]] || gigabytes=8
      need_room "$gigabytes"
      make_venv
      say "wheels, $layer: pip install of launch/requirements-$layer.txt into .deps/venv"
      install_layer "$layer"
      say "wheels, $layer: installed in $((SECONDS - before)) s"
    fi
  done
}

# Makes .deps/ and waits until no other setup is at work in it.
enter_deps() {
  local folder=$root
  if ! mkdir -p "$deps" 2>/dev/null || ! { : >>"$deps/lock"; } 2>/dev/null; then
    [[ ! -e $deps ]] || folder=$deps
    die "$(id -un) cannot write into $folder, which belongs to $(stat -c %U "$folder"):" \
      "give it to yourself (sudo chown -R $(id -un) $folder) or use a checkout of your own"
  fi
  exec 9>"$deps/lock"
  flock -n 9 || { say "another setup is at work here: waiting for it" && flock 9; }
}

[[ $check == yes ]] || enter_deps
[[ $packages == no ]] || setup_packages
setup_wheels
((lacking == 0)) || die "not everything is there; run launch/setup.sh without --check to install it"
