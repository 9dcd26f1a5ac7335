// Exports of what a training step does besides the layers: the batch before them, the update after them.
#include <vector>
#include "arguments.h"

namespace {

float* floats_of(const Napi::Array& list, uint32_t k) { return static_cast<float*>(Arguments::start(list.Get(k))); }
size_t length_of(const Napi::Array& list, uint32_t k) { return list.Get(k).As<Napi::TypedArray>().ElementLength(); }

/** (images, plan, table, y, height, width, channels, pad, mode) */
void assemble(Arguments& a) {
  Batch b;
  b.images = a.array<uint8_t>();
  b.plan = a.array<int32_t>();
  b.count = a.length() / 4;
  b.table = a.floats();
  const Values y = a.values();
  b.height = a.integer();
  b.width = a.integer();
  b.channels = a.integer();
  b.pad = a.integer();
  b.mode = static_cast<Batch::Mode>(a.integer());
  kernels().batch->assemble(b, y);
}

/** (parameters, gradients, velocities: lists of arrays, momentum, weightDecay: Float64Array, lr, nesterov, decoupled, lrInside), in place */
void sgd(Arguments& a) {
  const auto parameters = a.list(), gradients = a.list(), velocities = a.list();
  const double *momentum = a.array<double>(), *weight_decay = a.array<double>();
  std::vector<SgdParameter> all(parameters.Length());
  for (uint32_t k = 0; k < all.size(); k++) {
    all[k] = {floats_of(parameters, k), floats_of(velocities, k), floats_of(gradients, k), length_of(parameters, k),
              float(momentum[k]), float(weight_decay[k])};
  }
  SgdStep step;
  step.lr = a.number();
  step.nesterov = a.flag();
  step.decoupled = a.flag();
  step.lr_inside = a.flag();
  kernels().updates->sgd(all.data(), all.size(), step);
}

/** (parameters, gradients, first moments, second moments: lists of arrays, weightDecay: Float64Array, lr, stepSize, beta1, beta2, inverseCorrection, epsilon, decoupled), in place */
void adam(Arguments& a) {
  const auto parameters = a.list(), gradients = a.list(), first = a.list(), second = a.list();
  const double* weight_decay = a.array<double>();
  std::vector<AdamParameter> all(parameters.Length());
  for (uint32_t k = 0; k < all.size(); k++)
    all[k] = {floats_of(parameters, k), floats_of(first, k), floats_of(second, k), floats_of(gradients, k), length_of(parameters, k),
              float(weight_decay[k])};
  AdamStep step;
  step.lr = a.number();
  step.step_size = a.number();
  step.beta1 = a.number();
  step.beta2 = a.number();
  step.inverse_correction = a.number();
  step.epsilon = a.number();
  step.decoupled = a.flag();
  kernels().updates->adam(all.data(), all.size(), step);
}

}  // namespace

void export_training(Napi::Object& exports) {
  export_as<assemble>(exports, "assemble");
  export_as<sgd>(exports, "sgd");
  export_as<adam>(exports, "adam");
}
