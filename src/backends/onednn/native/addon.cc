// What JavaScript sees. Every array comes from the caller, already checked and of the right length; nothing is copied.
#include <napi.h>
#include <omp.h>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>
#include "convolution.h"
#include "dnnl_api.h"
#include "kernels.h"

extern const Kernels kernels_base;
#if defined(__x86_64__)
extern const Kernels kernels_v3, kernels_v4;
#endif

const Kernels& kernels() {
#if defined(__x86_64__)
  static const Kernels& best = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
                                   ? kernels_v4
                                   : (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? kernels_v3 : kernels_base);
  return best;
#else
  return kernels_base;
#endif
}

namespace {

/** Takes a call's arguments one after the other. */
class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  /** A Float32Array, or a Uint16Array of bfloat16 values, or undefined. */
  Values values() {
    const Napi::Value value = info_[next_++];
    if (!value.IsTypedArray()) return {nullptr, false};
    return {start(value), value.As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array};
  }
  template <class T> T* array() { return static_cast<T*>(start(info_[next_++])); }
  float* floats() { return array<float>(); }
  size_t length() const { return info_[next_ - 1].As<Napi::TypedArray>().ElementLength(); }
  double number() { return info_[next_++].As<Napi::Number>().DoubleValue(); }
  int integer() { return info_[next_++].As<Napi::Number>().Int32Value(); }
  bool flag() { return info_[next_++].As<Napi::Boolean>().Value(); }
  Napi::Array list() { return info_[next_++].As<Napi::Array>(); }

  static void* start(const Napi::Value& value) {
    const auto array = value.As<Napi::TypedArray>();
    return static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  }

 private:
  const Napi::CallbackInfo& info_;
  size_t next_ = 0;
};

/** Floats of the list's k-th array. */
float* floats_of(const Napi::Array& list, uint32_t k) { return static_cast<float*>(Arguments::start(list.Get(k))); }

/** allocate(bytes): an ArrayBuffer at a multiple of 64 bytes, freed when JavaScript lets go of it. */
Napi::Value allocate(const Napi::CallbackInfo& info) {
  const size_t bytes = (size_t(Arguments(info).number()) + 63) / 64 * 64;
  void* memory = std::aligned_alloc(64, bytes);
  if (!memory) throw std::bad_alloc();
  return Napi::ArrayBuffer::New(info.Env(), memory, bytes, [](Napi::Env, void* data) { std::free(data); });
}

/** setThreads(n) */
void set_threads(Arguments& a) { omp_set_num_threads(a.integer()); }

/** widen(from bf16, to floats), narrow(from floats, to bf16) */
void widen(Arguments& a) {
  const auto* from = a.array<uint16_t>();
  const size_t count = a.length();
  kernels().widen(from, a.floats(), count);
}
void narrow(Arguments& a) {
  const float* from = a.floats();
  const size_t count = a.length();
  kernels().narrow(from, a.array<uint16_t>(), count);
}

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
  const Values x = a.values();
  const size_t count = a.length();
  const Values residual = a.values();
  const float* scale = a.floats();
  const int channels = a.length();
  const float *shift = a.floats(), *running_mean = a.floats(), *running_variance = a.floats();
  const Values y = a.values();
  float *mean = a.floats(), *inverse = a.floats(), *new_mean = a.floats(), *new_variance = a.floats(), *line = a.floats();
  const double epsilon = a.number(), momentum = a.number();
  const bool relu = a.flag();

  const size_t pixels = count / channels;
  std::vector<double> moments(2 * channels);
  kernels().moments(x, pixels, channels, &moments[0], &moments[channels]);
  for (int c = 0; c < channels; c++) {
    const double centre = moments[c], variance = moments[channels + c], deviation = 1 / std::sqrt(variance + epsilon);
    const double unbiased = pixels > 1 ? variance * pixels / (pixels - 1) : variance;
    mean[c] = centre;
    inverse[c] = deviation;
    new_mean[c] = (1 - momentum) * running_mean[c] + momentum * centre;
    new_variance[c] = (1 - momentum) * running_variance[c] + momentum * unbiased;
    line[c] = scale[c] * deviation;
    line[channels + c] = shift[c] - scale[c] * deviation * centre;
  }
  kernels().affine(x, residual, line, line + channels, y, pixels, channels, relu);
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
  kernels().batch_norm_grad(b, count / channels, channels);
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
  kernels().affine(x, residual, slope, offset, y, count / channels, channels, a.flag());
}

/** (a, b, y) */
void add(Arguments& arguments) {
  const Values a = arguments.values();
  const size_t count = arguments.length();
  const Values b = arguments.values();
  kernels().add(a, b, arguments.values(), count);
}

/** (x, sum) */
void channel_sum(Arguments& a) {
  const Values x = a.values();
  const size_t count = a.length();
  float* sum = a.floats();
  kernels().channel_sum(x, sum, count / a.length(), a.length());
}

/** (x, y, images, pixels, channels) and (dy, dx, images, pixels, channels) */
void pool(Arguments& a) {
  const Values x = a.values();
  float* y = a.floats();
  const int images = a.integer(), pixels = a.integer();
  kernels().pool(x, y, images, pixels, a.integer());
}
void pool_grad(Arguments& a) {
  const float* dy = a.floats();
  const Values dx = a.values();
  const int images = a.integer(), pixels = a.integer();
  kernels().pool_grad(dy, dx, images, pixels, a.integer());
}

/** (x, y, shape Int32Array as in Downsample) and the same with (dy, dx, shape) */
template <bool gradient> void downsample(Arguments& a) {
  const Values from = a.values(), to = a.values();
  Downsample d;
  std::memcpy(&d, a.array<int32_t>(), sizeof d);
  (gradient ? kernels().downsample_grad : kernels().downsample)(from, to, d);
}

/** (parameters, gradients, velocities: lists of arrays, momentum, weightDecay: Float64Array, lr, nesterov, decoupled, lrInside), in place */
void sgd(Arguments& a) {
  const auto parameters = a.list(), gradients = a.list(), velocities = a.list();
  const double *momentum = a.array<double>(), *weight_decay = a.array<double>();
  std::vector<SgdParameter> all(parameters.Length());
  for (uint32_t k = 0; k < all.size(); k++) {
    const size_t count = parameters.Get(k).As<Napi::TypedArray>().ElementLength();
    all[k] = {floats_of(parameters, k), floats_of(velocities, k), floats_of(gradients, k), count, float(momentum[k]), float(weight_decay[k])};
  }
  SgdStep step;
  step.lr = a.number();
  step.nesterov = a.flag();
  step.decoupled = a.flag();
  step.lr_inside = a.flag();
  kernels().sgd(all.data(), all.size(), step);
}

/** (images, plan, table, y, height, width, channels, pad, mode) */
void assemble(Arguments& a) {
  Batch b;
  b.images = a.array<uint8_t>();
  b.plan = a.array<int32_t>();
  b.count = a.length() / 4;
  b.table = a.floats();
  const Values y = a.values();
  b.height = a.integer();
  b.width = a.integer();
  b.channels = a.integer();
  b.pad = a.integer();
  b.mode = static_cast<Batch::Mode>(a.integer());
  kernels().assemble(b, y);
}

/** Makes an export of a function over Arguments: C++ exceptions become JavaScript's. */
template <void (*function)(Arguments&)> Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    Arguments arguments(info);
    function(arguments);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
  return info.Env().Undefined();
}

template <void (*function)(Arguments&)> void export_as(Napi::Object& exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(exports.Env(), name));
}

bool native_bf16() {
#if defined(__x86_64__)
  return bf16_convolutions() && __builtin_cpu_supports("avx512bf16");
#else
  return bf16_convolutions();
#endif
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  const auto* version = dnnl_version();
  exports.Set("version", std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch));
  exports.Set("level", kernels().level);
  exports.Set("nativeBf16", native_bf16());
  exports.Set("allocate", Napi::Function::New(env, allocate, "allocate"));
  export_as<set_threads>(exports, "setThreads");
  export_as<widen>(exports, "widen");
  export_as<narrow>(exports, "narrow");
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
  export_as<sgd>(exports, "sgd");
  export_as<assemble>(exports, "assemble");
  return exports;
}

}  // namespace

NODE_API_MODULE(onednn, initialise)
