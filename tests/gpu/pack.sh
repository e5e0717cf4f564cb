#!/usr/bin/env bash
# tests/gpu/pack.sh [DIR]: puts all that check.py needs on a bare machine with a GPU into one folder (default
# build/gpu-pack, about 60 MB): the GPU program, the shared libraries that such a machine lacks, Open MPI with
# what it opens at run time, most of the data set. LibTorch 2.11 for CUDA 13 with its wheels must be there already; they are
# too large to carry. prove_pack.sh starts the pack in an empty system.
#
# DTRAIN_PACK_BINARY names another program than build/release/cuda/dtrain; train_step_bench is taken from the
# same build where it is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
pack=${1:-build/gpu-pack}
data=${DTRAIN_DATA_DIR:-/usr/share/datasets/fashion-mnist}
binary=${DTRAIN_PACK_BINARY:-build/release/cuda/dtrain}
[[ -x $binary ]] || {
  echo "pack.sh: $binary is missing; build it: launch/setup.sh --cuda && launch/build.sh cuda" >&2
  exit 1
}
rm -rf "$pack"
mkdir -p "$pack"/{bin,lib/gcc,lib/glibc,lib/pmix,data,share}

# --- programs ---
cp -L "$binary" "$pack/bin/dtrain"
bench=$(dirname "$binary")/train_step_bench
[[ -x $bench ]] || bench=$(dirname "$binary")/tests/bench/train_step_bench
[[ ! -x $bench ]] || cp "$bench" "$pack/bin/"
cp -L "$(command -v mpirun)" "$pack/bin/mpirun"
cp -L "$(command -v orted)" "$pack/bin/orted"
cp tests/gpu/with_loader.sh "$pack/bin/"
cp tests/gpu/{check.py,pack_tools.py,reference_step.py} configs/fashion_mnist_resnet18.json "$pack/"
# Of the training images the first 30,000, which keeps the pack small: IDX files have the count in bytes 4 to 7.
python3 - "$data" "$pack/data" <<'END'
import gzip, pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
for path in sorted(source.glob("*.gz")):
    data = gzip.decompress(path.read_bytes())
    dimensions = data[3]
    header, total = 4 + 4 * dimensions, int.from_bytes(data[4:8], "big")
    count = min(total, 30000)
    size = (len(data) - header) // total
    cut = data[:4] + count.to_bytes(4, "big") + data[8:header + count * size]
    (target / path.name).write_bytes(gzip.compress(cut, 6, mtime=0))
END
"${CC:-cc}" -O2 -shared -fPIC tests/gpu/count_waits.c -o "$pack/lib/libcount_waits.so" -ldl

# --- Open MPI: plug-ins and help texts, at the places below OPAL_PREFIX where it looks for them ---
plugins=$(ompi_info --path pkglibdir --parsable | cut -d: -f3)
texts=$(ompi_info --path pkgdatadir --parsable | cut -d: -f3)
prefix=$(ompi_info --path prefix --parsable | cut -d: -f3)
mkdir -p "$pack/${plugins#"$prefix"/}" "$pack/${texts#"$prefix"/}"
# Not those for networks and launchers that one machine has no use for: each brings drivers along.
for plugin in "$plugins"/mca_*.so; do
  [[ $(basename "$plugin") =~ _(ofi|openib|psm|psm2|ucx|slurm|gridengine|flux|jsm|netlink)\.so$ ]] ||
    [[ $(basename "$plugin") =~ ^mca_(atomic|memheap|scoll|spml|sshmem)_ ]] ||
    cp -L "$plugin" "$pack/${plugins#"$prefix"/}/"
done
cp "$texts"/help-*.txt "$pack/${texts#"$prefix"/}/"
for folder in "$(dirname "$(dirname "$plugins")")"/../../pmix2/lib/pmix /usr/lib/*/pmix2/lib/pmix; do
  [[ ! -d $folder ]] || cp -L "$folder"/pmix_mca_*.so "$pack/lib/pmix/"
done

# --- what all of these are linked with, but not the wheels' libraries nor those of every glibc system ---
needed() {
  { ldd "$@" 2>/dev/null || true; } | awk '/=> \//{print $3}' | sort -u # scripts have none
}
find "$pack" -type f \( -path '*/bin/*' -o -name '*.so' \) -print0 | while IFS= read -r -d '' file; do
  needed "$file"
done | sort -u | while read -r library; do
  case $(basename "$library") in
    libc.so* | libm.so* | libdl.so* | librt.so* | libpthread.so* | ld-linux* | libresolv.so* | libutil.so*) ;;
    libstdc++.so* | libgcc_s.so*) cp -L "$library" "$pack/lib/gcc/" ;;
    *) [[ $library == */site-packages/* ]] || cp -L "$library" "$pack/lib/" ;;
  esac
done
# glibc itself, for a machine with an older one: its parts only work with each other.
glibc=$(dirname "$(needed "$binary" | grep '/libc\.so\.6$')")
cp -L "$glibc"/lib{c,m,dl,pthread,rt,resolv,util,nss_dns,nss_files}.so.? "$pack/lib/glibc/"
cp -L "$glibc"/libmvec.so.? "$pack/lib/glibc/" 2>/dev/null || true
cp -L "$(ldd "$binary" | awk '$1 ~ /^\/.*ld-linux/ {print $1}')" "$pack/lib/glibc/"
find "$pack/bin" "$pack/lib" -type f -not -path '*/glibc/*' -exec strip --strip-unneeded {} + 2>/dev/null || true

size=$(du -sb "$pack" | cut -f1)
echo "$pack: $((size >> 20)) MiB"
((size <= 64 << 20)) || {
  echo "pack.sh: more than the 64 MiB that the pack is meant to have at most" >&2
  exit 1
}
