#include "dot.h"
#include "levels.h"
#include "loops.h"

#if defined(__AVX512BW__)
namespace {

constexpr int channels = 16, pairs = channels / 2, taps = 9, pair_size = 2;
constexpr int pixels_at_once = 16;          // their sums stay in registers
constexpr int line = channels * pair_size;  // values in a vector: a pair for each channel

Scratch packed_filter;
ThreadScratch scratch;

typedef int32_t pair_bits __attribute__((may_alias));

/** Adds to each lane the products of its pair and the one at `pair`. GCC itself would broadcast that one separately. */
inline void add_products(vec& sum, __m512i lane_pairs, const bf16* pair) {
  asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(lane_pairs), "m"(*reinterpret_cast<const pair_bits*>(pair)));
}

// ---- forward, and the input's gradient ----

/** Packs the filter for lanes that are output channels: [taps, pairs of input channels, output channels, 2]. */
template <class Weight> const bf16* pack(Weight weight) {
  bf16* to = static_cast<bf16*>(packed_filter.at_least(taps * channels * channels * sizeof(bf16)));
  bf16* next = to;
  for (int tap = 0; tap < taps; tap++)
    for (int pair = 0; pair < pairs; pair++)
      for (int out = 0; out < channels; out++)
        for (int half = 0; half < pair_size; half++) store(next++, weight(tap, pair_size * pair + half, out));
  return to;
}

/** Writes the outputs of `pixels_at_once` pixels; x: their upper left neighbours in padded rows of `row` values. */
inline void convolve_pixels(const bf16* x, size_t row, const bf16* filter, bf16* y) {
  vec sums[pixels_at_once] = {};
#pragma GCC unroll 1
  for (int tap = 0; tap < taps; tap++) {
    const bf16* from = x + tap / 3 * row + tap % 3 * channels;
#pragma GCC unroll 8
    for (int pair = 0; pair < pairs; pair++, filter += line) {
      const __m512i weights = _mm512_loadu_si512(filter);
#pragma GCC unroll 16
      for (int i = 0; i < pixels_at_once; i++) add_products(sums[i], weights, from + i * channels + pair_size * pair);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < pixels_at_once; i++) store(y + i * channels, sums[i]);
}

void convolve(const bf16* x, const bf16* filter, bf16* y, int images, int height, int width) {
  const size_t image = size_t(height) * width * channels, row = size_t(width + 2) * channels;
  const size_t padded_bytes = (height + 2) * row * sizeof(bf16);
  scratch.reserve(omp_get_max_threads(), padded_bytes);
#pragma omp parallel
  {
    bf16* padded = reinterpret_cast<bf16*>(scratch.floats(omp_get_thread_num()));
    memset(padded, 0, padded_bytes);
#pragma omp for schedule(static)
    for (int n = 0; n < images; n++) {
      for (int i = 0; i < height; i++)
        memcpy(padded + (i + 1) * row + channels, x + n * image + size_t(i) * width * channels,
               width * channels * sizeof(bf16));
      for (int i = 0; i < height; i++)
        for (int done = 0; done < width; done += pixels_at_once) {
          const int left = smaller(done, width - pixels_at_once);  // the last block may overlap the one before
          convolve_pixels(padded + i * row + left * channels, row, filter,
                          y + n * image + (size_t(i) * width + left) * channels);
        }
    }
  }
}

bf16* values(uint16_t* bits) { return reinterpret_cast<bf16*>(bits); }

void forward(const Dot& d) {
  const auto weight = [&](int tap, int in, int out) { return d.filter[(tap * channels + in) * channels + out]; };
  convolve(values(d.x), pack(weight), values(d.y), d.images, d.height, d.width);
}

/** The input's gradient is the convolution of the output's with the filter rotated by 180 degrees, channels swapped. */
void backward_input(const Dot& d) {
  const auto weight = [&](int tap, int in, int out) {
    return d.filter[((taps - 1 - tap) * channels + out) * channels + in];
  };
  convolve(values(d.y), pack(weight), values(d.x), d.images, d.height, d.width);
}

// ---- the filter's gradient: pairs are neighbouring pixels ----

/** A vector of pairs (first pixel, second) for each channel, from two pixels in a row. */
inline __m512i pair_pixels(const bf16* two_pixels) {
  const __m512i places = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,  //
                                          23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(places, _mm512_loadu_si512(two_pixels));
}

constexpr int channels_at_once = 8;  // of the input: with 3 taps, 24 sums in registers

/**
 * Adds to sum [3, input channels, output channels], for the three taps of a row of the filter and `channels_at_once`
 * input channels. Rows of y have `steps` pairs; x begins with the pair one pixel to the left. `next`: values that will
 * be needed soon, a vector per step, or null.
 */
void add_gradient(const bf16* x, size_t x_row, const bf16* y, int steps, int height, const bf16* next, float* sum) {
  vec sums[3][channels_at_once];
  for (int tap = 0; tap < 3; tap++)
    for (int c = 0; c < channels_at_once; c++) sums[tap][c] = load<vec>(sum + (tap * channels + c) * channels);
#pragma GCC unroll 1
  for (int row = 0; row < height; row++, x += x_row) {
    const bf16* from = x;
#pragma GCC unroll 1
    for (int step = 0; step < steps; step++, from += 2 * line, y += line) {
      if (next) __builtin_prefetch(next), next += line;
      const __m512i outputs = _mm512_loadu_si512(y);
#pragma GCC unroll 3
      for (int tap = 0; tap < 3; tap++)
#pragma GCC unroll 8
        for (int c = 0; c < channels_at_once; c++)
          add_products(sums[tap][c], outputs, from + tap * line + pair_size * c);
    }
  }
  for (int tap = 0; tap < 3; tap++)
    for (int c = 0; c < channels_at_once; c++) store(sum + (tap * channels + c) * channels, sums[tap][c]);
}

void backward_filter(const Dot& d) {
  const int steps = (d.width + 1) / 2, weights = taps * channels * channels;
  const size_t pixels = size_t(d.width) * channels, image = d.height * pixels, x_row = (2 * steps + 1) * line;
  const size_t halves = (2 * steps + 1) * line + (d.height + 2) * x_row + size_t(d.height) * steps * line;
  const size_t bytes = weights * sizeof(float) + halves * sizeof(bf16);
  scratch.reserve(omp_get_max_threads(), bytes);
#pragma omp parallel
  {
    float* sum = scratch.floats(omp_get_thread_num());
    bf16* x_line = reinterpret_cast<bf16*>(sum + weights);  // a row of pixels with zeros around
    bf16* y_line = x_line + (steps + 1) * line;             // with a zero at the end if the width is odd
    bf16* x_pairs = y_line + steps * line;                  // of all neighbours; above and below a row of zeros
    bf16* y_pairs = x_pairs + (d.height + 2) * x_row;       // of pixels 0 and 1, 2 and 3, ...
    memset(sum, 0, bytes);
#pragma omp for schedule(static)
    for (int n = 0; n < d.images; n++) {
      const bf16 *x = values(d.x) + n * image, *y = values(d.y) + n * image;
      for (int row = 0; row < d.height; row++) {
        memcpy(x_line + channels, x + row * pixels, pixels * sizeof(bf16));
        memcpy(y_line, y + row * pixels, pixels * sizeof(bf16));
        bf16 *to_x = x_pairs + (row + 1) * x_row, *to_y = y_pairs + size_t(row) * steps * line;
        for (int i = 0; i <= 2 * steps; i++) _mm512_storeu_si512(to_x + i * line, pair_pixels(x_line + i * channels));
        for (int i = 0; i < steps; i++) _mm512_storeu_si512(to_y + i * line, pair_pixels(y_line + i * line));
      }
      const bf16* next[] = {x + image, y + image};  // the next image, fetched while this one is in the caches
      for (int row = 0; row < 3; row++)
        for (int half = 0; half < 2; half++)
          add_gradient(x_pairs + row * x_row + half * channels_at_once * pair_size, x_row, y_pairs, steps, d.height,
                       row == 0 ? next[half] : nullptr,
                       sum + (row * 3 * channels + half * channels_at_once) * channels);
    }
    scratch.sum_floats(omp_get_num_threads(), weights, d.filter);
  }
}

bool applies(int width) { return __builtin_cpu_supports("avx512bf16") && width >= pixels_at_once; }

}  // namespace

const DotKernels LEVEL_NAME(dot) = {applies, forward, backward_input, backward_filter};

#else

const DotKernels LEVEL_NAME(dot) = {[](int) { return false; }, nullptr, nullptr, nullptr};

#endif
