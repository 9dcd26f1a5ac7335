"""Times the training step that `clr` runs, in JAX: a CIFAR ResNet (He et al., arXiv:1512.03385) with zero-padded shortcuts, forward,
backward and SGD on one fixed batch, as one jitted function. Prints JSON: median_ms of a step, peak_memory_mb, version."""

import argparse
import json
import os
import resource
import statistics
import time

options = argparse.ArgumentParser()
options.add_argument("--depth", type=int, default=56)
options.add_argument("--batch-size", type=int, default=128)
options.add_argument("--precision", choices=["f32", "bf16"], default="f32")
options.add_argument("--threads", type=int, help="of the processor")
options.add_argument("--steps", type=int, default=10)
options = options.parse_args()

if options.threads:  # XLA counts the processors it may use
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
import jax
import jax.numpy as jnp
from jax import lax

dtype = jnp.bfloat16 if options.precision == "bf16" else jnp.float32


def norm_conv_weights(key, channels_in, channels_out):
    filter = jax.random.normal(key, (3, 3, channels_in, channels_out)) * (2 / (9 * channels_in)) ** 0.5
    return {"filter": filter, "scale": jnp.ones(channels_out), "offset": jnp.zeros(channels_out)}


def norm_conv(x, weights, stride=1):
    layout = ("NHWC", "HWIO", "NHWC")
    y = lax.conv_general_dilated(
        x, weights["filter"].astype(dtype), (stride, stride), ((1, 1), (1, 1)), dimension_numbers=layout
    ).astype(jnp.float32)
    mean, variance = y.mean((0, 1, 2)), y.var((0, 1, 2))
    y = (y - mean) * lax.rsqrt(variance + 1e-5) * weights["scale"] + weights["offset"]
    return y.astype(dtype), (mean, variance)


def initial(depth, classes=10):
    per_stage = (depth - 2) // 6
    widths = [16] * (per_stage + 1) + [32] * per_stage + [64] * per_stage
    keys = iter(jax.random.split(jax.random.key(1), depth))
    blocks = [
        [norm_conv_weights(next(keys), before, after), norm_conv_weights(next(keys), after, after)]
        for before, after in zip(widths, widths[1:])
    ]
    dense = {"kernel": jax.random.normal(next(keys), (64, classes)) * 0.1, "bias": jnp.zeros(classes)}
    return {"stem": norm_conv_weights(next(keys), 3, 16), "blocks": blocks, "dense": dense}


def loss(weights, images, labels):
    """With the batch's statistics, for the running averages."""
    y, statistics = norm_conv(images.astype(dtype), weights["stem"])
    x, found = jax.nn.relu(y), [statistics]
    for first, second in weights["blocks"]:
        extra = first["scale"].size - x.shape[-1]
        y, statistics = norm_conv(x, first, 2 if extra else 1)
        found.append(statistics)
        y, statistics = norm_conv(jax.nn.relu(y), second)
        found.append(statistics)
        if extra:
            x = jnp.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (extra // 2, extra // 2)))
        x = jax.nn.relu(y + x)
    logits = x.astype(jnp.float32).mean((1, 2)) @ weights["dense"]["kernel"] + weights["dense"]["bias"]
    losses = -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
    return losses.mean(), found


@jax.jit
def step(weights, velocities, averages, images, labels):
    (value, found), gradients = jax.value_and_grad(loss, has_aux=True)(weights, images, labels)
    decayed = jax.tree.map(lambda g, w: g + 1e-4 * w, gradients, weights)
    velocities = jax.tree.map(lambda v, g: 0.9 * v + g, velocities, decayed)
    weights = jax.tree.map(lambda w, v: w - 0.01 * v, weights, velocities)
    averages = jax.tree.map(lambda average, new: 0.9 * average + 0.1 * new, averages, found)
    return weights, velocities, averages, value


images = jax.random.normal(jax.random.key(2), (options.batch_size, 32, 32, 3))
labels = jax.random.randint(jax.random.key(3), (options.batch_size,), 0, 10)
weights = initial(options.depth)
state = [weights, jax.tree.map(jnp.zeros_like, weights), jax.eval_shape(loss, weights, images, labels)[1]]
state[2] = jax.tree.map(lambda shape: jnp.zeros(shape.shape), state[2])


def milliseconds():
    start = time.perf_counter()
    *state[:], value = step(*state, images, labels)
    value.block_until_ready()
    return 1000 * (time.perf_counter() - start)


for _ in range(3):
    milliseconds()
median = statistics.median(milliseconds() for _ in range(options.steps))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(json.dumps({**vars(options), "median_ms": median, "peak_memory_mb": peak, "version": f"JAX {jax.__version__}"}))
