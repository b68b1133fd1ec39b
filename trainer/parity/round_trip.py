"""Has real Keras save one small network in each of its formats, and writes what it computes.

    python round_trip.py <folder>
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
from golden import weights_of


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


def save(folder):
    image = formula.signed("input", (1, 6, 6, 3))
    outputs = {}
    for name, include_top in (("full", True), ("notop", False)):
        model = build(include_top)
        for weight, variable in weights_of(model):
            variable.assign(formula.weight(weight, variable.shape, 6))
        outputs[name] = [float(value) for value in np.ravel(model(image, training=False))]
        # The form of keras.applications' files, long lists of names in parts as in NASNet's.
        legacy_h5_format.HDF5_OBJECT_HEADER_LIMIT = 200
        with h5py.File(os.path.join(folder, f"{name}.h5"), "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)
        if include_top:
            model.save(os.path.join(folder, "model.h5"), include_optimizer=False)
            model.save(os.path.join(folder, "model.keras"))
            model.save_weights(os.path.join(folder, "full.weights.h5"))
    with open(os.path.join(folder, "outputs.json"), "w") as file:
        json.dump(outputs, file)
        file.write("\n")


if __name__ == "__main__":
    save(sys.argv[1])
