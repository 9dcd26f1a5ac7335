// The one place that knows oneDNN's two APIs: 2.x describes an operation by a `desc`, 3.x by the primitive_desc's own
// arguments.
#pragma once
#include <dnnl.hpp>

struct ConvolutionMds {
  dnnl::memory::desc x, filter, dfilter, y;
  dnnl::memory::dims strides, pad_before, pad_after;
};

inline dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

#if DNNL_VERSION_MAJOR >= 3
#define CONV_PD(Kind, ...) dnnl::Kind::primitive_desc(engine, __VA_ARGS__, user_scratchpad())
#define CONV_PD_HINT(Kind, hint, ...) dnnl::Kind::primitive_desc(engine, __VA_ARGS__, hint, user_scratchpad())
#else
#define CONV_PD(Kind, ...) dnnl::Kind::primitive_desc(dnnl::Kind::desc(__VA_ARGS__), user_scratchpad(), engine)
#define CONV_PD_HINT(Kind, hint, ...) \
  dnnl::Kind::primitive_desc(dnnl::Kind::desc(__VA_ARGS__), user_scratchpad(), engine, hint)
#endif

constexpr auto direct = dnnl::algorithm::convolution_direct;

inline auto forward_pd(const dnnl::engine& engine, const ConvolutionMds& m) {
  return CONV_PD(convolution_forward, dnnl::prop_kind::forward_training, direct, m.x, m.filter, m.y, m.strides,
                 m.pad_before, m.pad_after);
}

inline auto backward_input_pd(const dnnl::engine& engine, const ConvolutionMds& m) {
  auto hint = forward_pd(engine, m);
  return CONV_PD_HINT(convolution_backward_data, hint, direct, m.x, m.filter, m.y, m.strides, m.pad_before,
                      m.pad_after);
}

inline auto backward_filter_pd(const dnnl::engine& engine, const ConvolutionMds& m) {
  auto hint = forward_pd(engine, m);
  return CONV_PD_HINT(convolution_backward_weights, hint, direct, m.x, m.dfilter, m.y, m.strides, m.pad_before,
                      m.pad_after);
}

#undef CONV_PD
#undef CONV_PD_HINT
