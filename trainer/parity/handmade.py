"""The architectures that keras.applications lacks, from their publications."""

import math

from keras import Input, Model, layers
from lite_stages import LITE_STAGES

# What each does with images: for a name see preprocess_input of Keras.
MODES = {
    **{f"efficientnet-lite{n}": "lite" for n in range(5)},
    "seresnet50": "caffe",
    "senet154": "caffe",
    "alexnet": "caffe",
    "lenet5": "tf",
}


def preprocess_lite(pixels):
    """tensorflow/tpu models/official/efficientnet/lite: MEAN_RGB and STDDEV_RGB."""
    return (pixels - 127.0) / 128.0


def lenet5(input_shape, include_top):
    """LeCun et al. 1998, Figure 2: here with full connections in C3 and a softmax for the RBF."""
    image = Input(input_shape)
    x = layers.Conv2D(6, 5, activation="tanh", name="c1")(image)
    x = layers.AveragePooling2D(2, name="s2")(x)
    x = layers.Conv2D(16, 5, activation="tanh", name="c3")(x)
    x = layers.AveragePooling2D(2, name="s4")(x)
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(120, activation="tanh", name="c5")(x)
        x = layers.Dense(84, activation="tanh", name="f6")(x)
        x = layers.Dense(10, activation="softmax", name="predictions")(x)
    return Model(image, x)


class LocalResponseNormalization(layers.Layer):
    """Krizhevsky et al. 2012, section 3.3, with the constants given there."""

    def call(self, x):
        import tensorflow as tf

        return tf.nn.local_response_normalization(x, depth_radius=2, bias=2, alpha=1e-4, beta=0.75)


def alexnet(input_shape, include_top):
    """Krizhevsky et al. 2012: two groups as on the two GPUs, ReLU, response normalization, pool."""
    image = Input(input_shape)
    x = layers.Conv2D(96, 11, strides=4, activation="relu", name="conv1")(image)
    x = LocalResponseNormalization(name="norm1")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    x = layers.Conv2D(256, 5, padding="same", groups=2, activation="relu", name="conv2")(x)
    x = LocalResponseNormalization(name="norm2")(x)
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv3")(x)
    x = layers.Conv2D(384, 3, padding="same", groups=2, activation="relu", name="conv4")(x)
    x = layers.Conv2D(256, 3, padding="same", groups=2, activation="relu", name="conv5")(x)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(4096, activation="relu", name="fc6")(x)
        x = layers.Dropout(0.5, name="drop6")(x)
        x = layers.Dense(4096, activation="relu", name="fc7")(x)
        x = layers.Dropout(0.5, name="drop7")(x)
        x = layers.Dense(1000, activation="softmax", name="predictions")(x)
    return Model(image, x)


def efficientnet_lite(width, depth):
    """tensorflow/tpu models/official/efficientnet/lite, under EfficientNet's names in Keras."""

    def round_filters(filters):
        scaled = filters * width
        rounded = max(8, int(scaled + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * scaled else rounded

    def build(input_shape, include_top):
        image = Input(input_shape)
        x = convolution(image, "stem_conv", "stem", 32, 3, 2)
        filters = 32
        for index, (repeats, kernel_size, strides, expansion, base) in enumerate(LITE_STAGES):
            # The first and the last stage keep their one block.
            if index not in (0, len(LITE_STAGES) - 1):
                repeats = math.ceil(repeats * depth)
            for repeat in range(repeats):
                name = f"block{index + 1}{chr(97 + repeat)}"
                inputs, stride = x, strides if repeat == 0 else 1
                if expansion != 1:
                    expanded = filters * expansion
                    x = convolution(x, f"{name}_expand_conv", f"{name}_expand", expanded, 1, 1)
                x = layers.DepthwiseConv2D(
                    kernel_size, stride, "same", use_bias=False, name=f"{name}_dwconv"
                )(x)
                x = layers.BatchNormalization(name=f"{name}_bn")(x)
                x = layers.ReLU(6, name=f"{name}_activation")(x)
                output = round_filters(base)
                x = layers.Conv2D(output, 1, use_bias=False, name=f"{name}_project_conv")(x)
                x = layers.BatchNormalization(name=f"{name}_project_bn")(x)
                if stride == 1 and filters == output:
                    x = layers.Add(name=f"{name}_add")([x, inputs])
                filters = output
        x = convolution(x, "top_conv", "top", 1280, 1, 1)
        if include_top:
            x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
            x = layers.Dropout(0.2, name="top_dropout")(x)
            x = layers.Dense(1000, activation="softmax", name="predictions")(x)
        return Model(image, x)

    def convolution(x, name, prefix, filters, kernel_size, strides):
        x = layers.Conv2D(filters, kernel_size, strides, "same", use_bias=False, name=name)(x)
        x = layers.BatchNormalization(name=f"{prefix}_bn")(x)
        return layers.ReLU(6, name=f"{prefix}_activation")(x)

    return build


def senet(stages, deep):
    """Hu et al. 2018, as published for Caffe: `deep` is SENet-154, else SE-ResNet.

    Layers are called as Keras calls those of ResNet, and `_se_` as in EfficientNet.
    """

    def norm(x, name):
        return layers.BatchNormalization(epsilon=1e-5, name=name)(x)

    def conv_norm(x, name, filters, kernel_size, strides=1, groups=1):
        if kernel_size > 1:
            x = layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
        x = layers.Conv2D(
            filters, kernel_size, strides, groups=groups, use_bias=False, name=f"{name}_conv"
        )(x)
        return norm(x, f"{name}_bn")

    def relu(x, name):
        return layers.Activation("relu", name=f"{name}_relu")(x)

    def block(x, name, filters, strides, project, first_stage):
        shortcut = x
        if project:
            size = 3 if deep and not first_stage else 1
            shortcut = conv_norm(x, f"{name}_0", 4 * filters, size, strides)
        if deep:
            x = relu(conv_norm(x, f"{name}_1", 2 * filters, 1), f"{name}_1")
            x = relu(conv_norm(x, f"{name}_2", 4 * filters, 3, strides, 64), f"{name}_2")
        else:
            x = relu(conv_norm(x, f"{name}_1", filters, 1, strides), f"{name}_1")
            x = relu(conv_norm(x, f"{name}_2", filters, 3), f"{name}_2")
        x = conv_norm(x, f"{name}_3", 4 * filters, 1)
        se = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_se_squeeze")(x)
        se = layers.Conv2D(filters // 4, 1, activation="relu", name=f"{name}_se_reduce")(se)
        se = layers.Conv2D(4 * filters, 1, activation="sigmoid", name=f"{name}_se_expand")(se)
        x = layers.Multiply(name=f"{name}_se_excite")([x, se])
        x = layers.Add(name=f"{name}_add")([x, shortcut])
        return layers.Activation("relu", name=f"{name}_out")(x)

    def build(input_shape, include_top):
        image = Input(input_shape)
        x = image
        if deep:
            for index, (filters, strides) in enumerate([(64, 2), (64, 1), (128, 1)]):
                name = f"conv1_{index + 1}"
                x = relu(conv_norm(x, name, filters, 3, strides), name)
        else:
            x = relu(conv_norm(x, "conv1", 64, 7, 2), "conv1")
        # Caffe rounds a pool's output up: a padding at the end only.
        x = layers.MaxPooling2D(3, 2, "same", name="pool1_pool")(x)
        for stage, repeats in enumerate(stages):
            for repeat in range(repeats):
                name = f"conv{stage + 2}_block{repeat + 1}"
                strides = 2 if stage > 0 and repeat == 0 else 1
                x = block(x, name, 64 * 2**stage, strides, repeat == 0, stage == 0)
        if include_top:
            x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
            if deep:
                x = layers.Dropout(0.2, name="top_dropout")(x)
            x = layers.Dense(1000, activation="softmax", name="predictions")(x)
        return Model(image, x)

    return build
