// 3x3 convolutions of 16 channels on bfloat16 values, computed directly with VDPBF16PS, which adds the products of two
// pairs of bfloat16 to a float32 in each of 16 lanes.
#pragma once
#include "kernels.h"

/** A convolution of stride 1 with one pixel of padding, so that x and y have the same size. */
struct Dot {
  uint16_t *x, *y;  // bfloat16 [images, height, width, 16]
  float* filter;    // HWIO [3, 3, 16, 16]
  int images, height, width;
};

struct DotKernels {
  /** Whether the processor has the instruction, and the rows are long enough. */
  bool (*applies)(int width);
  void (*forward)(const Dot&);
  /** Writes x. */
  void (*backward_input)(const Dot&);
  /** Writes filter. */
  void (*backward_filter)(const Dot&);
};
