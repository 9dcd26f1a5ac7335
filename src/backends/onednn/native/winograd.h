// 3x3 and 5x5 convolutions of stride 1 by Winograd's minimal filtering F(4x4, 3x3) and F(4x4, 5x5): 36 products
// instead of 144 and 64 instead of 400 for 4x4 outputs (Lavin & Gray, arXiv:1509.09308). Compiled once per processor
// level.
#pragma once
#include "kernels.h"

/** A convolution of stride 1; x [images, height, width, from], y [images, output height, width, to].
 */
struct Winograd {
  Values x, y;
  float* filter;  // HWIO [kernel, kernel, from, to]
  int kernel;     // 3 or 5
  int images, height, width, from, output_height, output_width, to, pad_top, pad_left;
};

struct WinogradKernels {
  /** Whether it supports this filter size and these numbers of channels. */
  bool (*applies)(int kernel, int from, int to);
  void (*forward)(const Winograd&);
  /** Writes x. */
  void (*backward_input)(const Winograd&);
  /** Writes filter. */
  void (*backward_filter)(const Winograd&);
};
