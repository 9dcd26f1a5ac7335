#include "levels.h"
#include "loops.h"

namespace {

void dense(const float* x, const float* weights, const float* bias, float* y, const DenseShape& s) {
#pragma omp parallel for
  for (int n = 0; n < s.images; n++)
    each_channel(s.to, [&](auto zero, int o) {
      auto sum = load<decltype(zero)>(bias + o);
      for (int i = 0; i < s.from; i++)
        sum += x[size_t(n) * s.from + i] * load<decltype(zero)>(weights + size_t(i) * s.to + o);
      store(y + size_t(n) * s.to + o, sum);
    });
}

void dense_grad(const DenseGrad& d, const DenseShape& s) {
#pragma omp parallel
  {
#pragma omp for
    for (int n = 0; n < s.images; n++)
      for (int i = 0; i < s.from; i++) {
        float sum = 0;
        for (int o = 0; o < s.to; o++) sum += d.dy[size_t(n) * s.to + o] * d.weights[size_t(i) * s.to + o];
        d.dx[size_t(n) * s.from + i] = sum;
      }
#pragma omp for
    for (int i = 0; i <= s.from; i++)  // the last row is the bias, whose input is 1
      each_channel(s.to, [&](auto zero, int o) {
        auto sum = zero;
        for (int n = 0; n < s.images; n++) {
          const float x = i < s.from ? d.x[size_t(n) * s.from + i] : 1;
          sum += x * load<decltype(zero)>(d.dy + size_t(n) * s.to + o);
        }
        store((i < s.from ? d.dweights + size_t(i) * s.to : d.dbias) + o, sum);
      });
  }
}

/** The cross-entropy of one image with its (smoothed) label, and its gradient over the number of images. */
double row_loss(const float* logits, int label, float* gradient, const LossShape& s) {
  float largest = logits[0];
  for (int k = 1; k < s.classes; k++)
    if (logits[k] > largest) largest = logits[k];
  double total = 0;
  for (int k = 0; k < s.classes; k++) total += gradient[k] = __builtin_expf(logits[k] - largest);
  const float own = 1 - s.label_smoothing, others = s.label_smoothing / s.classes;
  for (int k = 0; k < s.classes; k++) gradient[k] = (gradient[k] / total - ((k == label) * own + others)) / s.images;
  double loss = __builtin_log(total) - own * (logits[label] - largest);
  if (others > 0)
    for (int k = 0; k < s.classes; k++) loss -= others * (logits[k] - largest);
  return loss;
}

int first_largest(const float* logits, int classes) {
  int best = 0;
  for (int k = 1; k < classes; k++)
    if (logits[k] > logits[best]) best = k;
  return best;
}

void softmax_cross_entropy(const float* logits, const float* labels, float* metrics, float* gradient,
                           const LossShape& s) {
  static Scratch scratch;
  double* losses = scratch.doubles(s.images);  // summed up in their order, whatever thread they come from
  int correct = 0;
#pragma omp parallel for reduction(+ : correct)
  for (int n = 0; n < s.images; n++) {
    const float* row = logits + size_t(n) * s.classes;
    losses[n] = row_loss(row, int(labels[n]), gradient + size_t(n) * s.classes, s);
    correct += first_largest(row, s.classes) == int(labels[n]);
  }
  double loss = 0;
  for (int n = 0; n < s.images; n++) loss += losses[n];
  metrics[0] = loss / s.images;
  metrics[1] = correct;
}

}  // namespace

const ClassifierKernels LEVEL_NAME(classifier) = {dense, dense_grad, softmax_cross_entropy};
