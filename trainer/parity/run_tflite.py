"""What TensorFlow Lite's interpreter computes: the probabilities for each image, as JSON.

    python run_tflite.py <file> <images, float32>
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

path, images = sys.argv[1:]
interpreter = tf.lite.Interpreter(path)
interpreter.allocate_tensors()
(given,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
rows = []
for image in np.fromfile(images, np.float32).reshape(-1, *given["shape"]):
    interpreter.set_tensor(given["index"], image)
    interpreter.invoke()
    rows.append(interpreter.get_tensor(output["index"])[0].tolist())
types = sorted({detail["dtype"].__name__ for detail in interpreter.get_tensor_details()})
print(json.dumps({"probabilities": rows, "types": types}))
