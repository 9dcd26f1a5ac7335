#include "levels.h"
#include "loops.h"

namespace {

/** weights [from, to] -> [to, from]: vectors run over the inputs, since the outputs are often too few to fill one. */
const float* transposed(const float* weights, const DenseShape& s) {
  static Scratch scratch;
  float* turned = scratch.floats(size_t(s.from) * s.to);
  for (int i = 0; i < s.from; i++)
    for (int o = 0; o < s.to; o++) turned[size_t(o) * s.from + i] = weights[size_t(i) * s.to + o];
  return turned;
}

float dot(const float* a, const float* b, int count) {
  vec sums{};
  float rest = 0;
  int i = 0;
  for (; i + lanes <= count; i += lanes) sums += load<vec>(a + i) * load<vec>(b + i);
  for (; i < count; i++) rest += a[i] * b[i];
  for (int l = 0; l < lanes; l++) rest += sums[l];
  return rest;
}

void dense(const float* x, const float* weights, const float* bias, float* y, const DenseShape& s) {
  const float* turned = transposed(weights, s);
#pragma omp parallel for
  for (int n = 0; n < s.images; n++)
    for (int o = 0; o < s.to; o++)
      y[size_t(n) * s.to + o] = bias[o] + dot(x + size_t(n) * s.from, turned + size_t(o) * s.from, s.from);
}

/** dx of one image: dy weights^T. */
void input_grad(const float* dy, const float* turned, float* dx, const DenseShape& s) {
  each_channel(s.from, [&](auto zero, int i) {
    using V = decltype(zero);
    V sum = zero;
    for (int o = 0; o < s.to; o++) sum += dy[o] * load<V>(turned + size_t(o) * s.from + i);
    store(dx + i, sum);
  });
}

/** dweights = x^T dy for the inputs from `begin` to `end`; `tile` [to, end - begin]: working memory. */
void weight_grad(const DenseGrad& d, const DenseShape& s, int begin, int end, float* tile) {
  const int count = end - begin;
  memset(tile, 0, sizeof(float) * s.to * count);
  for (int n = 0; n < s.images; n++)
    for (int o = 0; o < s.to; o++) {
      const float g = d.dy[size_t(n) * s.to + o];
      each_channel(count, [&](auto zero, int i) {
        using V = decltype(zero);
        float* sum = tile + size_t(o) * count + i;
        store(sum, load<V>(sum) + g * load<V>(d.x + size_t(n) * s.from + begin + i));
      });
    }
  for (int i = 0; i < count; i++)
    for (int o = 0; o < s.to; o++) d.dweights[size_t(begin + i) * s.to + o] = tile[size_t(o) * count + i];
}

void dense_grad(const DenseGrad& d, const DenseShape& s) {
  static ThreadScratch scratch;
  const float* turned = transposed(d.weights, s);
  scratch.reserve(omp_get_max_threads(), size_t(s.to) * block * sizeof(float));
#pragma omp parallel
  {
#pragma omp for
    for (int n = 0; n < s.images; n++) input_grad(d.dy + size_t(n) * s.to, turned, d.dx + size_t(n) * s.from, s);
#pragma omp for
    for (int begin = 0; begin < s.from; begin += block)
      weight_grad(d, s, begin, smaller(begin + block, s.from), scratch.floats(omp_get_thread_num()));
  }
  for (int o = 0; o < s.to; o++) {
    double sum = 0;
    for (int n = 0; n < s.images; n++) sum += d.dy[size_t(n) * s.to + o];
    d.dbias[o] = sum;
  }
}

/** The cross-entropy of one image with its (smoothed) label, and its gradient divided by the number of images. */
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
  double* losses = scratch.doubles(s.images);  // summed in the order of images, whichever thread computes them
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
