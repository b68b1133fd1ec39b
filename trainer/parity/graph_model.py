"""What TensorFlow computes with a model directory, without tfjs: the probabilities for the image
of formula.py, as JSON.

    python graph_model.py <model directory>
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

import formula

sys.path.append(os.path.join(os.path.dirname(__file__), "../src/export/tflite"))
from tensorflow_graph import read_model  # noqa: E402


def run(folder):
    graph, name, output, size = read_model(folder)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(graph, name="")
        image = formula.signed("input", (1, size, size, 3))
        return session.run(f"{output}:0", {f"{name}:0": image})


if __name__ == "__main__":
    print(json.dumps({"probabilities": [float(value) for value in run(sys.argv[1])[0]]}))
