"""Initializers: bounds and deviations from the formulas, distributions from SciPy's, and the same bits everywhere."""

import hashlib
import math

import numpy as np
import pytest
from scipy import stats

import fastprop as fp
from fastprop import _distributions, initializers, serialization
from fastprop._native import philox
from fastprop.initializers import INITIALIZERS

N_IN, N_OUT = 300, 200
each_initializer = pytest.mark.parametrize("initializer", INITIALIZERS.values(), ids=INITIALIZERS.keys())


def weights(initializer, n_in: int = N_IN, n_out: int = N_OUT, seed: int = 1) -> np.ndarray:
    """A layer's W, in float64, as a network begins with it."""
    layer = fp.Dense(n_out, kernel_initializer=initializer)
    return fp.Sequential([layer], n_inputs=n_in, dtype="float64", seed=seed).layers[0].W


UNIFORM = {
    "glorot_uniform": math.sqrt(6 / (N_IN + N_OUT)),
    "he_uniform": math.sqrt(6 / N_IN),
    "lecun_uniform": math.sqrt(3 / N_IN),
    "pytorch_default": 1 / math.sqrt(N_IN),
    "sklearn_default": math.sqrt(6 / (N_IN + N_OUT)),
    "random_uniform": 0.05,
}
NORMAL = {
    "glorot_normal": math.sqrt(2 / (N_IN + N_OUT)),
    "he_normal": math.sqrt(2 / N_IN),
    "lecun_normal": math.sqrt(1 / N_IN),
    "random_normal": 0.05,
}


def assert_drawn_from(numbers: np.ndarray, law) -> None:
    """Kolmogorov and Smirnov's test; the seed is fixed, so that it passes or fails for good. Moments beside it: of n
    numbers the mean's standard error is s / sqrt(n), the deviation's below s sqrt(kurtosis) / (2 sqrt(n)).
    """
    n = numbers.size
    assert stats.kstest(numbers.ravel(), law.cdf).pvalue > 1e-3
    assert abs(numbers.mean() - law.mean()) < 4 * law.std() / math.sqrt(n)
    assert abs(numbers.std() - law.std()) < 4 * law.std() / math.sqrt(n)


@pytest.mark.parametrize(("name", "limit"), UNIFORM.items())
def test_uniform_numbers(name, limit):
    W = weights(name)
    assert_drawn_from(W, stats.uniform(-limit, 2 * limit))
    assert np.abs(W).max() <= limit


@pytest.mark.parametrize(("name", "deviation"), NORMAL.items())
def test_normal_numbers(name, deviation):
    assert_drawn_from(weights(name), stats.norm(0, deviation))


@pytest.mark.parametrize("cut", [0.5, 2.0, 5.0])
def test_truncated_normal_numbers(cut):
    W = weights(initializers.TruncatedNormal(0.2, mean=1.0, cut=cut))
    assert_drawn_from(W, stats.truncnorm(-cut, cut, loc=1.0, scale=0.2))
    assert np.abs(W - 1).max() <= cut * 0.2 * (1 + 1e-15)


def test_settings_are_used():
    W = weights(initializers.RandomNormal(0.3, mean=2.0))
    assert_drawn_from(W, stats.norm(2.0, 0.3))
    assert_drawn_from(weights(initializers.RandomUniform(1.0, 3.0)), stats.uniform(1.0, 2.0))
    limit = math.sqrt(2 / (N_IN + N_OUT))
    assert_drawn_from(weights(initializers.SklearnDefault(factor=2)), stats.uniform(-limit, 2 * limit))
    assert (weights(initializers.Constant(0.25)) == 0.25).all()
    assert (weights("ones") == 1).all()
    assert (weights("zeros") == 0).all()


def test_normal_numbers_are_scipys_quantiles():
    """Each from its own uniform number, to AS 241's 1e-15 and the logarithm's; also where the tails end."""
    k = np.concatenate([philox.uniform(3, 0, 100_000) * 2.0**53, [0, 1, 2, 2.0**20, 2.0**52, 2.0**53 - 2, 2.0**53 - 1]])
    z = _distributions.normal(k / 2.0**53)
    below = np.minimum(k, 2.0**53 - 1 - k)  # exact, from the nearer end
    expected = np.where(k < 2.0**52, 1, -1) * stats.norm.ppf((below + 0.5) / 2.0**53)
    np.testing.assert_allclose(z, expected, rtol=4e-15, atol=1e-16)
    np.testing.assert_array_equal(_distributions.normal(np.array([0.0, 1 - 2.0**-53])), [z[-7], -z[-7]])


# Orthogonal matrices


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 7), (7, 1), (31, 31), (32, 64), (65, 33), (100, 300), (300, 300)], ids=str
)
def test_orthogonal_matrices_are(shape):
    W = weights(initializers.Orthogonal(gain=2.0), *shape)
    Q = (W if shape[0] >= shape[1] else W.T) / 2
    assert np.abs(Q.T @ Q - np.eye(Q.shape[1])).max() < 1e-12 / 100


def test_orthogonal_matrices_are_those_of_a_qr_decomposition(rng):
    """LAPACK's, with R's diagonal made positive."""
    A = rng.standard_normal((120, 80))
    Q, R = np.linalg.qr(A)
    np.testing.assert_allclose(_distributions.orthonormal(A), Q * np.sign(np.diag(R)), atol=1e-12)


def test_orthogonal_matrices_are_uniform():
    """An element of a uniform orthogonal matrix of n rows is distributed as sqrt of Beta(1/2, (n - 1)/2), either sign;
    the sign of the determinant is a coin's.
    """
    n, count = 5, 400
    matrices = [weights("orthogonal", n, n, seed=seed) for seed in range(count)]
    squares = np.array([W[2, 3] ** 2 for W in matrices])
    assert stats.kstest(squares, stats.beta(0.5, (n - 1) / 2).cdf).pvalue > 1e-3
    positive = sum(np.linalg.det(W) > 0 for W in matrices)
    assert abs(positive - count / 2) < 4 * math.sqrt(count) / 2


def test_orthogonality_is_for_matrices():
    with pytest.raises(ValueError, match=r"Orthogonal is for matrices, but the parameters have shape \(3,\)"):
        fp.Sequential([fp.Dense(3, bias_initializer="orthogonal")], n_inputs=2)


# All of them


GOLDEN = "ead31cc2054515b0f34231b0d759ae9a77d80135d4286fa59b14bf235c0b3eb0"


def test_the_bits_are_the_same_everywhere():
    """The digest holds for every target, compiler and C library: FP-1."""
    digest = hashlib.sha256()
    for name in [name for name in INITIALIZERS if name != "he_plus"]:  # which is 0 until it has seen data
        digest.update(weights(name, 70, 40).astype("<f8").tobytes())
    assert digest.hexdigest() == GOLDEN


@each_initializer
def test_a_weight_depends_on_its_seed_and_layer_alone(initializer):
    """Not on the type of the network's reals, nor on how often it was made."""
    layers = [fp.Dense(4, kernel_initializer=initializer), fp.Dense(3, kernel_initializer=initializer)]
    double, again, single = (
        fp.Sequential(layers, n_inputs=5, dtype=dtype, seed=7) for dtype in ("float64", "float64", "float32")
    )
    np.testing.assert_array_equal(double.theta, again.theta)
    np.testing.assert_array_equal(double.theta.astype("float32"), single.theta)
    if initializer.name not in ("zeros", "ones", "constant", "he_plus"):
        assert not np.isin(double.layers[1].W, double.layers[0].W).any()


@each_initializer
def test_an_initializer_is_a_value(initializer):
    """It prints as the code that makes it, in a layer too, and passes through files."""
    assert eval(repr(initializer), vars(initializers).copy()) == initializer
    layer = fp.Dense(4, kernel_initializer=initializer)
    assert f"kernel_initializer={initializer.name!r}" in repr(layer)
    assert serialization.decode(serialization.encode(layer)) == layer


def test_a_layer_shows_settings_that_a_name_does_not():
    layer = fp.Dense(4, kernel_initializer=initializers.Orthogonal(gain=2.0))
    assert repr(layer) == "Dense(4, kernel_initializer=Orthogonal(gain=2.0))"


@pytest.mark.parametrize("name", ["pytorch_default", "sklearn_default"])
def test_biases_may_begin_by_the_same_law(name):
    """As in PyTorch and scikit-learn."""
    layer = fp.Dense(N_OUT * 20, kernel_initializer=name, bias_initializer=name)
    b = fp.Sequential([layer], n_inputs=N_IN, dtype="float64").layers[0].b
    limit = INITIALIZERS[name].limit(N_IN, N_OUT * 20)
    assert_drawn_from(b, stats.uniform(-limit, 2 * limit))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.Constant(float("inf")), "value must be finite, but is inf"),
        (lambda: initializers.RandomUniform(1.0, 1.0), "low must be below high, but low is 1.0 and high is 1.0"),
        (lambda: initializers.RandomNormal(0.0), "stddev must be above 0"),
        (lambda: initializers.TruncatedNormal(-1.0), "stddev must be 0 or more"),
        (lambda: initializers.TruncatedNormal(cut=0), "cut must be above 0"),
        (lambda: initializers.Orthogonal("2"), "gain is a number, not '2'"),
        (lambda: initializers.SklearnDefault(0), "factor must be above 0"),
        (lambda: fp.Dense(3, kernel_initializer="xavier_normal"), "did you mean 'glorot_normal'?"),
        (lambda: fp.Dense(3, kernel_initializer=initializers.Ones), "is the class Ones; make one of it"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
