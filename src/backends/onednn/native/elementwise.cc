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
void channel_sum_any(Values x, float* sum, size_t pixels, int channels) {
  BY_TYPE(x, channel_sum)(x, sum, pixels, channels);
}

}  // namespace

const ElementwiseKernels LEVEL_NAME(elementwise) = {widen_all, narrow_all, add_any, channel_sum_any};
