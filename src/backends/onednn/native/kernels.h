// The loops that are not oneDNN's. kernels.cc is compiled once for each processor level; `kernels()` is the best one here.
// Tensors are [pixels, channels], row-major. Activations are float32 or bfloat16, all of one call alike; the rest is float32.
// Results depend on the number of threads, not on timing.
#pragma once
#include <cstddef>
#include <cstdint>

/** The values of an activation; `data` null: not there. */
struct Values {
  void* data;
  bool bf16;
};

struct BatchNormGrad {
  Values dy, dy2;             // the output's gradient is dy + dy2; dy2 only where there is a residual
  Values x, y, dx, dresidual;
  const float *slope, *offset;  // if not null: y = relu(slope x + offset), so that y itself need not be read
  const float *scale, *mean, *inverse_deviation;
  float *dscale, *dshift;
  bool relu;
};

struct Downsample {
  int images, height, width, channels, output_channels, window, offset;
};

struct SgdParameter {
  float *parameter, *velocity;
  const float* gradient;
  size_t count;
  float momentum, weight_decay;
};

struct SgdStep {
  float lr;
  bool nesterov, decoupled, lr_inside;
};

struct Batch {
  const uint8_t* images;
  const int32_t* plan;  // four numbers an image: index, top, left, flip
  const float* table;   // [channels, 256]: the normalised value of each byte
  int count, height, width, channels, pad;
  enum Mode { zero, reflect, symmetric } mode;
};

struct WinogradKernels;

struct Kernels {
  const char* level;
  void (*widen)(const uint16_t* from, float* to, size_t count);
  void (*narrow)(const float* from, uint16_t* to, size_t count);
  /** Mean and variance (biased) of each channel. */
  void (*moments)(Values x, size_t pixels, int channels, double* mean, double* variance);
  /** y = max(slope x + offset + residual, 0 if relu) */
  void (*affine)(Values x, Values residual, const float* slope, const float* offset, Values y, size_t pixels, int channels, bool relu);
  void (*batch_norm_grad)(const BatchNormGrad&, size_t pixels, int channels);
  void (*add)(Values a, Values b, Values y, size_t count);
  /** sum [channels] of x over the pixels */
  void (*channel_sum)(Values x, float* sum, size_t pixels, int channels);
  /** y [images, channels] = mean over each image's pixels */
  void (*pool)(Values x, float* y, int images, int pixels, int channels);
  void (*pool_grad)(const float* dy, Values dx, int images, int pixels, int channels);
  void (*downsample)(Values x, Values y, const Downsample&);
  void (*downsample_grad)(Values dy, Values dx, const Downsample&);
  void (*sgd)(const SgdParameter* parameters, size_t count, const SgdStep&);
  void (*assemble)(const Batch&, Values y);
  const WinogradKernels* winograd;
};

const Kernels& kernels();
