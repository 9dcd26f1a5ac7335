// Products of small matrices of floats, with the results kept in registers.
#pragma once
#include <cstddef>
#include "vec.h"

namespace {  // separate in each object file, as in vec.h

/** Rows and vectors of the part of a product that is kept in registers. */
constexpr int rows = lanes == 16 ? 12 : 6, vectors = 2;

/** `rows` rows x n vectors of y = v u over k channels; v [rows, k], u [k, stride], y [rows, stride]. */
template <int n> inline void product(const float* v, const float* u, float* y, int k, int stride) {
  vec sum[rows][n];
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < n; j++) sum[r][j] = vec{};
  for (int i = 0; i < k; i++, u += stride) {
    vec line[n];
    for (int j = 0; j < n; j++) line[j] = load<vec>(u + j * lanes);
    for (int r = 0; r < rows; r++)
      for (int j = 0; j < n; j++) sum[r][j] += v[size_t(r) * k + i] * line[j];
  }
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < n; j++) store(y + size_t(r) * stride + j * lanes, sum[r][j]);
}

/** y [count, to] = v [count, from] u [from, to]; count a multiple of `rows`. */
void multiply(const float* v, const float* u, float* y, int count, int from, int to) {
  int c = 0;
  for (; c + vectors * lanes <= to; c += vectors * lanes)
    for (int r = 0; r < count; r += rows) product<vectors>(v + r * from, u + c, y + r * to + c, from, to);
  if (c < to)
    for (int r = 0; r < count; r += rows) product<1>(v + r * from, u + c, y + r * to + c, from, to);
}

constexpr int gradient_rows = lanes == 16 ? 8 : 4;  // divides any number of channels that `lanes` divides

/** s [rows, stride] += v' w over `count` tiles; v [count, from], w [count, stride]. */
template <int n> inline void outer_product(const float* v, const float* w, float* s, int count, int from, int stride) {
  vec sum[gradient_rows][n];
  for (int r = 0; r < gradient_rows; r++)
    for (int j = 0; j < n; j++) sum[r][j] = load<vec>(s + size_t(r) * stride + j * lanes);
  for (int t = 0; t < count; t++, v += from, w += stride) {
    vec line[n];
    for (int j = 0; j < n; j++) line[j] = load<vec>(w + j * lanes);
    for (int r = 0; r < gradient_rows; r++)
      for (int j = 0; j < n; j++) sum[r][j] += v[r] * line[j];
  }
  for (int r = 0; r < gradient_rows; r++)
    for (int j = 0; j < n; j++) store(s + size_t(r) * stride + j * lanes, sum[r][j]);
}

/** s [from, to] += v' w over `count` tiles. */
void multiply_transposed(const float* v, const float* w, float* s, int count, int from, int to) {
  int c = 0;
  for (; c + vectors * lanes <= to; c += vectors * lanes)
    for (int r = 0; r < from; r += gradient_rows)
      outer_product<vectors>(v + r, w + c, s + size_t(r) * to + c, count, from, to);
  if (c < to)
    for (int r = 0; r < from; r += gradient_rows)
      outer_product<1>(v + r, w + c, s + size_t(r) * to + c, count, from, to);
}

}  // namespace
