#include "levels.h"
#include "loops.h"

namespace {

/**
 * Mean and variance (biased) of each channel, from the sums of x - x0 and (x - x0)^2, where x0 is the first pixel:
 * close enough to the mean for the squares to keep their digits.
 */
template <class T, class Take> void moments(const T* x, size_t pixels, int channels, Take take) {
  const double* sums = sum_blocks(pixels, 2 * size_t(channels), [=](double* mine, size_t start, size_t end) {
    each_channel(channels, [&](auto zero, int c) {
      using V = decltype(zero);
      const V origin = load<V>(x + c);
      V sum = zero, squares = zero, odd_sum = zero,
        odd_squares = zero;  // two of each, so that no addition waits for another
      const size_t last = end * channels;
      size_t i = start * channels + c;
      for (; i + channels < last; i += 2 * channels) {
        const V d = load<V>(x + i) - origin, odd = load<V>(x + i + channels) - origin;
        sum += d;
        odd_sum += odd;
        squares += d * d;
        odd_squares += odd * odd;
      }
      if (i < last) {
        const V d = load<V>(x + i) - origin;
        sum += d;
        squares += d * d;
      }
      flush(sum + odd_sum, mine + c);
      flush(squares + odd_squares, mine + channels + c);
    });
  });
  for (int c = 0; c < channels; c++) {
    const double shift = sums[c] / pixels, variance = sums[channels + c] / pixels - shift * shift;
    take(c, load<float>(x + c) + shift, variance < 0 ? 0 : variance);
  }
}

template <class T, bool residual, bool ends_in_relu>
void affine_as(const T* x, const T* r, const float* slope, const float* offset, T* y, size_t pixels, int channels) {
#pragma omp parallel
  {
    const Share share(pixels, block);
    for (size_t start = share.begin; start < share.end; start += block) {
      const size_t end = smaller(start + block, share.end);
      each_channel(channels, [&](auto zero, int c) {
        using V = decltype(zero);
        const V a = load<V>(slope + c), b = load<V>(offset + c);
        for (size_t i = start * channels + c; i < end * channels; i += channels) {
          V v = a * load<V>(x + i) + b;
          if (residual) v += load<V>(r + i);
          store(y + i, ends_in_relu ? relu(v) : v);
        }
      });
    }
  }
}

template <class T> void affine(Values xs, Values rs, const float* slope, const float* offset, Values ys, size_t pixels,
                               int channels, bool relu) {
  const T *x = data<T>(xs), *r = data<T>(rs);
  T* y = data<T>(ys);
  auto run = r ? (relu ? affine_as<T, true, true> : affine_as<T, true, false>)
               : (relu ? affine_as<T, false, true> : affine_as<T, false, false>);
  run(x, r, slope, offset, y, pixels, channels);
}

template <class T> void train(const BatchNormTrain& b, size_t pixels, int channels) {
  moments(data<T>(b.x), pixels, channels, [&](int c, double mean, double variance) {
    const double deviation_inverse = 1 / __builtin_sqrt(variance + b.epsilon);
    const double unbiased = pixels > 1 ? variance * pixels / (pixels - 1) : variance;
    b.mean[c] = mean;
    b.inverse_deviation[c] = deviation_inverse;
    b.new_mean[c] = (1 - b.momentum) * b.running_mean[c] + b.momentum * mean;
    b.new_variance[c] = (1 - b.momentum) * b.running_variance[c] + b.momentum * unbiased;
    b.slope[c] = b.scale[c] * deviation_inverse;
    b.offset[c] = b.shift[c] - b.scale[c] * deviation_inverse * mean;
  });
  affine<T>(b.x, b.residual, b.slope, b.offset, b.y, pixels, channels, b.relu);
}

/** What decides whether the ReLU lets a gradient pass: nothing (no ReLU), y, or slope x + offset. */
enum class Gate { open, by_y, by_x };

/** The gradient before the ReLU, for the channels from c on; i is the index among all values. */
template <class T, Gate gate_by, class V> struct GradientOf {
  const T *dy, *dy2, *y;
  V slope, offset;
  GradientOf(const BatchNormGrad& b, int c) : dy(data<T>(b.dy)), dy2(data<T>(b.dy2)), y(data<T>(b.y)) {
    if (gate_by == Gate::by_x) slope = load<V>(b.slope + c), offset = load<V>(b.offset + c);
  }
  V operator()(size_t i, V x) const {
    V g = load<V>(dy + i);
    if (dy2) g += load<V>(dy2 + i);
    if (gate_by == Gate::by_y) g = gate(g, load<V>(y + i));
    if (gate_by == Gate::by_x) g = gate(g, slope * x + offset);
    return g;
  }
};

/** First pass: sums of g and g (x - mean); writes g if there is a residual. */
template <class T, Gate gate_by, bool residual>
const double* grad_sums(const BatchNormGrad& b, size_t pixels, int channels) {
  const T* x = data<T>(b.x);
  T* dresidual = data<T>(b.dresidual);
  return sum_blocks(pixels, 2 * size_t(channels), [=](double* mine, size_t start, size_t end) {
    each_channel(channels, [&](auto zero, int c) {
      using V = decltype(zero);
      const GradientOf<T, gate_by, V> gradient(b, c);
      const V mean = load<V>(b.mean + c);
      V sum = zero, dot = zero;
      for (size_t i = start * channels + c; i < end * channels; i += channels) {
        const V value = load<V>(x + i), g = gradient(i, value);
        if (residual) store(dresidual + i, g);
        sum += g;
        dot += g * (value - mean);
      }
      flush(sum, mine + c);
      flush(dot, mine + channels + c);
    });
  });
}

/** Second pass, backwards from the end, which is still in the caches: dx = slope (g - mean g - (x - mean) lean). */
template <class T, Gate gate_by> void grad_input(const BatchNormGrad& b, const float* slope, const float* centre,
                                                 const float* lean, size_t pixels, int channels) {
  const T* x = data<T>(b.x);
  T* dx = data<T>(b.dx);
#pragma omp parallel
  {
    const Share share(pixels, block);
    for (size_t end = share.end; end > share.begin;) {
      const size_t start = end - share.begin > block ? end - block : share.begin;
      each_channel(channels, [&](auto zero, int c) {
        using V = decltype(zero);
        const GradientOf<T, gate_by, V> gradient(b, c);
        const V a = load<V>(slope + c), m = load<V>(centre + c), l = load<V>(lean + c);
        for (size_t i = start * channels + c; i < end * channels; i += channels) {
          const V value = load<V>(x + i);
          store(dx + i, a * gradient(i, value) - (l * value + m));
        }
      });
      end = start;
    }
  }
}

template <class T, Gate gate_by> void grad_as(const BatchNormGrad& b, size_t pixels, int channels) {
  const bool residual = b.dresidual.data;
  const double* sums = (residual ? grad_sums<T, gate_by, true> : grad_sums<T, gate_by, false>)(b, pixels, channels);
  static Scratch scratch;
  float *slope = scratch.floats(3 * size_t(channels)), *centre = slope + channels, *lean = centre + channels;
  for (int c = 0; c < channels; c++) {
    const double inverse = b.inverse_deviation[c], dot = sums[channels + c];
    const double a = b.scale[c] * inverse, l = a * dot * inverse * inverse / pixels;
    b.dshift[c] = sums[c];
    b.dscale[c] = dot * inverse;
    slope[c] = a;
    lean[c] = l;
    centre[c] = a * sums[c] / pixels - l * b.mean[c];
  }
  if (!residual) return grad_input<T, gate_by>(b, slope, centre, lean, pixels, channels);
  BatchNormGrad gated = b;  // the first pass left g in dresidual
  gated.dy = b.dresidual;
  gated.dy2.data = nullptr;
  grad_input<T, Gate::open>(gated, slope, centre, lean, pixels, channels);
}

template <class T> void grad(const BatchNormGrad& b, size_t pixels, int channels) {
  auto run = !b.relu ? grad_as<T, Gate::open> : b.slope ? grad_as<T, Gate::by_x> : grad_as<T, Gate::by_y>;
  run(b, pixels, channels);
}

void train_any(const BatchNormTrain& b, size_t pixels, int channels) { BY_TYPE(b.x, train)(b, pixels, channels); }
void grad_any(const BatchNormGrad& b, size_t pixels, int channels) { BY_TYPE(b.x, grad)(b, pixels, channels); }
void affine_any(Values x, Values r, const float* slope, const float* offset, Values y, size_t pixels, int channels,
                bool relu) {
  BY_TYPE(x, affine)(x, r, slope, offset, y, pixels, channels, relu);
}

}  // namespace

const BatchNormKernels LEVEL_NAME(batch_norm) = {train_any, grad_any, affine_any};
