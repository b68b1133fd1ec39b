"""Quantizes an ONNX model to 8 bits as onnxruntime's own guide does: static, QDQ, a scale a channel.

quantize_onnx.py <model> <quantized model> <calibration images, float32> <side>
"""

import sys

import numpy
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

model, quantized, images, side = sys.argv[1:]
batches = numpy.fromfile(images, numpy.float32).reshape(-1, 1, 3, int(side), int(side))


class Images(CalibrationDataReader):
    def __init__(self):
        self.left = iter(batches)

    def get_next(self):
        batch = next(self.left, None)
        return None if batch is None else {"input": batch}


quantize_static(
    model,
    quantized,
    Images(),
    per_channel=True,
    activation_type=QuantType.QUInt8,
    weight_type=QuantType.QInt8,
)
