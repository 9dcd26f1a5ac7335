// Shared by the loops over tensors: how threads and vectors divide the work. Included by the files compiled once per
// level, which otherwise use only plain C: if they used an inline function of the standard library, the linker might
// keep the copy compiled for a high level, for all levels.
#pragma once
#include <omp.h>
#include "kernels.h"
#include "memory.h"
#include "vec.h"

namespace {  // separate in each object file, as in vec.h

constexpr int block = 64;  // pixels summed in float before they are added to a sum in double

template <class T> T* data(const Values& v) { return static_cast<T*>(v.data); }

/** `call` instantiated for the type of the activations. */
#define BY_TYPE(values, call) ((values).bf16 ? call<bf16> : call<float>)

/** The part of `count` items for one thread of a parallel region: contiguous, in multiples of `unit`. */
struct Share {
  size_t begin, end;
  Share(size_t count, size_t unit) {
    const size_t threads = omp_get_num_threads(), me = omp_get_thread_num();
    const size_t units = (count + unit - 1) / unit;
    begin = units * me / threads * unit;
    end = units * (me + 1) / threads * unit;
    if (begin > count) begin = count;
    if (end > count) end = count;
  }
};

template <class T> inline T smaller(T a, T b) { return a < b ? a : b; }

/** Splits the channels into vectors and a scalar rest: step(vec{}, c), then step(0.f, c). */
template <class Step> inline void each_channel(int channels, Step step) {
  int c = 0;
  for (; c + lanes <= channels; c += lanes) step(vec{}, c);
  for (; c < channels; c++) step(0.f, c);
}

/** Adds the vector to the sums of its channels. */
template <class V> inline void flush(V v, double* to) {
  float values[width<V>];
  memcpy(values, &v, sizeof v);
#pragma GCC unroll 1  // kept as a loop, which the compiler vectorises
  for (int i = 0; i < width<V>; i++) to[i] += values[i];
}

/**
 * `count` sums over `items`: visit(sums, start, end) adds items start to end - 1, at most a block, to a thread's own
 * sums. These are added up in thread order. The result is valid until the next call in the same file.
 */
template <int block_size = block, class Visit>
inline const double* sum_blocks(size_t items, size_t count, Visit visit) {
  static ThreadScratch scratch;
  const int threads = omp_get_max_threads();
  scratch.reserve(threads, count * sizeof(double));
  for (int t = 0; t < threads; t++) memset(scratch.doubles(t), 0, count * sizeof(double));
#pragma omp parallel firstprivate(visit)  // a private copy, which the thread's stores cannot change
  {
    const Share share(items, block_size);
    double* mine = scratch.doubles(omp_get_thread_num());
    for (size_t start = share.begin; start < share.end; start += block_size)
      visit(mine, start, smaller(start + block_size, share.end));
  }
  double* sums = scratch.doubles(0);
  for (int t = 1; t < threads; t++)
    for (size_t i = 0; i < count; i++) sums[i] += scratch.doubles(t)[i];
  return sums;
}

/** Calls step(zero, i) for each i of a share: vectors, then the scalar rest. */
template <class Step> inline void each_of(const Share& share, Step step) {
  size_t i = share.begin;
  for (; i + lanes <= share.end; i += lanes) step(vec{}, i);
  for (; i < share.end; i++) step(0.f, i);
}

/** The same for all i below count, in parallel if that pays. */
template <class Step> inline void each_element(size_t count, Step step) {
#pragma omp parallel if (count > 16384)
  each_of(Share(count, 1024), step);
}

}  // namespace
