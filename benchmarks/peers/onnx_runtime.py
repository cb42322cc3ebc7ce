"""ONNX Runtime on a network of Gemm nodes with transposed weights, as PyTorch exports it."""

from collections.abc import Callable

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from cases import Array, Case

DISTRIBUTIONS = ("onnxruntime",)
OPSET, IR_VERSION = 21, 10
TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}

options = onnxruntime.SessionOptions()


def set_threads(count: int) -> None:
    options.intra_op_num_threads = count


def model_of(case: Case, theta: Array) -> bytes:
    nodes, tensors, a = [], [], "x"
    for i, (W, b) in enumerate(case.layers(theta)):
        tensors += [
            numpy_helper.from_array(np.ascontiguousarray(W.T), f"{i}.weight"),
            numpy_helper.from_array(b, f"{i}.bias"),
        ]
        nodes.append(helper.make_node("Gemm", [a, f"{i}.weight", f"{i}.bias"], [f"z{i}"], transB=1))
        last = i == len(case.sizes) - 2
        a = "o" if last else f"a{i}"
        nodes.append(helper.make_node("Softmax" if last else case.activation.capitalize(), [f"z{i}"], [a]))
    x, o = (
        helper.make_tensor_value_info(name, TYPES[case.dtype], ["N", size])
        for name, size in (("x", case.sizes[0]), ("o", case.sizes[-1]))
    )
    graph = helper.make_graph(nodes, "perceptron", [x], [o], tensors)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()


def predictor(case: Case, theta: Array) -> Callable[[Array], Array]:
    session = onnxruntime.InferenceSession(model_of(case, theta), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]
