#include "kernels.h"
#include <omp.h>
#include "levels.h"
#include "vec.h"
#include "winograd.h"

// Only plain C below: an inline function of the standard library, compiled here for a high level, could be the one that the
// linker keeps for all.

namespace {

constexpr int block = 64;         // pixels summed in float before the sum goes on in double
constexpr int max_threads = 256;  // partial sums are kept for so many

template <class T> T* data(const Values& v) { return static_cast<T*>(v.data); }

/** Calls f<T>() with the type of the activations. */
#define BY_TYPE(values, call) ((values).bf16 ? call<bf16> : call<float>)

/** The part of `count` items that a thread of a parallel region does: contiguous, in multiples of `unit`. */
struct Share {
  size_t begin, end;
  Share(size_t count, size_t unit) {
    const size_t threads = omp_get_num_threads(), me = omp_get_thread_num();
    const size_t units = (count + unit - 1) / unit;
    begin = units * me / threads * unit;
    end = units * (me + 1) / threads * unit;
    if (begin > count) begin = count;
    if (end > count) end = count;
  }
};

size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/** Partial sums of every thread, [threads][rows][channels] doubles; kept from call to call. */
double* partial_sums(size_t count) {
  static double* sums = nullptr;
  static size_t size = 0;
  if (count > size) {
    __builtin_free(sums);
    sums = static_cast<double*>(__builtin_malloc(count * sizeof(double)));
    if (!sums) __builtin_abort();
    size = count;
  }
  __builtin_memset(sums, 0, count * sizeof(double));
  return sums;
}

/** Adds up the threads' parts, in their order. Result in the first thread's part. */
void combine(double* sums, int threads, size_t count) {
  for (int t = 1; t < threads; t++)
    for (size_t i = 0; i < count; i++) sums[i] += sums[t * count + i];
}

/** Splits the channels into vectors and a scalar rest: step<vec>(c), then step<float>(c). */
template <class Step> inline void each_channel(int channels, Step step) {
  int c = 0;
  for (; c + lanes <= channels; c += lanes) step(vec{}, c);
  for (; c < channels; c++) step(0.f, c);
}

template <class V> inline void flush(V v, double* to) {
  float values[width<V>];
  memcpy(values, &v, sizeof v);
  for (int i = 0; i < width<V>; i++) to[i] += values[i];
}

// ---- batch norm ----

/** Sums of (x - x0) and (x - x0)^2 a channel, x0 the first pixel: near enough to the mean that the squares keep their digits. */
template <class T> void moments(Values xs, size_t pixels, int channels, double* mean, double* variance) {
  const T* x = data<T>(xs);
  const size_t rows = 2 * size_t(channels);
  double* sums = partial_sums(rows * omp_get_max_threads());
  int threads = 1;
#pragma omp parallel
  {
#pragma omp single
    threads = omp_get_num_threads();
    double* mine = sums + rows * omp_get_thread_num();
    const Share share(pixels, block);
    for (size_t start = share.begin; start < share.end; start += block) {
      const size_t end = smaller(start + block, share.end);
      each_channel(channels, [&](auto zero, int c) {
        using V = decltype(zero);
        const V origin = load<V>(x + c);
        V sum = zero, squares = zero;
        for (size_t p = start; p < end; p++) {
          const V d = load<V>(x + p * channels + c) - origin;
          sum += d;
          squares += d * d;
        }
        flush(sum, mine + c);
        flush(squares, mine + channels + c);
      });
    }
  }
  combine(sums, threads, rows);
  for (int c = 0; c < channels; c++) {
    const double shift = sums[c] / pixels;
    const double square = sums[channels + c] / pixels - shift * shift;
    mean[c] = double(load<float>(x + c)) + shift;
    variance[c] = square < 0 ? 0 : square;
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

template <class T>
void affine(Values xs, Values rs, const float* slope, const float* offset, Values ys, size_t pixels, int channels, bool relu) {
  const T *x = data<T>(xs), *r = data<T>(rs);
  T* y = data<T>(ys);
  auto run = r ? (relu ? affine_as<T, true, true> : affine_as<T, true, false>)
               : (relu ? affine_as<T, false, true> : affine_as<T, false, false>);
  run(x, r, slope, offset, y, pixels, channels);
}

/** Where the ReLU's gradient is known from: there is none; y; or slope x + offset. */
enum class Gate { open, by_y, by_x };

/** The output's gradient before the ReLU, for channels c and on; i is its place among all values. */
template <class T, Gate gate_by, class V> struct GradientOf {
  const T *dy, *dy2, *x, *y;
  V slope, offset;
  GradientOf(const BatchNormGrad& b, int c) : dy(data<T>(b.dy)), dy2(data<T>(b.dy2)), x(data<T>(b.x)), y(data<T>(b.y)) {
    if (gate_by == Gate::by_x) slope = load<V>(b.slope + c), offset = load<V>(b.offset + c);
  }
  V operator()(size_t i) const {
    V g = load<V>(dy + i);
    if (dy2) g += load<V>(dy2 + i);
    if (gate_by == Gate::by_y) g = gate(g, load<V>(y + i));
    if (gate_by == Gate::by_x) g = gate(g, slope * load<V>(x + i) + offset);
    return g;
  }
};

/** First pass: sums of g and g (x - mean); writes g where a residual wants it. */
template <class T, Gate gate_by, bool residual>
void grad_sums(const BatchNormGrad& b, double* sums, size_t pixels, int channels) {
  const T* x = data<T>(b.x);
  T* dresidual = data<T>(b.dresidual);
#pragma omp parallel
  {
    double* mine = sums + 2 * size_t(channels) * omp_get_thread_num();
    const Share share(pixels, block);
    for (size_t start = share.begin; start < share.end; start += block) {
      const size_t end = smaller(start + block, share.end);
      each_channel(channels, [&](auto zero, int c) {
        using V = decltype(zero);
        const GradientOf<T, gate_by, V> gradient(b, c);
        const V mean = load<V>(b.mean + c);
        V sum = zero, dot = zero;
        for (size_t i = start * channels + c; i < end * channels; i += channels) {
          const V g = gradient(i);
          if (residual) store(dresidual + i, g);
          sum += g;
          dot += g * (load<V>(x + i) - mean);
        }
        flush(sum, mine + c);
        flush(dot, mine + channels + c);
      });
    }
  }
}

/** Second pass, from the end backwards, where the first one left the caches warm: dx = slope (g - mean g - (x - mean) lean). */
template <class T, Gate gate_by>
void grad_input(const BatchNormGrad& b, const float* slope, const float* centre, const float* lean, size_t pixels, int channels) {
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
        for (size_t i = start * channels + c; i < end * channels; i += channels)
          store(dx + i, a * gradient(i) - (l * load<V>(x + i) + m));
      });
      end = start;
    }
  }
}

template <class T> void batch_norm_grad(const BatchNormGrad& b, size_t pixels, int channels) {
  const bool residual = b.dresidual.data;
  const int threads = omp_get_max_threads();
  const size_t rows = 2 * size_t(channels);
  // behind the sums: slope, centre and lean of the second pass
  double* sums = partial_sums(rows * threads + rows);
  auto* slope = reinterpret_cast<float*>(sums + rows * threads);
  float *centre = slope + channels, *lean = centre + channels;
  const Gate gate_by = !b.relu ? Gate::open : b.slope ? Gate::by_x : Gate::by_y;
  auto first = residual ? (b.relu ? grad_sums<T, Gate::by_y, true> : grad_sums<T, Gate::open, true>)
                        : (gate_by == Gate::by_x   ? grad_sums<T, Gate::by_x, false>
                           : gate_by == Gate::by_y ? grad_sums<T, Gate::by_y, false>
                                                   : grad_sums<T, Gate::open, false>);
  first(b, sums, pixels, channels);
  combine(sums, threads, rows);
  for (int c = 0; c < channels; c++) {
    const double inverse = b.inverse_deviation[c], dot = sums[channels + c];
    const double a = b.scale[c] * inverse, l = a * dot * inverse * inverse / pixels;
    b.dshift[c] = sums[c];
    b.dscale[c] = dot * inverse;
    slope[c] = a;
    lean[c] = l;
    centre[c] = a * sums[c] / pixels - l * b.mean[c];
  }
  BatchNormGrad gated = b;  // the first pass left g in dresidual
  if (residual) gated.dy = b.dresidual, gated.dy2.data = nullptr;
  auto second = residual || gate_by == Gate::open ? grad_input<T, Gate::open>
                : gate_by == Gate::by_x           ? grad_input<T, Gate::by_x>
                                                  : grad_input<T, Gate::by_y>;
  second(gated, slope, centre, lean, pixels, channels);
}

// ---- element-wise, sums, pooling ----

/** Calls step(zero, i) for each i of a share: vectors, then the scalar rest. */
template <class Step> inline void each_of(const Share& share, Step step) {
  size_t i = share.begin;
  for (; i + lanes <= share.end; i += lanes) step(vec{}, i);
  for (; i < share.end; i++) step(0.f, i);
}

/** The same for all i below count, in parallel where it is worth while. */
template <class Step> inline void each_element(size_t count, Step step) {
#pragma omp parallel if (count > 16384)
  each_of(Share(count, 1024), step);
}

void widen_all(const uint16_t* from, float* to, size_t count) {
  auto* x = reinterpret_cast<const bf16*>(from);
  each_element(count, [=](auto zero, size_t i) { store(to + i, load<decltype(zero)>(x + i)); });
}

void narrow_all(const float* from, uint16_t* to, size_t count) {
  auto* y = reinterpret_cast<bf16*>(to);
  each_element(count, [=](auto zero, size_t i) { store(y + i, load<decltype(zero)>(from + i)); });
}

template <class T> void add(Values as, Values bs, Values ys, size_t count) {
  const T *a = data<T>(as), *b = data<T>(bs);
  T* y = data<T>(ys);
  each_element(count, [=](auto zero, size_t i) {
    using V = decltype(zero);
    store(y + i, load<V>(a + i) + load<V>(b + i));
  });
}

template <class T> void channel_sum(Values xs, float* sum, size_t pixels, int channels) {
  const T* x = data<T>(xs);
  const int threads = omp_get_max_threads();
  double* sums = partial_sums(size_t(channels) * threads);
#pragma omp parallel
  {
    double* mine = sums + size_t(channels) * omp_get_thread_num();
    const Share share(pixels, block);
    for (size_t start = share.begin; start < share.end; start += block) {
      const size_t end = smaller(start + block, share.end);
      each_channel(channels, [&](auto zero, int c) {
        using V = decltype(zero);
        V total = zero;
        for (size_t p = start; p < end; p++) total += load<V>(x + p * channels + c);
        flush(total, mine + c);
      });
    }
  }
  combine(sums, threads, channels);
  for (int c = 0; c < channels; c++) sum[c] = sums[c];
}

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
      visit(small++, top, int(smaller(top + d.window, d.height)), left, int(smaller(left + d.window, d.width)));
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

// ---- updates, batches ----

void sgd(const SgdParameter* parameters, size_t count, const SgdStep& s) {
  const float inside = s.lr_inside ? s.lr : 1, outside = s.lr_inside ? 1 : s.lr;
#pragma omp parallel
  for (size_t k = 0; k < count; k++) {
    const SgdParameter& a = parameters[k];
    const float l2 = s.decoupled ? 0 : a.weight_decay, decay = s.decoupled ? s.lr * a.weight_decay : 0;
    each_of(Share(a.count, 256), [&](auto zero, size_t i) {
      using V = decltype(zero);
      const V p = load<V>(a.parameter + i);
      const V step = inside * (load<V>(a.gradient + i) + l2 * p);
      const V v = a.momentum * load<V>(a.velocity + i) + step;
      store(a.velocity + i, v);
      store(a.parameter + i, p - outside * (s.nesterov ? step + a.momentum * v : v) - decay * p);
    });
  }
}

/** The row (or column) that stands for row i of the padded image; -1 for black. */
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
        const size_t pixel = ((size_t(plan[0]) * b.height + row) * b.width + column) * b.channels;
        for (int c = 0; c < b.channels; c++) store(y++, b.table[256 * c + (inside ? b.images[pixel + c] : 0)]);
      }
    }
  }
}

// ---- by type ----

void moments_any(Values x, size_t pixels, int channels, double* mean, double* variance) {
  BY_TYPE(x, moments)(x, pixels, channels, mean, variance);
}
void affine_any(Values x, Values r, const float* slope, const float* offset, Values y, size_t pixels, int channels, bool relu) {
  BY_TYPE(x, affine)(x, r, slope, offset, y, pixels, channels, relu);
}
void batch_norm_grad_any(const BatchNormGrad& b, size_t pixels, int channels) { BY_TYPE(b.x, batch_norm_grad)(b, pixels, channels); }
void add_any(Values a, Values b, Values y, size_t count) { BY_TYPE(a, add)(a, b, y, count); }
void channel_sum_any(Values x, float* sum, size_t pixels, int channels) { BY_TYPE(x, channel_sum)(x, sum, pixels, channels); }
void pool_any(Values x, float* y, int images, int pixels, int channels) { BY_TYPE(x, pool)(x, y, images, pixels, channels); }
void pool_grad_any(const float* dy, Values dx, int images, int pixels, int channels) {
  BY_TYPE(dx, pool_grad)(dy, dx, images, pixels, channels);
}
void downsample_any(Values x, Values y, const Downsample& d) { BY_TYPE(x, downsample)(x, y, d); }
void downsample_grad_any(Values dy, Values dx, const Downsample& d) { BY_TYPE(dx, downsample_grad)(dy, dx, d); }
void assemble_any(const Batch& b, Values y) { BY_TYPE(y, assemble)(b, y); }

}  // namespace

extern const WinogradKernels LEVEL_NAME(winograd);
extern const Kernels LEVEL_NAME(kernels);
const Kernels LEVEL_NAME(kernels) = {LEVEL_TEXT(LEVEL), widen_all, narrow_all, moments_any, affine_any, batch_norm_grad_any, add_any,
                                     channel_sum_any, pool_any, pool_grad_any, downsample_any, downsample_grad_any, sgd, assemble_any,
                                     &LEVEL_NAME(winograd)};
