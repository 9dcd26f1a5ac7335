#include "levels.h"
#include "loops.h"
#include "winograd_products.h"
#include "winograd_transforms.h"

// With V = B'd B of the 6x6 input tile d, U = G g G' of the filter g: output tile y = A'(U . V) A, "." element by
// element, which summed over input channels makes 36 matrix products. The gradients are its transposes: the filter's is
// G'(sum V . (A dy A')) G.

namespace {

constexpr int points = patch * patch;
constexpr int max_channels = 1024;
constexpr int tiles_at_once = 24;  // transformed together: their 36 matrices stay in the second-level cache

Scratch scratch, turned_filter;

// ---- tiles of activations ----

/** The image, row and column of the first output of tile t. */
struct Place {
  int image, top, left;
  Place(const Winograd& w, int t) {
    const int across = (w.output_width + tile - 1) / tile, down = (w.output_height + tile - 1) / tile;
    image = t / (across * down);
    top = t / across % down * tile;
    left = t % across * tile;
  }
};

int tiles_of(const Winograd& w) {
  return w.images * ((w.output_height + tile - 1) / tile) * ((w.output_width + tile - 1) / tile);
}

/** `size` x `size` pixels from (top, left) on of an image [height, width, channels], zero outside, through a transform.
 */
template <class T, int size, void (*line)(const vec*, vec*)>
void gather(const T* image, int height, int width, int channels, int top, int left, float* to, size_t point_stride) {
  static const T outside[size * max_channels] = {};
  const T* row[size];
  for (int i = 0; i < size; i++) {
    const bool inside = unsigned(top + i) < unsigned(height);
    row[i] = inside ? image + (ptrdiff_t(top + i) * width + left) * channels : outside;
  }
  for (int c = 0; c < channels; c += lanes) {
    const auto read = [&](int column, vec* values) {
      if (unsigned(left + column) >= unsigned(width)) return false;
      const ptrdiff_t offset = ptrdiff_t(column) * channels + c;
      for (int i = 0; i < size; i++) values[i] = load<vec>(row[i] + offset);
      return true;
    };
    const auto write = [&](int i, const vec* values) {
      for (int j = 0; j < patch; j++) store(to + (i * patch + j) * point_stride + c, values[j]);
    };
    both_ways<size, patch, line>(read, write);
  }
}

template <class T> void gather_input(const Winograd& w, const Place& at, float* to, size_t point_stride) {
  const T* image = static_cast<const T*>(w.x.data) + size_t(at.image) * w.height * w.width * w.from;
  gather<T, patch, input_line>(image, w.height, w.width, w.from, at.top - w.pad_top, at.left - w.pad_left, to,
                               point_stride);
}

template <class T> void gather_output_gradient(const Winograd& w, const Place& at, float* to, size_t point_stride) {
  const T* image = static_cast<const T*>(w.y.data) + size_t(at.image) * w.output_height * w.output_width * w.to;
  gather<T, tile, output_gradient_line>(image, w.output_height, w.output_width, w.to, at.top, at.left, to,
                                        point_stride);
}

template <class T> void scatter_output(const Winograd& w, const Place& at, const float* from, size_t point_stride) {
  T* first =
      static_cast<T*>(w.y.data) + ((size_t(at.image) * w.output_height + at.top) * w.output_width + at.left) * w.to;
  const int height = smaller(tile, w.output_height - at.top), width = smaller(tile, w.output_width - at.left);
  for (int c = 0; c < w.to; c += lanes) {
    const auto read = [&](int column, vec* values) {
      for (int i = 0; i < patch; i++) values[i] = load<vec>(from + (i * patch + column) * point_stride + c);
      return true;
    };
    const auto write = [&](int i, const vec* values) {
      T* row = first + size_t(i) * w.output_width * w.to + c;
      if (width == tile && i < height)
        for (int j = 0; j < tile; j++) store(row + j * w.to, values[j]);
      else if (i < height)
        for (int j = 0; j < width; j++) store(row + j * w.to, values[j]);
    };
    both_ways<patch, tile, output_line>(read, write);
  }
}

// ---- passes ----

/** One matrix [tiles_at_once, channels] a point, and 16 floats, so that the 36 do not fall into the same lines of the
 * cache. */
size_t point_stride(int channels) { return size_t(tiles_at_once) * channels + 16; }

/** u [36, from, to] of the filter. */
void transform_filter(const Winograd& w, float* u) {
  const size_t matrix = size_t(w.from) * w.to;
  for (size_t i = 0; i < matrix; i += lanes) {
    const auto read = [&](int column, vec* values) {
      for (int k = 0; k < 3; k++) values[k] = load<vec>(w.filter + (k * 3 + column) * matrix + i);
      return true;
    };
    const auto write = [&](int row, const vec* values) {
      for (int j = 0; j < patch; j++) store(u + (row * patch + j) * matrix + i, values[j]);
    };
    both_ways<3, patch, filter_line>(read, write);
  }
}

template <class T> void forward(const Winograd& w) {
  const int tiles = tiles_of(w), threads = omp_get_max_threads();
  const size_t matrix = size_t(w.from) * w.to, v_stride = point_stride(w.from), y_stride = point_stride(w.to);
  float* u = scratch.floats(points * (matrix + threads * (v_stride + y_stride)));
  transform_filter(w, u);
#pragma omp parallel for schedule(dynamic, 4)
  for (int first = 0; first < tiles; first += tiles_at_once) {
    float* v = u + points * (matrix + omp_get_thread_num() * (v_stride + y_stride));
    float* y = v + points * v_stride;
    const int count = smaller(tiles - first, tiles_at_once);
    for (int t = 0; t < count; t++) gather_input<T>(w, Place(w, first + t), v + size_t(t) * w.from, v_stride);
    const int padded = (count + rows - 1) / rows * rows;
    for (int p = 0; p < points; p++) multiply(v + p * v_stride, u + p * matrix, y + p * y_stride, padded, w.from, w.to);
    for (int t = 0; t < count; t++) scatter_output<T>(w, Place(w, first + t), y + size_t(t) * w.to, y_stride);
  }
}

/** The input's gradient is the convolution of the output's with the filter turned by 180 degrees, channels exchanged.
 */
template <class T> void backward_input(const Winograd& w) {
  const size_t matrix = size_t(w.from) * w.to;
  float* turned = turned_filter.floats(9 * matrix);
  for (int k = 0; k < 9; k++)
    for (int i = 0; i < w.from; i++)
      for (int o = 0; o < w.to; o++)
        turned[(8 - k) * matrix + size_t(o) * w.from + i] = w.filter[k * matrix + size_t(i) * w.to + o];
  forward<T>({w.y, w.x, turned, w.images, w.output_height, w.output_width, w.to, w.height, w.width, w.from,
              2 - w.pad_top, 2 - w.pad_left});
}

template <class T> void backward_filter(const Winograd& w) {
  const int tiles = tiles_of(w), threads = omp_get_max_threads();
  const size_t matrix = size_t(w.from) * w.to, v_stride = point_stride(w.from), y_stride = point_stride(w.to);
  const size_t each = points * (matrix + v_stride + y_stride);
  float* memory = scratch.floats(threads * each);
#pragma omp parallel
  {
    float* sum = memory + omp_get_thread_num() * each;
    float *v = sum + points * matrix, *y = v + points * v_stride;
    memset(sum, 0, points * matrix * sizeof(float));
#pragma omp for schedule(static)
    for (int first = 0; first < tiles; first += tiles_at_once) {
      const int count = smaller(tiles - first, tiles_at_once);
      for (int t = 0; t < count; t++) {
        const Place at(w, first + t);
        gather_input<T>(w, at, v + size_t(t) * w.from, v_stride);
        gather_output_gradient<T>(w, at, y + size_t(t) * w.to, y_stride);
      }
      for (int p = 0; p < points; p++)
        multiply_transposed(v + p * v_stride, y + p * y_stride, sum + p * matrix, count, w.from, w.to);
    }
#pragma omp for schedule(static)
    for (size_t i = 0; i < matrix; i += lanes) {
      const auto read = [&](int column, vec* values) {
        for (int k = 0; k < patch; k++) {
          const float* from = memory + (k * patch + column) * matrix + i;
          values[k] = load<vec>(from);
          for (int t = 1; t < omp_get_num_threads(); t++) values[k] += load<vec>(from + t * each);
        }
        return true;
      };
      const auto write = [&](int row, const vec* values) {
        for (int j = 0; j < 3; j++) store(w.filter + (row * 3 + j) * matrix + i, values[j]);
      };
      both_ways<patch, 3, filter_gradient_line>(read, write);
    }
  }
}

bool applies(int from, int to) {
  return from % lanes == 0 && to % lanes == 0 && from <= max_channels && to <= max_channels;
}

void forward_any(const Winograd& w) { w.x.bf16 ? forward<bf16>(w) : forward<float>(w); }
void backward_input_any(const Winograd& w) { w.x.bf16 ? backward_input<bf16>(w) : backward_input<float>(w); }
void backward_filter_any(const Winograd& w) { w.x.bf16 ? backward_filter<bf16>(w) : backward_filter<float>(w); }

}  // namespace

const WinogradKernels LEVEL_NAME(winograd) = {applies, forward_any, backward_input_any, backward_filter_any};
