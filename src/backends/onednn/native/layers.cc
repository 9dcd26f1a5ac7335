// Exports of the layers' kernels, forward and backward.
#include "arguments.h"
#include "convolution.h"

namespace {

size_t product(std::initializer_list<int32_t> sizes) {
  size_t result = 1;
  for (const int32_t size : sizes) {
    if (size < 0) throw std::invalid_argument("a negative size");
    result *= size;
  }
  return result;
}

Way way_of(int number) {
  if (number > int(Way::dot)) throw std::invalid_argument("no such way");
  return Way(number);
}

bool suits_convolution(int way, ConvolutionShape s, bool bf16) { return suits(way_of(way), s, bf16); }

template <Pass pass> void convolution(int way, ConvolutionShape s, Activation x, Floats filter, Activation y) {
  require_length(product({s[0], s[1], s[2], s[3]}), x);
  require_length(product({s[0], s[4], s[5], s[6]}), y);
  require_length(product({s[7], s[8], s[3], s[6]}), filter);
  if (x.values.bf16 != y.values.bf16) throw std::invalid_argument("activations of different precisions");
  if (!suits_convolution(way, s, x.values.bf16)) throw std::invalid_argument("this way does not suit the shape");
  convolve(pass, way_of(way), s, x, filter, y);
}

/** line [2, C]: slope and offset of y, for batch_norm_train_grad. */
void batch_norm_train(Activation x, OptionalActivation residual, Floats scale, Floats shift, Floats running_mean,
                      Floats running_variance, Activation y, Floats mean, Floats inverse_deviation, Floats new_mean,
                      Floats new_variance, Floats line, double epsilon, double momentum, bool relu) {
  const size_t channels = scale.length, pixels = rows_of(x.length, channels);
  require_alike(x, residual);
  require_alike(x, y);
  require_length(channels, shift, running_mean, running_variance, mean, inverse_deviation, new_mean, new_variance);
  require_length(2 * channels, line);
  const BatchNormTrain b{x,
                         values_of(residual),
                         y,
                         scale,
                         shift,
                         running_mean,
                         running_variance,
                         mean,
                         inverse_deviation,
                         new_mean,
                         new_variance,
                         line,
                         line + channels,
                         epsilon,
                         momentum,
                         relu};
  kernels().batch_norm->train(b, pixels, channels);
}

/** line: given if y is relu(slope x + offset) and so need not be read. */
void batch_norm_train_grad(Activation dy, OptionalActivation dy2, Activation x, Activation y,
                           std::optional<Floats> line, Floats scale, Floats mean, Floats inverse_deviation,
                           Activation dx, Floats dscale, Floats dshift, OptionalActivation dresidual, bool relu) {
  const size_t channels = scale.length, pixels = rows_of(x.length, channels);
  for (const OptionalActivation& other :
       {OptionalActivation(dy), dy2, OptionalActivation(y), OptionalActivation(dx), dresidual})
    require_alike(x, other);
  require_length(channels, mean, inverse_deviation, dscale, dshift);
  if (line) require_length(2 * channels, *line);
  const float* slope = line ? line->data : nullptr;
  const float* offset = line ? line->data + channels : nullptr;
  const BatchNormGrad b{dy,   values_of(dy2),    x,      y,      dx,  values_of(dresidual), slope, offset, scale,
                        mean, inverse_deviation, dscale, dshift, relu};
  kernels().batch_norm->grad(b, pixels, channels);
}

void affine(Activation x, OptionalActivation residual, Floats slope, Floats offset, Activation y, bool relu) {
  const size_t channels = slope.length, pixels = rows_of(x.length, channels);
  require_alike(x, residual);
  require_alike(x, y);
  require_length(channels, offset);
  kernels().batch_norm->affine(x, values_of(residual), slope, offset, y, pixels, channels, relu);
}

void add(Activation a, Activation b, Activation y) {
  require_alike(a, b);
  require_alike(a, y);
  kernels().elementwise->add(a, b, y, a.length);
}

void dropout(Activation x, Activation y, double threshold, double key, float kept) {
  require_alike(x, y);
  if (!(threshold >= 0 && threshold <= UINT32_MAX && key >= 0 && key <= UINT32_MAX))
    throw std::invalid_argument("a threshold or key that is not below 2^32");
  kernels().elementwise->dropout(x, y, x.length, uint32_t(threshold), uint32_t(key), kept);
}

/** split: writes a and b instead of y. */
void concat(Activation a, Activation b, Activation y, int left, int right, bool split) {
  const size_t pixels = rows_of(a.length, left);
  require_length(pixels * right, b);
  require_length(pixels * (left + right), y);
  if (a.values.bf16 != b.values.bf16 || a.values.bf16 != y.values.bf16)
    throw std::invalid_argument("activations of different precisions");
  kernels().elementwise->concat(a, b, y, pixels, left, right, split);
}

void channel_sum(Activation x, Floats sum) {
  kernels().elementwise->channel_sum(x, sum, rows_of(x.length, sum.length), sum.length);
}

void pool(Activation x, Floats y, int images, int pixels, int channels) {
  require_length(product({images, pixels, channels}), x);
  require_length(product({images, channels}), y);
  kernels().pooling->pool(x, y, images, pixels, channels);
}

void pool_grad(Floats dy, Activation dx, int images, int pixels, int channels) {
  require_length(product({images, channels}), dy);
  require_length(product({images, pixels, channels}), dx);
  kernels().pooling->pool_grad(dy, dx, images, pixels, channels);
}

/** shape: as in Downsample. */
template <bool gradient> void downsample(Activation from, Activation to, std::array<int32_t, 7> shape) {
  Downsample d;
  std::memcpy(&d, shape.data(), sizeof d);
  static_assert(sizeof d == sizeof shape);
  const auto& [large, small] = gradient ? std::tie(to, from) : std::tie(from, to);
  require_length(product({d.images, d.height, d.width, d.channels}), large);
  require_length(product({d.images, (d.height + 1) / 2, (d.width + 1) / 2, d.output_channels}), small);
  if (d.offset < 0 || d.offset + d.channels > d.output_channels) throw std::invalid_argument("channels do not fit");
  const auto* pooling = kernels().pooling;
  (gradient ? pooling->downsample_grad : pooling->downsample)(from, to, d);
}

/** shape: images, height, width, channels, rows, columns, window, stride. */
Pool2D pool2d_of(const std::array<int32_t, 8>& s, bool max, bool relu, const std::optional<Floats>& bias) {
  for (const int32_t size : {s[6], s[7]})
    if (size < 1) throw std::invalid_argument("a window or stride below 1");
  if ((s[4] - 1) * s[7] >= s[1] || (s[5] - 1) * s[7] >= s[2]) throw std::invalid_argument("windows outside the image");
  if (bias) require_length(s[3], *bias);
  return {s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], max, relu, bias ? bias->data : nullptr};
}

void pool2d(Activation x, std::optional<Floats> bias, Activation y, std::array<int32_t, 8> shape, bool max, bool relu) {
  const Pool2D p = pool2d_of(shape, max, relu, bias);
  require_length(product({p.images, p.height, p.width, p.channels}), x);
  require_length(product({p.images, p.rows, p.columns, p.channels}), y);
  if (x.values.bf16 != y.values.bf16) throw std::invalid_argument("activations of different precisions");
  kernels().pool2d->forward(x, y, p);
}

void pool2d_grad(Activation dy, Activation x, std::optional<Floats> bias, Activation dx, std::optional<Floats> dbias,
                 std::array<int32_t, 8> shape, bool max, bool relu) {
  const Pool2D p = pool2d_of(shape, max, relu, bias);
  require_length(product({p.images, p.height, p.width, p.channels}), x);
  require_length(product({p.images, p.rows, p.columns, p.channels}), dy);
  require_alike(x, dx);
  if (x.values.bf16 != dy.values.bf16) throw std::invalid_argument("activations of different precisions");
  if (dbias) require_length(p.channels, *dbias);
  kernels().pool2d->grad(dy, x, dx, dbias ? dbias->data : nullptr, p);
}

/** shape: images, height, width, channels, size of the window. */
Lrn lrn_of(const Activation& x, const std::array<int32_t, 5>& s, float alpha, float beta) {
  require_length(product({s[0], s[1], s[2], s[3]}), x);
  if (s[4] < 1 || s[4] % 2 == 0) throw std::invalid_argument("the window size must be odd and positive");
  return {s[0], s[1], s[2], s[3], s[4], alpha / (s[4] * s[4]), beta};
}

void lrn(Activation x, Activation y, std::array<int32_t, 5> shape, float alpha, float beta) {
  require_alike(x, y);
  kernels().lrn->forward(x, y, lrn_of(x, shape, alpha, beta));
}

void lrn_grad(Activation dy, Activation x, Activation dx, std::array<int32_t, 5> shape, float alpha, float beta) {
  require_alike(x, dy);
  require_alike(x, dx);
  kernels().lrn->grad(dy, x, dx, lrn_of(x, shape, alpha, beta));
}

void dense(Floats x, Floats weights, Floats bias, Floats y, int images, int from, int to) {
  require_length(product({images, from}), x);
  require_length(product({from, to}), weights);
  require_length(to, bias);
  require_length(product({images, to}), y);
  kernels().classifier->dense(x, weights, bias, y, {images, from, to});
}

void dense_grad(Floats dy, Floats x, Floats weights, Floats dx, Floats dweights, Floats dbias, int images, int from,
                int to) {
  require_length(product({images, to}), dy);
  require_length(product({images, from}), x, dx);
  require_length(product({from, to}), weights, dweights);
  require_length(to, dbias);
  kernels().classifier->dense_grad({dy, x, weights, dx, dweights, dbias}, {images, from, to});
}

/** The caller has checked that the labels are below the number of classes. */
void softmax_cross_entropy(Floats logits, Floats labels, Floats metrics, Floats gradient, float label_smoothing) {
  const size_t images = labels.length, classes = rows_of(logits.length, images);
  require_length(2, metrics);
  require_length(logits.length, gradient);
  kernels().classifier->softmax_cross_entropy(logits, labels, metrics, gradient,
                                              {int(images), int(classes), label_smoothing});
}

}  // namespace

void export_layers(Napi::Object& exports) {
  export_as<suits_convolution>(exports, "convSuits");
  export_as<convolution<Pass::forward>>(exports, "convForward");
  export_as<convolution<Pass::backward_input>>(exports, "convBackwardInput");
  export_as<convolution<Pass::backward_filter>>(exports, "convBackwardFilter");
  export_as<batch_norm_train>(exports, "batchNormTrain");
  export_as<batch_norm_train_grad>(exports, "batchNormTrainGrad");
  export_as<affine>(exports, "affine");
  export_as<add>(exports, "add");
  export_as<dropout>(exports, "dropout");
  export_as<concat>(exports, "concat");
  export_as<channel_sum>(exports, "channelSum");
  export_as<pool>(exports, "pool");
  export_as<pool_grad>(exports, "poolGrad");
  export_as<downsample<false>>(exports, "downsample");
  export_as<downsample<true>>(exports, "downsampleGrad");
  export_as<pool2d>(exports, "pool2d");
  export_as<pool2d_grad>(exports, "pool2dGrad");
  export_as<lrn>(exports, "lrn");
  export_as<lrn_grad>(exports, "lrnGrad");
  export_as<dense>(exports, "dense");
  export_as<dense_grad>(exports, "denseGrad");
  export_as<softmax_cross_entropy>(exports, "softmaxCrossEntropy");
}
