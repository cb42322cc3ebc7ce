"""fp.minimize: L-BFGS against least squares, ridge regression and scikit-learn's own solver."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import fastprop as fp


def line(rng, m=50):
    X = rng.standard_normal((m, 3))
    return X, X @ [1.0, -2.0, 0.5] + 3 + 0.1 * rng.standard_normal(m)


def test_a_line_is_the_least_squares_solution():
    X, y = line(np.random.default_rng(0))
    model = fp.mlp(3, 1, dtype="float64", seed=0)
    result = fp.minimize(model, X, y, "mse", tolerance=1e-12, loss_tolerance=0)
    exact = np.linalg.lstsq(np.c_[X, np.ones(len(X))], y, rcond=None)[0]
    np.testing.assert_allclose(model.theta, exact, rtol=1e-9)
    residual = y - np.c_[X, np.ones(len(X))] @ exact
    assert result.loss == pytest.approx(residual @ residual / len(y), rel=1e-12)
    assert result.losses[-1] == result.loss
    assert list(result.losses) == sorted(result.losses, reverse=True)
    assert len(result.losses) == result.n_iterations <= result.n_evaluations


def test_l2_is_ridge_regression_without_a_pull_on_the_bias():
    """mean(e**2) + l2 / 2 |W|**2 is sum(e**2) + alpha |W|**2 over m, alpha = l2 m / 2."""
    X, y = line(np.random.default_rng(1))
    model = fp.mlp(3, 1, dtype="float64", seed=0)
    fp.minimize(model, X, y, "mse", l2=0.3, tolerance=1e-12, loss_tolerance=0)
    ridge = Ridge(alpha=0.3 * len(y) / 2, tol=1e-14).fit(X, y)
    np.testing.assert_allclose(model.theta, [*ridge.coef_, ridge.intercept_], rtol=1e-8)


def test_weights_of_rows_are_scikit_learns():
    rng = np.random.default_rng(2)
    X, w = rng.standard_normal((80, 2)), rng.random(80)
    y = (X[:, 0] + rng.standard_normal(80) > 0).astype(int)
    model = fp.mlp(2, 1, output="sigmoid", dtype="float64", seed=0)
    fp.minimize(model, X, y, "binary_cross_entropy", sample_weight=w, l2=0.1, tolerance=1e-11, loss_tolerance=0)
    twin = LogisticRegression(C=1 / (0.1 * w.sum()), tol=1e-12, max_iter=1000).fit(X, y, sample_weight=w)
    np.testing.assert_allclose(model.theta, [*twin.coef_[0], *twin.intercept_], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hidden_layers_learn_in_both_types(dtype):
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    model = fp.mlp(2, 8, 1, activation="tanh", output="sigmoid", dtype=dtype, seed=0)
    result = fp.minimize(model, X, y, "binary_cross_entropy")
    assert model.predict(X).round().ravel().tolist() == [0, 1, 1, 0]
    assert result.converged
    assert model.dtype == dtype
    assert "converged" in repr(result)


def test_iterations_and_evaluations_are_limited():
    X, y = line(np.random.default_rng(3))
    model = fp.mlp(3, 10, 1, activation="tanh", dtype="float64")
    result = fp.minimize(model, X, y, "mse", max_iterations=3, tolerance=0)
    assert (result.n_iterations, result.converged) == (3, False)
    assert not fp.minimize(model, X, y, "mse", max_evaluations=1, tolerance=0).converged


def test_a_callback_sees_the_network_and_may_stop():
    X, y = line(np.random.default_rng(4))
    model = fp.mlp(3, 1, dtype="float64", seed=0)
    seen = []

    def watch(iteration, loss):
        seen.append((iteration, loss, fp.gradient(model, X, y, "mse")[0]))
        return iteration == 2

    result = fp.minimize(model, X, y, "mse", tolerance=0, callback=watch)
    assert [iteration for iteration, _, _ in seen] == [1, 2]
    assert all(loss == again for _, loss, again in seen)
    assert (result.n_iterations, result.converged) == (2, False)


def test_an_error_in_a_callback_leaves_the_network_as_it_was():
    X, y = line(np.random.default_rng(5))
    model = fp.mlp(3, 1, dtype="float64", seed=0)
    before = model.theta.tobytes()

    def fail(iteration, loss):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fp.minimize(model, X, y, "mse", callback=fail)
    assert model.theta.tobytes() == before
    fp.minimize(model, X, y, "mse")  # and may be trained


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"l2": -1}, ValueError, "l2 must be 0 or more"),
        ({"max_iterations": 0}, ValueError, "max_iterations must be 1 or more"),
        ({"tolerance": float("nan")}, ValueError, "tolerance must be"),
        ({"history_size": 1.5}, TypeError, "history_size is a whole number"),
        ({"callback": 3}, TypeError, "callback is a function"),
    ],
)
def test_bad_settings_are_refused(settings, error, message):
    model = fp.mlp(3, 1, dtype="float64", seed=0)
    with pytest.raises(error, match=message):
        fp.minimize(model, *line(np.random.default_rng(0)), "mse", **settings)


def test_a_model_in_training_is_refused():
    model = fp.mlp(3, 1)
    with model.training_lock(), pytest.raises(RuntimeError, match="being trained"):
        fp.minimize(model, *line(np.random.default_rng(0)), "mse")
