#include "convolution.h"
#include <omp.h>
#include <algorithm>
#include <exception>
#include <map>
#include <tuple>
#include <vector>
#include "dnnl_api.h"
#include "dot.h"
#include "memory.h"
#include "winograd.h"

using dnnl::memory;

namespace {

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

Scratch scratchpad, wide_x, wide_y;
ThreadScratch parts;

/** A convolution of one shape, with the filter in the layout that oneDNN prefers for it. */
struct Convolution {
  dnnl::primitive prim;
  memory x_mem, y_mem, filter_mem, blocked_mem, scratch_mem;
  dnnl::reorder reorder_prim;
  bool reordered;
};

memory::desc filter_md(const ConvolutionShape& s, memory::format_tag tag) {
  return {{s[6], s[3], s[7], s[8]}, memory::data_type::f32, tag};
}

ConvolutionMds describe(const ConvolutionShape& s, bool bf16) {
  const auto type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  const auto nhwc = memory::format_tag::nhwc;
  return {{{s[0], s[3], s[1], s[2]}, type, nhwc},
          {{s[6], s[3], s[7], s[8]}, type, memory::format_tag::any},
          filter_md(s, memory::format_tag::any),
          {{s[0], s[6], s[4], s[5]}, type, nhwc},
          {s[9], s[10]},
          {s[11], s[12]},
          {s[13], s[14]}};
}

template <class Pd> Convolution build(const Pd& pd, const ConvolutionMds& mds, const ConvolutionShape& shape,
                                      const memory::desc& blocked_md, bool gradient) {
  auto& cpu = engine();
  Convolution c;
  const auto hwio_md = filter_md(shape, memory::format_tag::hwio);
  c.prim = dnnl::primitive(pd);
  c.x_mem = memory(mds.x, cpu, nullptr);
  c.y_mem = memory(mds.y, cpu, nullptr);
  c.filter_mem = memory(hwio_md, cpu, nullptr);
  c.scratch_mem = memory(pd.scratchpad_desc(), cpu, nullptr);
  c.reordered = blocked_md != hwio_md;
  if (!c.reordered) return c;
  c.blocked_mem = memory(blocked_md, cpu);
  c.reorder_prim = gradient ? dnnl::reorder(c.blocked_mem, c.filter_mem) : dnnl::reorder(c.filter_mem, c.blocked_mem);
  return c;
}

Convolution build(Pass pass, const ConvolutionShape& shape, bool bf16) {
  const auto mds = describe(shape, bf16);
  auto& cpu = engine();
  if (pass == Pass::forward) {
    const auto pd = forward_pd(cpu, mds);
    return build(pd, mds, shape, pd.weights_desc(), false);
  }
  if (pass == Pass::backward_input) {
    const auto pd = backward_input_pd(cpu, mds);
    return build(pd, mds, shape, pd.weights_desc(), false);
  }
  const auto pd = backward_filter_pd(cpu, mds);
  return build(pd, mds, shape, pd.diff_weights_desc(), true);
}

/** OpenMP's number of threads while this exists; a primitive is built for it. */
struct ThreadCount {
  const int before = omp_get_max_threads();
  explicit ThreadCount(int threads) { omp_set_num_threads(threads); }
  ~ThreadCount() { omp_set_num_threads(before); }
};

/** For execution with this many threads. `user`: one of those that use it at the same time, each with its own data. */
Convolution& cached(Pass pass, const ConvolutionShape& shape, bool bf16, int threads, int user = 0) {
  static std::map<std::tuple<Pass, ConvolutionShape, bool, int, int>, Convolution> cache;
  const auto key = std::make_tuple(pass, shape, bf16, threads, user);
  auto found = cache.find(key);
  if (found != cache.end()) return found->second;
  const ThreadCount count(threads);
  return cache.emplace(key, build(pass, shape, bf16)).first->second;
}

size_t scratch_bytes(const Convolution& c) { return c.scratch_mem.get_desc().get_size(); }

void execute(Pass pass, Convolution& c, void* x, float* filter, void* y, void* scratch) {
  dnnl::stream stream(engine());
  c.x_mem.set_data_handle(x);
  c.y_mem.set_data_handle(y);
  c.filter_mem.set_data_handle(filter);
  c.scratch_mem.set_data_handle(scratch);
  auto& filter_mem = c.reordered ? c.blocked_mem : c.filter_mem;
  const bool gradient = pass == Pass::backward_filter;
  if (c.reordered && !gradient) c.reorder_prim.execute(stream, c.filter_mem, c.blocked_mem);
  const int x_arg = pass == Pass::backward_input ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC;
  const int filter_arg = gradient ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS;
  const int y_arg = pass == Pass::forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST;
  c.prim.execute(stream,
                 {{x_arg, c.x_mem}, {filter_arg, filter_mem}, {y_arg, c.y_mem}, {DNNL_ARG_SCRATCHPAD, c.scratch_mem}});
  if (c.reordered && gradient) c.reorder_prim.execute(stream, c.blocked_mem, c.filter_mem);
  stream.wait();
}

size_t filter_count(const ConvolutionShape& s) { return size_t(s[3]) * s[6] * s[7] * s[8]; }
size_t image_count(const ConvolutionShape& s) { return size_t(s[1]) * s[2] * s[3]; }
size_t output_count(const ConvolutionShape& s) { return size_t(s[4]) * s[5] * s[6]; }

/** Whether each thread has images, and adding up the threads' gradients is little work beside computing them. */
bool suits_shares(const ConvolutionShape& s) {
  const size_t threads = omp_get_max_threads();
  return threads > 1 && size_t(s[0]) >= threads && threads * filter_count(s) < s[0] * image_count(s);
}

/**
 * The filter's gradient as the sum of one per thread, each of a share of the images. oneDNN's own threads work in
 * adjacent memory (see ThreadScratch): two may take longer than one.
 */
void execute_shares(const ConvolutionShape& s, bool bf16, char* x, float* filter, char* y) {
  const int threads = omp_get_max_threads();
  const auto first = [&](int t) { return size_t(s[0]) * t / threads; };
  std::vector<Convolution*> convolutions;
  size_t scratch = 0;
  for (int t = 0; t < threads; t++) {
    ConvolutionShape share = s;
    share[0] = first(t + 1) - first(t);
    convolutions.push_back(&cached(Pass::backward_filter, share, bf16, 1, t));
    scratch = std::max(scratch, scratch_bytes(*convolutions[t]));
  }
  const size_t count = filter_count(s), value = bf16 ? 2 : 4;
  const size_t padded = (count + 15) / 16 * 16;  // oneDNN's memory follows, aligned to a cache line
  parts.reserve(threads, padded * sizeof(float) + scratch);
  std::exception_ptr failure;
#pragma omp parallel for schedule(static)
  for (int t = 0; t < threads; t++) {
    float* gradient = parts.floats(t);
    char *images = x + first(t) * image_count(s) * value, *outputs = y + first(t) * output_count(s) * value;
    try {
      execute(Pass::backward_filter, *convolutions[t], images, gradient, outputs, gradient + padded);
    } catch (...) {
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
#pragma omp parallel
  parts.sum_floats(threads, count, filter);
}

void execute(Pass pass, const ConvolutionShape& s, bool bf16, void* x, float* filter, void* y) {
  if (pass == Pass::backward_filter && suits_shares(s))
    return execute_shares(s, bf16, static_cast<char*>(x), filter, static_cast<char*>(y));
  auto& convolution = cached(pass, s, bf16, omp_get_max_threads());
  execute(pass, convolution, x, filter, y, scratchpad.at_least(scratch_bytes(convolution)));
}

/** bfloat16 activations through a float32 convolution. */
void execute_widened(Pass pass, const ConvolutionShape& s, Values x, float* filter, Values y) {
  const size_t x_count = s[0] * image_count(s), y_count = s[0] * output_count(s);
  float *x32 = wide_x.floats(x_count), *y32 = wide_y.floats(y_count);
  if (pass != Pass::backward_input) kernels().elementwise->widen(static_cast<uint16_t*>(x.data), x32, x_count);
  if (pass != Pass::forward) kernels().elementwise->widen(static_cast<uint16_t*>(y.data), y32, y_count);
  execute(pass, s, false, x32, filter, y32);
  if (pass == Pass::backward_input) kernels().elementwise->narrow(x32, static_cast<uint16_t*>(x.data), x_count);
  if (pass == Pass::forward) kernels().elementwise->narrow(y32, static_cast<uint16_t*>(y.data), y_count);
}

bool suits_winograd(const ConvolutionShape& s) {
  const bool square = s[7] == s[8] && s[9] == 1 && s[10] == 1;
  const bool padded = s[11] < s[7] && s[12] < s[8];
  return square && padded && kernels().winograd->applies(s[7], s[3], s[6]);
}

bool suits_dot(const ConvolutionShape& s) {
  const ConvolutionShape expected = {s[0], s[1], s[2], 16, s[1], s[2], 16, 3, 3, 1, 1, 1, 1, 1, 1};
  return s == expected && kernels().dot->applies(s[2]);
}

/** The function of WinogradKernels or DotKernels for a pass. */
template <class Passes> auto function_for(Pass pass, const Passes& passes) {
  if (pass == Pass::forward) return passes.forward;
  return pass == Pass::backward_input ? passes.backward_input : passes.backward_filter;
}

}  // namespace

bool suits(Way way, const ConvolutionShape& shape, bool bf16) {
  if (way == Way::winograd) return suits_winograd(shape);
  return way == Way::direct || (bf16 && suits_dot(shape));
}

void convolve(Pass pass, Way way, const ConvolutionShape& s, Values x, float* filter, Values y) {
  if (way == Way::winograd)
    return function_for(
        pass, *kernels().winograd)({x, y, filter, s[7], s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[11], s[12]});
  if (way == Way::dot)
    return function_for(pass, *kernels().dot)(
        {static_cast<uint16_t*>(x.data), static_cast<uint16_t*>(y.data), filter, s[0], s[1], s[2]});
  if (x.bf16 && !bf16_convolutions()) return execute_widened(pass, s, x, filter, y);
  execute(pass, s, x.bf16, x.data, filter, y.data);
}

bool bf16_convolutions() {
  static const bool supported = [] {
    try {
      forward_pd(engine(), describe({1, 8, 8, 16, 8, 8, 16, 3, 3, 1, 1, 1, 1, 1, 1}, true));
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }();
  return supported;
}
