"""Elementary functions: their error in units in the last place, their ends and order, and the same bits everywhere.

References: mpmath; the C library one precision up (double for float32, x87's extended for float64); NumPy's accuracy
tables. tools/ulp.py checks every float32 there is.
"""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import mpmath
import numpy as np
import pytest

from bounds import assert_same_bits
from fastprop._native.kernel_calls import KernelCalls

MOST_ULP = {
    "exp": 1.0,
    "expm1": 1.5,
    "log": 1.0,
    "log1p": 1.0,
    "tanh": 1.0,
    "sigmoid": 1.0,
    "softplus": 1.5,
    "erf": 1.0,
    "sin": 1.0,
    "cos": 1.0,
}
INCREASING = [name for name in MOST_ULP if name not in {"sin", "cos"}]
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
TABLES = {
    path.stem.rpartition("-")[2]: path
    for path in Path(np.__file__).parent.glob("*core/tests/data/umath-validation-set-*.csv")
}


def wide_sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


WIDE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": wide_sigmoid,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))),
    "erf": np.vectorize(math.erf, otypes=[float]),
    "sin": np.sin,
    "cos": np.cos,
}
PRECISE: dict[str, Callable[[mpmath.mpf], mpmath.mpf]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "erf": mpmath.erf,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
}


@cache
def samples(name: str, dtype: np.dtype, count: int) -> np.ndarray:
    """Half of them even where the function has its features, half over all magnitudes at which it is finite."""
    rng, info = np.random.default_rng(0), np.finfo(dtype)
    largest, least = np.log(float(info.max)), np.log(float(info.smallest_subnormal))
    low, high = {
        "exp": (least - 1, largest),
        "expm1": (-40, largest),
        "log": (0.25, 4),
        "log1p": (-1, 4),
        "tanh": (-20, 20),
        "sigmoid": (least - 1, -least),
        "softplus": (least - 1, -least),
        "erf": (-6, 6),
        "sin": (-1000, 1000),
        "cos": (-1000, 1000),
    }[name]
    even = rng.uniform(low, high, count // 2)
    ceiling = np.log2(float(info.max) if name in {"log", "log1p", "sin", "cos"} else largest)
    magnitudes = np.exp2(rng.uniform(info.minexp - info.nmant, ceiling, count // 2))
    x = np.concatenate([even, magnitudes * rng.choice([-1, 1], count // 2)]).astype(dtype)
    domain_begins = {"log": 0, "log1p": -1}.get(name, -np.inf)
    return x[(x > domain_begins) & np.isfinite(x)]


def last_place(exponent: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """q where a number in [2**(exponent - 1), 2**exponent) is a multiple of 2**q in dtype."""
    info = np.finfo(dtype)
    return np.maximum(exponent - 1, info.minexp) - info.nmant


@cache
def precise_reference(name: str, dtype: np.dtype, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """mpmath's value for each sample as (whole + part) 2**q, which two doubles hold on every platform."""
    with mpmath.workprec(160):
        exact = [PRECISE[name](mpmath.mpf(float(x))) for x in samples(name, dtype, count)]
        q = last_place(np.array([mpmath.frexp(y)[1] for y in exact]), dtype)
        scaled = [mpmath.ldexp(y, -int(shift)) for y, shift in zip(exact, q, strict=True)]
        whole = [mpmath.floor(y) for y in scaled]
        part = [float(y - floor) for y, floor in zip(scaled, whole, strict=True)]
    return q, np.array(whole, float), np.array(part)


@cache
def wide_reference(name: str, dtype: np.dtype, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same from the C library, one precision up."""
    exact = WIDE[name](samples(name, dtype, count).astype(np.float64 if dtype == FLOAT32 else np.longdouble))
    q = last_place(np.frexp(exact)[1], dtype)
    scaled = np.ldexp(exact, -q)
    return q, np.floor(scaled).astype(float), (scaled - np.floor(scaled)).astype(float)


def assert_accurate(
    kernels: KernelCalls, name: str, x: np.ndarray, reference: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    actual = kernels.elementary(name, x)
    q, whole, part = reference
    error = abs(np.ldexp(actual.astype(float), -q) - whole - part)
    worst = np.argmax(np.where(np.isnan(error), np.inf, error))
    assert error[worst] <= MOST_ULP[name], f"off by {error[worst]:.3f} ULP at {x[worst]!r}: {actual[worst]!r}"


def test_errors_stay_within_the_bound_by_mpmath(kernels: KernelCalls, elementary: str) -> None:
    x = samples(elementary, kernels.dtype, 2000)
    assert_accurate(kernels, elementary, x, precise_reference(elementary, kernels.dtype, 2000))


def test_errors_stay_within_the_bound_by_the_next_precision(kernels: KernelCalls, elementary: str) -> None:
    if kernels.dtype == FLOAT64 and (np.finfo(np.longdouble).nmant < 63 or elementary == "erf"):
        pytest.skip("no long double wider than double, or no such function of it")
    x = samples(elementary, kernels.dtype, 100_000)
    assert_accurate(kernels, elementary, x, wide_reference(elementary, kernels.dtype, 100_000))


@cache
def table(name: str, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """(x, f(x)) from NumPy's table."""
    lines = [line.split(",") for line in TABLES[name].read_text().splitlines() if line.startswith(f"np.{dtype.name},")]
    bits = np.array([(int(x, 16), int(y, 16)) for _, x, y, _ in lines], f"u{dtype.itemsize}")
    x, y = bits.T.copy().view(dtype)
    return x, y


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sin", "cos"])
def test_numpys_accuracy_tables_are_met(kernels: KernelCalls, name: str) -> None:
    """They hold the hard cases: subnormals, neighbours of the ends, worst cases of other libraries."""
    if name not in TABLES:
        pytest.skip("this NumPy comes without its tests' data")
    x, expected = table(name, kernels.dtype)
    np.testing.assert_array_max_ulp(kernels.elementary(name, x), expected, MOST_ULP[name])


LEAST = 1e-45  # float32's smallest subnormal, and a normal number in float64
ENDS = {
    "exp": [(-np.inf, 0), (np.inf, np.inf), (0, 1), (-0.0, 1)],
    "expm1": [(-np.inf, -1), (np.inf, np.inf), (0, 0), (-0.0, -0.0), (800, np.inf), (-800, -1), (-LEAST, -LEAST)],
    "log": [(0, -np.inf), (-0.0, -np.inf), (1, 0), (np.inf, np.inf), (-1, np.nan), (-np.inf, np.nan), (-1e-40, np.nan)],
    "log1p": [(0, 0), (-0.0, -0.0), (-1, -np.inf), (np.inf, np.inf), (-2, np.nan), (-np.inf, np.nan), (-LEAST, -LEAST)],
    "tanh": [(-np.inf, -1), (np.inf, 1), (0, 0), (-0.0, -0.0), (30, 1), (-30, -1), (LEAST, LEAST)],
    "sigmoid": [(-np.inf, 0), (np.inf, 1), (0, 0.5), (-0.0, 0.5), (800, 1), (-800, 0)],
    "softplus": [(-np.inf, 0), (np.inf, np.inf), (800, 800), (-800, 0)],
    "erf": [(-np.inf, -1), (np.inf, 1), (0, 0), (-0.0, -0.0), (7, 1), (-7, -1)],
    "sin": [(-np.inf, np.nan), (np.inf, np.nan), (0, 0), (-0.0, -0.0), (-LEAST, -LEAST)],
    "cos": [(-np.inf, np.nan), (np.inf, np.nan), (0, 1), (-0.0, 1), (LEAST, 1)],
}


@pytest.mark.parametrize(("name", "x", "expected"), [(name, *pair) for name, pairs in ENDS.items() for pair in pairs])
def test_ends_are_exact(kernels: KernelCalls, name: str, x: float, expected: float) -> None:
    actual = kernels.elementary(name, np.full(1, x, kernels.dtype))
    assert_same_bits(actual, np.full(1, expected, kernels.dtype))


def test_nan_in_is_nan_out(kernels: KernelCalls, elementary: str) -> None:
    x = np.array([1, np.nan, 2, -np.nan], kernels.dtype)
    np.testing.assert_array_equal(np.isnan(kernels.elementary(elementary, x)), np.isnan(x))


@pytest.mark.parametrize("name", INCREASING)
def test_neighbours_stand_in_order(kernels: KernelCalls, name: str) -> None:
    x = samples(name, kernels.dtype, 100_000)
    beyond = np.nextafter(x, kernels.dtype.type(np.inf))
    assert (kernels.elementary(name, beyond) >= kernels.elementary(name, x)).all()


def test_exp_overflows_where_the_largest_number_ends(kernels: KernelCalls) -> None:
    """exp(89) is beyond float32, exp(710) beyond float64; the last finite one's argument is log(max), rounded down."""
    info = np.finfo(kernels.dtype)
    with mpmath.workprec(160):
        limit = kernels.dtype.type(float(mpmath.log(mpmath.mpf(float(info.max)))))
        if mpmath.exp(mpmath.mpf(float(limit))) > mpmath.mpf(float(info.max)):
            limit = np.nextafter(limit, kernels.dtype.type(0))
    beyond = np.array([np.nextafter(limit, info.max), 89 if info.bits == 32 else 710, 1e30, info.max], kernels.dtype)
    assert np.isfinite(kernels.elementary("exp", np.array([limit])))
    np.testing.assert_array_equal(kernels.elementary("exp", beyond), np.inf)


def test_exp_sinks_through_the_subnormals_to_zero(kernels: KernelCalls) -> None:
    """2**q at q ln 2, from the smallest normal down: the rounding of q ln 2 costs q u, relatively."""
    info = np.finfo(kernels.dtype)
    q = np.arange(info.minexp, info.minexp - info.nmant - 1, -1)
    with mpmath.workprec(160):
        x = np.array([float(mpmath.log(2) * int(power)) for power in q]).astype(kernels.dtype)
    unit = float(info.smallest_subnormal)
    actual = kernels.elementary("exp", x).astype(float) / unit
    np.testing.assert_allclose(actual, np.exp2(q - info.minexp + info.nmant), rtol=abs(info.minexp) * info.eps, atol=1)
    assert (np.diff(actual) < 0).all()
    below_half = kernels.dtype.type(np.log(unit) - 0.7)
    np.testing.assert_array_equal(kernels.elementary("exp", np.array([below_half, 2 * below_half, -info.max])), 0)


def test_log_of_the_subnormals(kernels: KernelCalls) -> None:
    """log(2**q) = q ln 2 for every power of two that there is, exact to the bound."""
    info = np.finfo(kernels.dtype)
    q = np.arange(info.minexp - info.nmant, info.maxexp)
    actual = kernels.elementary("log", np.ldexp(kernels.dtype.type(1), q))
    with mpmath.workprec(160):
        expected = np.array([float(mpmath.log(2) * int(power)) for power in q]).astype(kernels.dtype)
    np.testing.assert_array_max_ulp(actual, expected, MOST_ULP["log"])


def test_targets_give_the_same_bits(
    kernels: KernelCalls, baseline: KernelCalls, rng: np.random.Generator, elementary: str
) -> None:
    """Over every exponent and both signs, NaN included, and densely where the function has its features."""
    everything = np.frombuffer(rng.bytes(40_000), kernels.dtype)
    x = np.concatenate([everything, samples(elementary, kernels.dtype, 10_000), -samples("exp", kernels.dtype, 10_000)])
    assert_same_bits(kernels.elementary(elementary, x), baseline.elementary(elementary, x))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33])
def test_a_result_does_not_depend_on_its_place_in_the_array(kernels: KernelCalls, elementary: str, count: int) -> None:
    """The last elements share a vector with padding, which must change nothing."""
    x = samples(elementary, kernels.dtype, 66)[:count]
    together = kernels.elementary(elementary, x)
    alone = np.concatenate([kernels.elementary(elementary, x[i : i + 1]) for i in range(count)])
    assert_same_bits(together, alone)
    assert_same_bits(kernels.elementary(elementary, x[::-1].copy())[::-1], alone)
