#include "levels.h"
#include "loops.h"

namespace {

template <class T> void pool(Values xs, float* y, int images, int pixels, int channels) {
  const T* x = data<T>(xs);
#pragma omp parallel for
  for (int n = 0; n < images; n++) {
    const T* image = x + size_t(n) * pixels * channels;
    each_channel(channels, [&](auto zero, int c) {
      using V = decltype(zero);
      V total = zero;
      for (int p = 0; p < pixels; p++) total += load<V>(image + size_t(p) * channels + c);
      store(y + size_t(n) * channels + c, total / float(pixels));
    });
  }
}

template <class T> void pool_grad(const float* dy, Values dxs, int images, int pixels, int channels) {
  T* dx = data<T>(dxs);
#pragma omp parallel for
  for (int n = 0; n < images; n++) {
    T* image = dx + size_t(n) * pixels * channels;
    each_channel(channels, [&](auto zero, int c) {
      const auto g = load<decltype(zero)>(dy + size_t(n) * channels + c) / float(pixels);
      for (int p = 0; p < pixels; p++) store(image + size_t(p) * channels + c, g);
    });
  }
}

/** Calls visit(output pixel, first input row, end row, first column, end column) for each output pixel of image n. */
template <class Visit> inline void each_window(const Downsample& d, int n, Visit visit) {
  size_t small = size_t(n) * ((d.height + 1) / 2) * ((d.width + 1) / 2);
  for (int top = 0; top < d.height; top += 2)
    for (int left = 0; left < d.width; left += 2)
      visit(small++, top, smaller(top + d.window, d.height), left, smaller(left + d.window, d.width));
}

template <class T> void downsample(Values xs, Values ys, const Downsample& d) {
#pragma omp parallel for
  for (int n = 0; n < d.images; n++) {
    const T* image = data<T>(xs) + size_t(n) * d.height * d.width * d.channels;
    each_window(d, n, [&](size_t small, int top, int bottom, int left, int right) {
      T* y = data<T>(ys) + small * d.output_channels;
      memset(y, 0, d.output_channels * sizeof(T));
      const float share = 1.f / ((bottom - top) * (right - left));
      each_channel(d.channels, [&](auto zero, int c) {
        auto total = zero;
        for (int row = top; row < bottom; row++)
          for (int column = left; column < right; column++)
            total += load<decltype(zero)>(image + (size_t(row) * d.width + column) * d.channels + c);
        store(y + d.offset + c, total * share);
      });
    });
  }
}

template <class T> void downsample_grad(Values dys, Values dxs, const Downsample& d) {
#pragma omp parallel for
  for (int n = 0; n < d.images; n++) {
    T* image = data<T>(dxs) + size_t(n) * d.height * d.width * d.channels;
    memset(image, 0, sizeof(T) * d.height * d.width * d.channels);
    each_window(d, n, [&](size_t small, int top, int bottom, int left, int right) {
      const T* dy = data<T>(dys) + small * d.output_channels + d.offset;
      const float share = 1.f / ((bottom - top) * (right - left));
      each_channel(d.channels, [&](auto zero, int c) {
        using V = decltype(zero);
        const V g = load<V>(dy + c) * share;
        for (int row = top; row < bottom; row++)
          for (int column = left; column < right; column++) {
            T* to = image + (size_t(row) * d.width + column) * d.channels + c;
            store(to, load<V>(to) + g);
          }
      });
    });
  }
}

void pool_any(Values x, float* y, int images, int pixels, int channels) {
  BY_TYPE(x, pool)(x, y, images, pixels, channels);
}
void pool_grad_any(const float* dy, Values dx, int images, int pixels, int channels) {
  BY_TYPE(dx, pool_grad)(dy, dx, images, pixels, channels);
}
void downsample_any(Values x, Values y, const Downsample& d) { BY_TYPE(x, downsample)(x, y, d); }
void downsample_grad_any(Values dy, Values dx, const Downsample& d) { BY_TYPE(dx, downsample_grad)(dy, dx, d); }

}  // namespace

const PoolingKernels LEVEL_NAME(pooling) = {pool_any, pool_grad_any, downsample_any, downsample_grad_any};
