"""Times the training step that `clr` runs, in Keras: a CIFAR ResNet (He et al., arXiv:1512.03385) with zero-padded shortcuts, forward,
backward and SGD on one fixed batch, as `fit` does it, compiled to a graph. Prints JSON: median_ms of a step, images_per_second,
peak_memory_mb, version."""

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
options.add_argument("--eager", action="store_true", help="op by op, without a graph")
options = options.parse_args()

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

if options.threads:
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)


def norm_conv(x, channels, stride=1):
    padding = "same"
    if stride == 2:  # "same" would pad below and right alone
        x, padding = layers.ZeroPadding2D(1)(x), "valid"
    x = layers.Conv2D(channels, 3, stride, padding=padding, use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def block(x, channels):
    extra = channels - x.shape[-1]
    y = norm_conv(layers.ReLU()(norm_conv(x, channels, 2 if extra else 1)), channels)
    if extra:
        x = ops.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (extra // 2, extra // 2)))
    return layers.ReLU()(layers.Add()([y, x]))


def resnet(depth, classes=10):
    images = keras.Input((32, 32, 3))
    x = layers.ReLU()(norm_conv(images, 16))
    for channels in (16, 32, 64):
        for _ in range((depth - 2) // 6):
            x = block(x, channels)
    return keras.Model(images, layers.Dense(classes, dtype="float32")(layers.GlobalAveragePooling2D()(x)))


keras.utils.set_random_seed(1)
if options.precision == "bf16":
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
model = resnet(options.depth)
optimizer = keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=1e-4)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer, loss, run_eagerly=options.eager)
images = np.random.standard_normal((options.batch_size, 32, 32, 3)).astype("float32")
labels = np.random.randint(10, size=options.batch_size)


def milliseconds():
    start = time.perf_counter()
    model.train_on_batch(images, labels)
    return 1000 * (time.perf_counter() - start)


for _ in range(3):
    milliseconds()
median = statistics.median(milliseconds() for _ in range(options.steps))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
result = {"median_ms": median, "images_per_second": 1000 * options.batch_size / median, "peak_memory_mb": peak}
print(json.dumps({**vars(options), **result, "version": f"Keras {keras.__version__}, TensorFlow {tf.__version__}"}))
