import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AdamUpdate } from '../../ops/adam-update.js';
import { splitInto } from '../../ops/kernel.js';
import type { SgdUpdate } from '../../ops/sgd-update.js';
import type { Repeat } from '../backend.js';

/**
 * The optimizers' steps. A net has hundreds of parameters but few shapes: those of the same shape and rates are
 * stacked, updated together and unstacked, since calling an op costs more than its arithmetic. If the backend has a
 * repeater, SGD's step is one call, in which only small parameters are stacked: copying the large ones would cost more
 * than their ops.
 */
export const updateKernels = (repeater?: () => Repeat) => ({
  SgdUpdate: sgdUpdate(repeater),

  AdamUpdate(inputs: Tensor[], { lr, beta1, beta2, epsilon, weightDecay, weightDecayMode }: AdamUpdate): Tensor[] {
    const constant = constants();
    const steps = tf.add(inputs.at(-1)!, 1);
    const correction1 = tf.sub(1, tf.pow(beta1, steps));
    const correction2 = tf.sqrt(tf.sub(1, tf.pow(beta2, steps)));
    const keys = lr.map((rate, k) => `${rate} ${weightDecay[k]}`);
    const updated = updateAlike(splitInto(4, inputs.slice(0, -1)), keys, ([p, gradient, m, v], k) => {
      const [rate, decay] = [lr[k]!, weightDecay[k]!];
      const g = weightDecayMode === 'l2' ? withL2(gradient!, p!, decay, constant) : gradient!;
      const first = tf.add(tf.mul(m!, constant(beta1)), tf.mul(g, constant(1 - beta1)));
      const second = tf.add(tf.mul(v!, constant(beta2)), tf.mul(tf.square(g), constant(1 - beta2)));
      const kept = weightDecayMode === 'decoupled' ? shrunk(p!, rate * decay, constant) : p!;
      const stepSize = tf.div(constant(rate), correction1);
      const move = tf.div(tf.mul(first, stepSize), tf.add(tf.div(tf.sqrt(second), correction2), constant(epsilon)));
      return [tf.sub(kept, move), first, second];
    });
    return [...updated, steps];
  },
});

const stackedInGraph = 1024; // maximum number of values: batch norm's parameters, biases

/** With a `repeater`: the rates differ from step to step, so they are used tensors; which ones are equal does not. */
function sgdUpdate(repeater?: () => Repeat) {
  const newRepeat = repeater ?? ((): Repeat => (_, work) => work());
  const maxStacked = repeater ? stackedInGraph : Number.POSITIVE_INFINITY;
  const repeats = new Map<string, Repeat>();
  return (inputs: Tensor[], { lr, momentum, weightDecay, ...mode }: SgdUpdate): Tensor[] => {
    const decoupled = mode.weightDecayMode === 'decoupled';
    const kept = lr.map((rate, k) => (decoupled ? 1 - rate * weightDecay[k]! : 1));
    const decays = weightDecay.map((decay) => (decoupled ? 0 : decay));
    const numbers = [...new Set([...lr, ...momentum, ...decays, ...kept])];
    const coefficients = lr.map((rate, k) =>
      [rate, momentum[k]!, decays[k]!, kept[k]!].map((one) => numbers.indexOf(one)),
    );
    const work = JSON.stringify([mode, coefficients, numbers.indexOf(0), numbers.indexOf(1)]);
    const repeat = repeats.get(work) ?? newRepeat();
    repeats.set(work, repeat);
    const scalars = numbers.map((number) => tf.scalar(number));
    const parts = splitInto(3, inputs);
    const keys = coefficients.map((own, k) => (parts[0]![k]!.size > maxStacked ? `${k} alone` : String(own)));
    return repeat([...inputs, ...scalars], () =>
      updateAlike(parts, keys, ([p, g, v], k) => {
        const [rate, m, decay, share] = coefficients[k]!.map((i) => scalars[i]!) as [Scalar, Scalar, Scalar, Scalar];
        const gradient = decays[k] === 0 ? g! : tf.add(g!, tf.mul(p!, decay));
        const step = mode.lrPlacement === 'inside' ? tf.mul(gradient, rate) : gradient;
        const velocity = tf.add(tf.mul(v!, m), step);
        const move = mode.nesterov ? tf.add(step, tf.mul(velocity, m)) : velocity;
        const shrunk = kept[k] === 1 ? p! : tf.mul(p!, share);
        return [tf.sub(shrunk, mode.lrPlacement === 'inside' ? move : tf.mul(move, rate)), velocity];
      }),
    );
  };
}

type Constants = (value: number) => Scalar;

/** A tensor for each number, made once. */
function constants(): Constants {
  const scalars = new Map<number, Scalar>();
  return (value) => {
    const scalar = scalars.get(value) ?? tf.scalar(value);
    scalars.set(value, scalar);
    return scalar;
  };
}

function withL2(gradient: Tensor, parameter: Tensor, decay: number, constant: Constants): Tensor {
  return decay === 0 ? gradient : tf.add(gradient, tf.mul(parameter, constant(decay)));
}

function shrunk(parameter: Tensor, share: number, constant: Constants): Tensor {
  return share === 0 ? parameter : tf.mul(parameter, constant(1 - share));
}

/**
 * Calls `update` with each stack of alike tensors ([part]: the stack, or the tensor itself if it is alone) and the
 * index of its first member. Parts in: each [K]; out: the parts that `update` returns, one after the other, in the
 * input's order.
 */
function updateAlike(parts: Tensor[][], keys: string[], update: (stacks: Tensor[], k: number) => Tensor[]): Tensor[] {
  const outputs: Tensor[][] = [];
  for (const members of alike(parts[0]!, keys)) {
    const alone = members.length === 1;
    const stacks = parts.map((part) => (alone ? part[members[0]!]! : tf.stack(members.map((k) => part[k]!))));
    update(stacks, members[0]!).forEach((stack, part) => {
      outputs[part] ??= [];
      const apart = alone ? [stack] : tf.unstack(stack);
      members.forEach((k, i) => {
        outputs[part]![k] = apart[i]!;
      });
    });
  }
  return outputs.flat();
}

/** Indices of tensors of one shape and key, by group. */
function alike(tensors: Tensor[], keys: string[]): number[][] {
  const groups = new Map<string, number[]>();
  tensors.forEach(({ shape }, k) => {
    const key = `${shape} ${keys[k]}`;
    groups.set(key, [...(groups.get(key) ?? []), k]);
  });
  return [...groups.values()];
}
