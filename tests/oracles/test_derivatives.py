"""Derivatives for users against PyTorch's function transforms, in float64."""

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, hessian, jacrev, vmap

import fastprop as fp
from oracles.twins import mean_loss, twin

ENDS = {"mse": "identity", "cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
SEEDS = range(6)
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # its own use


@pytest.fixture(params=[(loss, seed) for loss in ENDS for seed in SEEDS], ids=str)
def case(request):
    """(network, its twin, X, y as our own takes it, y as rows, loss)"""
    loss, seed = request.param
    rng = np.random.default_rng(seed)
    units = rng.integers(1, 9, rng.integers(2, 5))
    n_out = int(rng.integers(2, 5))
    activation = rng.choice(["tanh", "sigmoid"])
    model = fp.mlp(*map(int, units), n_out, activation=str(activation), output=ENDS[loss], dtype="float64", seed=seed)
    X, m = rng.standard_normal((7, model.n_inputs)), 7
    y = rng.integers(0, n_out, m) if loss == "cross_entropy" else rng.random((m, n_out))
    return model, twin(model), X, y, np.eye(n_out)[y] if y.ndim == 1 else y, loss


def close(ours, theirs, rtol=1e-12):
    theirs = theirs.detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max())


def test_input_gradient_and_jacobian(case):
    model, net, X, y, rows, loss = case
    x, w = torch.from_numpy(X).requires_grad_(), np.linspace(0.5, 2, len(X))
    mean_loss(loss, False, net(x), torch.from_numpy(rows), torch.from_numpy(w)).backward()
    close(fp.input_gradient(model, X, y, loss, sample_weight=w)[1], x.grad)
    close(fp.jacobian(model, X), vmap(jacrev(lambda row: net(row[None])[0]))(torch.from_numpy(X)))


def flat(named):
    """Parameters by name, each with one row per leading index, in theta's order and layout."""
    return torch.cat([p.transpose(-1, -2).flatten(1) if p.ndim == 3 else p for p in named.values()], dim=1)


def test_row_gradients_and_their_norms(case):
    model, net, X, y, rows, loss = case

    def row_loss(parameters, x, target):
        return mean_loss(loss, False, functional_call(net, parameters, (x[None],)), target[None])

    parameters = dict(net.named_parameters())
    grads = flat(vmap(grad(row_loss), (None, 0, 0))(parameters, torch.from_numpy(X), torch.from_numpy(rows)))
    close(fp.row_gradients(model, X, y, loss), grads)
    close(fp.row_gradient_norms(model, X, y, loss), grads.norm(dim=1))


def test_hessian_vector_product(case):
    """Differences of fourth order: to 1e-9 of the largest."""
    model, net, X, y, rows, loss = case
    shapes = [p.shape for p in net.parameters()]
    names = [name for name, _ in net.named_parameters()]

    def of_theta(theta):
        parameters, at = {}, 0
        for name, shape in zip(names, shapes, strict=True):
            part = theta[at : at + shape.numel()]
            parameters[name] = part.reshape(shape[::-1]).T if len(shape) == 2 else part
            at += shape.numel()
        return mean_loss(loss, False, functional_call(net, parameters, (torch.from_numpy(X),)), torch.from_numpy(rows))

    v = np.random.default_rng(1).standard_normal(model.n_params)
    H = hessian(of_theta)(torch.from_numpy(model.theta.copy()))
    close(fp.hessian_vector_product(model, X, y, loss, v), H @ torch.from_numpy(v), rtol=1e-9)
