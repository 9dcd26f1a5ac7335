// The bare loop: a training step of a CIFAR ResNet with zero-padded shortcuts as oneDNN's own primitives, without loss,
// optimizer or language above them: what the library itself allows. oneDNN 2.6 or 3. Prints JSON: median_ms of a step,
// version.
//   g++ -O2 -std=c++17 bench-onednn.cc -ldnnl -o bench-onednn && ./bench-onednn DEPTH BATCH f32|bf16 STEPS
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>
using namespace dnnl;
using dims = memory::dims;
using Arguments = std::unordered_map<int, memory>;

static const engine cpu(engine::kind::cpu, 0);
static stream queue(cpu);
static memory::data_type precision = memory::data_type::f32;
static int64_t batch = 128;
static std::vector<std::function<void()>> forward, backward;  // backward runs from its end

// 2.x describes an operation by a `desc`, 3.x by the primitive_desc's own arguments, and requires more of the shapes.
#if DNNL_VERSION_MAJOR >= 3
#define PD(Kind, ...) Kind::primitive_desc(cpu, __VA_ARGS__)
#define PD_HINT(Kind, hint, ...) Kind::primitive_desc(cpu, __VA_ARGS__, hint)
#define BINARY_PD(attributes, ...) binary::primitive_desc(cpu, __VA_ARGS__, attributes)
#define IN_3(md) md,
#define RELU algorithm::eltwise_relu, 0.f, 0.f
#else
#define PD(Kind, ...) Kind::primitive_desc(Kind::desc(__VA_ARGS__), cpu)
#define PD_HINT(Kind, hint, ...) Kind::primitive_desc(Kind::desc(__VA_ARGS__), cpu, hint)
#define BINARY_PD(attributes, ...) binary::primitive_desc(binary::desc(__VA_ARGS__), attributes, cpu)
#define IN_3(md)
#define RELU 1.f, algorithm::eltwise_relu, 0.f, 0.f
#endif

static memory zeros(const memory::desc& md) {
  memory result(md, cpu);
  std::memset(result.get_data_handle(), 0, md.get_size());
  return result;
}

template <class Primitive> static std::function<void()> call(const Primitive& primitive, const Arguments& arguments) {
  return [=] { Primitive(primitive).execute(queue, arguments); };
}

// An activation, and the buffer that its gradient passes through: a few per stage, as a pool would hand out.
struct Tensor {
  int64_t channels, size;
  memory gradient;
  memory::desc md() const { return memory::desc({batch, channels, size, size}, precision, memory::format_tag::nhwc); }
  memory values = zeros(md());
};

struct Stage {
  int64_t channels, size;
  memory gradients[4];
  Tensor tensor(int gradient) const { return {channels, size, gradients[gradient]}; }
};

static void convolve(const Tensor& x, const Tensor& y, bool first = false) {
  const int64_t stride = x.size / y.size;
  const dims strides{stride, stride}, before{stride == 1, stride == 1}, after{1, 1};
  const memory::desc in = x.md(), out = y.md();
  const memory::desc filter({y.channels, x.channels, 3, 3}, precision, memory::format_tag::any);
  const auto way = algorithm::convolution_direct;
  const auto pd = PD(convolution_forward, prop_kind::forward_training, way, in, filter, out, strides, before, after);
  const auto input = PD_HINT(convolution_backward_data, pd, way, in, filter, out, strides, before, after);
  const auto weights = PD_HINT(convolution_backward_weights, pd, way, in, filter, out, strides, before, after);
  forward.push_back(
      call(convolution_forward(pd),
           {{DNNL_ARG_SRC, x.values}, {DNNL_ARG_WEIGHTS, zeros(pd.weights_desc())}, {DNNL_ARG_DST, y.values}}));
  if (!first)
    backward.push_back(call(convolution_backward_data(input), {{DNNL_ARG_DIFF_DST, y.gradient},
                                                               {DNNL_ARG_WEIGHTS, zeros(input.weights_desc())},
                                                               {DNNL_ARG_DIFF_SRC, x.gradient}}));
  backward.push_back(
      call(convolution_backward_weights(weights), {{DNNL_ARG_SRC, x.values},
                                                   {DNNL_ARG_DIFF_DST, y.gradient},
                                                   {DNNL_ARG_DIFF_WEIGHTS, zeros(weights.diff_weights_desc())}}));
}

static void normalize(const Tensor& x, const Tensor& y, bool relu) {
  const memory::desc md = x.md(), channel({x.channels}, memory::data_type::f32, memory::format_tag::x);
  auto flags = normalization_flags::use_scale | normalization_flags::use_shift;
  if (relu) flags |= normalization_flags::fuse_norm_relu;
  const auto pd = PD(batch_normalization_forward, prop_kind::forward_training, md, IN_3(md) 1e-5f, flags);
  const auto gradient = PD_HINT(batch_normalization_backward, pd, prop_kind::backward, md, md, IN_3(md) 1e-5f, flags);
  Arguments both{{DNNL_ARG_SRC, x.values},
                 {DNNL_ARG_MEAN, zeros(channel)},
                 {DNNL_ARG_VARIANCE, zeros(channel)},
                 {DNNL_ARG_SCALE, zeros(channel)},
                 {DNNL_ARG_SHIFT, zeros(channel)}};
  if (relu) both[DNNL_ARG_WORKSPACE] = zeros(pd.workspace_desc());
  Arguments there = both, back = both;
  there[DNNL_ARG_DST] = y.values;
  back.insert({{DNNL_ARG_DIFF_DST, y.gradient},
               {DNNL_ARG_DIFF_SRC, x.gradient},
               {DNNL_ARG_DIFF_SCALE, zeros(channel)},
               {DNNL_ARG_DIFF_SHIFT, zeros(channel)}});
  forward.push_back(call(batch_normalization_forward(pd), there));
  backward.push_back(call(batch_normalization_backward(gradient), back));
}

// Every second pixel of x, and the channels of y that they go to: a shortcut between two stages.
static memory::desc every_second(const Tensor& x) {
  const int64_t row = x.size * x.channels;
  return memory::desc({batch, x.channels, x.size / 2, x.size / 2}, precision,
                      {x.size * row, 1, 2 * row, 2 * x.channels});
}
static memory::desc middle(const Tensor& y, int64_t channels) {
  return y.md().submemory_desc({batch, channels, y.size, y.size}, {0, (y.channels - channels) / 2, 0, 0});
}

// relu(x's shortcut + batch norm of two convolutions); x.gradient: the convolutions' part, then plus the shortcut's.
static Tensor block(const Tensor& x, const Stage& stage, int gradient) {
  const Tensor sum = stage.tensor(gradient), first = stage.tensor(2), between = stage.tensor(3);
  const Tensor second = stage.tensor(2), normed{stage.channels, stage.size, sum.gradient};
  const memory::desc md = sum.md();
  const bool padded = x.channels != stage.channels;
  const memory shortcut = padded ? zeros(md) : x.values;
  if (padded) {
    const memory::desc from = every_second(x), to = middle(sum, x.channels);
    post_ops add;
    add.append_sum(1.f);
    primitive_attr adding;
    adding.set_post_ops(add);
    forward.push_back(call(reorder(reorder::primitive_desc(cpu, from, cpu, to)),
                           {{DNNL_ARG_FROM, memory(from, cpu, x.values.get_data_handle())},
                            {DNNL_ARG_TO, memory(to, cpu, shortcut.get_data_handle())}}));
    backward.push_back(call(reorder(reorder::primitive_desc(cpu, to, cpu, from, adding)),
                            {{DNNL_ARG_FROM, memory(to, cpu, sum.gradient.get_data_handle())},
                             {DNNL_ARG_TO, memory(from, cpu, x.gradient.get_data_handle())}}));
  } else {
    backward.push_back(
        call(binary(BINARY_PD(primitive_attr(), algorithm::binary_add, md, md, md)),
             {{DNNL_ARG_SRC_0, x.gradient}, {DNNL_ARG_SRC_1, sum.gradient}, {DNNL_ARG_DST, x.gradient}}));
  }
  convolve(x, first);
  normalize(first, between, true);
  convolve(between, second);
  normalize(second, normed, false);

  post_ops relu_after;
  relu_after.append_eltwise(RELU);
  primitive_attr with_relu;
  with_relu.set_post_ops(relu_after);
  forward.push_back(call(binary(BINARY_PD(with_relu, algorithm::binary_add, md, md, md)),
                         {{DNNL_ARG_SRC_0, normed.values}, {DNNL_ARG_SRC_1, shortcut}, {DNNL_ARG_DST, sum.values}}));
  const auto relu = PD(eltwise_forward, prop_kind::forward_training, algorithm::eltwise_relu, md, IN_3(md) 0.f, 0.f);
  const auto relu_gradient = PD_HINT(eltwise_backward, relu, algorithm::eltwise_relu, md, md, IN_3(md) 0.f, 0.f);
  backward.push_back(
      call(eltwise_backward(relu_gradient),
           {{DNNL_ARG_SRC, sum.values}, {DNNL_ARG_DIFF_DST, sum.gradient}, {DNNL_ARG_DIFF_SRC, sum.gradient}}));
  return sum;
}

static double step() {
  const auto start = std::chrono::steady_clock::now();
  for (auto& primitive : forward) primitive();
  for (auto primitive = backward.rbegin(); primitive != backward.rend(); ++primitive) (*primitive)();
  queue.wait();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

int main(int count, char** arguments) {
  if (count != 5) return std::fprintf(stderr, "usage: %s DEPTH BATCH f32|bf16 STEPS\n", arguments[0]), 2;
  const int blocks = (std::atoi(arguments[1]) - 2) / 6, steps = std::atoi(arguments[4]);
  batch = std::atoi(arguments[2]);
  if (std::string(arguments[3]) == "bf16") precision = memory::data_type::bf16;

  Stage stage{16, 32, {}};
  for (auto& buffer : stage.gradients) buffer = zeros(Tensor{16, 32, {}}.md());
  const Tensor images{3, 32, {}}, stem = stage.tensor(2);
  Tensor x = stage.tensor(0);
  convolve(images, stem, true);
  normalize(stem, x, true);
  for (int n = 0; n < 3 * blocks; n++) {
    if (n > 0 && n % blocks == 0) {
      stage = {2 * stage.channels, stage.size / 2, {}};
      for (auto& buffer : stage.gradients) buffer = zeros(Tensor{stage.channels, stage.size, {}}.md());
    }
    x = block(x, stage, (n + 1) % 2);
  }

  for (int n = 0; n < 3; n++) step();
  std::vector<double> times(steps);
  for (double& time : times) time = step();
  std::nth_element(times.begin(), times.begin() + steps / 2, times.end());
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto* version = dnnl_version();
  std::printf("{\"median_ms\": %.3f, \"peak_memory_mb\": %.0f, \"version\": \"oneDNN %d.%d.%d\"}\n", times[steps / 2],
              usage.ru_maxrss / 1000.0, version->major, version->minor, version->patch);
}
