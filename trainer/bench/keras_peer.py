"""EfficientNet-Lite0 in Keras: the speed that the trainer is measured against.

The network is the trainer's: "same" padding, ReLU6, no squeeze-and-excitation, BatchNorm in
inference mode and everything else trainable, a dropout and a dense layer on top. Weights are
random, which changes no speed. Prints one line of JSON.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402
from peer_timing import images_per_second, options, peak_rss_mb  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../parity"))
import handmade  # noqa: E402


def build_network(size, classes):
    trunk = handmade.efficientnet_lite(1.0, 1.0)((size, size, 3), include_top=False)
    for layer in trunk.layers:
        # In Keras, a BatchNormalization that is not trainable runs in inference mode.
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
    x = layers.GlobalAveragePooling2D()(trunk.output)
    x = layers.Dropout(0.2)(x)
    return keras.Model(trunk.input, layers.Dense(classes)(x))


def main():
    args = options(__doc__).parse_args()

    keras.utils.set_random_seed(1)
    model = build_network(args.size, 10)
    model.compile(
        keras.optimizers.Adam(2e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # On CPU, XLA would train 10 images a second instead of 195 (2 cores).
        jit_compile=False,
    )
    images = tf.random.uniform((args.batch, args.size, args.size, 3), -1, 1)
    labels = tf.constant(np.arange(args.batch) % 10)
    predict = tf.function(lambda: model(images, training=False))

    result = {
        "train_images_per_second": images_per_second(
            lambda: model.train_on_batch(images, labels), args.batch, args.warmup, args.steps
        ),
        "forward_images_per_second": images_per_second(
            lambda: predict().numpy(), args.batch, args.warmup, args.steps
        ),
        "peak_rss_mb": peak_rss_mb(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
