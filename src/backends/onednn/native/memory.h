// Memory of the kernels. memory.cc is compiled once, not for each level: what throws needs functions of the standard
// library.
#pragma once
#include <cstddef>

/** 64-byte aligned, from 2 MB on on huge pages; for free(). Throws a std::bad_alloc that says how many bytes it was. */
void* aligned_memory(size_t bytes);

/** Memory that grows to the largest request and is kept to the end of the process. */
class Scratch {
 public:
  /** Throws as aligned_memory does. What was in it before is lost. */
  void* at_least(size_t bytes);
  float* floats(size_t count);
  double* doubles(size_t count);

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};
