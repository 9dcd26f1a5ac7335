#include "levels.h"
#include "loops.h"
#include "winograd_products.h"
#include "winograd_transforms.h"

// With V = B'd B of the patch d of the input, 6x6 for a 3x3 filter and 8x8 for 5x5, and U = G g G' of the filter g:
// output tile y = A'(U . V) A, where "." is element by element; summed over input channels these are 36 or 64 matrix
// products. The gradients are the transposes: the filter's is G'(sum V . (A dy A')) G.

namespace {

template <int kernel> constexpr int points = patch<kernel>* patch<kernel>;
constexpr int max_channels = 1024;
constexpr int tiles_at_once = 24;  // transformed together: their matrices stay in the second-level cache

Scratch turned_filter;
ThreadScratch scratch;

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

/** Transforms `size` x `size` pixels of an image [height, width, channels], from (top, left), with zeros outside. */
template <class T, int size, int patch, void (*line)(const vec*, vec*)>
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

template <class T, int kernel> void gather_input(const Winograd& w, const Place& at, float* to, size_t point_stride) {
  const T* image = static_cast<const T*>(w.x.data) + size_t(at.image) * w.height * w.width * w.from;
  gather<T, patch<kernel>, patch<kernel>, input_line<kernel>>(image, w.height, w.width, w.from, at.top - w.pad_top,
                                                              at.left - w.pad_left, to, point_stride);
}

template <class T, int kernel>
void gather_output_gradient(const Winograd& w, const Place& at, float* to, size_t point_stride) {
  const T* image = static_cast<const T*>(w.y.data) + size_t(at.image) * w.output_height * w.output_width * w.to;
  gather<T, tile, patch<kernel>, evaluate<kernel, tile, false>>(image, w.output_height, w.output_width, w.to, at.top,
                                                                at.left, to, point_stride);
}

template <class T, int kernel>
void scatter_output(const Winograd& w, const Place& at, const float* from, size_t point_stride) {
  T* first =
      static_cast<T*>(w.y.data) + ((size_t(at.image) * w.output_height + at.top) * w.output_width + at.left) * w.to;
  const int height = smaller(tile, w.output_height - at.top), width = smaller(tile, w.output_width - at.left);
  for (int c = 0; c < w.to; c += lanes) {
    const auto read = [&](int column, vec* values) {
      for (int i = 0; i < patch<kernel>; i++)
        values[i] = load<vec>(from + (i * patch<kernel> + column) * point_stride + c);
      return true;
    };
    const auto write = [&](int i, const vec* values) {
      T* row = first + size_t(i) * w.output_width * w.to + c;
      if (width == tile && i < height)
        for (int j = 0; j < tile; j++) store(row + j * w.to, values[j]);
      else if (i < height)
        for (int j = 0; j < width; j++) store(row + j * w.to, values[j]);
    };
    both_ways<patch<kernel>, tile, evaluate_transposed<kernel, tile, false>>(read, write);
  }
}

// ---- passes ----

/** One matrix [tiles_at_once, channels] per point, plus 16 floats, so that they do not map to the same cache lines. */
size_t point_stride(int channels) { return size_t(tiles_at_once) * channels + 16; }

/** u [points, from, to] of the filter. */
template <int kernel> void transform_filter(const Winograd& w, float* u) {
  const size_t matrix = size_t(w.from) * w.to;
  for (size_t i = 0; i < matrix; i += lanes) {
    const auto read = [&](int column, vec* values) {
      for (int k = 0; k < kernel; k++) values[k] = load<vec>(w.filter + (k * kernel + column) * matrix + i);
      return true;
    };
    const auto write = [&](int row, const vec* values) {
      for (int j = 0; j < patch<kernel>; j++) store(u + (row * patch<kernel> + j) * matrix + i, values[j]);
    };
    both_ways<kernel, patch<kernel>, evaluate<kernel, kernel, true>>(read, write);
  }
}

/** Each thread transforms the filter for itself: that is faster than fetching it from another core. */
template <class T, int kernel> void forward(const Winograd& w) {
  const int tiles = tiles_of(w);
  const size_t matrix = size_t(w.from) * w.to, v_stride = point_stride(w.from), y_stride = point_stride(w.to);
  scratch.reserve(omp_get_max_threads(), points<kernel> * (matrix + v_stride + y_stride) * sizeof(float));
#pragma omp parallel
  {
    float* u = scratch.floats(omp_get_thread_num());
    float *v = u + points<kernel> * matrix, *y = v + points<kernel> * v_stride;
    transform_filter<kernel>(w, u);
#pragma omp for schedule(static)
    for (int first = 0; first < tiles; first += tiles_at_once) {
      const int count = smaller(tiles - first, tiles_at_once);
      for (int t = 0; t < count; t++) gather_input<T, kernel>(w, Place(w, first + t), v + size_t(t) * w.from, v_stride);
      const int padded = (count + rows - 1) / rows * rows;
      for (int p = 0; p < points<kernel>; p++)
        multiply(v + p * v_stride, u + p * matrix, y + p * y_stride, padded, w.from, w.to);
      for (int t = 0; t < count; t++) scatter_output<T, kernel>(w, Place(w, first + t), y + size_t(t) * w.to, y_stride);
    }
  }
}

/** The input's gradient is the convolution of the output's with the filter rotated by 180 degrees, channels swapped. */
template <class T, int kernel> void backward_input(const Winograd& w) {
  const size_t matrix = size_t(w.from) * w.to;
  constexpr int taps = kernel * kernel;
  float* turned = turned_filter.floats(taps * matrix);
  for (int k = 0; k < taps; k++)
    for (int i = 0; i < w.from; i++)
      for (int o = 0; o < w.to; o++)
        turned[(taps - 1 - k) * matrix + size_t(o) * w.from + i] = w.filter[k * matrix + size_t(i) * w.to + o];
  forward<T, kernel>({w.y, w.x, turned, kernel, w.images, w.output_height, w.output_width, w.to, w.height, w.width,
                      w.from, kernel - 1 - w.pad_top, kernel - 1 - w.pad_left});
}

/** From sums [points, from, to] to a gradient [kernel, kernel, from, to], in place. */
template <int kernel> void transform_gradient(float* sums, size_t matrix) {
  for (size_t i = 0; i < matrix; i += lanes) {
    const auto read = [&](int column, vec* values) {
      for (int k = 0; k < patch<kernel>; k++) values[k] = load<vec>(sums + (k * patch<kernel> + column) * matrix + i);
      return true;
    };
    const auto write = [&](int row, const vec* values) {
      for (int j = 0; j < kernel; j++) store(sums + (row * kernel + j) * matrix + i, values[j]);
    };
    both_ways<patch<kernel>, kernel, evaluate_transposed<kernel, kernel, true>>(read, write);
  }
}

template <class T, int kernel> void backward_filter(const Winograd& w) {
  const int tiles = tiles_of(w);
  const size_t matrix = size_t(w.from) * w.to, v_stride = point_stride(w.from), y_stride = point_stride(w.to);
  scratch.reserve(omp_get_max_threads(), points<kernel> * (matrix + v_stride + y_stride) * sizeof(float));
#pragma omp parallel
  {
    float* sum = scratch.floats(omp_get_thread_num());
    float *v = sum + points<kernel> * matrix, *y = v + points<kernel> * v_stride;
    memset(sum, 0, points<kernel> * matrix * sizeof(float));
#pragma omp for schedule(static) nowait
    for (int first = 0; first < tiles; first += tiles_at_once) {
      const int count = smaller(tiles - first, tiles_at_once);
      for (int t = 0; t < count; t++) {
        const Place at(w, first + t);
        gather_input<T, kernel>(w, at, v + size_t(t) * w.from, v_stride);
        gather_output_gradient<T, kernel>(w, at, y + size_t(t) * w.to, y_stride);
      }
      for (int p = 0; p < points<kernel>; p++)
        multiply_transposed(v + p * v_stride, y + p * y_stride, sum + p * matrix, count, w.from, w.to);
    }
    transform_gradient<kernel>(sum, matrix);
#pragma omp barrier
    scratch.sum_floats(omp_get_num_threads(), kernel * kernel * matrix, w.filter);
  }
}

bool applies(int kernel, int from, int to) {
  return (kernel == 3 || kernel == 5) && from % lanes == 0 && to % lanes == 0 && from <= max_channels &&
         to <= max_channels;
}

/** A pass for the type of the activations and the size of the filter. */
#define FITTING(pass)                                                                                           \
  [](const Winograd& w) {                                                                                       \
    (w.kernel == 3 ? w.x.bf16 ? pass<bf16, 3> : pass<float, 3> : w.x.bf16 ? pass<bf16, 5> : pass<float, 5>)(w); \
  }

}  // namespace

const WinogradKernels LEVEL_NAME(winograd) = {applies, FITTING(forward), FITTING(backward_input),
                                              FITTING(backward_filter)};
