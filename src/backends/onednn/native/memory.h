// Memory of the kernels. memory.cc is compiled once, not per level: throwing needs functions of the standard library.
#pragma once
#include <cstddef>

/** 64-byte aligned, on huge pages from 2 MB up; to be freed by free(). Throws a std::bad_alloc that states the size. */
void* aligned_memory(size_t bytes);

/** Memory that grows to the largest request and is kept until the process ends. */
class Scratch {
 public:
  explicit Scratch(bool huge_pages = true) : huge_pages_(huge_pages) {}
  /** Throws as aligned_memory does. Previous contents are lost. */
  void* at_least(size_t bytes);
  float* floats(size_t count);
  double* doubles(size_t count);

 private:
  const bool huge_pages_;
  void* data_ = nullptr;
  size_t size_ = 0;
};

/**
 * Scratch memory for each thread, the parts far apart. Processors prefetch well beyond what a thread uses: between
 * adjacent parts, cache lines that one core writes are taken away by another, though no thread reads them. Where such a
 * line takes 0.3 microseconds to the other core, a Winograd convolution took 1.2 to 1.8 times as long.
 */
class ThreadScratch {
 public:
  /** Makes room for `bytes` per thread. Throws as aligned_memory does. Previous contents are lost. */
  void reserve(int threads, size_t bytes);
  float* floats(int thread) const;
  double* doubles(int thread) const;
  /**
   * to = the sum over the first `parts` parts of their first `count` floats, added in order. To be called by all
   * threads of a parallel region, after a barrier: each computes a share.
   */
  void sum_floats(int parts, size_t count, float* to) const;

 private:
  char* part(int thread) const;
  Scratch memory_{false};  // the gaps, which are never touched, then take no memory
  char* data_ = nullptr;
  size_t stride_ = 0;
};
