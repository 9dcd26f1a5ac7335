// Our own loops (not oneDNN's), compiled once per processor level; `kernels()` returns those of the best level here.
// Tensors are [pixels, channels], row-major. Activations are float32 or bfloat16, the same throughout a call; the rest
// is float32. Results depend on the number of threads, not on timing.
#pragma once
#include <cstddef>
#include <cstdint>

/** The values of an activation; `data` null: absent. */
struct Values {
  void* data;
  bool bf16;
};

struct ElementwiseKernels {
  void (*widen)(const uint16_t* from, float* to, size_t count);
  void (*narrow)(const float* from, uint16_t* to, size_t count);
  void (*add)(Values a, Values b, Values y, size_t count);
  /** y = kept x where the hash of the element's index and `key` is at least `threshold`, else 0 */
  void (*dropout)(Values x, Values y, size_t count, uint32_t threshold, uint32_t key, float kept);
  /** y [pixels, left + right] = a and b side by side; with `split` the reverse: a and b from y */
  void (*concat)(Values a, Values b, Values y, size_t pixels, int left, int right, bool split);
  /** sum [channels] of x over the pixels */
  void (*channel_sum)(Values x, float* sum, size_t pixels, int channels);
};

struct BatchNormTrain {
  Values x, residual, y;
  const float *scale, *shift, *running_mean, *running_variance;
  float *mean, *inverse_deviation, *new_mean, *new_variance;
  float *slope, *offset;  // written: y = slope x + offset, before residual and ReLU
  double epsilon, momentum;
  bool relu;
};

struct BatchNormGrad {
  Values dy, dy2;  // the output's gradient is dy + dy2; dy2 only with a residual
  Values x, y, dx, dresidual;
  const float *slope, *offset;  // if not null: y = relu(slope x + offset), so that y itself need not be read
  const float *scale, *mean, *inverse_deviation;
  float *dscale, *dshift;
  bool relu;
};

struct BatchNormKernels {
  void (*train)(const BatchNormTrain&, size_t pixels, int channels);
  void (*grad)(const BatchNormGrad&, size_t pixels, int channels);
  /** y = max(slope x + offset + residual, 0 if relu) */
  void (*affine)(Values x, Values residual, const float* slope, const float* offset, Values y, size_t pixels,
                 int channels, bool relu);
};

struct Downsample {
  int images, height, width, channels, output_channels, window, offset;
};

/** Pooling of max(x + bias, 0 if relu), without padding; the last windows are cut off at the edge. */
struct Pool2D {
  int images, height, width, channels, rows, columns, window, stride;
  bool max, relu;
  const float* bias;  // [channels]; null: none
};

/** Windows of size x size pixels; scale: alpha / size^2. */
struct Lrn {
  int images, height, width, channels, size;
  float scale, beta;
};

struct PoolingKernels {
  /** y [images, channels] = mean over each image's pixels */
  void (*pool)(Values x, float* y, int images, int pixels, int channels);
  void (*pool_grad)(const float* dy, Values dx, int images, int pixels, int channels);
  void (*downsample)(Values x, Values y, const Downsample&);
  void (*downsample_grad)(Values dy, Values dx, const Downsample&);
};

struct Pool2DKernels {
  void (*forward)(Values x, Values y, const Pool2D&);
  /** dbias [channels]; null if there is no bias */
  void (*grad)(Values dy, Values x, Values dx, float* dbias, const Pool2D&);
};

struct LrnKernels {
  void (*forward)(Values x, Values y, const Lrn&);
  void (*grad)(Values dy, Values x, Values dx, const Lrn&);
};

/** x [images, from] weights [from, to] + bias [to] -> y [images, to] */
struct DenseShape {
  int images, from, to;
};

struct DenseGrad {
  const float *dy, *x, *weights;
  float *dx, *dweights, *dbias;
};

/** Logits [images, classes]. */
struct LossShape {
  int images, classes;
  float label_smoothing;
};

struct ClassifierKernels {
  void (*dense)(const float* x, const float* weights, const float* bias, float* y, const DenseShape&);
  void (*dense_grad)(const DenseGrad&, const DenseShape&);
  /** metrics: mean loss, number of correct predictions; gradient [images, classes] of that loss */
  void (*softmax_cross_entropy)(const float* logits, const float* labels, float* metrics, float* gradient,
                                const LossShape&);
};

struct SgdParameter {
  float *parameter, *velocity;
  const float* gradient;
  size_t count;
  float lr, momentum, weight_decay;
};

struct SgdStep {
  bool nesterov, decoupled, lr_inside;
};

struct AdamParameter {
  float *parameter, *first, *second;
  const float* gradient;
  size_t count;
  float lr, step_size, weight_decay;
};

/** p -= step_size first / (inverse_correction sqrt(second) + epsilon): the caller supplies both bias corrections. */
struct AdamStep {
  float beta1, rest1, beta2, rest2, inverse_correction, epsilon;  // rest: 1 - beta, computed in double
  bool decoupled;
};

struct UpdateKernels {
  void (*sgd)(const SgdParameter* parameters, size_t count, const SgdStep&);
  void (*adam)(const AdamParameter* parameters, size_t count, const AdamStep&);
};

struct Batch {
  const uint8_t* images;
  const int32_t* plan;      // four numbers per image: index, top, left, flip
  const float* table;       // [channels, 256]: the normalised value of each byte
  const float* mean_image;  // [height, width, channels], subtracted inside the image; null: none
  int count, height, width, channels, pad;
  enum Mode { zero, reflect, symmetric } mode;
};

struct BatchKernels {
  void (*assemble)(const Batch&, Values y);
};

struct WinogradKernels;
struct DotKernels;

struct Kernels {
  const char* level;
  const ElementwiseKernels* elementwise;
  const BatchNormKernels* batch_norm;
  const PoolingKernels* pooling;
  const Pool2DKernels* pool2d;
  const LrnKernels* lrn;
  const ClassifierKernels* classifier;
  const UpdateKernels* updates;
  const BatchKernels* batch;
  const WinogradKernels* winograd;
  const DotKernels* dot;
};

const Kernels& kernels();
