"""Derivatives for users: against closed forms, differences, and one another. (PyTorch's are in tests/oracles.)"""

import numpy as np
import pytest

import fastprop as fp
from fastprop._native import engine

LOSSES = {"mse": "identity", "cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
m = 9


def network(loss, activation="tanh", dtype="float64"):
    return fp.mlp(5, 7, 6, 3, activation=activation, output=LOSSES[loss], dtype=dtype, seed=2)


def data(rng, loss):
    X = rng.standard_normal((m, 5))
    return X, rng.integers(0, 3, m) if loss == "cross_entropy" else rng.random((m, 3))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_input_gradient_is_that_of_central_differences(rng, loss, weighted):
    """Each input moved by h: the loss of the whole batch follows. h**2 and 1e-16 / h are about 1e-10 at h = 1e-5."""
    model, (X, y), h = network(loss), data(rng, loss), 1e-5
    w = rng.random(m) if weighted else None
    value, dX = fp.input_gradient(model, X, y, loss, sample_weight=w)
    assert value == fp.gradient(model, X, y, loss, sample_weight=w)[0]
    for i, k in np.ndindex(X.shape):
        moved = [X.copy(), X.copy()]
        moved[0][i, k] += h
        moved[1][i, k] -= h
        above, below = (fp.gradient(model, each, y, loss, sample_weight=w)[0] for each in moved)
        assert dX[i, k] == pytest.approx((above - below) / (moved[0][i, k] - moved[1][i, k]), abs=1e-9)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "identity"])
def test_input_gradient_reaches_networks_of_one_layer(rng, activation):
    """There the step back ends at once: dC/dX = delta Wᵀ."""
    model = fp.Sequential([fp.Dense(3, activation)], n_inputs=5, dtype="float64", seed=1)
    X, y = data(rng, "mse")
    z = X @ model.layers[0].W
    chosen = model.layers[0].activation
    delta = 2 * (chosen(z) - y) / (m * 3) * chosen.slope(z)
    np.testing.assert_allclose(fp.input_gradient(model, X, y, "mse")[1], delta @ model.layers[0].W.T, rtol=1e-13)


def test_jacobian_of_a_linear_network_is_its_weights(rng):
    model = fp.Sequential([fp.Dense(4), fp.Dense(3)], n_inputs=5, dtype="float64", seed=1)
    J = fp.jacobian(model, rng.standard_normal((m, 5)))
    assert J.shape == (m, 3, 5)
    np.testing.assert_allclose(J, np.broadcast_to((model.layers[0].W @ model.layers[1].W).T, J.shape), rtol=1e-13)


def test_jacobian_of_softmax_has_its_closed_form(rng):
    """do/dx = (diag(o) - o oᵀ) Wᵀ."""
    model = fp.Sequential([fp.Dense(3, "softmax")], n_inputs=5, dtype="float64", seed=1)
    X = rng.standard_normal((m, 5))
    for o, J in zip(model.predict(X), fp.jacobian(model, X), strict=True):
        np.testing.assert_allclose(J, (np.diag(o) - np.outer(o, o)) @ model.layers[0].W.T, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", [1, 3])
def test_a_rows_jacobian_is_the_same_bits_alone(rng, monkeypatch, dtype, number):
    """On any number of threads, and in any slice of the rows."""
    monkeypatch.setattr(engine, "CALL_WORK", 0)
    monkeypatch.setattr("fastprop._native.threads.CALL_WORK", 0)
    before = fp.num_threads()
    fp.set_num_threads(number)
    try:
        model, X = network("cross_entropy", dtype=dtype), rng.standard_normal((700, 5))
        together = fp.jacobian(model, X)
    finally:
        fp.set_num_threads(before)
    assert together.dtype == dtype
    for i in (0, 255, 699):
        np.testing.assert_array_equal(fp.jacobian(model, X[i : i + 1])[0], together[i])
    assert fp.jacobian(model, X[:0]).shape == (0, 3, 5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_row_gradients_are_those_of_each_row_alone(rng, loss, dtype):
    """To the last bit; and so are their lengths those of what `gradient` gives."""
    model, (X, y) = network(loss, dtype=dtype), data(rng, loss)
    grads = fp.row_gradients(model, X, y, loss)
    assert grads.dtype == dtype
    alone = [fp.gradient(model, X[i : i + 1], y[i : i + 1], loss)[1] for i in range(m)]
    np.testing.assert_array_equal(grads, alone)
    norms = fp.row_gradient_norms(model, X, y, loss)
    np.testing.assert_allclose(norms, np.linalg.norm(np.array(alone, float), axis=1), rtol=1e-13)


def test_norms_do_not_depend_on_how_many_rows_there_is_room_for(rng, monkeypatch):
    model, (X, y) = network("mse"), data(rng, "mse")
    at_once = fp.row_gradient_norms(model, X, y, "mse")
    monkeypatch.setattr("fastprop.derivatives.GRADIENTS_AT_ONCE", 2 * model.n_params)
    np.testing.assert_array_equal(fp.row_gradient_norms(model, X, y, "mse"), at_once)


@pytest.mark.parametrize("loss", LOSSES)
def test_hessian_is_symmetric_and_that_of_differences_of_gradients(rng, loss):
    """u H v = v H u, and a column of H is the difference of two gradients, to the error of second order."""
    model, (X, y) = network(loss), data(rng, loss)
    u, v = rng.standard_normal((2, model.n_params))
    Hu, Hv = (fp.hessian_vector_product(model, X, y, loss, each) for each in (u, v))
    assert u @ Hv == pytest.approx(v @ Hu, rel=1e-9)
    h, theta = 1e-5, model.theta.copy()
    model.theta = theta + h * v
    above = fp.gradient(model, X, y, loss)[1]
    model.theta = theta - h * v
    below = fp.gradient(model, X, y, loss)[1]
    np.testing.assert_allclose(Hv, (above - below) / (2 * h), atol=1e-7)


def test_hessian_of_least_squares_is_exact_to_rounding(rng):
    """C is a parabola: H = 2 XᵀX / m, of which differences of any step are right."""
    model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=5, dtype="float64")
    X, v = rng.standard_normal((m, 5)), rng.standard_normal(5)
    Hv = fp.hessian_vector_product(model, X, rng.random(m), "mse", v)
    np.testing.assert_allclose(Hv, 2 * X.T @ X @ v / m, rtol=1e-11)
    np.testing.assert_array_equal(fp.hessian_vector_product(model, X, np.zeros(m), "mse", np.zeros(5)), 0)


def test_nothing_changes_the_model(rng):
    model, (X, y) = network("mse", dtype="float32"), data(rng, "mse")
    before = model.theta.copy()
    fp.hessian_vector_product(model, X, y, "mse", np.ones(model.n_params))
    fp.input_gradient(model, X, y, "mse")
    fp.row_gradients(model, X, y, "mse")
    fp.jacobian(model, X)
    np.testing.assert_array_equal(model.theta, before)


def test_what_does_not_fit_is_refused(rng):
    model, (X, y) = network("mse"), data(rng, "mse")
    with pytest.raises(ValueError, match=r"X has 4 columns, but the network takes 5"):
        fp.jacobian(model, X[:, :4])
    bad = X.copy()
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"X\[2, 1\] is nan"):
        fp.jacobian(model, bad)
    with pytest.raises(ValueError, match=r"CrossEntropy follows a last layer of 'softmax'"):
        fp.input_gradient(model, X, y, "cross_entropy")
    with pytest.raises(ValueError, match=r"vector has 3 numbers, but the network has 111 parameters"):
        fp.hessian_vector_product(model, X, y, "mse", [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"step"):
        fp.hessian_vector_product(model, X, y, "mse", np.ones(111), step=0)
