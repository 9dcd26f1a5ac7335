// Convolutions by oneDNN: primitives, blocked filters and scratch memory are made once for each shape and kept.
#pragma once
#include <array>
#include "kernels.h"

/** images, height, width, channels, output height, width, channels, filter height, width, stride y, x, pad top, left,
 * bottom, right */
using ConvolutionShape = std::array<int32_t, 15>;

enum class Pass { forward, backward_input, backward_filter };

/** oneDNN's direct convolution, or our own C++ (winograd.h, dot.h); `ways` in ../ways.ts has the same order. */
enum class Way { direct, winograd, dot };

/** Whether a convolution of this shape and type can be computed this way. */
bool suits(Way way, const ConvolutionShape& shape, bool bf16);

/** x and y (or their gradients): activations NHWC; filter (or its gradient): float32 HWIO. `pass` decides which one is
 * written. `way` must suit. */
void convolve(Pass pass, Way way, const ConvolutionShape& shape, Values x, float* filter, Values y);

/** Whether oneDNN takes bfloat16 here; if not, the values are widened to float32 for it. */
bool bf16_convolutions();
