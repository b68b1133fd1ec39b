"""Weights and images from a formula of a tensor's name and an element's index, so that Keras and
the trainer compute with the same numbers and none need to be stored.

The same formula, with the same bits, as parity/formula.ts.
"""

import math

import numpy as np


def hash_of(name):
    """32-bit FNV-1a of the UTF-8 bytes."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def uniform(name, count):
    """`count` float32 numbers in [0, 1), multiples of 2^-24."""
    # MurmurHash3's finalizer over a Weyl sequence.
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(hash_of(name))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def signed(name, shape):
    """float32 numbers in [-1, 1)."""
    return (uniform(name, math.prod(shape)) * np.float32(2) - np.float32(1)).reshape(shape)


def weight(name, shape, gain):
    """What the weight `layer/weight` holds. Kernels have the variance gain / (3 fan-in)."""
    kind = name.rsplit("/", 1)[-1]
    if kind in ("gamma", "moving_variance"):
        return (uniform(name, math.prod(shape)) + np.float32(0.5)).reshape(shape)
    if kind in ("beta", "moving_mean", "bias"):
        return signed(name, shape) * np.float32(0.125)
    fan_in = math.prod(shape[:2] if kind == "depthwise_kernel" else shape[:-1])
    return signed(name, shape) * np.float32(math.sqrt(gain / fan_in))
