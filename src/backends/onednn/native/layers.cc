// Exports of the layers' kernels, forward and backward.
#include <cstring>
#include "arguments.h"
#include "convolution.h"

namespace {

/** (shape Int32Array, x, filter, y) */
template <Pass pass> void convolution(Arguments& a) {
  ConvolutionShape shape;
  std::memcpy(shape.data(), a.array<int32_t>(), sizeof shape);
  const Values x = a.values();
  float* filter = a.floats();
  convolve(pass, shape, x, filter, a.values());
}

/** (x, residual, scale, shift, runningMean, runningVariance, y, mean, inverseDeviation, newMean, newVariance, line, epsilon, momentum, relu); line [2, C]: slope and offset of y */
void batch_norm_train(Arguments& a) {
  BatchNormTrain b;
  b.x = a.values();
  const size_t count = a.length();
  b.residual = a.values();
  b.scale = a.floats();
  const int channels = a.length();
  b.shift = a.floats();
  b.running_mean = a.floats();
  b.running_variance = a.floats();
  b.y = a.values();
  b.mean = a.floats();
  b.inverse_deviation = a.floats();
  b.new_mean = a.floats();
  b.new_variance = a.floats();
  b.slope = a.floats();
  b.offset = b.slope + channels;
  b.epsilon = a.number();
  b.momentum = a.number();
  b.relu = a.flag();
  kernels().batch_norm->train(b, count / channels, channels);
}

/** (dy, dy2, x, y, line, scale, mean, inverseDeviation, dx, dScale, dShift, dResidual, relu) */
void batch_norm_train_grad(Arguments& a) {
  BatchNormGrad b;
  b.dy = a.values();
  b.dy2 = a.values();
  b.x = a.values();
  const size_t count = a.length();
  b.y = a.values();
  b.slope = static_cast<float*>(a.values().data);
  b.scale = a.floats();
  const int channels = a.length();
  b.offset = b.slope ? b.slope + channels : nullptr;
  b.mean = a.floats();
  b.inverse_deviation = a.floats();
  b.dx = a.values();
  b.dscale = a.floats();
  b.dshift = a.floats();
  b.dresidual = a.values();
  b.relu = a.flag();
  kernels().batch_norm->grad(b, count / channels, channels);
}

/** (x, residual, slope, offset, y, relu) */
void affine(Arguments& a) {
  const Values x = a.values();
  const size_t count = a.length();
  const Values residual = a.values();
  const float* slope = a.floats();
  const int channels = a.length();
  const float* offset = a.floats();
  const Values y = a.values();
  kernels().batch_norm->affine(x, residual, slope, offset, y, count / channels, channels, a.flag());
}

/** (a, b, y) */
void add(Arguments& arguments) {
  const Values a = arguments.values();
  const size_t count = arguments.length();
  const Values b = arguments.values();
  kernels().elementwise->add(a, b, arguments.values(), count);
}

/** (x, sum) */
void channel_sum(Arguments& a) {
  const Values x = a.values();
  const size_t count = a.length();
  float* sum = a.floats();
  kernels().elementwise->channel_sum(x, sum, count / a.length(), a.length());
}

/** (x, y, images, pixels, channels) and (dy, dx, images, pixels, channels) */
void pool(Arguments& a) {
  const Values x = a.values();
  float* y = a.floats();
  const int images = a.integer(), pixels = a.integer();
  kernels().pooling->pool(x, y, images, pixels, a.integer());
}
void pool_grad(Arguments& a) {
  const float* dy = a.floats();
  const Values dx = a.values();
  const int images = a.integer(), pixels = a.integer();
  kernels().pooling->pool_grad(dy, dx, images, pixels, a.integer());
}

/** (x, y, shape Int32Array as in Downsample) and the same with (dy, dx, shape) */
template <bool gradient> void downsample(Arguments& a) {
  const Values from = a.values(), to = a.values();
  Downsample d;
  std::memcpy(&d, a.array<int32_t>(), sizeof d);
  const auto* pooling = kernels().pooling;
  (gradient ? pooling->downsample_grad : pooling->downsample)(from, to, d);
}

DenseShape dense_shape(Arguments& a) {
  DenseShape s;
  s.images = a.integer();
  s.from = a.integer();
  s.to = a.integer();
  return s;
}

/** (x, weights, bias, y, images, from, to) */
void dense(Arguments& a) {
  const float *x = a.floats(), *weights = a.floats(), *bias = a.floats();
  float* y = a.floats();
  kernels().classifier->dense(x, weights, bias, y, dense_shape(a));
}
/** (dy, x, weights, dx, dWeights, dBias, images, from, to) */
void dense_grad(Arguments& a) {
  DenseGrad d;
  d.dy = a.floats();
  d.x = a.floats();
  d.weights = a.floats();
  d.dx = a.floats();
  d.dweights = a.floats();
  d.dbias = a.floats();
  kernels().classifier->dense_grad(d, dense_shape(a));
}

/** (logits, labels, metrics, gradient) */
void softmax_cross_entropy(Arguments& a) {
  const float* logits = a.floats();
  const size_t count = a.length();
  const float* labels = a.floats();
  const int images = a.length();
  float *metrics = a.floats(), *gradient = a.floats();
  kernels().classifier->softmax_cross_entropy(logits, labels, metrics, gradient, images, count / images);
}

}  // namespace

void export_layers(Napi::Object& exports) {
  export_as<convolution<Pass::forward>>(exports, "convForward");
  export_as<convolution<Pass::backward_input>>(exports, "convBackwardInput");
  export_as<convolution<Pass::backward_filter>>(exports, "convBackwardFilter");
  export_as<batch_norm_train>(exports, "batchNormTrain");
  export_as<batch_norm_train_grad>(exports, "batchNormTrainGrad");
  export_as<affine>(exports, "affine");
  export_as<add>(exports, "add");
  export_as<channel_sum>(exports, "channelSum");
  export_as<pool>(exports, "pool");
  export_as<pool_grad>(exports, "poolGrad");
  export_as<downsample<false>>(exports, "downsample");
  export_as<downsample<true>>(exports, "downsampleGrad");
  export_as<dense>(exports, "dense");
  export_as<dense_grad>(exports, "denseGrad");
  export_as<softmax_cross_entropy>(exports, "softmaxCrossEntropy");
}
