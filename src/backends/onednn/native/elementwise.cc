#include "levels.h"
#include "loops.h"

namespace {

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

/** The final mix of MurmurHash3. */
template <class U> inline U mix(U h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

inline float unless_below(float value, uint32_t hash, uint32_t threshold) { return hash < threshold ? 0 : value; }
inline vec unless_below(vec value, uvec hash, uint32_t threshold) { return hash < threshold ? vec{} : value; }

inline uint32_t places(float, size_t first) { return first; }
inline uvec places(vec, size_t first) {
  uvec all;
  for (int l = 0; l < lanes; l++) all[l] = first + l;
  return all;
}

template <class T> void dropout(Values xs, Values ys, size_t count, uint32_t threshold, uint32_t key, float kept) {
  const T* x = data<T>(xs);
  T* y = data<T>(ys);
  each_element(count, [=](auto zero, size_t i) {
    const auto hash = mix(mix(places(zero, i)) + key);
    store(y + i, unless_below(load<decltype(zero)>(x + i) * kept, hash, threshold));
  });
}

template <class T> void concat(Values as, Values bs, Values ys, size_t pixels, int left, int right, bool split) {
#pragma omp parallel for
  for (size_t p = 0; p < pixels; p++) {
    T *a = data<T>(as) + p * left, *b = data<T>(bs) + p * right, *y = data<T>(ys) + p * (left + right);
    memcpy(split ? a : y, split ? y : a, left * sizeof(T));
    memcpy(split ? b : y + left, split ? y + left : b, right * sizeof(T));
  }
}

template <class T> void channel_sum(Values xs, float* sum, size_t pixels, int channels) {
  const T* x = data<T>(xs);
  const double* sums = sum_blocks(pixels, channels, [=](double* mine, size_t start, size_t end) {
    each_channel(channels, [&](auto zero, int c) {
      using V = decltype(zero);
      V total = zero;
      for (size_t p = start; p < end; p++) total += load<V>(x + p * channels + c);
      flush(total, mine + c);
    });
  });
  for (int c = 0; c < channels; c++) sum[c] = sums[c];
}

void add_any(Values a, Values b, Values y, size_t count) { BY_TYPE(a, add)(a, b, y, count); }
void dropout_any(Values x, Values y, size_t count, uint32_t threshold, uint32_t key, float kept) {
  BY_TYPE(x, dropout)(x, y, count, threshold, key, kept);
}
void concat_any(Values a, Values b, Values y, size_t pixels, int left, int right, bool split) {
  BY_TYPE(y, concat)(a, b, y, pixels, left, right, split);
}
void channel_sum_any(Values x, float* sum, size_t pixels, int channels) {
  BY_TYPE(x, channel_sum)(x, sum, pixels, channels);
}

}  // namespace

const ElementwiseKernels LEVEL_NAME(elementwise) = {widen_all,   narrow_all, add_any,
                                                    dropout_any, concat_any, channel_sum_any};
