"""The textbook's network, every derivative against the chain rule written out by hand.

One unit per layer::

    x --w1,b1--> z1 --f--> a1 --w2,b2--> z2 --f--> a2 --w3--> z3 --f--> o

as, for example, in M. Nielsen (2015), "Neural Networks and Deep Learning", chapter 2. Then several units per layer,
against sums over indices. Nothing here uses an array but to hand numbers over.
"""

import math
from collections.abc import Callable

import pytest

import fastprop as fp

F: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
}
SLOPE: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda z: F["sigmoid"](z) * (1 - F["sigmoid"](z)),
    "tanh": lambda z: 1 / math.cosh(z) ** 2,
    "relu": lambda z: 1.0 if z > 0 else 0.0,
}
CLOSE = 1e-14  # some tens of roundings in float64


def chain_of_units(f: str, w1: float, b1: float, w2: float, b2: float, w3: float) -> fp.Sequential:
    layers = [fp.Dense(1, f), fp.Dense(1, f), fp.Dense(1, f, use_bias=False)]
    model = fp.Sequential(layers, n_inputs=1, dtype="float64")
    model.theta[:] = w1, b1, w2, b2, w3
    return model


# (w1, b1, w2, b2, w3), x, y: chosen so that every relu is on and no sigmoid is saturated
UNITS = [
    ((0.8, 0.3, -1.2, 1.9, 0.7), 0.6, 1.0),
    ((-0.5, 1.1, 0.9, -0.2, 1.6), -1.3, 0.0),
    ((1.7, -0.4, 0.6, 0.5, 0.25), 0.9, 1.0),
]


@pytest.mark.parametrize("f", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(("parameters", "x", "y"), UNITS)
def test_every_derivative_of_the_squared_error_is_the_chain_rules(f, parameters, x, y):
    """dC/dw1 = dC/do do/dz3 dz3/da2 da2/dz2 dz2/da1 da1/dz1 dz1/dw1, and so on from the same factors."""
    w1, b1, w2, b2, w3 = parameters
    z1 = w1 * x + b1
    a1 = F[f](z1)
    z2 = w2 * a1 + b2
    a2 = F[f](z2)
    z3 = w3 * a2
    o = F[f](z3)

    dC_do = 2 * (o - y)
    do_dz3, da2_dz2, da1_dz1 = SLOPE[f](z3), SLOPE[f](z2), SLOPE[f](z1)
    dC_dw3 = dC_do * do_dz3 * a2
    dC_dw2 = dC_do * do_dz3 * w3 * da2_dz2 * a1
    dC_db2 = dC_do * do_dz3 * w3 * da2_dz2 * 1
    dC_dw1 = dC_do * do_dz3 * w3 * da2_dz2 * w2 * da1_dz1 * x
    dC_db1 = dC_do * do_dz3 * w3 * da2_dz2 * w2 * da1_dz1 * 1

    loss, grad = fp.gradient(chain_of_units(f, *parameters), [[x]], [y], "mse")
    assert loss == pytest.approx((o - y) ** 2, rel=CLOSE)
    assert grad.tolist() == pytest.approx([dC_dw1, dC_db1, dC_dw2, dC_db2, dC_dw3], rel=CLOSE)
    assert all(grad), "a derivative of 0 would prove little"


@pytest.mark.parametrize("y", [0.0, 1.0, 0.3])
@pytest.mark.parametrize(("parameters", "x"), [(parameters, x) for parameters, x, _ in UNITS])
def test_every_derivative_of_the_binary_cross_entropy_is_the_chain_rules(parameters, x, y):
    """The same chain with dC/do of the cross-entropy; the core's short cut o - y must come to the same."""
    w1, b1, w2, b2, w3 = parameters
    f, slope = F["sigmoid"], SLOPE["sigmoid"]
    z1 = w1 * x + b1
    a1 = f(z1)
    z2 = w2 * a1 + b2
    a2 = f(z2)
    z3 = w3 * a2
    o = f(z3)

    dC_do = -y / o + (1 - y) / (1 - o)
    dC_dw3 = dC_do * slope(z3) * a2
    dC_dw2 = dC_do * slope(z3) * w3 * slope(z2) * a1
    dC_db2 = dC_do * slope(z3) * w3 * slope(z2) * 1
    dC_dw1 = dC_do * slope(z3) * w3 * slope(z2) * w2 * slope(z1) * x
    dC_db1 = dC_do * slope(z3) * w3 * slope(z2) * w2 * slope(z1) * 1

    loss, grad = fp.gradient(chain_of_units("sigmoid", *parameters), [[x]], [y], "binary_cross_entropy")
    assert loss == pytest.approx(-(y * math.log(o) + (1 - y) * math.log(1 - o)), rel=CLOSE)
    assert grad.tolist() == pytest.approx([dC_dw1, dC_db1, dC_dw2, dC_db2, dC_dw3], rel=CLOSE)


# Several units: 3 inputs, 4 and 2 hidden units, 3 outputs without bias, two rows

W1 = [[0.5, -0.3, 0.8, 0.1], [-0.7, 0.2, 0.4, -0.9], [0.3, 0.6, -0.2, 0.7]]
B1 = [0.1, -0.2, 0.3, 0.05]
W2 = [[0.4, -0.6], [0.9, 0.2], [-0.3, 0.5], [0.7, -0.1]]
B2 = [0.2, -0.15]
W3 = [[0.6, -0.8, 0.3], [-0.4, 0.5, 0.9]]
ROWS = [[1.0, -0.5, 0.25], [-0.75, 0.5, 2.0]]
INPUTS, J, K, N = range(3), range(4), range(2), range(3)  # inputs, first and second hidden units, outputs


def hidden(f: str, x: list[float]) -> tuple[list[float], list[float], list[float], list[float], list[float]]:
    z1 = [sum(x[i] * W1[i][j] for i in INPUTS) + B1[j] for j in J]
    a1 = [F[f](z1[j]) for j in J]
    z2 = [sum(a1[j] * W2[j][k] for j in J) + B2[k] for k in K]
    a2 = [F[f](z2[k]) for k in K]
    z3 = [sum(a2[k] * W3[k][n] for k in K) for n in N]
    return z1, a1, z2, a2, z3


def derivatives(f: str, x: list[float], delta3: list[float]) -> list[float]:
    """All dC/dw and dC/db of one row in theta's order, from dC/dz3."""
    z1, a1, z2, a2, _ = hidden(f, x)
    delta2 = [sum(delta3[n] * W3[k][n] for n in N) * SLOPE[f](z2[k]) for k in K]
    delta1 = [sum(delta2[k] * W2[j][k] for k in K) * SLOPE[f](z1[j]) for j in J]
    dW1 = [x[i] * delta1[j] for i in INPUTS for j in J]
    dW2 = [a1[j] * delta2[k] for j in J for k in K]
    dW3 = [a2[k] * delta3[n] for k in K for n in N]
    return dW1 + delta1 + dW2 + delta2 + dW3


def several_units(f: str, last: str) -> fp.Sequential:
    layers = [fp.Dense(4, f), fp.Dense(2, f), fp.Dense(3, last, use_bias=False)]
    model = fp.Sequential(layers, n_inputs=3, dtype="float64")
    model.layers[0].W, model.layers[0].b = W1, B1
    model.layers[1].W, model.layers[1].b = W2, B2
    model.layers[2].W = W3
    return model


@pytest.mark.parametrize("f", ["sigmoid", "tanh", "relu"])
def test_several_units_sum_over_all_paths_for_the_squared_error(f):
    """C is a mean over 2 rows and 3 outputs, so each row's derivatives enter with 1 / 6 of 2 (o - y)."""
    targets = [[0.5, 0.0, 1.0], [0.25, 1.0, -1.0]]
    C, expected = 0.0, [0.0] * 32
    for x, y in zip(ROWS, targets, strict=True):
        *_, z3 = hidden(f, x)
        o = [F[f](z3[n]) for n in N]
        C += sum((o[n] - y[n]) ** 2 for n in N) / 6
        delta3 = [2 * (o[n] - y[n]) / 6 * SLOPE[f](z3[n]) for n in N]
        expected = [sum(pair) for pair in zip(expected, derivatives(f, x, delta3), strict=True)]

    loss, grad = fp.gradient(several_units(f, f), ROWS, targets, "mse")
    assert loss == pytest.approx(C, rel=CLOSE)
    assert grad.tolist() == pytest.approx(expected, rel=1e-13, abs=1e-16)


@pytest.mark.parametrize("f", ["sigmoid", "tanh"])
def test_several_units_sum_over_all_paths_for_the_cross_entropy(f):
    """dC/dz3_n by softmax's own derivatives, sum over l of dC/do_l o_l (1 if l = n, else 0, less o_n)."""
    labels = [2, 0]
    C, expected = 0.0, [0.0] * 32
    for x, label in zip(ROWS, labels, strict=True):
        *_, z3 = hidden(f, x)
        exponentials = [math.exp(z3[n]) for n in N]
        o = [exponentials[n] / sum(exponentials) for n in N]
        C += -math.log(o[label]) / 2
        dC_do = [-1 / o[label] / 2 if n == label else 0.0 for n in N]
        delta3 = [sum(dC_do[n_] * o[n_] * ((n_ == n) - o[n]) for n_ in N) for n in N]
        expected = [sum(pair) for pair in zip(expected, derivatives(f, x, delta3), strict=True)]

    loss, grad = fp.gradient(several_units(f, "softmax"), ROWS, labels, "cross_entropy")
    assert loss == pytest.approx(C, rel=CLOSE)
    assert grad.tolist() == pytest.approx(expected, rel=1e-13, abs=1e-16)


def test_one_step_moves_each_parameter_against_its_derivative():
    """W -= learning_rate dW, b -= learning_rate db: the step of the textbook, to the last bit but for one rounding."""
    model = several_units("tanh", "softmax")
    _, grad = fp.gradient(model, ROWS, [2, 0], "cross_entropy")
    before = model.theta.copy()
    fp.Trainer(model, "cross_entropy", fp.SGD(0.5)).partial_fit(ROWS, [2, 0])
    assert model.theta.tolist() == (before - 0.5 * grad).tolist()  # 0.5 g is exact, so the difference rounds once
