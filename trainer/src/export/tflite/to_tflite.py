"""Converts a model directory to TensorFlow Lite with TensorFlow's converter: in float32, with kernels in float16, or in
full int8 as TensorFlow's guide does it, activations calibrated, kernels with a scale a channel.

to_tflite.py <model directory> <file> <float32, float16 or int8> [<calibration images, float32>]
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from tensorflow_graph import read_model

folder, path, kernels, *calibration = sys.argv[1:]
graph, name, output, size = read_model(folder)
wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
network = tf.function(
    wrapped.prune(*(wrapped.graph.as_graph_element(f"{end}:0") for end in (name, output))),
    input_signature=[tf.TensorSpec((1, size, size, 3), tf.float32)],
).get_concrete_function()
converter = tf.lite.TFLiteConverter.from_concrete_functions([network])
if kernels != "float32":
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
if kernels == "float16":
    converter.target_spec.supported_types = [tf.float16]
if kernels == "int8":
    images = np.memmap(calibration[0], np.float32, "r").reshape(-1, 1, size, size, 3)
    converter.representative_dataset = lambda: ([np.array(image)] for image in images)
    # Fails at an operation that would stay float32.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
with open(path, "wb") as file:
    file.write(converter.convert())
