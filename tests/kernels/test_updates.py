"""Optimizer rules: one step of theta, and of the state, in place."""

import numpy as np
import pytest

from bounds import EXACT, assert_same_bits, assert_within, gamma
from fastprop._native.kernel_calls import KernelCalls

COUNTS = [1, 3, 4, 7, 8, 15, 16, 17, 100]
# learning_rate, momentum, dampening, nesterov, weight_decay
SETTINGS = [
    (0.1, 0, 0, 0, 0),
    (0.1, 0, 0, 0, 0.01),
    (0.1, 0.9, 0, 0, 0),
    (0.03, 0.9, 0.3, 0, 0.01),
    (0.03, 0.9, 0, 1, 0),
    (0.01, 0.99, 0, 1, 0.1),
]
with_every_option = pytest.mark.parametrize("settings", SETTINGS, ids=str)


def sgd(
    kernels: KernelCalls,
    theta: np.ndarray,
    grad: np.ndarray,
    velocity: np.ndarray,
    settings: tuple[float, ...],
    step: int,
) -> None:
    learning_rate, momentum, dampening, nesterov, weight_decay = settings
    name = "sgd_nesterov" if nesterov else "sgd_momentum" if momentum else "sgd"
    numbers = (weight_decay, 1, -learning_rate, momentum, 1 - dampening, step == 0)
    kernels.update(name, theta, grad, velocity.reshape(1, -1), numbers)


def torch_sgd(
    theta: np.ndarray, grad: np.ndarray, velocity: np.ndarray | None, settings: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """torch.optim.SGD's step, term by term: PyTorch 2.13, torch/optim/sgd.py; velocity None at the first step."""
    learning_rate, momentum, dampening, nesterov, weight_decay = settings
    g = grad + weight_decay * theta
    if momentum:
        velocity = g if velocity is None else momentum * velocity + (1 - dampening) * g
        g = g + momentum * velocity if nesterov else velocity
    return theta - learning_rate * g, velocity


@with_every_option
@pytest.mark.parametrize("count", COUNTS)
def test_sgd_is_pytorchs_step_by_step(
    kernels: KernelCalls, rng: np.random.Generator, count: int, settings: tuple[float, ...]
) -> None:
    """Each step from what the last one left. The settings are rounded to the type, and a term passes at most eight
    roundings, its settings' included. The bound's magnitude is the same formula with every term made positive."""
    theta, velocity = rng.standard_normal((2, count)).astype(kernels.dtype)
    for step in range(3):
        grad = rng.standard_normal(count).astype(kernels.dtype)
        before = [None if x is None else x.astype(EXACT) for x in (theta, grad, velocity if step else None)]
        sgd(kernels, theta, grad, velocity, settings, step)

        exact_theta, exact_velocity = torch_sgd(*before, settings)
        sizes = [None if x is None else abs(x) for x in before]
        size_of_theta, size_of_velocity = torch_sgd(*sizes, (-settings[0], *settings[1:]))
        assert_within(theta, exact_theta, gamma(8, kernels.dtype) * size_of_theta)
        if settings[1]:
            assert_within(velocity, exact_velocity, gamma(8, kernels.dtype) * size_of_velocity)


def test_sgd_by_hand(kernels: KernelCalls) -> None:
    """Powers of two, in which every step is exact: v = 8, then 4 + 8, then 6 + 8; theta falls by a quarter of each."""
    theta, grad, velocity = (np.full(5, x, kernels.dtype) for x in (64, 8, np.nan))
    for step, (v, expected) in enumerate([(8, 62), (12, 59), (14, 55.5)]):
        sgd(kernels, theta, grad, velocity, (0.25, 0.5, 0, 0, 0), step)
        np.testing.assert_array_equal(velocity, v)
        np.testing.assert_array_equal(theta, expected)


@with_every_option
def test_the_first_step_does_not_read_the_state(
    kernels: KernelCalls, rng: np.random.Generator, settings: tuple[float, ...]
) -> None:
    """Nor does any step without momentum write it: such a network keeps no state."""
    theta, grad = rng.standard_normal((2, 21)).astype(kernels.dtype)
    velocity = np.full(21, np.nan, kernels.dtype)
    sgd(kernels, theta, grad, velocity, settings, 0)
    assert np.isfinite(theta).all()
    assert np.isfinite(velocity).all() == bool(settings[1])
    assert np.isnan(velocity).all() == (not settings[1])


def hard_quotients(rng: np.random.Generator, count: int, digits: int) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and odd denominators of so many binary digits whose quotient lies as near to halfway between two
    numbers as it can: a 2**digits = b halfway + 1 or - 1, solved by b's inverse modulo that power. The first
    denominators are the largest there are."""
    top = 2 ** (digits - 1)
    pairs = []
    for b in [*range(2 * top - 1, 2 * top - 65, -2), *(top + rng.integers(top, size=count) | 1).tolist()]:
        for sign in (1, -1):
            halfway = 2 * top + sign * pow(b, -1, 2 * top) % (2 * top)
            a = (b * halfway - sign) // (2 * top)
            assert a * 2 * top == b * halfway - sign
            if top <= a < 2 * top:
                pairs.append((a, b))
    a, b = np.array(pairs, float).T
    return a, b


def test_a_quotient_is_rounded_as_by_the_divider(kernels: KernelCalls, rng: np.random.Generator) -> None:
    """m / sqrt(v), of an Adam whose averages stay and whose v is b b, is NumPy's m / b: also where it is hard to round,
    b is all ones, and either is a zero, at the ends of its range, or no number. Where the update divides by
    multiply-adds (on an Intel with AVX-512, in float64) that takes their proof; elsewhere the divider is right."""
    dtype, info = kernels.dtype, np.finfo(kernels.dtype)
    a, b = hard_quotients(rng, 4096, info.nmant + 1)
    ones, powers = 2 - info.eps, 2.0 ** rng.integers(-info.maxexp // 2 + 1, info.maxexp // 2 - 1, (2, len(a)))
    edges = np.array([0, 1, ones, info.tiny, info.max, np.inf, np.nan, *2.0 ** np.arange(-10, 10)])
    m = np.concatenate([a, a * powers[0], ones * powers[0], powers[0], np.repeat(edges, len(edges)), -a])
    d = np.concatenate([b, b * powers[1], ones * powers[1], ones * powers[1], np.tile(edges, len(edges)), b])
    m, d = m.astype(dtype), d.astype(dtype)
    with np.errstate(all="ignore"):
        v = d * d
        root = np.sqrt(v)
        quotient = m / root
        mixed = rng.permutation(len(m))  # so that vectors of all sorts come about
        for order in (np.arange(len(m)), mixed):
            theta, state = np.zeros(len(m), dtype), np.array([m[order], v[order]])
            kernels.update("adam", theta, np.zeros(len(m), dtype), state, (0, 1, 1, 0, 1, 0, 1, 0, 1))
            normal = ~((v > 0) & (v < info.tiny) | (m != 0) & (abs(m) < info.tiny))[order]  # averages are flushed
            assert_same_bits(theta[normal], (quotient[order] + dtype.type(0))[normal])
