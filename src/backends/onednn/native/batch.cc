#include "levels.h"
#include "loops.h"

namespace {

/** The image's row (or column) that fills row i of the padded image; -1 for black. */
int source_pixel(int i, int size, Batch::Mode mode) {
  if (i >= 0 && i < size) return i;
  if (mode == Batch::zero) return -1;
  const int edge = mode == Batch::reflect ? 0 : 1;
  return i < 0 ? -i - edge : 2 * size - 2 - i + edge;
}

template <class T> void assemble(const Batch& b, Values ys) {
#pragma omp parallel for
  for (int n = 0; n < b.count; n++) {
    const int32_t* plan = b.plan + 4 * n;
    T* y = data<T>(ys) + size_t(n) * b.height * b.width * b.channels;
    for (int h = 0; h < b.height; h++) {
      const int row = source_pixel(h + plan[1] - b.pad, b.height, b.mode);
      for (int w = 0; w < b.width; w++) {
        const int column = source_pixel((plan[3] ? b.width - 1 - w : w) + plan[2] - b.pad, b.width, b.mode);
        const bool inside = row >= 0 && column >= 0;
        const size_t place = (size_t(row) * b.width + column) * b.channels;
        const size_t pixel = size_t(plan[0]) * b.height * b.width * b.channels + place;
        for (int c = 0; c < b.channels; c++) {
          const float value = b.table[256 * c + (inside ? b.images[pixel + c] : 0)];
          store(y++, inside && b.mean_image ? value - b.mean_image[place + c] : value);
        }
      }
    }
  }
}

void assemble_any(const Batch& b, Values y) { BY_TYPE(y, assemble)(b, y); }

}  // namespace

const BatchKernels LEVEL_NAME(batch) = {assemble_any};
