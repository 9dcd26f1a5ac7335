// The one-dimensional transforms of F(4x4, 3x3), each for a vector of channels.
#pragma once
#include "vec.h"

// B, G and A are those of the points 0, +-3/4, +-3/2 and infinity: of the usual +-1, +-2 the error is four times as
// large.

namespace {  // of each object file its own, as in vec.h

constexpr int tile = 4, patch = 6;
constexpr float a = 0.75f, b = 1.5f, A = a * a, B = b * b;

/** out = B' in, 6 -> 6 */
inline void input_line(const vec* in, vec* out) {
  const vec near_even = in[4] - A * in[2], near_odd = b * in[3] - (A * b) * in[1];
  const vec far_even = in[4] - B * in[2], far_odd = a * in[3] - (B * a) * in[1];
  out[0] = (A * B) * in[0] - (A + B) * in[2] + in[4];
  out[1] = far_even + far_odd;
  out[2] = far_even - far_odd;
  out[3] = near_even + near_odd;
  out[4] = near_even - near_odd;
  out[5] = (A * B) * in[1] - (A + B) * in[3] + in[5];
}

/** out = A' in, 6 -> 4 */
inline void output_line(const vec* in, vec* out) {
  const vec sum_a = in[1] + in[2], difference_a = in[1] - in[2];
  const vec sum_b = in[3] + in[4], difference_b = in[3] - in[4];
  out[0] = in[0] + sum_a + sum_b;
  out[1] = a * difference_a + b * difference_b;
  out[2] = A * sum_a + B * sum_b;
  out[3] = (A * a) * difference_a + (B * b) * difference_b + in[5];
}

/** out = A in, 4 -> 6 */
inline void output_gradient_line(const vec* in, vec* out) {
  const vec even_a = in[0] + A * in[2], odd_a = a * in[1] + (A * a) * in[3];
  const vec even_b = in[0] + B * in[2], odd_b = b * in[1] + (B * b) * in[3];
  out[0] = in[0];
  out[1] = even_a + odd_a;
  out[2] = even_a - odd_a;
  out[3] = even_b + odd_b;
  out[4] = even_b - odd_b;
  out[5] = in[3];
}

constexpr float n0 = 1 / (A * B), na = 1 / (2 * A * (A - B)), nb = 1 / (2 * B * (B - A));

/** out = G in, 3 -> 6 */
inline void filter_line(const vec* in, vec* out) {
  const vec even_a = na * in[0] + (na * A) * in[2], odd_a = (na * a) * in[1];
  const vec even_b = nb * in[0] + (nb * B) * in[2], odd_b = (nb * b) * in[1];
  out[0] = n0 * in[0];
  out[1] = even_a + odd_a;
  out[2] = even_a - odd_a;
  out[3] = even_b + odd_b;
  out[4] = even_b - odd_b;
  out[5] = in[2];
}

/** out = G' in, 6 -> 3 */
inline void filter_gradient_line(const vec* in, vec* out) {
  const vec sum_a = na * (in[1] + in[2]), sum_b = nb * (in[3] + in[4]);
  out[0] = n0 * in[0] + sum_a + sum_b;
  out[1] = (na * a) * (in[1] - in[2]) + (nb * b) * (in[3] - in[4]);
  out[2] = A * sum_a + B * sum_b + in[5];
}

/**
 * Applies a line transform to the columns, then to the rows of a `from` x `from` tile: `to` x `to`. read(column,
 * values) gives a column, or says that it is all zero; write(row, values) takes a row.
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
