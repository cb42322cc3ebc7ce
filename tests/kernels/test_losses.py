"""Losses: the weighted mean C over the rows, delta = its gradient in o or in z, and o where the loss computes it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from bounds import EXACT, assert_same_bits, assert_within, gamma, row_depth
from fastprop._native.kernel_calls import KernelCalls
from loss_formulas import SETTINGS, Setting, value_and_slope

SHAPES = [(1, 1), (5, 3), (4, 15), (3, 16), (4, 17), (3, 33), (260, 10)]
Values = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Formula:
    """A loss in plain NumPy. The sizes are what a rounding error is relative to: the sums of the terms' absolute
    values, and for a softmax also the exponent's size, because its rounding moves exp by that many u."""

    rows: Values
    row_size: Values
    slope: Values
    slope_size: Values
    activation: str | None


def total(x: np.ndarray) -> np.ndarray:
    return x.sum(axis=1, keepdims=True)


def spread(z: np.ndarray) -> np.ndarray:
    return 1 + np.ptp(z, axis=1, keepdims=True) + np.log(z.shape[1])


def log_sum_exp(z: np.ndarray) -> np.ndarray:
    highest = z.max(axis=1, keepdims=True)
    return highest + np.log(total(np.exp(z - highest)))


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z - log_sum_exp(z))


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def squared_error(o: np.ndarray, y: np.ndarray) -> np.ndarray:
    return ((o - y) ** 2).mean(axis=1, keepdims=True)


def binary_cross_entropy(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    terms = np.log1p(np.exp(-abs(z))) + np.maximum(z, 0) - z * y  # none negative for y in [0, 1]
    return terms.mean(axis=1, keepdims=True)


FORMULAS = {
    "mse": Formula(
        rows=squared_error,
        row_size=squared_error,
        slope=lambda o, y: 2 * (o - y) / y.shape[1],
        slope_size=lambda o, y: 2 * abs(o - y) / y.shape[1],
        activation=None,
    ),
    "cross_entropy": Formula(
        rows=lambda z, y: total(y * (log_sum_exp(z) - z)),
        row_size=lambda z, y: spread(z) * total(y),
        slope=lambda z, y: softmax(z) * total(y) - y,
        slope_size=lambda z, y: spread(z) * softmax(z) * total(y) + y,
        activation="softmax",
    ),
    "binary_cross_entropy": Formula(
        rows=binary_cross_entropy,
        row_size=binary_cross_entropy,
        slope=lambda z, y: (sigmoid(z) - y) / y.shape[1],
        slope_size=lambda z, y: (sigmoid(z) + y) / y.shape[1],
        activation="sigmoid",
    ),
}


def roundings(m: int, n: int) -> int:
    """On the longest way to a loss or to a slope: two row reductions, two elementary functions of 4 u each, a few
    operations between, and the sum of m rows and weights."""
    return 2 * row_depth(n) + 16 + m


@dataclass(frozen=True)
class Batch:
    z: np.ndarray
    y: np.ndarray
    w: np.ndarray | None

    def share(self) -> np.ndarray:
        """Each row's share in the mean, (m, 1)."""
        w = np.ones(len(self.z), EXACT) if self.w is None else self.w.astype(EXACT)
        return (w / w.sum())[:, None]

    def wide(self) -> tuple[np.ndarray, np.ndarray]:
        return self.z.astype(EXACT), self.y.astype(EXACT)


def batch(
    rng: np.random.Generator, loss: str, shape: tuple[int, int], dtype: np.dtype, soft: bool, weighted: bool
) -> Batch:
    """Targets that the loss is for: real numbers, distributions over the outputs, or one probability per output."""
    m, n = shape
    if loss == "mse":
        y = rng.standard_normal(shape)
    elif soft:
        y = rng.dirichlet(np.ones(n), m) if loss == "cross_entropy" else rng.random(shape)
    elif loss == "cross_entropy":
        y = np.eye(n)[rng.integers(0, n, m)]
    else:
        y = rng.integers(0, 2, shape)
    w = rng.random(m).astype(dtype) + dtype.type(0.1) if weighted else None
    return Batch((3 * rng.standard_normal(shape)).astype(dtype), y.astype(dtype), w)


of_each_formula = pytest.mark.parametrize("loss", FORMULAS)
with_soft_and_hard_targets = pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])


@of_each_formula
@with_and_without_weights
@with_soft_and_hard_targets
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_value_and_gradient_are_the_formulas(
    kernels: KernelCalls, rng: np.random.Generator, loss: str, shape: tuple[int, int], soft: bool, weighted: bool
) -> None:
    given, formula = batch(rng, loss, shape, kernels.dtype, soft, weighted), FORMULAS[loss]
    relative = gamma(roundings(*shape), kernels.dtype)
    value, delta, _ = kernels.loss(loss, given.z, given.y, given.w)

    (z, y), share = given.wide(), given.share()
    assert_within(value, (share * formula.rows(z, y)).sum(), relative * (share * formula.row_size(z, y)).sum())
    assert_within(delta, share * formula.slope(z, y), relative * share * formula.slope_size(z, y))


@of_each_formula
@with_and_without_weights
@with_soft_and_hard_targets
def test_the_gradient_agrees_with_central_differences(
    kernels: KernelCalls, rng: np.random.Generator, loss: str, soft: bool, weighted: bool
) -> None:
    """A row's third derivatives are below 1, so that truncation costs h**2 / 6 at most; the values' rounding, / h."""
    shape, h = (2, 3), 2.0 ** -round(np.finfo(kernels.dtype).nmant / 3)
    given, formula = batch(rng, loss, shape, kernels.dtype, soft, weighted), FORMULAS[loss]
    numeric = np.empty(shape, EXACT)
    for i, j in np.ndindex(shape):
        above, below = given.z.copy(), given.z.copy()
        above[i, j] += h
        below[i, j] -= h
        rise = kernels.loss(loss, above, given.y, given.w)[0] - kernels.loss(loss, below, given.y, given.w)[0]
        numeric[i, j] = rise / (EXACT(above[i, j]) - below[i, j])
    _, delta, _ = kernels.loss(loss, given.z, given.y, given.w)
    z, y = given.wide()
    size = (given.share() * formula.row_size(z, y)).sum() + h
    assert_within(delta, numeric, h**2 / 6 + gamma(roundings(*shape), kernels.dtype) * size / h)


@of_each_formula
def test_the_gradient_is_zero_where_the_loss_is_least(kernels: KernelCalls, loss: str) -> None:
    """At z = 0 and uniform targets the cross-entropies are least, the squared error at o = y."""
    y = np.full((3, 4), {"mse": 0, "cross_entropy": 0.25}.get(loss, 0.5), kernels.dtype)
    _, delta, _ = kernels.loss(loss, np.zeros((3, 4), kernels.dtype), y)
    np.testing.assert_array_equal(delta, 0)


@pytest.mark.parametrize("size", [1000, 1e30])
def test_cross_entropy_of_extreme_z_stays_finite_and_exact(kernels: KernelCalls, size: float) -> None:
    """A confident right answer costs 0; a confident wrong one costs the distance, 2 |z|."""
    z = np.array([[size, -size], [size, -size], [-size, -size]], kernels.dtype)
    y = np.array([[1, 0], [0, 1], [0, 0]], kernels.dtype)
    value, delta, o = kernels.loss("cross_entropy", z, y, np.array([1, 1, 0], kernels.dtype))
    assert value == float(z[0, 0])
    np.testing.assert_array_equal(delta, [[0, 0], [0.5, -0.5], [0, 0]])
    np.testing.assert_array_equal(o, [[1, 0], [1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("size", [1000, 1e30])
def test_binary_cross_entropy_of_extreme_z_stays_finite_and_exact(kernels: KernelCalls, size: float) -> None:
    z = np.array([[size], [size], [-size], [-size]], kernels.dtype)
    y = np.array([[0], [1], [0], [1]], kernels.dtype)
    value, delta, o = kernels.loss("binary_cross_entropy", z, y)
    assert value == float(z[0, 0]) / 2
    np.testing.assert_array_equal(delta, [[0.25], [0], [0], [-0.25]])
    np.testing.assert_array_equal(o, [[1], [1], [0], [0]])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "activation"), [(n, f.activation) for n, f in FORMULAS.items() if f.activation])
def test_the_output_is_the_activations_to_the_bit(
    kernels: KernelCalls, rng: np.random.Generator, name: str, activation: str, shape: tuple[int, int]
) -> None:
    """So that metrics see in training what predict gives."""
    given = batch(rng, name, shape, kernels.dtype, soft=True, weighted=True)
    _, _, o = kernels.loss(name, given.z, given.y, given.w)
    assert_same_bits(o, kernels.activation_forward(activation, given.z))


of_each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=str)


def given(
    rng: np.random.Generator, setting: Setting, shape: tuple[int, int], dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[float]]:
    """o or z, y, weights and settings."""
    o, y = (array.astype(dtype) for array in setting.draw(rng, *shape))
    return o, y, (rng.random(len(o)) + 0.1).astype(dtype), setting.settings(shape[1])


def test_every_loss_has_settings_to_try(kernels: KernelCalls) -> None:
    assert {setting.kernel for setting in SETTINGS} == set(kernels.losses)


@of_each_setting
@with_and_without_weights
@pytest.mark.parametrize("shape", [(5, 2), (4, 16), (3, 17), (40, 10)], ids=str)
def test_every_value_and_gradient_is_its_formula(
    kernels: KernelCalls, rng: np.random.Generator, setting: Setting, shape: tuple[int, int], weighted: bool
) -> None:
    """Relative to 1 and the row's loss, and to 1 and the row's largest slope: a few roundings more than the terms'."""
    o, y, w, settings = given(rng, setting, shape, kernels.dtype)
    value, delta, _ = kernels.loss(setting.kernel, o, y, w if weighted else None, settings)
    rows, slope = value_and_slope(setting.kernel, o, y, settings)
    share = (w.astype(float) / w.sum(dtype=float) if weighted else np.full(len(o), 1 / len(o)))[:, np.newaxis]
    relative = gamma(4 * roundings(*shape), kernels.dtype)
    assert_within(value, share[:, 0] @ rows, relative * (share[:, 0] @ (1 + abs(rows))))
    assert_within(delta, share * slope, relative * share * (1 / o.shape[1] + abs(slope).max(axis=1, keepdims=True)))


@of_each_setting
def test_a_row_of_weight_zero_is_as_if_absent(kernels: KernelCalls, rng: np.random.Generator, setting: Setting) -> None:
    """To the bit: it adds 0 to the loss and to the weights' sum, and its delta is 0."""
    o, y, w, settings = given(rng, setting, (6, 5), kernels.dtype)
    w[2] = 0
    value, delta, _ = kernels.loss(setting.kernel, o, y, w, settings)
    kept = np.arange(6) != 2
    value_without, delta_without, _ = kernels.loss(setting.kernel, o[kept], y[kept], w[kept], settings)
    assert value == value_without
    assert_same_bits(delta[kept], delta_without)
    np.testing.assert_array_equal(delta[2], 0)


@of_each_setting
def test_weights_of_one_are_no_weights(kernels: KernelCalls, rng: np.random.Generator, setting: Setting) -> None:
    o, y, w, settings = given(rng, setting, (7, 9), kernels.dtype)
    value, delta, _ = kernels.loss(setting.kernel, o, y, None, settings)
    value_of_ones, delta_of_ones, _ = kernels.loss(setting.kernel, o, y, np.ones_like(w), settings)
    assert value == value_of_ones
    assert_same_bits(delta, delta_of_ones)


@pytest.mark.parametrize(
    ("kernel", "settings"),
    [("focal", [2, 1, 1, 1]), ("kl_divergence", []), ("adjusted_cross_entropy", [0.9, 0.1 / 3, 1, 1, 1])],
)
@pytest.mark.parametrize("size", [1000, 1e30])
def test_what_follows_a_softmax_stays_finite_at_extreme_z(
    kernels: KernelCalls, kernel: str, settings: list[float], size: float
) -> None:
    """A wrong answer costs about the distance, and its slope is finite."""
    z, y = np.array([[size, -size, 0]], kernels.dtype), np.array([[0, 1, 0]], kernels.dtype)
    value, delta, o = kernels.loss(kernel, z, y, None, settings)
    assert value == pytest.approx(2 * size, rel=0.11)
    assert np.isfinite(delta).all()
    np.testing.assert_array_equal(o, [[1, 0, 0]])


@pytest.mark.parametrize(
    ("kernel", "settings"), [("binary_focal", [2, 1, 1]), ("adjusted_binary_cross_entropy", [1, 0, 1])]
)
def test_what_follows_a_sigmoid_stays_finite_at_extreme_z(
    kernels: KernelCalls, kernel: str, settings: list[float]
) -> None:
    z, y = np.array([[1e30], [1e30], [-1e30], [-1e30]], kernels.dtype), np.array([[0], [1], [0], [1]], kernels.dtype)
    value, delta, o = kernels.loss(kernel, z, y, None, settings)
    assert value == float(z[0, 0]) / 2
    np.testing.assert_allclose(delta, [[0.25], [0], [0], [-0.25]])
    np.testing.assert_array_equal(o, [[1], [1], [0], [0]])


def test_focal_with_gamma_0_is_the_cross_entropy(kernels: KernelCalls, rng: np.random.Generator) -> None:
    """Lin et al. (2017), section 3.2; half the binary cross-entropy with alpha 1/2."""
    z, labels, yes = rng.standard_normal((9, 4)), np.eye(4)[rng.integers(0, 4, 9)], rng.integers(0, 2, (9, 4))
    z, labels, yes = (array.astype(kernels.dtype) for array in (z, labels, yes))
    for focal, plain, settings, y in (
        ("focal", "cross_entropy", [0, 1, 1, 1, 1], labels),
        ("binary_focal", "binary_cross_entropy", [0, 1, 1], yes),
    ):
        (a, da, _), (b, db, _) = kernels.loss(focal, z, y, None, settings), kernels.loss(plain, z, y)
        assert a == pytest.approx(b, rel=8 * float(np.finfo(kernels.dtype).eps))
        np.testing.assert_allclose(da, db, rtol=0, atol=8 * np.finfo(kernels.dtype).eps)


def test_log_cosh_keeps_its_small_and_large_values(kernels: KernelCalls) -> None:
    """e**2 / 2 where cosh(e) rounds to 1, and |e| - log(2) where it overflows."""
    for e, expected in ((1e-10, 5e-21), (1e-3, 4.999999166666889e-07), (1e4, 1e4 - 0.6931471805599453)):
        value, _, _ = kernels.loss("log_cosh", np.array([[e]], kernels.dtype), np.zeros((1, 1), kernels.dtype))
        assert value == pytest.approx(expected, rel=4 * float(np.finfo(kernels.dtype).eps))


def test_gaussian_nll_lets_slopes_through_its_clamp(kernels: KernelCalls) -> None:
    """As PyTorch does, which clamps without autograd: slopes are those at v = epsilon."""
    o, y = np.array([[2.0, 0.01]], kernels.dtype), np.array([[1.0]], kernels.dtype)
    value, delta, _ = kernels.loss("gaussian_nll", o, y, None, [0, 0.25, 0])
    assert value == pytest.approx(np.log(0.25) / 2 + 1 / 0.5, rel=1e-6)
    np.testing.assert_allclose(delta, [[1 / 0.25, (1 / 0.25 - 1 / 0.25**2) / 2]], rtol=1e-6)
