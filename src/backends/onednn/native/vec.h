// Vectors of floats in GCC's vector extension: the compiler picks the instructions of the level it compiles for.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int lanes = 16;
#elif defined(__AVX2__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif

namespace {  // separate in each object file, since each is compiled for a different processor

typedef float vec __attribute__((vector_size(4 * lanes)));
typedef float loose_vec __attribute__((vector_size(4 * lanes), aligned(4), may_alias));  // in memory, unaligned
typedef uint32_t uvec __attribute__((vector_size(4 * lanes)));
typedef uint16_t hvec __attribute__((vector_size(2 * lanes)));

struct bf16 {
  uint16_t bits;
};

/** V: `vec`, or `float` for the channels that do not fill a vector. */
template <class V> constexpr int width = 1;
template <> constexpr int width<vec> = lanes;

inline float widen(uint16_t bits) {
  const uint32_t wide = uint32_t(bits) << 16;
  float value;
  memcpy(&value, &wide, 4);
  return value;
}

/** Rounds to nearest, ties to even; NaN stays NaN. */
inline uint16_t narrow(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (value != value) return (bits >> 16) | 0x40;
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

template <class V> inline V load(const float* from);
template <> inline float load<float>(const float* from) { return *from; }
template <> inline vec load<vec>(const float* from) { return *reinterpret_cast<const loose_vec*>(from); }
inline void store(float* to, float v) { *to = v; }
inline void store(float* to, vec v) { *reinterpret_cast<loose_vec*>(to) = v; }

template <class V> inline V load(const bf16* from);
template <> inline float load<float>(const bf16* from) { return widen(from->bits); }
template <> inline vec load<vec>(const bf16* from) {
  hvec half;
  memcpy(&half, from, sizeof half);
#if defined(__AVX512BW__)  // one instruction; GCC 12 turns the plain form into six
  const __m512i places = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0,  //
                                          7, 0, 6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
  constexpr __mmask32 upper_halves = 0xaaaaaaaa;
  return (vec)_mm512_maskz_permutexvar_epi16(upper_halves, places, _mm512_castsi256_si512((__m256i)half));
#elif defined(__AVX2__)
  return (vec)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)half), 16);
#else
  return (vec)(__builtin_convertvector(half, uvec) << 16);
#endif
}
inline void store(bf16* to, float v) { to->bits = narrow(v); }
inline void store(bf16* to, vec v) {
  const uvec bits = (uvec)v;
  const uvec rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uvec result = v != v ? (bits >> 16) | 0x40 : rounded;
  const hvec half = __builtin_convertvector(result, hvec);
  memcpy(to, &half, sizeof half);
}

/** max(v, 0) that keeps NaN, so that a diverged run is seen. */
inline float relu(float v) { return v < 0 ? 0 : v; }
inline vec relu(vec v) { return v < 0 ? vec{} : v; }
/** g where y > 0, else 0. */
inline float gate(float g, float y) { return y > 0 ? g : 0; }
inline vec gate(vec g, vec y) { return y > 0 ? g : vec{}; }

}  // namespace
