"""Every layer beside PyTorch's, in float64: predictions, gradients, and 60 steps of training with all their state."""

import numpy as np
import pytest
import torch

import fastprop as fp
from oracles.layers import twin
from reference import relative_error
from test_layers import NETWORKS, data, inside, network

DROPOUTS = {fp.Dropout, fp.AlphaDropout}
PLAIN = {name: layers for name, layers in NETWORKS.items() if not DROPOUTS & set(inside(layers))}
each_network = pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS.keys())
each_plain_network = pytest.mark.parametrize("layers", PLAIN.values(), ids=PLAIN.keys())


def trained(layers, epochs=3):
    """Somewhat trained, so that no scale is 1 any more and no running mean 0."""
    model, (X, y) = network(layers), data()
    fp.Trainer(model, "cross_entropy", fp.SGD(0.1)).fit(X, y, epochs=epochs, batch_size=10, progress=False)
    return model


def probabilities_loss(o: torch.Tensor, y: np.ndarray) -> torch.Tensor:
    return -torch.log(o[torch.arange(len(y)), torch.from_numpy(y)]).mean()


def gradients(net: torch.nn.Module) -> dict[str, np.ndarray]:
    """By the state's names."""
    return {name: p.grad.numpy() for name, p in net.named_parameters()}


def named(model: fp.Sequential, grad: np.ndarray) -> dict[str, np.ndarray]:
    """The package's gradient likewise."""
    holder = model.copy()
    holder.theta = grad
    return holder.state_dict()


@each_network
def test_predictions_are_pytorchs(layers):
    model, (X, _) = trained(layers), data()
    with torch.no_grad():
        expected = twin(model)(torch.from_numpy(X)).numpy()
    assert relative_error(model.predict(X), expected) <= 1e-12


@each_network
def test_float32_is_as_near_as_its_rounding_allows(layers):
    """To PyTorch's float64 at the same, rounded, numbers and data."""
    model, (X, y) = network(layers, "float32"), data()
    X = X.astype("float32")
    net = twin(model)
    o = net(torch.from_numpy(X.astype(float)))
    probabilities_loss(o, y).backward()
    assert relative_error(model.predict(X).astype(float), o.detach().numpy()) <= 1e-5
    _, grad = fp.gradient(model, X, y, "cross_entropy")
    largest = max(abs(expected).max() for expected in gradients(net).values())
    for name, expected in gradients(net).items():
        assert abs(named(model, grad)[name] - expected).max() <= 1e-5 * largest, name


@each_network
def test_gradients_at_prediction_are_pytorchs(layers):
    model, (X, y) = trained(layers), data()
    net, x = twin(model), torch.from_numpy(X).requires_grad_()
    probabilities_loss(net(x), y).backward()
    _, grad = fp.gradient(model, X, y, "cross_entropy")
    for name, expected in gradients(net).items():
        assert abs(named(model, grad)[name] - expected).max() <= 1e-12 * max(1, abs(expected).max()), name
    _, dX = fp.input_gradient(model, X, y, "cross_entropy")
    assert relative_error(dX, x.grad.numpy()) <= 1e-12


@each_plain_network
def test_gradients_in_training_are_pytorchs(layers):
    model, (X, y) = trained(layers), data()
    net = twin(model).train()
    probabilities_loss(net(torch.from_numpy(X)), y).backward()
    _, grad = fp.gradient(model, X, y, "cross_entropy", training=True)
    for name, expected in gradients(net).items():
        assert abs(named(model, grad)[name] - expected).max() <= 1e-12 * max(1, abs(expected).max()), name


@each_plain_network
def test_training_is_pytorchs_with_all_state(layers):
    """60 steps in batches of 10 and a last one of fewer rows: parameters, running means and counts of batches."""
    model, (X, y) = network(layers), data()
    net = twin(model).train()
    fp.Trainer(model, "cross_entropy", fp.SGD(0.01, momentum=0.9)).fit(
        X[:38], y[:38], epochs=15, batch_size=10, shuffle=False, progress=False
    )
    rule = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for _ in range(15):
        for start in range(0, 38, 10):
            rule.zero_grad()
            rows = slice(start, min(start + 10, 38))
            probabilities_loss(net(torch.from_numpy(X[rows])), y[rows]).backward()
            rule.step()
    state = model.state_dict()
    for name, expected in net.state_dict().items():
        assert state[name].dtype == expected.numpy().dtype
        assert abs(state[name] - expected.numpy()).max() <= 1e-12 * max(1, abs(expected.numpy()).max()), name


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize("layer", [fp.Dropout, fp.AlphaDropout])
def test_masks_do_what_pytorchs_do(layer, rate):
    """Which inputs are dropped is this package's; what becomes of those and of the others is PyTorch's."""
    torch.manual_seed(0)
    module = {fp.Dropout: torch.nn.Dropout, fp.AlphaDropout: torch.nn.AlphaDropout}[layer](rate)
    ones = module(torch.ones(10_000, dtype=torch.float64)).unique().numpy()
    twos = module(2 * torch.ones(10_000, dtype=torch.float64)).unique().numpy()
    _, factor, kept, dropped = layer(rate).settings()[0]
    assert sorted([dropped, factor + kept]) == pytest.approx(ones, rel=1e-12, abs=1e-12)
    assert sorted([dropped, 2 * factor + kept]) == pytest.approx(twos, rel=1e-12, abs=1e-12)
