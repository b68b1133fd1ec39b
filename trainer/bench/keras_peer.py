"""EfficientNet-Lite0 in Keras: the speed that the trainer is measured against.

The network is the trainer's: "same" padding, ReLU6, no squeeze-and-excitation, BatchNorm in
inference mode and everything else trainable, a dropout and a dense layer on top. Weights are
random, which changes no speed. Prints one line of JSON.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

# repeats, kernel size, strides, expansion, filters
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]


def build_network(size, classes):
    def batch_norm(x):
        # In Keras, a BatchNormalization that is not trainable runs in inference mode.
        return layers.BatchNormalization(epsilon=1e-3, trainable=False)(x)

    def convolution(x, filters, kernel_size, strides):
        x = layers.Conv2D(filters, kernel_size, strides, padding="same", use_bias=False)(x)
        return batch_norm(x)

    def relu6(x):
        return layers.ReLU(max_value=6)(x)

    inputs = keras.Input((size, size, 3))
    x = relu6(convolution(inputs, 32, 3, 2))
    filters_in = 32
    for repeats, kernel_size, stage_strides, expansion, filters in STAGES:
        for repeat in range(repeats):
            strides = stage_strides if repeat == 0 else 1
            shortcut = x
            if expansion != 1:
                x = relu6(convolution(x, filters_in * expansion, 1, 1))
            x = layers.DepthwiseConv2D(kernel_size, strides, padding="same", use_bias=False)(x)
            x = relu6(batch_norm(x))
            x = convolution(x, filters, 1, 1)
            if strides == 1 and filters == filters_in:
                x = layers.Add()([x, shortcut])
            filters_in = filters
    x = relu6(convolution(x, 1280, 1, 1))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(classes)(x))


def pictures_per_second(step, batch, warmup, steps):
    """Runs `step` and gives the median over `steps` of the pictures a second."""
    rates = []
    for number in range(warmup + steps):
        start = time.perf_counter()
        step()
        if number >= warmup:
            rates.append(batch / (time.perf_counter() - start))
    return statistics.median(rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=128, help="side of the input in pixels")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20, help="measured steps")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them")
    args = parser.parse_args()

    keras.utils.set_random_seed(1)
    model = build_network(args.size, 10)
    model.compile(
        keras.optimizers.Adam(2e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # On CPU, XLA would train 10 pictures a second instead of 195 (2 cores).
        jit_compile=False,
    )
    pictures = tf.random.uniform((args.batch, args.size, args.size, 3), -1, 1)
    labels = tf.constant(np.arange(args.batch) % 10)
    predict = tf.function(lambda: model(pictures, training=False))

    result = {
        "train_pictures_per_second": pictures_per_second(
            lambda: model.train_on_batch(pictures, labels), args.batch, args.warmup, args.steps
        ),
        "forward_pictures_per_second": pictures_per_second(
            lambda: predict().numpy(), args.batch, args.warmup, args.steps
        ),
        # Linux counts in KiB, macOS in bytes.
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (1e6 if sys.platform == "darwin" else 1e6 / 1024),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
