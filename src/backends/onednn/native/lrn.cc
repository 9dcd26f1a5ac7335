#include "levels.h"
#include "loops.h"

namespace {

inline float root(float v) { return __builtin_sqrtf(v); }
inline vec root(vec v) {
  vec r;
  for (int i = 0; i < lanes; i++) r[i] = __builtin_sqrtf(v[i]);
  return r;
}

inline float power(float v, float exponent) { return __builtin_powf(v, exponent); }
inline vec power(vec v, float exponent) {
  vec r;
  for (int i = 0; i < lanes; i++) r[i] = __builtin_powf(v[i], exponent);
  return r;
}

/** s^-beta; the usual 3/4 by two square roots, since powf takes one value at a time. */
template <class V> inline V shrink(V s, float beta) {
  if (beta != 0.75f) return power(s, -beta);
  const V half = 1 / root(s);
  return half * root(half);
}

/** Sum of value(index) over the size x size pixels around (row, column) that are in the image. */
template <class V, class Value> inline V around(const Lrn& l, int row, int column, Value value) {
  const int reach = l.size / 2;
  const int top = row > reach ? row - reach : 0, bottom = smaller(row + reach + 1, l.height);
  const int left = column > reach ? column - reach : 0, right = smaller(column + reach + 1, l.width);
  V sum{};
  for (int r = top; r < bottom; r++)
    for (int q = left; q < right; q++) sum += value(size_t(r) * l.width + q);
  return sum;
}

template <class V, class T> inline V scale_at(const Lrn& l, const T* image, int row, int column) {
  return 1 + l.scale * around<V>(l, row, column, [&](size_t pixel) {
               const V x = load<V>(image + pixel * l.channels);
               return x * x;
             });
}

/** Calls visit(row, column, index of the pixel) for each pixel of an image. */
template <class Visit> inline void each_pixel(const Lrn& l, Visit visit) {
  size_t at = 0;
  for (int row = 0; row < l.height; row++)
    for (int column = 0; column < l.width; column++, at++) visit(row, column, at);
}

template <class T> void forward(Values xs, Values ys, const Lrn& l) {
  const size_t values = size_t(l.height) * l.width * l.channels;
#pragma omp parallel for
  for (int n = 0; n < l.images; n++) {
    const T* image = data<T>(xs) + n * values;
    T* y = data<T>(ys) + n * values;
    each_pixel(l, [&](int row, int column, size_t pixel) {
      each_channel(l.channels, [&](auto zero, int c) {
        using V = decltype(zero);
        const V s = scale_at<V>(l, image + c, row, column);
        const size_t at = pixel * l.channels + c;
        store(y + at, load<V>(image + at) * shrink(s, l.beta));
      });
    });
  }
}

/** dx = dy s^-beta - 2 beta scale x (sum of dy x s^(-beta - 1) around); `tiles` [2, height, width, lanes]: a vector's
 * s^-beta and terms of the sum. */
template <class V, class T> inline void grad_image(const Lrn& l, const T* dy, const T* image, T* dx, float* tiles) {
  float* terms = tiles + size_t(l.height) * l.width * width<V>;
  each_pixel(l, [&](int row, int column, size_t pixel) {
    const V s = scale_at<V>(l, image, row, column), shrunk = shrink(s, l.beta);
    const size_t at = pixel * l.channels;
    store(tiles + pixel * width<V>, shrunk);
    store(terms + pixel * width<V>, load<V>(dy + at) * load<V>(image + at) * (shrunk / s));
  });
  each_pixel(l, [&](int row, int column, size_t pixel) {
    const V sum = around<V>(l, row, column, [&](size_t other) { return load<V>(terms + other * width<V>); });
    const size_t at = pixel * l.channels;
    const V own = load<V>(dy + at) * load<V>(tiles + pixel * width<V>);
    store(dx + at, own - (2 * l.beta * l.scale) * load<V>(image + at) * sum);
  });
}

template <class T> void grad(Values dys, Values xs, Values dxs, const Lrn& l) {
  static ThreadScratch scratch;
  const size_t pixels = size_t(l.height) * l.width, values = pixels * l.channels;
  scratch.reserve(omp_get_max_threads(), 2 * pixels * lanes * sizeof(float));
#pragma omp parallel for
  for (int n = 0; n < l.images; n++) {
    const size_t at = n * values;
    float* mine = scratch.floats(omp_get_thread_num());
    each_channel(l.channels, [&](auto zero, int c) {
      grad_image<decltype(zero)>(l, data<T>(dys) + at + c, data<T>(xs) + at + c, data<T>(dxs) + at + c, mine);
    });
  }
}

void forward_any(Values x, Values y, const Lrn& l) { BY_TYPE(x, forward)(x, y, l); }
void grad_any(Values dy, Values x, Values dx, const Lrn& l) { BY_TYPE(x, grad)(dy, x, dx, l); }

}  // namespace

const LrnKernels LEVEL_NAME(lrn) = {forward_any, grad_any};
