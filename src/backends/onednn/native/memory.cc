#include "memory.h"
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

}  // namespace

void* aligned_memory(size_t bytes) {
  void* memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!memory) throw OutOfMemory(bytes);
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
