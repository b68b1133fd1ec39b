"""A model directory as TensorFlow's graph and weights, without tfjs."""

import json
import os

import numpy as np
import tensorflow as tf
from google.protobuf import json_format

# tfjs' fused operations, and what TensorFlow calls the first of each.
FUSED = {
    "_FusedConv2D": "Conv2D",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedMatMul": "MatMul",
}


def read_model(folder):
    """The graph, the names of its input and its output, and the side of its images in pixels."""
    with open(os.path.join(folder, "model.json")) as file:
        model = json.load(file)
    graph = to_graph(model["modelTopology"], read_weights(folder, model["weightsManifest"]))
    (name, port), (output, _) = (
        next(iter(model["signature"][side].items())) for side in ("inputs", "outputs")
    )
    return graph, name, output, int(port["tensorShape"]["dim"][1]["size"])


def read_weights(folder, manifest):
    """The format of tfjs: https://github.com/tensorflow/tfjs, tfjs-core/src/io/types.ts."""
    weights = {}
    for group in manifest:
        data = b"".join(open(os.path.join(folder, path), "rb").read() for path in group["paths"])
        at = 0
        for spec in group["weights"]:
            quantization = spec.get("quantization", {})
            stored = np.dtype(quantization.get("dtype", spec["dtype"])).newbyteorder("<")
            count = int(np.prod(spec["shape"]))
            values = np.frombuffer(data, stored, count, at).reshape(spec["shape"])
            at += values.nbytes
            if "scale" in quantization:
                values = values * quantization["scale"] + quantization["min"]
            weights[spec["name"]] = values.astype(spec["dtype"])
    return weights


def to_graph(topology, weights):
    graph = tf.compat.v1.GraphDef()
    json_format.ParseDict({"node": topology["node"]}, graph)
    nodes = []
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(weights[node.name]))
            nodes.append(node)
        elif node.op in FUSED:
            nodes.extend(unfuse(node))
        else:
            nodes.append(node)
    return tf.compat.v1.GraphDef(node=nodes, versions=tf.Graph().as_graph_def().versions)


def unfuse(node):
    steps = [FUSED[node.op], *(name.decode() for name in node.attr["fused_ops"].list.s)]
    value = node.input[0]
    for number, op in enumerate(steps):
        is_last = number == len(steps) - 1
        step = tf.compat.v1.NodeDef(name=node.name if is_last else f"{node.name}/{op}", op=op)
        step.attr["T"].CopyFrom(node.attr["T"])
        step.input.append(value)
        if number == 0:
            step.input.append(node.input[1])
            for name, attribute in node.attr.items():
                if name not in ("num_args", "num_host_args", "TArgs", "fused_ops"):
                    step.attr[name].CopyFrom(attribute)
        elif op == "BiasAdd":
            step.input.append(node.input[2])
        value = step.name
        yield step
