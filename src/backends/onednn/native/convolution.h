// Convolutions by oneDNN: primitives, blocked filters and scratch memory are made once for each shape and kept.
#pragma once
#include <array>
#include "kernels.h"

/** images, height, width, channels, output height, width, channels, filter height, width, stride y, x, pad top, left,
 * bottom, right */
using ConvolutionShape = std::array<int32_t, 15>;

enum class Pass { forward, backward_input, backward_filter };

/** oneDNN's direct convolution, or own C++ (winograd.h): kernels/ways.ts numbers them so. */
enum class Way { direct, winograd };

/** Whether a convolution of this shape can be computed so. */
bool suits(Way way, const ConvolutionShape& shape);

/** x and y (or their gradients): activations NHWC; filter (or its gradient): float32 HWIO. `pass` says which one is
 * written. `way` must suit. */
void convolve(Pass pass, Way way, const ConvolutionShape& shape, Values x, float* filter, Values y);

/** Whether oneDNN takes bfloat16 here; where not, the values are widened to float32 around it. */
bool bf16_convolutions();
