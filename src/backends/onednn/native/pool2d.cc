#include "levels.h"
#include "loops.h"

namespace {

/** The pixels of a window (or the windows of a pixel) along one axis: from begin to end - 1. */
struct Span {
  int begin, end;
  int count() const { return end - begin; }
};

Span pixels_of(int i, const Pool2D& p, int size) {
  const int begin = i * p.stride;
  return {begin, smaller(begin + p.window, size)};
}

Span windows_of(int pixel, const Pool2D& p, int windows) {
  const int first = pixel - p.window + p.stride;  // divided by the stride: the first window that reaches the pixel
  return {first > 0 ? first / p.stride : 0, smaller(pixel / p.stride + 1, windows)};
}

/** max(sum, 0) with ReLU; without it the sum, since `floor` is then minus infinity. NaN stays. */
template <class V> inline V above(V sum, float floor) { return sum < floor ? V{} + floor : sum; }

inline float floor_of(const Pool2D& p) { return p.relu ? 0.f : -__builtin_inff(); }

template <class V> inline V bias_of(const Pool2D& p, int c) { return p.bias ? load<V>(p.bias + c) : V{}; }

template <class V, class T>
inline __attribute__((always_inline)) V largest(const T* image, Span rows, Span columns, const Pool2D& p, V& place) {
  V most = load<V>(image + (size_t(rows.begin) * p.width + columns.begin) * p.channels);
  place = V{};
  for (int row = rows.begin; row < rows.end; row++)
    for (int column = columns.begin; column < columns.end; column++) {
      const V x = load<V>(image + (size_t(row) * p.width + column) * p.channels);
      const float here = (row - rows.begin) * p.window + column - columns.begin;
      place = x > most ? V{} + here : place;
      most = (x > most) | (x != x) ? x : most;
    }
  return most;
}

template <class V, class T> inline V sum_of(const T* image, Span rows, Span columns, const Pool2D& p, V bias) {
  V sum{};
  for (int row = rows.begin; row < rows.end; row++)
    for (int column = columns.begin; column < columns.end; column++)
      sum += above(load<V>(image + (size_t(row) * p.width + column) * p.channels) + bias, floor_of(p));
  return sum;
}

template <class T> void forward(Values xs, Values ys, const Pool2D& p) {
#pragma omp parallel for
  for (int n = 0; n < p.images; n++) {
    const T* image = data<T>(xs) + size_t(n) * p.height * p.width * p.channels;
    T* y = data<T>(ys) + size_t(n) * p.rows * p.columns * p.channels;
    for (int i = 0; i < p.rows; i++)
      for (int j = 0; j < p.columns; j++, y += p.channels) {
        const Span rows = pixels_of(i, p, p.height), columns = pixels_of(j, p, p.width);
        each_channel(p.channels, [&](auto zero, int c) {
          using V = decltype(zero);
          const V bias = bias_of<V>(p, c);
          V place;
          if (p.max) store(y + c, above(largest(image + c, rows, columns, p, place) + bias, floor_of(p)));
          else store(y + c, sum_of(image + c, rows, columns, p, bias) / float(rows.count() * columns.count()));
        });
      }
  }
}

/** Calls visit(rows, columns); a size of 3 x 3 is made known to the compiler, which then unrolls the loops. */
template <class Visit> inline void with_size(Span rows, Span columns, Visit visit) {
  if (rows.count() == 3 && columns.count() == 3)
    visit(Span{rows.begin, rows.begin + 3}, Span{columns.begin, columns.begin + 3});
  else visit(rows, columns);
}

/** One image, one vector of channels; returns the gradients' sum. `tile` [height, width, lanes]: working memory. */
template <class V, class T>
inline V max_grad(const T* dy, const T* image, T* dx, float* tile, V bias, const Pool2D& p) {
  memset(tile, 0, sizeof(V) * p.height * p.width);
  V total{};
  for (int i = 0; i < p.rows; i++)
    for (int j = 0; j < p.columns; j++) {
      const Span rows = pixels_of(i, p, p.height), columns = pixels_of(j, p, p.width);
      with_size(
          rows, columns, [&](Span rows, Span columns) __attribute__((always_inline)) {
            V place;
            const V value = largest(image, rows, columns, p, place) + bias;
            V g = load<V>(dy + (size_t(i) * p.columns + j) * p.channels);
            if (p.relu) g = gate(g, value);
            total += g;
            for (int row = rows.begin; row < rows.end; row++)
              for (int column = columns.begin; column < columns.end; column++) {
                const float here = (row - rows.begin) * p.window + column - columns.begin;
                float* to = tile + (size_t(row) * p.width + column) * width<V>;
                store(to, load<V>(to) + (place == here ? g : V{}));
              }
          });
    }
  for (size_t pixel = 0; pixel < size_t(p.height) * p.width; pixel++)
    store(dx + pixel * p.channels, load<V>(tile + pixel * width<V>));
  return total;
}

/** The same for averages: each pixel gathers from the windows that it is in. */
template <class V, class T> inline V average_grad(const T* dy, const T* image, T* dx, V bias, const Pool2D& p) {
  V total{};
  for (int row = 0; row < p.height; row++)
    for (int column = 0; column < p.width; column++) {
      const Span rows = windows_of(row, p, p.rows), columns = windows_of(column, p, p.columns);
      V g{};
      for (int i = rows.begin; i < rows.end; i++)
        for (int j = columns.begin; j < columns.end; j++) {
          const float count = pixels_of(i, p, p.height).count() * pixels_of(j, p, p.width).count();
          g += load<V>(dy + (size_t(i) * p.columns + j) * p.channels) / count;
        }
      const size_t pixel = (size_t(row) * p.width + column) * p.channels;
      if (p.relu) g = gate(g, load<V>(image + pixel) + bias);
      store(dx + pixel, g);
      total += g;
    }
  return total;
}

template <class T> void grad(Values dys, Values xs, Values dxs, float* dbias, const Pool2D& p) {
  static ThreadScratch scratch;
  const size_t pixels = size_t(p.height) * p.width, windows = size_t(p.rows) * p.columns;
  scratch.reserve(omp_get_max_threads(), pixels * lanes * sizeof(float));
  const double* sums = sum_blocks<1>(p.images, p.channels, [=](double* mine, size_t n, size_t) {
    const T *dy = data<T>(dys) + n * windows * p.channels, *image = data<T>(xs) + n * pixels * p.channels;
    T* dx = data<T>(dxs) + n * pixels * p.channels;
    float* tile = scratch.floats(omp_get_thread_num());
    each_channel(p.channels, [&](auto zero, int c) {
      const auto bias = bias_of<decltype(zero)>(p, c);
      if (p.max) flush(max_grad(dy + c, image + c, dx + c, tile, bias, p), mine + c);
      else flush(average_grad(dy + c, image + c, dx + c, bias, p), mine + c);
    });
  });
  for (int c = 0; dbias && c < p.channels; c++) dbias[c] = sums[c];
}

void forward_any(Values x, Values y, const Pool2D& p) { BY_TYPE(x, forward)(x, y, p); }
void grad_any(Values dy, Values x, Values dx, float* dbias, const Pool2D& p) { BY_TYPE(x, grad)(dy, x, dx, dbias, p); }

}  // namespace

const Pool2DKernels LEVEL_NAME(pool2d) = {forward_any, grad_any};
