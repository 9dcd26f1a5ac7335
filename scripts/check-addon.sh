#!/bin/sh
# Looks for memory errors in the onednn backend's C++: every kernel on buffers of exactly the right size, with
# AddressSanitizer and UBSan, then in valgrind (if installed); and the addon itself, with AddressSanitizer under the
# backend's tests. Needs g++, libdnnl-dev and the npm packages.
set -eu
cd "$(dirname "$0")/.."
native=src/backends/onednn/native
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Scratch memory is kept until the end on purpose; running out of memory is one of the tests.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1

build() { # level, flags, program
  sources=$(find $native -maxdepth 1 -name '*.cc' | grep -vE '/(addon|layers|training|levels)\.cc$') # JavaScript's side
  # shellcheck disable=SC2086 # lists
  g++ -std=c++17 -g -O1 -fopenmp -Wno-psabi -Wno-alloc-size-larger-than -DLEVEL="$1" $2 $sources -ldnnl -o "$work/$3"
}

levels="base"
if grep -qw avx2 /proc/cpuinfo; then levels="base v3"; fi
if grep -qw avx512vl /proc/cpuinfo; then levels="base v3 v4"; fi
for level in $levels; do
  case $level in base) march="" ;; *) march="-march=x86-64-$level" ;; esac
  build "$level" "$march -fsanitize=address,undefined -fno-sanitize-recover=undefined" "sanitized-$level"
  OMP_NUM_THREADS=2 "$work/sanitized-$level"
done
echo "kernels, AddressSanitizer: no errors"

mkdir "$work/clr"
cp -r src scripts .config package.json tsconfig.json "$work/clr"
rm -rf "$work/clr/$native/build"
ln -s "$PWD/node_modules" "$work/clr/node_modules"
(
  cd "$work/clr"
  CXXFLAGS="-fsanitize=address -g" LDFLAGS=-fsanitize=address node scripts/build-onednn.mjs --required
  tests=$(find src/backends -maxdepth 1 -name '*.test.ts'; find src/backends/onednn -name '*.test.ts' | grep -v threads)
  export CLR_REQUIRE=onednn # what else tests may need is not looked for: it would not load with AddressSanitizer
  # shellcheck disable=SC2086 # a list; threads.test.ts starts the whole program
  LD_PRELOAD="$(g++ -print-file-name=libasan.so)" node node_modules/vitest/vitest.mjs run --configLoader runner \
    --config .config/vitest.ts --project fast --hideSkippedTests --testNamePattern onednn $tests
)
echo "addon, AddressSanitizer: no errors"

if ! command -v valgrind >/dev/null; then
  echo "valgrind is not installed: left out (Debian: apt-get install valgrind)"
  exit 0
fi
level=base
if grep -qw avx2 /proc/cpuinfo; then level=v3; fi
case $level in base) march="" ;; *) march="-march=x86-64-$level" ;; esac
build "$level" "$march" plain
# valgrind does not support AVX-512
ONEDNN_MAX_CPU_ISA=AVX2 OMP_NUM_THREADS=2 valgrind --quiet --error-exitcode=1 "$work/plain"
echo "kernels, valgrind: no errors"
