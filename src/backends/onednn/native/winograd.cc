#include "winograd.h"
#include <omp.h>
#include <stdlib.h>
#include "levels.h"
#include "vec.h"

// With V = B'd B of the 6x6 input tile d, U = G g G' of the filter g: output tile y = A'(U . V) A, "." element by element, which
// summed over input channels makes 36 matrix products. The gradients are its transposes: the filter's is G'(sum V . (A dy A')) G.
// B, G and A are those of the points 0, +-3/4, +-3/2 and infinity: of the usual +-1, +-2 the error is four times as large.

namespace {

constexpr int tile = 4, patch = 6, points = 36;
constexpr int max_channels = 1024;
constexpr int block = 24;  // tiles transformed together: their 36 matrices stay in the second-level cache
constexpr float a = 0.75f, b = 1.5f, A = a * a, B = b * b;

/** Rows and vectors of the product that is kept in registers. */
constexpr int rows = lanes == 16 ? 12 : 6, vectors = 2;

// ---- one-dimensional transforms ----

/** out = B' in, 6 -> 6 */
inline void input_line(const vec* in, vec* out) {
  const vec near_even = in[4] - A * in[2], near_odd = b * in[3] - (A * b) * in[1];
  const vec far_even = in[4] - B * in[2], far_odd = a * in[3] - (B * a) * in[1];
  out[0] = (A * B) * in[0] - (A + B) * in[2] + in[4];
  out[1] = far_even + far_odd;
  out[2] = far_even - far_odd;
  out[3] = near_even + near_odd;
  out[4] = near_even - near_odd;
  out[5] = (A * B) * in[1] - (A + B) * in[3] + in[5];
}

/** out = A' in, 6 -> 4 */
inline void output_line(const vec* in, vec* out) {
  const vec sum_a = in[1] + in[2], difference_a = in[1] - in[2];
  const vec sum_b = in[3] + in[4], difference_b = in[3] - in[4];
  out[0] = in[0] + sum_a + sum_b;
  out[1] = a * difference_a + b * difference_b;
  out[2] = A * sum_a + B * sum_b;
  out[3] = (A * a) * difference_a + (B * b) * difference_b + in[5];
}

/** out = A in, 4 -> 6 */
inline void output_gradient_line(const vec* in, vec* out) {
  const vec even_a = in[0] + A * in[2], odd_a = a * in[1] + (A * a) * in[3];
  const vec even_b = in[0] + B * in[2], odd_b = b * in[1] + (B * b) * in[3];
  out[0] = in[0];
  out[1] = even_a + odd_a;
  out[2] = even_a - odd_a;
  out[3] = even_b + odd_b;
  out[4] = even_b - odd_b;
  out[5] = in[3];
}

constexpr float n0 = 1 / (A * B), na = 1 / (2 * A * (A - B)), nb = 1 / (2 * B * (B - A));

/** out = G in, 3 -> 6 */
inline void filter_line(const vec* in, vec* out) {
  const vec even_a = na * in[0] + (na * A) * in[2], odd_a = (na * a) * in[1];
  const vec even_b = nb * in[0] + (nb * B) * in[2], odd_b = (nb * b) * in[1];
  out[0] = n0 * in[0];
  out[1] = even_a + odd_a;
  out[2] = even_a - odd_a;
  out[3] = even_b + odd_b;
  out[4] = even_b - odd_b;
  out[5] = in[2];
}

/** out = G' in, 6 -> 3 */
inline void filter_gradient_line(const vec* in, vec* out) {
  const vec sum_a = na * (in[1] + in[2]), sum_b = nb * (in[3] + in[4]);
  out[0] = n0 * in[0] + sum_a + sum_b;
  out[1] = (na * a) * (in[1] - in[2]) + (nb * b) * (in[3] - in[4]);
  out[2] = A * sum_a + B * sum_b + in[5];
}

/**
 * Applies a line transform to the columns, then to the rows of a `from` x `from` tile: `to` x `to`. read(column, values) gives a
 * column, or says that it is all zero; write(row, values) takes a row.
 */
template <int from, int to, void (*line)(const vec*, vec*), class Read, class Write>
inline __attribute__((always_inline)) void both_ways(Read read, Write write) {
  vec half[to][from];
  for (int column = 0; column < from; column++) {
    vec values[from], results[to] = {};
    if (read(column, values)) line(values, results);
    for (int i = 0; i < to; i++) half[i][column] = results[i];
  }
  for (int row = 0; row < to; row++) {
    vec results[to];
    line(half[row], results);
    write(row, results);
  }
}

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

int smaller(int a, int b) { return a < b ? a : b; }

int tiles_of(const Winograd& w) {
  return w.images * ((w.output_height + tile - 1) / tile) * ((w.output_width + tile - 1) / tile);
}

/** `size` x `size` pixels from (top, left) on of an image [height, width, channels], zero outside, through a transform. */
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
  gather<T, patch, input_line>(image, w.height, w.width, w.from, at.top - w.pad_top, at.left - w.pad_left, to, point_stride);
}

template <class T> void gather_output_gradient(const Winograd& w, const Place& at, float* to, size_t point_stride) {
  const T* image = static_cast<const T*>(w.y.data) + size_t(at.image) * w.output_height * w.output_width * w.to;
  gather<T, tile, output_gradient_line>(image, w.output_height, w.output_width, w.to, at.top, at.left, to, point_stride);
}

template <class T> void scatter_output(const Winograd& w, const Place& at, const float* from, size_t point_stride) {
  T* first = static_cast<T*>(w.y.data) + ((size_t(at.image) * w.output_height + at.top) * w.output_width + at.left) * w.to;
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

// ---- products ----

/** `rows` rows x n vectors of y = v u over k channels; v [rows, k], u [k, stride], y [rows, stride]. */
template <int n> inline void product(const float* v, const float* u, float* y, int k, int stride) {
  vec sum[rows][n];
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < n; j++) sum[r][j] = vec{};
  for (int i = 0; i < k; i++, u += stride) {
    vec line[n];
    for (int j = 0; j < n; j++) line[j] = load<vec>(u + j * lanes);
    for (int r = 0; r < rows; r++)
      for (int j = 0; j < n; j++) sum[r][j] += v[size_t(r) * k + i] * line[j];
  }
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < n; j++) store(y + size_t(r) * stride + j * lanes, sum[r][j]);
}

/** y [count, to] = v [count, from] u [from, to]; count a multiple of `rows`. */
void multiply(const float* v, const float* u, float* y, int count, int from, int to) {
  int c = 0;
  for (; c + vectors * lanes <= to; c += vectors * lanes)
    for (int r = 0; r < count; r += rows) product<vectors>(v + r * from, u + c, y + r * to + c, from, to);
  if (c < to)
    for (int r = 0; r < count; r += rows) product<1>(v + r * from, u + c, y + r * to + c, from, to);
}

constexpr int gradient_rows = lanes == 16 ? 8 : 4;  // divides any number of channels that `lanes` does

/** s [rows, stride] += v' w over `count` tiles; v [count, from], w [count, stride]. */
template <int n> inline void outer_product(const float* v, const float* w, float* s, int count, int from, int stride) {
  vec sum[gradient_rows][n];
  for (int r = 0; r < gradient_rows; r++)
    for (int j = 0; j < n; j++) sum[r][j] = load<vec>(s + size_t(r) * stride + j * lanes);
  for (int t = 0; t < count; t++, v += from, w += stride) {
    vec line[n];
    for (int j = 0; j < n; j++) line[j] = load<vec>(w + j * lanes);
    for (int r = 0; r < gradient_rows; r++)
      for (int j = 0; j < n; j++) sum[r][j] += v[r] * line[j];
  }
  for (int r = 0; r < gradient_rows; r++)
    for (int j = 0; j < n; j++) store(s + size_t(r) * stride + j * lanes, sum[r][j]);
}

/** s [from, to] += v' w over `count` tiles. */
void multiply_transposed(const float* v, const float* w, float* s, int count, int from, int to) {
  int c = 0;
  for (; c + vectors * lanes <= to; c += vectors * lanes)
    for (int r = 0; r < from; r += gradient_rows) outer_product<vectors>(v + r, w + c, s + size_t(r) * to + c, count, from, to);
  if (c < to)
    for (int r = 0; r < from; r += gradient_rows) outer_product<1>(v + r, w + c, s + size_t(r) * to + c, count, from, to);
}

// ---- passes ----

/** Floats that grow to the largest request and stay. One for each use: they never hold two things at once. */
float* scratch(size_t count) {
  static float* memory = nullptr;
  static size_t size = 0;
  if (count > size) {
    __builtin_free(memory);
    memory = static_cast<float*>(aligned_alloc(64, (count * 4 + 63) / 64 * 64));
    if (!memory) __builtin_abort();
    size = count;
  }
  return memory;
}

/** One matrix [block, channels] a point, and 16 floats, so that the 36 do not fall into the same lines of the cache. */
size_t point_stride(int channels) { return size_t(block) * channels + 16; }

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
  float* u = scratch(points * (matrix + threads * (v_stride + y_stride)));
  transform_filter(w, u);
#pragma omp parallel for schedule(dynamic, 4)
  for (int first = 0; first < tiles; first += block) {
    float* v = u + points * (matrix + omp_get_thread_num() * (v_stride + y_stride));
    float* y = v + points * v_stride;
    const int count = smaller(tiles - first, block);
    for (int t = 0; t < count; t++) gather_input<T>(w, Place(w, first + t), v + size_t(t) * w.from, v_stride);
    const int padded = (count + rows - 1) / rows * rows;
    for (int p = 0; p < points; p++) multiply(v + p * v_stride, u + p * matrix, y + p * y_stride, padded, w.from, w.to);
    for (int t = 0; t < count; t++) scatter_output<T>(w, Place(w, first + t), y + size_t(t) * w.to, y_stride);
  }
}

/** The input's gradient is the convolution of the output's with the filter turned by 180 degrees, channels exchanged. */
template <class T> void backward_input(const Winograd& w) {
  const size_t matrix = size_t(w.from) * w.to;
  static float* turned = nullptr;
  static size_t size = 0;
  if (9 * matrix > size) {
    __builtin_free(turned);
    size = 9 * matrix;
    turned = static_cast<float*>(aligned_alloc(64, size * 4));
    if (!turned) __builtin_abort();
  }
  for (int k = 0; k < 9; k++)
    for (int i = 0; i < w.from; i++)
      for (int o = 0; o < w.to; o++) turned[(8 - k) * matrix + size_t(o) * w.from + i] = w.filter[k * matrix + size_t(i) * w.to + o];
  forward<T>({w.y, w.x, turned, w.images, w.output_height, w.output_width, w.to, w.height, w.width, w.from, 2 - w.pad_top, 2 - w.pad_left});
}

template <class T> void backward_filter(const Winograd& w) {
  const int tiles = tiles_of(w), threads = omp_get_max_threads();
  const size_t matrix = size_t(w.from) * w.to, v_stride = point_stride(w.from), y_stride = point_stride(w.to);
  const size_t each = points * (matrix + v_stride + y_stride);
  float* memory = scratch(threads * each);
#pragma omp parallel
  {
    float* sum = memory + omp_get_thread_num() * each;
    float *v = sum + points * matrix, *y = v + points * v_stride;
    memset(sum, 0, points * matrix * sizeof(float));
#pragma omp for schedule(static)
    for (int first = 0; first < tiles; first += block) {
      const int count = smaller(tiles - first, block);
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

bool applies(int from, int to) { return from % lanes == 0 && to % lanes == 0 && from <= max_channels && to <= max_channels; }

void forward_any(const Winograd& w) { w.x.bf16 ? forward<bf16>(w) : forward<float>(w); }
void backward_input_any(const Winograd& w) { w.x.bf16 ? backward_input<bf16>(w) : backward_input<float>(w); }
void backward_filter_any(const Winograd& w) { w.x.bf16 ? backward_filter<bf16>(w) : backward_filter<float>(w); }

}  // namespace

extern const WinogradKernels LEVEL_NAME(winograd);
const WinogradKernels LEVEL_NAME(winograd) = {applies, forward_any, backward_input_any, backward_filter_any};
