"""Has real Keras save the network of round_trip.py as people do who build a classifier on it, and h5py
write files that refer to others.

    python odd_weights.py <folder>
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import h5py
import keras
import numpy as np
from keras import layers
from keras.src.legacy.saving import legacy_h5_format

import round_trip


def trunk(frozen=None):
    model = round_trip.build(False)
    round_trip.fill(model, 6)
    for layer in model.layers[:frozen]:
        layer.trainable = frozen is None
    return model


def head(x):
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dense(5, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    return layers.Dense(3, activation="softmax")(x)


def nested(frozen=None):
    """As in Keras' guide to transfer learning."""
    network = trunk(frozen)
    image = keras.Input((6, 6, 3))
    return keras.Model(image, head(network(layers.RandomFlip()(image))))


def flat():
    network = trunk()
    return keras.Model(network.input, head(network.output))


def sequential():
    parts = [keras.Input((6, 6, 3)), trunk(), layers.GlobalAveragePooling2D()]
    return keras.Sequential([*parts, layers.BatchNormalization(), layers.Dense(3)])


def save_legacy(model, path):
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def to_half(source, path):
    with h5py.File(source) as old, h5py.File(path, "w") as new:
        for name, value in old.attrs.items():
            new.attrs[name] = value

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                new.create_dataset(name, data=item[()].astype(np.float16))
            else:
                new.require_group(name).attrs.update(item.attrs)

        old.visititems(copy)


def save_links(folder):
    """One tensor, in each of the ways in which it can lie elsewhere."""

    def write(name, add):
        with h5py.File(os.path.join(folder, name), "w") as file:
            add(file, file.create_group("layers/dense/vars"))

    def external(path):
        return lambda file, group: group.create_dataset(
            "0", (4, 4), "f4", external=[(path, 0, 64)]
        )

    def virtual(file, group):
        layout = h5py.VirtualLayout((4, 4), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "secret", shape=(4, 4))
        group.create_virtual_dataset("0", layout, fillvalue=1)

    def soft(file, group):
        file["secret"] = np.ones((4, 4), "f4")
        group["0"] = h5py.SoftLink("/secret")

    def broken(file, group):
        group["0"] = h5py.SoftLink("/nowhere")

    def link(file, group):
        group["0"] = h5py.ExternalLink("other.h5", "/secret")

    def circle(file, group):
        group["0"] = np.ones((4, 4), "f4")
        file["layers/dense/again"] = file["layers"]

    def huge(file, group):
        group.create_dataset("0", (100_000, 100_000, 100), "f4", chunks=(100, 100, 1))

    def words(file, group):
        group["0"] = "a text"

    write("external.h5", external("/etc/hostname"))
    write("external-device.h5", external("/dev/urandom"))
    write("virtual.h5", virtual)
    write("soft-link.h5", soft)
    write("broken-link.h5", broken)
    write("external-link.h5", link)
    write("circle.h5", circle)
    write("huge.h5", huge)
    write("words.h5", words)


def save_all(folder):
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    nested().save(at("nested.keras"))
    nested().save(at("nested.h5"), include_optimizer=False)
    save_legacy(nested(frozen=100), at("nested-frozen.h5"))
    save_legacy(nested(frozen=4), at("nested-half-frozen.h5"))
    sequential().save_weights(at("sequential.weights.h5"))
    sequential().save(at("sequential.h5"), include_optimizer=False)
    save_legacy(flat(), at("flat.h5"))
    flat().save_weights(at("flat.weights.h5"))
    save_legacy(trunk(), at("whole.h5"))
    to_half(at("whole.h5"), at("half.h5"))
    os.remove(at("whole.h5"))
    save_links(folder)


if __name__ == "__main__":
    save_all(sys.argv[1])
