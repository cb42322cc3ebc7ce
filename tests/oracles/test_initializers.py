"""Initializers beside torch.nn.init's: the same law has the same bounds and deviations over many numbers.

Of n numbers of U(-r, r) the largest is within r (1 - 20 / n) and r, but for a chance of exp(-20); a deviation of n
normal numbers errs by 1 / sqrt(2 n) of itself, of which four are allowed on each side.
"""

import math

import numpy as np
import pytest
import torch

import fastprop as fp
from fastprop.initializers import INITIALIZERS

N_IN, N_OUT = 800, 500
COUNT = N_IN * N_OUT
INIT = torch.nn.init

UNIFORM = {
    "glorot_uniform": INIT.xavier_uniform_,
    "he_uniform": lambda t: INIT.kaiming_uniform_(t, nonlinearity="relu"),
    "lecun_uniform": lambda t: INIT.kaiming_uniform_(t, nonlinearity="linear"),
    "pytorch_default": lambda t: INIT.kaiming_uniform_(t, a=math.sqrt(5)),
}
NORMAL = {
    "glorot_normal": INIT.xavier_normal_,
    "he_normal": lambda t: INIT.kaiming_normal_(t, nonlinearity="relu"),
    "lecun_normal": lambda t: INIT.kaiming_normal_(t, nonlinearity="linear"),
    "random_normal": lambda t: INIT.normal_(t, std=0.05),
    "truncated_normal": lambda t: INIT.trunc_normal_(t, std=0.05, a=-0.1, b=0.1),
}


def ours(name: str) -> np.ndarray:
    model = fp.Sequential([fp.Dense(N_OUT, kernel_initializer=name)], n_inputs=N_IN, dtype="float64", seed=3)
    return model.layers[0].W


def theirs(initialize) -> np.ndarray:
    torch.manual_seed(3)
    return initialize(torch.empty(N_OUT, N_IN, dtype=torch.float64)).numpy()


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_bounds_are_pytorchs(name):
    mine, others = np.abs(ours(name)).max(), np.abs(theirs(UNIFORM[name])).max()
    assert abs(mine - others) <= 20 / COUNT * INITIALIZERS[name].limit(N_IN, N_OUT)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_deviations_are_pytorchs(name):
    mine, others = ours(name).std(), theirs(NORMAL[name]).std()
    assert abs(mine - others) <= 8 * others / math.sqrt(2 * COUNT)


def test_a_layers_defaults_are_pytorchs():
    torch.manual_seed(3)
    linear = torch.nn.Linear(N_IN, N_OUT, dtype=torch.float64)
    layer = fp.Dense(N_OUT, kernel_initializer="pytorch_default", bias_initializer="pytorch_default")
    W, b = (getattr(fp.Sequential([layer], n_inputs=N_IN, dtype="float64").layers[0], name) for name in "Wb")
    limit = INITIALIZERS["pytorch_default"].limit(N_IN, N_OUT)
    for mine, others in ((W, linear.weight), (b, linear.bias)):
        assert abs(np.abs(mine).max() - others.abs().max().item()) <= 20 / mine.size * limit


def test_orthogonal_matrices_are_as_pytorchs():
    """Rows or columns, whichever are fewer: torch's matrix is (n_out, n_in), ours (n_in, n_out)."""
    Q = theirs(lambda t: INIT.orthogonal_(t, gain=2.0))
    np.testing.assert_allclose(Q @ Q.T, 4 * np.eye(N_OUT), atol=1e-12)
    layer = fp.Dense(N_OUT, kernel_initializer=fp.initializers.Orthogonal(gain=2.0))
    W = fp.Sequential([layer], n_inputs=N_IN, dtype="float64").layers[0].W
    np.testing.assert_allclose(W.T @ W, 4 * np.eye(N_OUT), atol=1e-12)
