// Memory of the kernels. memory.cc is compiled once, not per level: throwing needs functions of the standard library.
#pragma once
#include <cstddef>

/** 64-byte aligned, on huge pages from 2 MB up; to be freed by free(). Throws a std::bad_alloc that states the size. */
void* aligned_memory(size_t bytes);

/** Memory that grows to the largest request and is kept until the process ends. */
class Scratch {
 public:
  /** Throws as aligned_memory does. Previous contents are lost. */
  void* at_least(size_t bytes);
  float* floats(size_t count);
  double* doubles(size_t count);

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};
