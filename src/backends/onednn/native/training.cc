// Exports of what a training step does besides the layers: the batch before them, the update after them.
#include "arguments.h"

namespace {

using List = std::vector<Floats>;

/** Throws unless the lists hold arrays of the same lengths. */
void require_same_lengths(const List& a, const List& b) {
  if (a.size() != b.size()) throw std::invalid_argument("lists of different lengths");
  for (size_t k = 0; k < a.size(); k++) require_length(a[k].length, b[k]);
}

/** plan: four numbers per image, which the caller has checked. */
void assemble(Array<uint8_t> images, Array<int32_t> plan, Floats table, std::optional<Floats> mean_image, Activation y,
              int height, int width, int channels, int pad, int mode) {
  const size_t count = rows_of(plan.length, 4), pixels = size_t(height) * width;
  require_length(size_t(256) * channels, table);
  require_length(count * pixels * channels, y);
  if (mean_image) require_length(pixels * channels, *mean_image);
  const float* mean = mean_image ? mean_image->data : nullptr;
  const Batch b{images, plan, table, mean, int(count), height, width, channels, pad, static_cast<Batch::Mode>(mode)};
  kernels().batch->assemble(b, y);
}

/** Updates parameters and velocities in place. */
void sgd(List parameters, List gradients, List velocities, Array<double> lr, Array<double> momentum,
         Array<double> weight_decay, bool nesterov, bool decoupled, bool lr_inside) {
  require_same_lengths(parameters, gradients);
  require_same_lengths(parameters, velocities);
  require_length(parameters.size(), lr, momentum, weight_decay);
  std::vector<SgdParameter> all;
  for (size_t k = 0; k < parameters.size(); k++)
    all.push_back({parameters[k], velocities[k], gradients[k], parameters[k].length, float(lr[k]), float(momentum[k]),
                   float(weight_decay[k])});
  kernels().updates->sgd(all.data(), all.size(), {nesterov, decoupled, lr_inside});
}

/** Updates parameters and moments in place. */
void adam(List parameters, List gradients, List first, List second, Array<double> lr, Array<double> step_size,
          Array<double> weight_decay, double beta1, double beta2, float inverse_correction, float epsilon,
          bool decoupled) {
  for (const List& list : {gradients, first, second}) require_same_lengths(parameters, list);
  require_length(parameters.size(), lr, step_size, weight_decay);
  std::vector<AdamParameter> all;
  for (size_t k = 0; k < parameters.size(); k++)
    all.push_back({parameters[k], first[k], second[k], gradients[k], parameters[k].length, float(lr[k]),
                   float(step_size[k]), float(weight_decay[k])});
  const AdamStep step{float(beta1),       float(1 - beta1), float(beta2), float(1 - beta2),
                      inverse_correction, epsilon,          decoupled};
  kernels().updates->adam(all.data(), all.size(), step);
}

}  // namespace

void export_training(Napi::Object& exports) {
  export_as<assemble>(exports, "assemble");
  export_as<sgd>(exports, "sgd");
  export_as<adam>(exports, "adam");
}
