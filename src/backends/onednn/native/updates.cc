#include "levels.h"
#include "loops.h"

namespace {

void sgd(const SgdParameter* parameters, size_t count, const SgdStep& s) {
#pragma omp parallel
  for (size_t k = 0; k < count; k++) {
    const SgdParameter& a = parameters[k];
    const float l2 = s.decoupled ? 0 : a.weight_decay, decay = s.decoupled ? a.lr * a.weight_decay : 0;
    const float inside = s.lr_inside ? a.lr : 1, outside = s.lr_inside ? 1 : a.lr;
    each_of(Share(a.count, 256), [&](auto zero, size_t i) {
      using V = decltype(zero);
      const V p = load<V>(a.parameter + i);
      const V step = inside * (load<V>(a.gradient + i) + l2 * p);
      const V v = a.momentum * load<V>(a.velocity + i) + step;
      store(a.velocity + i, v);
      store(a.parameter + i, p - outside * (s.nesterov ? step + a.momentum * v : v) - decay * p);
    });
  }
}

void adam(const AdamParameter* parameters, size_t count, const AdamStep& s) {
#pragma omp parallel
  for (size_t k = 0; k < count; k++) {
    const AdamParameter a = parameters[k];
    const float l2 = s.decoupled ? 0 : a.weight_decay, kept = s.decoupled ? 1 - a.lr * a.weight_decay : 1;
    const Share share(a.count, 256);
#pragma omp simd
    for (size_t i = share.begin; i < share.end; i++) {
      const float g = a.gradient[i] + l2 * a.parameter[i];
      const float first = s.beta1 * a.first[i] + s.rest1 * g;
      const float second = s.beta2 * a.second[i] + s.rest2 * g * g;
      a.first[i] = first;
      a.second[i] = second;
      a.parameter[i] =
          kept * a.parameter[i] - a.step_size * first / (__builtin_sqrtf(second) * s.inverse_correction + s.epsilon);
    }
  }
}

}  // namespace

const UpdateKernels LEVEL_NAME(updates) = {sgd, adam};
