#include "memory.h"
#include <sys/mman.h>
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

constexpr size_t cache_line = 64, huge_page = 2 << 20;

}  // namespace

/** Uses huge pages for what fills one, if the system gives them on request: a step then has fewer TLB misses. */
void* aligned_memory(size_t bytes) {
  const size_t alignment = bytes < huge_page ? cache_line : huge_page;
  const size_t size = (bytes + cache_line - 1) / cache_line * cache_line;
  void* memory;
  if (posix_memalign(&memory, alignment, size) != 0) throw OutOfMemory(bytes);
#ifdef MADV_HUGEPAGE
  if (alignment == huge_page) madvise(memory, size / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  return memory;
}

void* Scratch::at_least(size_t bytes) {
  if (bytes <= size_) return data_;
  std::free(data_);
  data_ = nullptr;
  size_ = 0;
  data_ = aligned_memory(bytes);
  size_ = bytes;
  return data_;
}

float* Scratch::floats(size_t count) { return static_cast<float*>(at_least(count * sizeof(float))); }
double* Scratch::doubles(size_t count) { return static_cast<double*>(at_least(count * sizeof(double))); }
