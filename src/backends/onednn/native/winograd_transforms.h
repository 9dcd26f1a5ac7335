// The one-dimensional transforms of F(4x4, 3x3) and F(4x4, 5x5), each for a vector of channels.
#pragma once
#include "vec.h"

namespace {  // separate in each object file, as in vec.h

/**
 * Interpolation at 0, pairs of points +-p, and infinity, for filters of kernel x kernel. Of all multiples of a quarter
 * or a sixteenth these points have the least error: for 3x3 a quarter of the error of the usual +-1, +-2.
 */
template <int kernel> struct Points;
template <> struct Points<3> {
  static constexpr int pairs = 2;
  static constexpr float at[] = {0.75f, 1.5f};
};
template <> struct Points<5> {
  static constexpr int pairs = 3;
  static constexpr float at[] = {0.5625f, 1, 2};
};

constexpr int tile = 4;
template <int kernel> constexpr int patch = tile + kernel - 1;

template <int size> struct Coefficients { float of[size]; };

/** Coefficients of the product of (z - p^2) over all pairs, or over all but one. */
template <int kernel> constexpr auto product_without(int left_out) {
  using P = Points<kernel>;
  Coefficients<P::pairs + 1> c{};
  c.of[0] = 1;
  for (int k = 0; k < P::pairs; k++)
    if (k != left_out)
      for (int i = P::pairs; i >= 0; i--) c.of[i] = (i ? c.of[i - 1] : 0) - P::at[k] * P::at[k] * c.of[i];
  return c;
}

/** The same product's value at z. */
template <int kernel> constexpr float product_at(float z, int left_out) {
  float value = 1;
  for (int k = 0; k < Points<kernel>::pairs; k++)
    if (k != left_out) value *= z - Points<kernel>::at[k] * Points<kernel>::at[k];
  return value;
}

/** The weights of the filter's transform: 1 / the product of a point's differences from the other points. */
template <int kernel> constexpr auto weights_of_pairs() {
  Coefficients<Points<kernel>::pairs> w{};
  for (int k = 0; k < Points<kernel>::pairs; k++) {
    const float square = Points<kernel>::at[k] * Points<kernel>::at[k];
    w.of[k] = 1 / (2 * square * product_at<kernel>(square, k));
  }
  return w;
}

constexpr float power(float p, int exponent) { return exponent ? p * power(p, exponent - 1) : 1; }

/** out = B' in, patch -> patch: the polynomials that are zero at all the other points. */
template <int kernel> inline void input_line(const vec* in, vec* out) {
  constexpr int pairs = Points<kernel>::pairs;
  constexpr auto all = product_without<kernel>(-1);
  out[0] = out[patch<kernel> - 1] = vec{};
#pragma GCC unroll 8
  for (int i = 0; i <= pairs; i++) {
    out[0] += all.of[i] * in[2 * i];
    out[patch<kernel> - 1] += all.of[i] * in[2 * i + 1];
  }
#pragma GCC unroll 8
  for (int k = 0; k < pairs; k++) {
    const auto c = product_without<kernel>(k);
    vec even{}, odd{};
#pragma GCC unroll 8
    for (int i = 0; i < pairs; i++) {
      even += c.of[i] * in[2 * i + 2];
      odd += c.of[i] * Points<kernel>::at[k] * in[2 * i + 1];
    }
    out[1 + 2 * k] = even + odd;
    out[2 + 2 * k] = even - odd;
  }
}

/** Evaluates a polynomial of `size` coefficients at all points, size -> patch: G of the filter if weighted, A of the
 * output's gradient if not. */
template <int kernel, int size, bool weighted> inline void evaluate(const vec* in, vec* out) {
  constexpr auto weights = weights_of_pairs<kernel>();
  out[0] = weighted ? 1 / product_at<kernel>(0, -1) * in[0] : in[0];
  out[patch<kernel> - 1] = in[size - 1];
#pragma GCC unroll 8
  for (int k = 0; k < Points<kernel>::pairs; k++) {
    const float weight = weighted ? weights.of[k] : 1;
    vec terms[2] = {};
#pragma GCC unroll 8
    for (int i = 0; i < size; i++) terms[i % 2] += weight * power(Points<kernel>::at[k], i) * in[i];
    out[1 + 2 * k] = terms[0] + terms[1];
    out[2 + 2 * k] = terms[0] - terms[1];
  }
}

/** The transpose of `evaluate`, patch -> size: A' for the output, weighted G' for the filter's gradient. */
template <int kernel, int size, bool weighted> inline void evaluate_transposed(const vec* in, vec* out) {
  constexpr auto weights = weights_of_pairs<kernel>();
#pragma GCC unroll 8
  for (int i = 0; i < size; i++) out[i] = vec{};
  out[0] += weighted ? 1 / product_at<kernel>(0, -1) * in[0] : in[0];
  out[size - 1] += in[patch<kernel> - 1];
#pragma GCC unroll 8
  for (int k = 0; k < Points<kernel>::pairs; k++) {
    const float weight = weighted ? weights.of[k] : 1;
    const vec sum = in[1 + 2 * k] + in[2 + 2 * k], difference = in[1 + 2 * k] - in[2 + 2 * k];
#pragma GCC unroll 8
    for (int i = 0; i < size; i++) out[i] += weight * power(Points<kernel>::at[k], i) * (i % 2 ? difference : sum);
  }
}

/**
 * Applies a line transform to the columns, then to the rows of a `from` x `from` tile: `to` x `to`. read(column,
 * values) fills in a column, or returns false if it is all zero; write(row, values) receives a row.
 */
template <int from, int to, void (*line)(const vec*, vec*), class Read, class Write>
inline __attribute__((always_inline)) void both_ways(Read read, Write write) {
  vec half[to][from];
  for (int column = 0; column < from; column++) {
    vec values[from], results[to] = {};
    if (read(column, values)) line(values, results);
    for (int i = 0; i < to; i++) half[i][column] = results[i];
  }
  for (int row = 0; row < to; row++) {
    vec results[to];
    line(half[row], results);
    write(row, results);
  }
}

}  // namespace
