"""Has real Keras save a network with the weights of formula.py in each of its formats.

    python round_trip.py [--load] <folder> [<architecture>]

Without an architecture it is a small one, and outputs.json tells what Keras computes with it. With
`--load` it reads ours.weights.h5 instead, and prints the names of weights that the formula does not
make.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import h5py
import keras
import numpy as np
from keras import layers
from keras.src.legacy.saving import legacy_h5_format

import formula
import golden


def build(include_top):
    """Layers of the kinds that the architectures have, some of them without a name."""
    keras.backend.clear_session()
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem_conv")(image)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.Activation("relu", name="stem_relu")(x)
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.Conv2D(4, 1)(y)
    y = layers.BatchNormalization()(y)
    x = layers.Add()([x, y])
    x = layers.SeparableConv2D(5, 3, padding="same", use_bias=False)(x)
    x = layers.Conv2D(4, 1)(x)
    if include_top:
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(3, activation="softmax", name="predictions")(x)
    return keras.Model(image, x)


def fill(model, gain):
    for weight, variable in golden.weights_of(model):
        variable.assign(formula.weight(weight, variable.shape, gain))


def save_legacy(model, path):
    """The form of the files of keras.applications, which only Keras 2 wrote."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def save_all(model, folder):
    save_legacy(model, os.path.join(folder, "full.h5"))
    model.save_weights(os.path.join(folder, "full.weights.h5"))
    model.save(os.path.join(folder, "model.keras"))
    model.save(os.path.join(folder, "model.h5"), include_optimizer=False)


def save_small(folder):
    # Long lists of names are kept in parts, as in NASNet's files; here short ones are too.
    legacy_h5_format.HDF5_OBJECT_HEADER_LIMIT = 200
    image = formula.signed("input", (1, 6, 6, 3))
    outputs = {}
    for name, include_top in (("full", True), ("notop", False)):
        model = build(include_top)
        fill(model, 6)
        outputs[name] = [float(value) for value in np.ravel(model(image, training=False))]
        if include_top:
            save_all(model, folder)
        else:
            save_legacy(model, os.path.join(folder, "notop.h5"))
    with open(os.path.join(folder, "outputs.json"), "w") as file:
        json.dump(outputs, file, indent=2)
        file.write("\n")


def save_architecture(folder, name):
    _, _, size, gain = golden.ARCHITECTURES[name]
    model = golden.build(name, size, True)
    fill(model, gain)
    save_all(model, folder)


def load_ours(folder, name):
    _, _, size, gain = golden.ARCHITECTURES[name]
    model = golden.build(name, size, True)
    model.load_weights(os.path.join(folder, "ours.weights.h5"))
    for weight, variable in golden.weights_of(model):
        if not np.array_equal(variable, formula.weight(weight, variable.shape, gain)):
            print(f"differs: {weight}")


if __name__ == "__main__":
    load = "--load" in sys.argv
    if load:
        sys.argv.remove("--load")
    if load:
        load_ours(*sys.argv[1:])
    elif len(sys.argv) > 2:
        save_architecture(*sys.argv[1:])
    else:
        save_small(sys.argv[1])
