#include "kernels.h"

extern const Kernels kernels_base;
#if defined(__x86_64__)
extern const Kernels kernels_v3, kernels_v4;
#endif

const Kernels& kernels() {
#if defined(__x86_64__)
  static const Kernels& best =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl")
          ? kernels_v4
          : (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? kernels_v3 : kernels_base);
  return best;
#else
  return kernels_base;
#endif
}
