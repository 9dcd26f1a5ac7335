#include "memory.h"
#include <omp.h>
#include <sys/mman.h>
#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

namespace {

class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(size_t bytes) : message_("no memory for " + std::to_string(bytes) + " bytes") {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

constexpr size_t cache_line = 64, huge_page = 2 << 20, far_apart = 1 << 20;

size_t whole_lines(size_t bytes) { return (bytes + cache_line - 1) / cache_line * cache_line; }

void* memory_aligned_to(size_t alignment, size_t bytes) {
  void* memory;
  if (posix_memalign(&memory, alignment, whole_lines(bytes)) != 0) throw OutOfMemory(bytes);
  return memory;
}

}  // namespace

/** Uses huge pages for what fills one, if the system gives them on request: a step then has fewer TLB misses. */
void* aligned_memory(size_t bytes) {
  if (bytes < huge_page) return memory_aligned_to(cache_line, bytes);
  void* memory = memory_aligned_to(huge_page, bytes);
#ifdef MADV_HUGEPAGE
  madvise(memory, bytes / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  return memory;
}

void* Scratch::at_least(size_t bytes) {
  if (bytes <= size_) return data_;
  std::free(data_);
  data_ = nullptr;
  size_ = 0;
  data_ = huge_pages_ ? aligned_memory(bytes) : memory_aligned_to(cache_line, bytes);
  size_ = bytes;
  return data_;
}

float* Scratch::floats(size_t count) { return static_cast<float*>(at_least(count * sizeof(float))); }
double* Scratch::doubles(size_t count) { return static_cast<double*>(at_least(count * sizeof(double))); }

void ThreadScratch::reserve(int threads, size_t bytes) {
  stride_ = whole_lines(bytes) + far_apart;
  data_ = static_cast<char*>(memory_.at_least(far_apart + threads * stride_));
}

char* ThreadScratch::part(int thread) const { return data_ + far_apart + thread * stride_; }
float* ThreadScratch::floats(int thread) const { return reinterpret_cast<float*>(part(thread)); }
double* ThreadScratch::doubles(int thread) const { return reinterpret_cast<double*>(part(thread)); }

void ThreadScratch::sum_floats(int parts, size_t count, float* to) const {
  const size_t threads = omp_get_num_threads(), me = omp_get_thread_num();
  const size_t begin = count * me / threads, end = count * (me + 1) / threads;
  std::copy(floats(0) + begin, floats(0) + end, to + begin);
  for (int t = 1; t < parts; t++) {
    const float* part = floats(t);
#pragma omp simd
    for (size_t i = begin; i < end; i++) to[i] += part[i];
  }
}
