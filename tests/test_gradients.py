"""The gradient of whole networks: against plain NumPy, and against differences of the loss."""

import numpy as np
import pytest

import fastprop as fp
from reference import (
    DEPTHS,
    ENDS,
    Case,
    flat,
    gradient,
    layers_of,
    parameters,
    random_case,
    relative_error,
)
from reference_activations import TRIED

SEEDS = 270
CHUNKS = [range(first, first + 45) for first in range(0, SEEDS, 45)]

each_chunk = pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")


def numbers_of(case: Case) -> tuple[float, np.ndarray]:
    return fp.gradient(case.fp_model(), case.X, case.y, case.fp_loss(), sample_weight=case.w)


def test_the_random_networks_cover_what_there_is():
    """The tests below say little if their cases leave something out."""
    cases = [random_case(seed) for seed in range(SEEDS)]
    hidden = {layer.f for case in cases for layer in case.layers[:-1]}
    assert hidden == set(TRIED) >= set(fp.activations.ACTIVATIONS.values())
    ends = {(case.loss, case.from_logits, case.layers[-1].f, len(case.layers)) for case in cases}
    assert ends == {(*end, depth) for end in ENDS for depth in range(1, DEPTHS + 1)}
    assert {case.w is None for case in cases} == {True, False}
    assert {layer.b is None for case in cases for layer in case.layers} == {True, False}
    assert {case.y.ndim for case in cases if case.loss == "cross_entropy"} == {1, 2}
    widths = {width for case in cases for layer in case.layers for width in layer.W.shape}
    assert min(widths) == 1
    assert max(widths) == 70
    rows = {len(case.X) for case in cases}
    assert min(rows) == 1
    assert max(rows) > 35


@each_chunk
def test_the_gradient_equals_the_one_written_from_the_equations(seeds):
    """Losses and gradients agree to a few roundings: both are float64, only the order of sums differs."""
    for seed in seeds:
        case = random_case(seed)
        C, expected = case.gradient()
        loss, grad = numbers_of(case)
        assert abs(loss - C) <= 1e-13 * abs(C), seed
        assert relative_error(grad, expected) <= 1e-13, seed


@each_chunk
def test_the_gradient_is_the_limit_of_differences_of_the_loss(seeds):
    """Central differences of the NumPy loss, which knows nothing of derivatives, at 30 parameters of each network."""
    for seed in seeds:
        case = random_case(seed)
        _, grad = numbers_of(case)
        theta = flat(parameters(case.layers))
        chosen = np.random.default_rng(seed).permutation(len(theta))[:30]
        differences = [difference(case, i) for i in chosen]
        largest = abs(grad).max()
        assert abs(grad[chosen] - differences).max() <= 1e-6 * largest, seed


def difference(case: Case, index: int) -> float:
    """(C(theta + h) - C(theta - h)) / 2h along one parameter of the flat theta."""
    for array in parameters(case.layers):
        if index < array.size:
            break
        index -= array.size
    value, h, C = array.flat[index], 1e-5, {}
    for side in (h, -h):
        array.flat[index] = value + side
        C[side], _ = gradient(case.layers, case.X, case.targets, case.loss, case.w, case.from_logits)
    array.flat[index] = value
    return (C[h] - C[-h]) / (2 * h)


@each_chunk
def test_check_gradients_agrees_at_every_parameter(seeds):
    """The check that users run finds nothing wrong, and reports what it compared."""
    for seed in seeds:
        case = random_case(seed)
        model = case.fp_model()
        check = fp.check_gradients(model, case.X, case.y, case.fp_loss(), sample_weight=case.w)
        assert check.relative_error <= 1e-6, seed
        assert check.grad.shape == check.differences.shape == model.theta.shape
        assert model.theta.tobytes() == flat(parameters(case.layers)).tobytes()


@each_chunk
def test_float32_gradients_are_those_of_float64_but_for_rounding(seeds):
    """The same text of kernels in the shorter type: 2**-24 grows to 1e-5 at most through five layers."""
    for seed in seeds:
        case = random_case(seed)
        loss, grad = fp.gradient(case.fp_model("float32"), case.X, case.y, case.fp_loss(), sample_weight=case.w)
        C, expected = case.gradient()
        assert grad.dtype == np.float32
        assert loss == pytest.approx(C, rel=1e-5)
        assert relative_error(grad, expected) <= 1e-5, seed


def test_a_gradient_that_is_off_is_found_by_check_gradients():
    """A check that never fails is none: at a corner of relu, slope and differences must disagree."""
    model = fp.Sequential([fp.Dense(1, "relu", use_bias=False)], n_inputs=1, dtype="float64")
    model.layers[0].W = [[0.0]]
    check = fp.check_gradients(model, [[1.0]], [-1.0], "mse")
    assert check.grad == [0.0]  # relu's slope at 0 is 0
    assert check.differences == pytest.approx([1.0], rel=1e-4)  # half of 2 (0 - -1): one side rises, the other is flat
    assert check.relative_error == pytest.approx(1.0, rel=1e-4)


def test_the_gradient_of_many_rows_is_the_mean_of_the_gradients_of_each():
    """Rows beyond the blocks of 256 that products and column sums are made of; a mean is a mean of means."""
    model = fp.mlp(3, 5, 2, activation="tanh", dtype="float64", seed=1)
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((1000, 3)), rng.standard_normal((1000, 2))
    loss, grad = fp.gradient(model, X, y, "mse")
    alone = [fp.gradient(model, X[i : i + 1], y[i : i + 1], "mse") for i in range(1000)]
    assert loss == pytest.approx(np.mean([C for C, _ in alone]), rel=1e-14)
    assert relative_error(grad, np.mean([g for _, g in alone], axis=0)) <= 1e-14


def test_the_gradient_of_a_large_network_equals_the_one_written_from_the_equations():
    """Products of several blocks and lots, in a plan large enough for huge pages."""
    model = fp.mlp(300, 530, 270, 12, activation="tanh", dtype="float64", seed=1)
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((600, 300)), rng.standard_normal((600, 12))
    loss, grad = fp.gradient(model, X, y, "mse")
    C, expected = gradient(layers_of(model), X, y, "mse")
    assert loss == pytest.approx(C, rel=1e-13)
    assert relative_error(grad, flat(expected)) <= 1e-13


def test_a_row_of_weight_zero_does_not_count():
    """A weight is how often a row counts; what the row holds is then of no matter."""
    model = fp.mlp(3, 5, 2, activation="tanh", dtype="float64", seed=1)
    rng = np.random.default_rng(1)
    X, y, w = rng.standard_normal((9, 3)), rng.standard_normal((9, 2)), np.array([1.0] * 6 + [0.0] * 3)
    loss, grad = fp.gradient(model, X, y, "mse", sample_weight=w)
    expected_loss, expected = fp.gradient(model, X[:6], y[:6], "mse")
    assert loss == pytest.approx(expected_loss, rel=1e-15)
    assert relative_error(grad, expected) <= 1e-15


def test_integer_labels_and_one_hot_rows_have_the_same_gradient():
    """Labels are short for one-hot rows: the same bits."""
    model = fp.mlp(4, 6, 3, output="softmax", seed=2)
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((11, 4)), rng.integers(0, 3, 11)
    loss, grad = fp.gradient(model, X, y, "cross_entropy")
    for targets in (np.eye(3)[y], np.eye(3, dtype=np.uint8)[y], y[:, np.newaxis], y.astype(float), y.astype(np.uint8)):
        again, same = fp.gradient(model, X, targets, "cross_entropy")
        assert again == loss
        assert same.tobytes() == grad.tobytes()


def test_the_gradient_changes_nothing_in_the_model():
    """Looking is not training."""
    model = fp.mlp(4, 6, 3, output="softmax", seed=2)
    before = model.theta.tobytes()
    fp.gradient(model, np.ones((2, 4)), [0, 1], "cross_entropy")
    fp.check_gradients(model, np.ones((2, 4)), [0, 1], "cross_entropy")
    assert model.theta.tobytes() == before


def test_the_gradient_has_thetas_order():
    """Layer by layer dW, then db: a step along grad is a step of theta."""
    model = fp.mlp(2, 3, 1, activation="tanh", dtype="float64", seed=4)
    X, y = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([1.0, -1.0])
    loss, grad = fp.gradient(model, X, y, "mse")
    _, gradients = gradient(layers_of(model), X, y[:, np.newaxis], "mse")
    assert grad.shape == model.theta.shape
    for part, expected in zip(np.split(grad, [6, 9, 12]), gradients, strict=True):
        np.testing.assert_allclose(part, expected.ravel(), rtol=1e-13)
    model.theta -= 1e-3 * grad
    assert fp.gradient(model, X, y, "mse")[0] < loss


def test_a_gradient_check_shows_its_number():
    """What is printed is what one looks for."""
    check = fp.check_gradients(fp.mlp(1, 1, dtype="float64"), [[1.0]], [1.0], "mse")
    assert f"{check.relative_error:.2g}" in repr(check)
    assert "2 parameters" in repr(check)
