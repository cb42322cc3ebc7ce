"""How far activations and their slopes are from exact, by mpmath, in units of u: the bounds of docs/numerics.md.

A value's error is relative to the value, however small it is. A slope's is relative to the larger of 1 and the slope:
it may be a difference that cancels, near a zero of f' or where f' is 1 less almost 1; where it does not, in the far
tails of what is z times a gate, it is relative to the slope too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
import pytest
from mpmath import mp

from fastprop._native.kernel_calls import KernelCalls

Exact = Callable[[mpmath.mpf], mpmath.mpf]
PRECISION = 400  # bits


def phi(z: mpmath.mpf) -> mpmath.mpf:
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def cumulative(z: mpmath.mpf) -> mpmath.mpf:
    return mp.erfc(-z / mp.sqrt(2)) / 2


def logistic(z: mpmath.mpf) -> mpmath.mpf:
    return 1 / (1 + mp.exp(-z))


def by_tanh(z: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    """The share that gelu's other form multiplies z by, and its slope."""
    root = mp.sqrt(8 / mp.pi)
    s = logistic(root * (z + mp.mpf("0.044715") * z**3))
    return s, s * (1 - s) * root * (1 + 3 * mp.mpf("0.044715") * z**2)


def mish_gate(z: mpmath.mpf) -> mpmath.mpf:
    e = mp.exp(z)
    return e * (e + 2) / (e * (e + 2) + 2)


def mish_slope(z: mpmath.mpf) -> mpmath.mpf:
    t = mish_gate(z)
    return t + z * (1 - t * t) * logistic(z)


def elu(scale: str, alpha: str, divisor: str = "1") -> tuple[Exact, Exact]:
    a, s, d = mp.mpf(alpha), mp.mpf(scale), mp.mpf(divisor)
    return (
        lambda z: s * (z if z > 0 else a * mp.expm1(z / d)),
        lambda z: s if z > 0 else s * a / d * mp.exp(z / d),
    )


@dataclass(frozen=True)
class Bound:
    """f and f', and how many u each may be off; `tail` where f' is relative to itself below z = -3."""

    name: str
    f: Exact
    slope: Exact
    value_u: float
    slope_u: float
    settings: tuple[float, ...] = ()
    tail: bool = False
    per_argument: float = 0.0  # further u for each unit of the exponential's argument, which is rounded before


with mp.workprec(PRECISION):
    SELU = "1.0507009873554804934193349852946", "1.6732632423543772848170429916717"
    BOUNDS = [
        Bound("sigmoid", logistic, lambda z: logistic(z) * logistic(-z), 2, 3),
        Bound("tanh", mp.tanh, lambda z: 1 / mp.cosh(z) ** 2, 2, 5),
        Bound("softsign", lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2, 2.5, 4, tail=True),
        Bound("exponential", mp.exp, mp.exp, 2, 2, tail=True),
        Bound("softplus", lambda z: mp.log1p(mp.exp(z)), logistic, 3, 3, (1,), tail=True),
        Bound("softplus", lambda z: mp.log1p(mp.exp(4 * z)) / 4, lambda z: logistic(4 * z), 3, 3, (4,), tail=True),
        Bound("elu", *elu("1", "1"), 2.5, 2, (1,)),
        Bound("elu", *elu("1", "0.5"), 2.5, 2, (0.5,)),
        Bound("celu", *elu("1", "2", "2"), 2.5, 2, (2,)),
        Bound("selu", *elu(*SELU), 4, 3),
        Bound("silu", lambda z: z * logistic(z), lambda z: logistic(z) * (1 + z * logistic(-z)), 3, 2, tail=True),
        Bound("mish", lambda z: z * mish_gate(z), mish_slope, 5, 4, tail=True),
        Bound("gelu", lambda z: z * cumulative(z), lambda z: cumulative(z) + z * phi(z), 10, 5, (0,), tail=True),
        Bound(
            "gelu", lambda z: z * by_tanh(z)[0], lambda z: by_tanh(z)[0] + z * by_tanh(z)[1], 3, 3, (1,),
            tail=True, per_argument=4,
        ),
    ]  # fmt: skip


def arguments(bound: Bound, dtype: np.dtype, rng: np.random.Generator) -> np.ndarray:
    """Where f changes, nearly 0, and as far down as f is a normal number."""
    low = -float(np.log(np.finfo(dtype).max)) + 1
    if bound.name == "gelu":
        low = -np.sqrt(-2 * low) * (0.9 if bound.settings == (0,) else 0.55)
    if bound.settings == (4,):
        low /= 4
    parts = rng.uniform(-6, 6, 400), rng.uniform(low, 20, 400), 1e-3 * rng.standard_normal(100)
    return np.concatenate(parts).astype(dtype)[np.newaxis]


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: f"{bound.name}{list(bound.settings)}")
def test_values_and_slopes_are_as_near_as_documented(
    kernels: KernelCalls, rng: np.random.Generator, bound: Bound
) -> None:
    z = arguments(bound, kernels.dtype, rng)
    a = kernels.activation_forward(bound.name, z, bound.settings)
    slope = kernels.activation_backward(bound.name, a, z, np.ones_like(z), bound.settings)
    u = float(np.finfo(kernels.dtype).eps) / 2
    with mp.workprec(PRECISION):
        for x, y, d in zip(z[0].tolist(), a[0].tolist(), slope[0].tolist(), strict=True):
            value, exact = bound.f(mp.mpf(x)), bound.slope(mp.mpf(x))
            argument = 1.6 * abs(x) * (1 + 0.045 * x * x)
            assert abs(y - value) <= (bound.value_u + bound.per_argument * argument) * u * abs(value), x
            size = abs(exact) if bound.tail and x < -3 else max(1, abs(exact))
            margin = 2 if bound.tail and x < -3 else 1  # both of its factors are off, and so is what they are made of
            assert abs(d - exact) <= margin * (bound.slope_u + bound.per_argument * argument) * u * size, x


# Corners and ends

INFINITE = np.inf
ENDS = {  # f(-inf), f(inf), f'(-inf), f'(inf); f(0) and f'(0)
    "identity": (-INFINITE, INFINITE, 1, 1, 0, 1),
    "sigmoid": (0, 1, 0, 0, 0.5, 0.25),
    "tanh": (-1, 1, 0, 0, 0, 1),
    "relu": (0, INFINITE, 0, 1, 0, 0),
    "leaky_relu": (-INFINITE, INFINITE, 0.01, 1, 0, 0.01),
    "elu": (-1, INFINITE, 0, 1, 0, 1),
    "selu": (-1.7580993408473769, INFINITE, 0, 1.0507009873554805, 0, 1.7580993408473769),
    "celu": (-1, INFINITE, 0, 1, 0, 1),
    "gelu": (0, INFINITE, 0, 1, 0, 0.5),
    "silu": (0, INFINITE, 0, 1, 0, 0.5),
    "mish": (0, INFINITE, 0, 1, 0, 0.6),
    "softplus": (0, INFINITE, 0, 1, np.log(2), 0.5),
    "softsign": (-1, 1, 0, 0, 0, 1),
    "hard_sigmoid": (0, 1, 0, 0, 0.5, 1 / 6),
    "hard_tanh": (-1, 1, 0, 0, 0, 1),
    "hard_swish": (0, INFINITE, 0, 1, 0, 0.5),
    "relu6": (0, 6, 0, 0, 0, 0),
    "exponential": (0, INFINITE, 0, INFINITE, 1, 1),
}


@pytest.mark.parametrize("name", ENDS)
def test_infinities_and_zero_give_the_limits(
    kernels: KernelCalls, name: str, settings: Callable[[str], tuple[float, ...]]
) -> None:
    """No infinity times 0, and none by another; the largest and smallest numbers do as well."""
    largest = np.finfo(kernels.dtype).max
    z = np.array([[-np.inf, np.inf, 0, -0.0, -largest, np.finfo(kernels.dtype).smallest_subnormal]], kernels.dtype)
    a = kernels.activation_forward(name, z, settings(name))
    slope = kernels.activation_backward(name, a, z, np.ones_like(z), settings(name))
    low, high, low_slope, high_slope, middle, middle_slope = ENDS[name]
    far = {"identity": -largest, "leaky_relu": -kernels.dtype.type(0.01) * largest, "softsign": -1}.get(name, low)
    np.testing.assert_allclose(a[0], [low, high, middle, middle, far, middle], rtol=4e-7, atol=1e-44)
    at_least = high_slope if name in {"relu", "leaky_relu", "selu", "relu6"} else middle_slope  # just above the corner
    at_least = 1 if name == "relu6" else at_least
    expected = [low_slope, high_slope, middle_slope, middle_slope, low_slope, at_least]
    np.testing.assert_allclose(slope[0], expected, rtol=4e-7, atol=1e-30)


def test_every_elementwise_activation_has_its_limits_here(activations: list[str]) -> None:
    """The rest are of whole rows."""
    assert set(activations) - ENDS.keys() == {"softmax", "log_softmax"}


def test_a_nan_stays_a_nan(kernels: KernelCalls, activation: str, settings: Callable[[str], tuple[float, ...]]) -> None:
    """A network that diverges says so; and the others of its row, or those in the lanes beside it, are not touched,
    except where a row is one function."""
    z = np.linspace(-2, 2, 35, dtype=kernels.dtype).reshape(5, 7)
    z[2, 3] = np.nan
    a = kernels.activation_forward(activation, z, settings(activation))
    expected = np.isnan(z)
    if activation in {"softmax", "log_softmax"}:
        expected[2] = True
    np.testing.assert_array_equal(np.isnan(a), expected)


@pytest.mark.parametrize(
    ("name", "settings", "at", "slopes"),
    [
        ("hard_tanh", (-0.5, 2), [-0.5, 2], [(0, 1), (1, 0)]),
        ("relu6", (), [0, 6], [(0, 1), (1, 0)]),
        ("hard_sigmoid", (), [-3, 3], [(0, 1 / 6), (1 / 6, 0)]),
        ("hard_swish", (), [-3, 3], [(0, -0.5), (1.5, 1)]),
    ],
)
def test_slopes_step_where_they_should(
    kernels: KernelCalls, name: str, settings: tuple[float, ...], at: list[float], slopes: list[tuple[float, float]]
) -> None:
    """On either side of each corner; at the corner itself the slope is the outer one, as in PyTorch."""
    for corner, (before, behind) in zip(at, slopes, strict=True):
        z = np.array([[corner - 1e-5, corner, corner + 1e-5]], kernels.dtype)
        a = kernels.activation_forward(name, z, settings)
        slope = kernels.activation_backward(name, a, z, np.ones_like(z), settings)[0]
        outer = before if corner == at[0] else behind
        np.testing.assert_allclose(slope, [before, outer, behind], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n", [2, 7, 16, 17, 40])
def test_log_softmax_is_the_logarithm_without_its_end(kernels: KernelCalls, rng: np.random.Generator, n: int) -> None:
    """To absolute rounding: of z less its largest, of log(s), and of their difference."""
    z = (30 * rng.standard_normal((9, n))).astype(kernels.dtype)
    z[0, 0] = 1e30
    wide = z.astype(np.longdouble)
    wide -= wide.max(axis=1, keepdims=True)
    exact = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    a = kernels.activation_forward("log_softmax", z)
    assert (abs(a - exact) <= np.finfo(kernels.dtype).eps * (2 * abs(exact) + 4 * np.log(2 * n))).all()
    assert np.isfinite(a).all()
