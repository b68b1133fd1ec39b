"""Converts a model directory to TensorFlow Lite, in float32 and in full int8 as TensorFlow's guide does it:
activations calibrated, kernels with a scale a channel.

litert_models.py <model directory> <float32 file> <int8 file> <calibration images, float32>
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../trainer/parity"))
import graph_model  # noqa: E402

folder, float32, int8, calibration = sys.argv[1:]
with open(os.path.join(folder, "model.json")) as file:
    model = json.load(file)
weights = graph_model.read_weights(folder, model["weightsManifest"])
graph = graph_model.to_graph(model["modelTopology"], weights)
(name, port), (output, _) = (
    next(iter(model["signature"][side].items())) for side in ("inputs", "outputs")
)
size = int(port["tensorShape"]["dim"][1]["size"])
wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
network = tf.function(
    wrapped.prune(*(wrapped.graph.as_graph_element(f"{end}:0") for end in (name, output))),
    input_signature=[tf.TensorSpec((1, size, size, 3), tf.float32)],
).get_concrete_function()
images = np.fromfile(calibration, np.float32).reshape(-1, 1, size, size, 3)


def convert(path, **settings):
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network])
    for key, value in settings.items():
        setattr(converter, key, value)
    with open(path, "wb") as file:
        file.write(converter.convert())


convert(float32)
convert(
    int8,
    optimizations=[tf.lite.Optimize.DEFAULT],
    representative_dataset=lambda: ([image] for image in images),
    # Fails at an operation that would stay float32.
    target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]),
)
