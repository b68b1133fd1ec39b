"""What real Keras computes for each architecture from the weights of formula.py, as JSON on stdout.

    python golden.py [--choose] [--list] <architecture or preprocess> ...

`--choose` takes another image than the golden file where that is nearer to a kink. `--list` prints
the names and shapes of the weights instead. `preprocess` stands for what each mode
of `preprocess_input` makes of every value that a pixel can have.
"""

import base64
import json
import math
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

import formula
import handmade
from keras import applications


def application(constructor):
    return lambda input_shape, include_top: constructor(
        weights=None, input_shape=input_shape, include_top=include_top
    )


# How to build it, the side of its own images in pixels, the side used here, and the gain that
# neither lets the signal of the image die on the way to the output nor explode.
ARCHITECTURES = {
    **{
        f"efficientnetb{n}": (application(getattr(applications, f"EfficientNetB{n}")), size, 64, gain)
        for n, (size, gain) in enumerate(
            zip([224, 240, 260, 300, 380, 456, 528, 600], [6, 6, 6, 6, 6, 5, 5, 5])
        )
    },
    **{
        f"efficientnet-lite{n}": (handmade.efficientnet_lite(width, depth), size, 64, 3)
        for n, (width, depth, size) in enumerate(
            [(1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280), (1.4, 1.8, 300)]
        )
    },
    "resnet50": (application(applications.ResNet50), 224, 64, 3),
    "resnet101": (application(applications.ResNet101), 224, 64, 3),
    "resnet152": (application(applications.ResNet152), 224, 64, 3),
    "seresnet50": (handmade.senet([3, 4, 6, 3], deep=False), 224, 64, 3),
    "senet154": (handmade.senet([3, 8, 36, 3], deep=True), 224, 64, 3),
    "xception": (application(applications.Xception), 299, 71, 3),
    "vgg16": (application(applications.VGG16), 224, 32, 6),
    "vgg19": (application(applications.VGG19), 224, 32, 6),
    "nasnetmobile": (application(applications.NASNetMobile), 224, 64, 3),
    "nasnetlarge": (application(applications.NASNetLarge), 331, 64, 3),
    "mobilenetv2": (application(applications.MobileNetV2), 224, 64, 4),
    "alexnet": (handmade.alexnet, 227, 67, 6),
    "lenet5": (handmade.lenet5, 32, 32, 6),
}


def build(architecture, size, include_top):
    # Else the layers without a name of their own would be numbered on.
    keras.backend.clear_session()
    return ARCHITECTURES[architecture][0]((size, size, 3), include_top)


def weights_of(model):
    """The weights in Keras' order, under the names that they have in files of Keras 2."""
    for layer in model.layers:
        # Kept outside the network here: in the preprocess spec.
        if isinstance(layer, keras.layers.Normalization):
            continue
        for variable in layer.weights:
            name = variable.name
            if isinstance(layer, keras.layers.DepthwiseConv2D) and name == "kernel":
                name = "depthwise_kernel"
            yield f"{layer.name}/{name}", variable


def summarize(values, count):
    """Every so many-th value, from the first on, and two that all values enter."""
    values = np.asarray(values, np.float64)
    stride = max(1, values.size // count)
    return {
        "shape": list(values.shape),
        "stride": stride,
        "samples": [number(value) for value in values.ravel()[::stride][:count]],
        "sum": number(values.sum()),
        "maxAbs": number(np.abs(values).max()),
    }


def number(value):
    # Nine digits tell any two float32 numbers apart.
    return float(f"{value:.9g}")


def is_close(gradients, others):
    """Whether no gradient jumps from one to the other, as it does where an input of ReLU6 gets
    past 0 or 6. An image near such a kink has other gradients on every CPU."""
    return all(
        np.abs(a - b).max() < 1e-4 * np.abs(a).max() for a, b in zip(gradients, others)
    )


def golden(architecture, recorded_input=None):
    """Of the recorded input, or else of the first whose gradients no rounding changes: which one that is
    depends on the CPU."""
    _, own_size, size, gain = ARCHITECTURES[architecture]
    with_top = build(architecture, own_size, True).count_params()
    notop = build(architecture, size, False)
    without_top = notop.count_params()
    trunk_layer = notop.layers[-1].name
    trunk_weights = {name for name, _ in weights_of(notop)}

    model = build(architecture, size, True)
    weights = list(weights_of(model))
    for name, variable in weights:
        variable.assign(formula.weight(name, variable.shape, gain))
    model.layers[-1].activation = keras.activations.linear
    first = next((l.output for l in model.layers if l.name == "normalization"), model.input)
    both = keras.Model(first, [model.get_layer(trunk_layer).output, model.output])

    kernels = [
        (name, variable)
        for name, variable in weights
        if name in trunk_weights and name.endswith("kernel")
    ]
    biases = [
        (name, variable)
        for name, variable in weights
        if name in trunk_weights and name.endswith("/bias")
    ]
    chosen = dict(
        [kernels[round(i * (len(kernels) - 1) / 3)] for i in range(4)] + biases[-1:]
    )

    def compute(image):
        with tf.GradientTape() as tape:
            trunk, logits = both(image, training=False)
            loss = tf.reduce_sum(trunk * formula.signed("loss", trunk.shape))
        gradients = tape.gradient(loss, [variable.value for variable in chosen.values()])
        return trunk, logits, loss, gradients

    for name_of_input in [recorded_input] if recorded_input else [f"input {n}" for n in range(1, 20)]:
        image = tf.constant(formula.signed(name_of_input, (1, size, size, 3)))
        trunk, logits, loss, gradients = compute(image)
        if recorded_input or all(
            is_close(gradients, compute(image * (1 + tiny))[-1]) for tiny in (2e-6, -2e-6, 1e-6, -1e-6)
        ):
            break
    else:
        raise SystemExit(f"{architecture}: no image is away from all kinks")
    listing = "\n".join(f"{name} {list(variable.shape)}" for name, variable in weights)
    return {
        "size": size,
        "ownSize": own_size,
        "gain": gain,
        "input": name_of_input,
        "parameters": {"withTop": with_top, "withoutTop": without_top},
        "weights": {"count": len(weights), "hash": formula.hash_of(listing.replace(" ", ""))},
        "trunk": {"layer": trunk_layer, "loss": number(loss), **summarize(trunk, 16)},
        "logits": summarize(logits, 16),
        "gradients": {
            name: summarize(gradient, 8) for name, gradient in zip(chosen, gradients)
        },
    }


# The module of keras.applications that has an architecture's preprocess_input.
MODULES = {
    **{f"efficientnetb{n}": "efficientnet" for n in range(8)},
    **{f"resnet{n}": "resnet" for n in (50, 101, 152)},
    "xception": "xception",
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "nasnetmobile": "nasnet",
    "nasnetlarge": "nasnet",
    "mobilenetv2": "mobilenet_v2",
}


def preprocess():
    """Of the pixels (v, 255 - v, 7 v mod 256), for v from 0 to 255: float32, base64, by mode; and
    the mode of each architecture, as its own preprocess_input shows it."""
    v = np.arange(256)
    pixels = np.stack([v, 255 - v, 7 * v % 256], axis=-1)[None, None].astype(np.float32)
    modes = {
        mode: applications.imagenet_utils.preprocess_input(pixels.copy(), "channels_last", mode)
        for mode in ["tf", "torch", "caffe"]
    }
    # The front of EfficientNet as it is with Keras' own weights, which have the deviations for
    # variances.
    deviation = [0.229, 0.224, 0.225]
    x = keras.layers.Rescaling(1.0 / 255.0)(pixels)
    x = keras.layers.Normalization(mean=[0.485, 0.456, 0.406], variance=deviation)(x)
    x = keras.layers.Rescaling([1.0 / math.sqrt(value) for value in deviation])(x)
    modes["efficientnet"] = np.asarray(x)
    modes["lite"] = handmade.preprocess_lite(pixels)

    def mode_of(architecture):
        if architecture not in MODULES:
            return handmade.MODES[architecture]
        module = getattr(applications, MODULES[architecture])
        result = module.preprocess_input(pixels.copy())
        if np.array_equal(result, pixels):
            return "efficientnet"
        return next(mode for mode, values in modes.items() if np.array_equal(values, result))

    return {
        "modes": {
            mode: base64.b64encode(values.astype("<f4").tobytes()).decode()
            for mode, values in modes.items()
        },
        "architectures": {architecture: mode_of(architecture) for architecture in ARCHITECTURES},
    }


if __name__ == "__main__":
    arguments = sys.argv[1:]
    names = [a for a in arguments if not a.startswith("--")] or [*ARCHITECTURES, "preprocess"]
    for name in names:
        if "--list" in arguments:
            for weight, variable in weights_of(build(name, ARCHITECTURES[name][2], True)):
                print(weight, list(variable.shape))
        else:
            file = pathlib.Path(__file__).parent / "golden" / f"{name}.json"
            is_recorded = "--choose" not in arguments and file.exists()
            recorded = json.loads(file.read_text()).get("input") if is_recorded else None
            result = preprocess() if name == "preprocess" else golden(name, recorded)
            print(json.dumps({"name": name, "golden": result}), flush=True)
