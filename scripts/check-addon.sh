#!/bin/sh
# Looks for memory errors in the onednn backend's C++: every kernel on buffers of exactly the right size, with
# AddressSanitizer and UBSan, then (where valgrind is there) in valgrind. Needs g++ and libdnnl-dev.
set -eu
native="$(dirname "$0")/../src/backends/onednn/native"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # level, flags, program
  g++ -std=c++17 -g -O1 -fopenmp -Wno-psabi -DLEVEL="$1" $2 "$native/kernels.cc" "$native/winograd.cc" \
    "$native/convolution.cc" "$native/check.cc" -ldnnl -o "$work/$3"
}

levels="base"
if grep -qw avx2 /proc/cpuinfo; then levels="base v3"; fi
if grep -qw avx512vl /proc/cpuinfo; then levels="base v3 v4"; fi
for level in $levels; do
  case $level in base) march="" ;; *) march="-march=x86-64-$level" ;; esac
  build "$level" "$march -fsanitize=address,undefined -fno-sanitize-recover=undefined" "sanitized-$level"
  ASAN_OPTIONS=detect_leaks=0 OMP_NUM_THREADS=2 "$work/sanitized-$level" # its scratch memory is kept to the end on purpose
done
echo "AddressSanitizer: no errors"

if ! command -v valgrind >/dev/null; then
  echo "valgrind is not installed: left out (Debian: apt-get install valgrind)"
  exit 0
fi
level=base
if grep -qw avx2 /proc/cpuinfo; then level=v3; fi
case $level in base) march="" ;; *) march="-march=x86-64-$level" ;; esac
build "$level" "$march" plain
# valgrind knows no AVX-512
ONEDNN_MAX_CPU_ISA=AVX2 OMP_NUM_THREADS=2 valgrind --quiet --error-exitcode=1 "$work/plain"
echo "valgrind: no errors"
