// Runs every kernel of one processor level on buffers of exactly the right size, for scripts/check-addon.sh, which
// builds it with AddressSanitizer or runs it in valgrind. The tests in TypeScript check that the results are right.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <vector>
#include "convolution.h"
#include "levels.h"
#include "memory.h"

const Kernels& kernels() { return LEVEL_NAME(kernels); }

namespace {

/** `count` activations in their own memory. */
struct Buffer {
  std::vector<char> bytes;
  bool bf16;
  Buffer(size_t count, bool half) : bytes(count * (half ? 2 : 4)), bf16(half) {
    for (size_t i = 0; i < count; i++) {
      const float value = std::sin(float(i));
      if (half) kernels().elementwise->narrow(&value, reinterpret_cast<uint16_t*>(&bytes[2 * i]), 1);
      else *reinterpret_cast<float*>(&bytes[4 * i]) = value;
    }
  }
  operator Values() { return {bytes.data(), bf16}; }
  float* floats() { return reinterpret_cast<float*>(bytes.data()); }
};

void convolutions(int n, int h, int w, int from, int to, int k, int stride, bool half) {
  const int pad = (k - 1) / 2, oh = (h + 2 * pad - k) / stride + 1, ow = (w + 2 * pad - k) / stride + 1;
  const ConvolutionShape shape = {n, h, w, from, oh, ow, to, k, k, stride, stride, pad, pad, pad, pad};
  Buffer x(size_t(n) * h * w * from, half), y(size_t(n) * oh * ow * to, half), filter(size_t(k) * k * from * to, false);
  for (const Way way : {Way::direct, Way::winograd, Way::dot})
    for (const Pass pass : {Pass::forward, Pass::backward_input, Pass::backward_filter})
      if (suits(way, shape, half)) convolve(pass, way, shape, x, filter.floats(), y);
}

void batch_norm(size_t pixels, int channels, bool relu, bool residual, bool half) {
  const size_t count = pixels * channels;
  Buffer x(count, half), y(count, half), dx(count, half), added(residual ? count : 0, half);
  Buffer scale(channels, false), shift(channels, false), dscale(channels, false), dshift(channels, false);
  const Values extra = residual ? Values(added) : Values{nullptr, half},
               second = residual ? Values(y) : Values{nullptr, half};
  float *a = scale.floats(), *b = shift.floats(), *c = dscale.floats(), *d = dshift.floats();
  kernels().batch_norm->train({x, extra, y, a, b, a, b, c, d, c, d, c, d, 1e-5, 0.1, relu}, pixels, channels);
  kernels().batch_norm->affine(x, extra, a, b, y, pixels, channels, relu);
  const float* slope = residual ? nullptr : a;
  kernels().batch_norm->grad({x, second, x, y, dx, extra, slope, slope, a, b, a, c, d, relu}, pixels, channels);
  kernels().elementwise->add(x, y, dx, count);
  kernels().elementwise->channel_sum(x, dscale.floats(), pixels, channels);
}

void pooling(int n, int h, int w, int channels, bool half) {
  Buffer x(size_t(n) * h * w * channels, half), pooled(size_t(n) * channels, false);
  kernels().pooling->pool(x, pooled.floats(), n, h * w, channels);
  kernels().pooling->pool_grad(pooled.floats(), x, n, h * w, channels);
  for (const int window : {1, 3}) {
    const Downsample d{n, h, w, channels, 2 * channels, window, channels / 2};
    Buffer small(size_t(n) * ((h + 1) / 2) * ((w + 1) / 2) * 2 * channels, half);
    kernels().pooling->downsample(x, small, d);
    kernels().pooling->downsample_grad(small, x, d);
  }
}

/** Pooling over 3 x 3 pixels at stride 2, cut off at the edge, and the normalisation that follows it in cifar3. */
void windows(int n, int h, int w, int channels, bool half) {
  const int rows = (h - 2) / 2 + 1, columns = (w - 2) / 2 + 1;
  Buffer x(size_t(n) * h * w * channels, half), dx(size_t(n) * h * w * channels, half);
  Buffer y(size_t(n) * rows * columns * channels, half), bias(channels, false), dbias(channels, false);
  for (const bool max : {false, true}) {
    const Pool2D p{n, h, w, channels, rows, columns, 3, 2, max, true, bias.floats()};
    kernels().pool2d->forward(x, y, p);
    kernels().pool2d->grad(y, x, dx, dbias.floats(), p);
  }
  const Lrn l{n, h, w, channels, 3, 1e-5f, 0.75f};
  kernels().lrn->forward(x, dx, l);
  kernels().lrn->grad(x, x, dx, l);
}

/** Concatenating and splitting feature maps, and dropout. */
void side_by_side(size_t pixels, int left, int right, bool half) {
  Buffer a(pixels * left, half), b(pixels * right, half), y(pixels * (left + right), half);
  for (const bool split : {false, true}) kernels().elementwise->concat(a, b, y, pixels, left, right, split);
  kernels().elementwise->dropout(a, a, pixels * left, 1u << 31, 7, 2);
}

void classifier(int images, int from, int to) {
  Buffer x(images * from, false), weights(from * to, false), bias(to, false), y(images * to, false);
  Buffer dx(images * from, false), dweights(from * to, false), dbias(to, false), labels(images, false),
      metrics(2, false), gradient(images * to, false);
  for (int n = 0; n < images; n++) labels.floats()[n] = n % to;
  kernels().classifier->dense(x.floats(), weights.floats(), bias.floats(), y.floats(), {images, from, to});
  kernels().classifier->dense_grad(
      {y.floats(), x.floats(), weights.floats(), dx.floats(), dweights.floats(), dbias.floats()}, {images, from, to});
  kernels().classifier->softmax_cross_entropy(y.floats(), labels.floats(), metrics.floats(), gradient.floats(),
                                              {images, to, 0.1f});
}

/** After a failed allocation, scratch memory must not count as allocated. */
void memory_that_does_not_suffice() {
  Scratch scratch;
  try {
    scratch.at_least(size_t(1) << 50);
  } catch (const std::bad_alloc&) {
    scratch.floats(16)[15] = 1;
    return;
  }
  std::abort();
}

void batch_and_update(bool half) {
  std::vector<uint8_t> images(3 * 5 * 7 * 3);
  const std::vector<int32_t> plan = {0, 0, 8, 1, 2, 8, 0, 0};
  Buffer table(3 * 256, false), mean(5 * 7 * 3, false), y(2 * 5 * 7 * 3, half);
  for (const auto mode : {Batch::zero, Batch::reflect, Batch::symmetric})
    for (const float* mean_image : {static_cast<const float*>(nullptr), static_cast<const float*>(mean.floats())})
      kernels().batch->assemble({images.data(), plan.data(), table.floats(), mean_image, 2, 5, 7, 3, 4, mode}, y);
  Buffer parameter(1003, false), gradient(1003, false), velocity(1003, false);
  const SgdParameter sgd{parameter.floats(), velocity.floats(), gradient.floats(), 1003, 0.1f, 0.9f, 1e-4f};
  kernels().updates->sgd(&sgd, 1, {true, false, false});
  Buffer second(1003, false);
  const AdamParameter adam{
      parameter.floats(), velocity.floats(), second.floats(), gradient.floats(), 1003, 0.1f, 0.1f, 1e-4f};
  kernels().updates->adam(&adam, 1, {0.9f, 0.1f, 0.99f, 0.01f, 1, 1e-8f, false});
}

}  // namespace

int main() {
  for (const bool half : {false, true}) {
    convolutions(3, 32, 32, 3, 16, 3, 1, half);
    convolutions(2, 9, 7, 16, 32, 3, 1, half);
    convolutions(3, 5, 19, 16, 16, 3, 1, half);
    convolutions(1, 1, 1, 64, 64, 3, 1, half);
    convolutions(7, 8, 8, 64, 64, 3, 1, half);
    convolutions(3, 9, 7, 16, 32, 5, 1, half);
    convolutions(1, 1, 1, 64, 64, 5, 1, half);
    convolutions(2, 9, 9, 16, 32, 3, 2, half);
    convolutions(2, 8, 8, 16, 32, 1, 2, half);
    convolutions(2, 8, 8, 5, 7, 2, 2, half);
    for (const bool relu : {false, true})
      for (const bool residual : {false, true})
        for (const int channels : {3, 16, 21}) batch_norm(101, channels, relu, residual, half);
    pooling(3, 9, 7, 21, half);
    for (const int channels : {3, 16, 21}) windows(3, 9, 8, channels, half);
    side_by_side(35, 3, 16, half);
    batch_and_update(half);
  }
  classifier(1, 7, 10);
  classifier(13, 64, 10);
  memory_that_does_not_suffice();
  std::printf("%s: every kernel ran\n", kernels().level);
}
