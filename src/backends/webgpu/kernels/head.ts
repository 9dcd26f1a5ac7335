import type { TensorInfo } from '@tensorflow/tfjs-core';
import { requireShape } from '../../../ops/kernel.js';
import type { SoftmaxCrossEntropy } from '../../../ops/softmax-cross-entropy.js';
import { defaultThreads } from '../backend.js';
import { elementwise, type Shader } from '../shader.js';
import { kernel, operands } from './kernel.js';
import { workgroupSum } from './workgroup-sum.js';

const dense: Shader = {
  name: 'Dense',
  threads: 64,
  body: elementwise(`
    let image = i / TO;
    let o = i % TO;
    var sum = bias_at(o);
    for (var k = 0u; k < FROM; k++) { sum += x_at(image * FROM + k) * weights_at(k * TO + o); }
    y_put(i, sum);`),
};

const denseInput: Shader = {
  name: 'DenseGrad/input',
  threads: 64,
  body: elementwise(`
    let image = i / FROM;
    let k = i % FROM;
    var sum = 0f;
    for (var o = 0u; o < TO; o++) { sum += dy_at(image * TO + o) * weights_at(k * TO + o); }
    dx_put(i, sum);`),
};

/** A workgroup per weight; the row after the last weights is the bias, whose x is 1. */
const denseWeights: Shader = {
  name: 'DenseGrad/weights',
  threads: 64,
  body: () => `
${workgroupSum('sums', 'f32')}
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3u) {
  let o = group.x;
  let k = group.y;
  var sum = 0f;
  for (var image = thread; image < IMAGES; image += THREADS) {
    let g = dy_at(image * TO + o);
    if (k < FROM) { sum += g * x_at(image * FROM + k); } else { sum += g; }
  }
  sums_of(thread, sum, 1);
  if (thread > 0) { return; }
  if (k < FROM) { dWeights_put(k * TO + o, sums[0]); } else { dBias_put(o, sums[0]); }
}`,
};

/** One workgroup: there are few logits, and the loss is one number. */
const softmax: Shader = {
  name: 'SoftmaxCrossEntropy',
  threads: defaultThreads,
  body: () => `
${workgroupSum('sums', 'vec2<f32>')}
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  var both = vec2<f32>(0);
  for (var image = thread; image < IMAGES; image += THREADS) {
    let first = image * CLASSES;
    let label = u32(labels_at(image));
    var best = 0u;
    for (var k = 1u; k < CLASSES; k++) {
      if (logits_at(first + k) > logits_at(first + best)) { best = k; }
    }
    let largest = logits_at(first + best);
    var total = 0f;
    for (var k = 0u; k < CLASSES; k++) { total += exp(logits_at(first + k) - largest); }
    for (var k = 0u; k < CLASSES; k++) {
      let probability = exp(logits_at(first + k) - largest) / total;
      let truth = f32(k == label) * (1 - SMOOTHING) + OTHERS;
      gradient_put(first + k, (probability - truth) / f32(IMAGES));
    }
    var loss = log(total) - (1 - SMOOTHING) * (logits_at(first + label) - largest);
    if (OTHERS > 0) {
      for (var k = 0u; k < CLASSES; k++) { loss -= OTHERS * (logits_at(first + k) - largest); }
    }
    both += vec2<f32>(loss, f32(best == label));
  }
  sums_of(thread, both, 1);
  if (thread == 0) {
    metrics_put(0, sums[0].x / f32(IMAGES));
    metrics_put(1, sums[0].y);
  }
}`,
};

/** The dense layer and the loss. */
export const headKernels = [
  kernel('Dense', ({ x, weights, bias }: Record<'x' | 'weights' | 'bias', TensorInfo>, _attributes, backend) => {
    const [images, from] = x.shape as [number, number];
    const to = bias.shape[0]!;
    requireShape([from, to], { weights });
    const y = backend.allocate([images, to]);
    backend.each(dense, images * to, {
      reads: operands({ x, weights, bias }),
      writes: operands({ y }),
      constants: { FROM: from, TO: to },
      multiplyAdds: images * from * to,
    });
    return [y];
  }),

  kernel('DenseGrad', ({ dy, x, weights }: Record<'dy' | 'x' | 'weights', TensorInfo>, _attributes, backend) => {
    const [images, from] = x.shape as [number, number];
    const to = dy.shape[1]!;
    requireShape([images, to], { dy });
    requireShape([from, to], { weights });
    const dx = backend.allocate(x.shape);
    const [dWeights, dBias] = [[from, to], [to]].map((shape) => backend.allocate(shape, backend.gradients)) as [
      TensorInfo,
      TensorInfo,
    ];
    const constants = { IMAGES: images, FROM: from, TO: to };
    const multiplyAdds = images * from * to;
    const forInput = { reads: operands({ dy, weights }), writes: operands({ dx }), constants, multiplyAdds };
    backend.each(denseInput, images * from, forInput);
    backend.run(denseWeights, {
      reads: operands({ dy, x }),
      writes: operands({ dWeights, dBias }),
      constants,
      workgroups: [to, from + 1],
      multiplyAdds,
    });
    return [dx, dWeights, dBias];
  }),

  kernel(
    'SoftmaxCrossEntropy',
    ({ logits, labels }: Record<'logits' | 'labels', TensorInfo>, { labelSmoothing }: SoftmaxCrossEntropy, backend) => {
      const [images, classes] = logits.shape as [number, number];
      requireShape([images], { labels });
      const [metrics, gradient] = [backend.allocate([2]), backend.allocate(logits.shape)];
      backend.run(softmax, {
        reads: operands({ logits, labels }),
        writes: operands({ metrics, gradient }),
        constants: {
          IMAGES: images,
          CLASSES: classes,
          SMOOTHING: { f32: labelSmoothing },
          OTHERS: { f32: labelSmoothing / classes },
        },
        workgroups: 1,
        multiplyAdds: images * classes,
      });
      return [metrics, gradient];
    },
  ),
];
