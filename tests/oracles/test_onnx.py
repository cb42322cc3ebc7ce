"""ONNX's own node cases, inputs with the outputs that its authors state, on every target and type.

`OPERATORS` says which operators the core has, and what of their cases it has not. Elementary functions and activations
come from the kernels' own lists, under the names that ONNX gives them: a new one is tested at once, or it is named in
`NOT_IN_ONNX`.
"""

import fnmatch
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import onnx
import pytest
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase

from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls
from reference import relative_error

TABLE = KernelCalls(dispatch.kernels(np.dtype(np.float64), "baseline"), "baseline")
Attributes = Mapping[str, object]
Arrays = list[np.ndarray]

# hard_tanh and relu6 are ONNX's Clip, whose bounds are inputs of their own.
NOT_IN_ONNX = {"log1p", "expm1", "hard_tanh", "relu6"}
OTHER_NAMES = {"silu": "Swish", "exponential": "Exp"}
SETTINGS: dict[str, Callable[[Attributes], tuple[float, ...]]] = {  # of activations, from a node's attributes
    "leaky_relu": lambda attributes: (attributes.get("alpha", 0.01),),
    "elu": lambda attributes: (attributes.get("alpha", 1.0),),
    "celu": lambda attributes: (attributes.get("alpha", 1.0),),
    "gelu": lambda attributes: (float(attributes.get("approximate") == b"tanh"),),
    "softplus": lambda attributes: (1.0,),
}
LACKS = {
    "selu": {"test_selu": "another scale and alpha", "test_selu_example": "another scale and alpha"},
    "celu": {"test_celu_*float16": "another type"},
}
# The cases hold float32 numbers that were computed in float32: their inputs' and outputs' rounding, and a few between.
BOUND = 16 * 2.0**-24


@dataclass(frozen=True)
class Operator:
    """How the core computes an operator: `outputs` takes the kernels, the node's attributes and inputs, and returns the
    first of its outputs. `lacks` maps the names of cases to what the core lacks for them."""

    name: str
    outputs: Callable[[KernelCalls, Attributes, Arrays], Arrays]
    lacks: Mapping[str, str] = field(default_factory=dict)


def gemm(kernels: KernelCalls, attributes: Attributes, inputs: Arrays) -> Arrays:
    """alpha A' B' + beta C, with the factors moved to A and C; a transposed matrix goes in as it lies in memory."""
    a, b, *c = inputs
    a, b = (x.T if attributes.get(name) else x for x, name in ((a, "transA"), (b, "transB")))
    a = kernels.dtype.type(attributes.get("alpha", 1)) * a
    bias = [kernels.dtype.type(attributes.get("beta", 1)) * np.broadcast_to(x, (1, b.shape[1]))[0] for x in c]
    return [kernels.product(a, b, *bias)]


def matmul(kernels: KernelCalls, attributes: Attributes, inputs: Arrays) -> Arrays:
    """Stacks of products; a vector is a row to the left and a column to the right."""
    a, b = inputs
    stacked = np.vectorize(kernels.product, otypes=[kernels.dtype], signature="(m,k),(k,n)->(m,n)")
    return [stacked(np.atleast_2d(a), b[:, np.newaxis] if b.ndim == 1 else b)]


def elementary(name: str, kernels: KernelCalls, attributes: Attributes, inputs: Arrays) -> Arrays:
    return [kernels.elementary(name, inputs[0].ravel())]


def rows(x: np.ndarray, axis: int) -> np.ndarray:
    """Along one axis; the others in order."""
    return np.ascontiguousarray(np.moveaxis(x, axis, -1)).reshape(-1, x.shape[axis])


def from_rows(matrix: np.ndarray, like: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(matrix.reshape(np.moveaxis(like, axis, -1).shape), -1, axis)


def activation(name: str, kernels: KernelCalls, attributes: Attributes, inputs: Arrays) -> Arrays:
    (z,), axis = inputs, attributes.get("axis", -1)
    if name == "hard_sigmoid":  # 0 to 1 along alpha z + beta, which along z / 6 + 1 / 2 is this
        z = 6 * (attributes.get("alpha", 0.2) * z + attributes.get("beta", 0.5)) - 3
    settings = SETTINGS[name](attributes) if name in SETTINGS else ()
    return [from_rows(kernels.activation_forward(name, rows(z, axis), settings), z, axis)]


def cross_entropy(kernels: KernelCalls, attributes: Attributes, inputs: Arrays) -> Arrays:
    """The loss over all places after the classes' axis, and log(o). A class's weight is that of its rows, and
    `ignore_index` gives a row the weight 0."""
    scores, labels, *by_class = inputs
    z, labels = rows(scores, 1), labels.ravel()
    by_class = by_class[0] if by_class else np.ones(z.shape[1], kernels.dtype)
    counts = labels != attributes.get("ignore_index", z.shape[1])
    classes = np.where(counts, labels, 0)
    w = by_class[classes] * counts
    mean, _, o = kernels.loss("cross_entropy", z, np.eye(z.shape[1], dtype=kernels.dtype)[classes], w)
    total = mean * (w.sum() if attributes["reduction"] == b"sum" else 1)
    return [np.array(total), from_rows(np.log(o), scores, 1)]


def momentum(kernels: KernelCalls, attributes: Attributes, inputs: Arrays) -> Arrays:
    """Several tensors in turn: all X, all gradients, all velocities. At T = 0 the new gradient counts in full."""
    learning_rate, T, *tensors = inputs
    theta, grad, velocity = (tensors[i * len(tensors) // 3 : (i + 1) * len(tensors) // 3] for i in range(3))
    share = attributes["beta"] if T > 0 else 1
    rule = "sgd_nesterov" if attributes["mode"] == b"nesterov" else "sgd_momentum"
    settings = (attributes["norm_coefficient"], 1.0, -learning_rate, attributes["alpha"], share, 0.0)
    for p, g, v in zip(theta, grad, velocity, strict=True):
        kernels.update(rule, p, g, v.reshape(1, -1), settings)
    return [*theta, *velocity]


def onnx_name(kernel: str) -> str:
    return OTHER_NAMES.get(kernel, kernel.title().replace("_", ""))


OPERATORS = {
    "Gemm": Operator("Gemm", gemm, {"test_gemm_default_matrix_bias": "a bias of its own for each row"}),
    "MatMul": Operator("MatMul", matmul),
    **{
        f"{kind} {name}": Operator(onnx_name(name), partial(outputs, name), LACKS.get(name, {}))
        for kind, outputs, names in (
            ("elementary", elementary, TABLE.elementaries),
            ("activation", activation, TABLE.activations),
        )
        for name in names
        if name not in NOT_IN_ONNX
    },
    "cross_entropy": Operator(
        "SoftmaxCrossEntropyLoss", cross_entropy, {"*_none*": "each row's loss by itself: the core sums them"}
    ),
    "sgd": Operator("Momentum", momentum),
}


def collected() -> list[TestCase]:
    """All cases of a single node on tensors; an "expanded" one writes an operator out in others."""
    with warnings.catch_warnings(action="ignore"):  # casts that overflow, in cases of other operators
        cases = collect_testcases(None)
    return [
        case
        for case in cases
        if len(case.model.graph.node) == 1
        and not case.name.endswith("_expanded")
        and all(isinstance(x, np.ndarray | np.generic) for arrays in case.data_sets[0] for x in arrays)
    ]


CASES = collected()


def cases_of(operator: Operator) -> list[TestCase]:
    return [
        case
        for case in CASES
        if case.model.graph.node[0].op_type == operator.name
        and not any(fnmatch.fnmatch(case.name, pattern) for pattern in operator.lacks)
    ]


@pytest.mark.parametrize(
    ("operator", "case"),
    [
        pytest.param(operator, case, id=f"{kernel}-{case.name}")
        for kernel, operator in OPERATORS.items()
        for case in cases_of(operator)
    ],
)
def test_the_outputs_are_those_that_onnx_states(kernels: KernelCalls, operator: Operator, case: TestCase) -> None:
    """To the rounding of float32, by the largest output, which is far within the case's own tolerance of 1e-3."""
    node = case.model.graph.node[0]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    for inputs, expected in case.data_sets:
        taken = [x.astype(kernels.dtype) if x.dtype.kind == "f" else x for x in inputs]
        outputs = operator.outputs(kernels, attributes, taken)
        for actual, stated in zip(outputs, expected, strict=False):  # a loss has log(o) for a second output, or not
            assert relative_error(actual.reshape(stated.shape), stated) <= BOUND


@pytest.mark.parametrize("kernel", OPERATORS)
def test_every_operator_has_cases(kernel: str) -> None:
    """Else the test above would pass over it; likewise every reason to leave a case out leaves one out."""
    operator = OPERATORS[kernel]
    assert cases_of(operator), f"ONNX has no case of {operator.name}: is {kernel!r} to be named in NOT_IN_ONNX?"
    for pattern in operator.lacks:
        assert any(fnmatch.fnmatch(case.name, pattern) for case in CASES), pattern


@pytest.mark.parametrize("name", sorted(NOT_IN_ONNX))
def test_onnx_has_no_such_operator(name: str) -> None:
    """Nothing is left out that could be tested."""
    assert not onnx.defs.has(onnx_name(name))


if __name__ == "__main__":  # python -m oracles.test_onnx, in tests/: the number of cases, for the record
    for label, each in OPERATORS.items():
        print(f"{label}: {len(cases_of(each))} cases of {each.name}")
