"""Whole trainings against torch.optim: the same batches, 200 steps, every optimizer with every mixture of settings."""

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

import fastprop as fp
from fastprop._native import philox
from oracles.twins import NOT_IN_PYTORCH, OPTIMIZERS, known, mean_loss, theta_of, twin
from reference import ENDS, loss_of, relative_error
from reference_activations import TRIED

ROWS, BATCH, EPOCHS = 150, 32, 40  # 5 steps an epoch, the last of 22 rows
LEARNING_RATE = 0.05

BETAS = {"beta_1": (0.0, 0.9), "beta_2": (0.9, 0.999)}
EPSILON = {"epsilon": (1e-8, 1e-3)}
DECAY = {"weight_decay": (0.0, 0.01)}
DECOUPLED = DECAY | {"decoupled_weight_decay": (False, True)}
VALUES = {  # of each setting of each optimizer of the package; the learning rate is a setting of all
    "sgd": {
        "momentum": (0.0, 0.5, 0.9, 0.99),
        "dampening": (0.0, 0.3, 1.0),
        "weight_decay": (0.0, 0.01, 0.1),
        "nesterov": (False, True),
    },
    "adam": BETAS | EPSILON | DECOUPLED | {"amsgrad": (False, True)},
    "adamw": BETAS | EPSILON | DECAY | {"amsgrad": (False, True)},
    "nadam": BETAS | EPSILON | DECOUPLED | {"momentum_decay": (0.0, 0.004, 1.0)},
    "radam": BETAS | EPSILON | DECOUPLED,
    "adamax": BETAS | EPSILON | DECAY,
    "adagrad": DECAY | {"rate_decay": (0.0, 0.1), "initial_accumulator": (0.0, 0.1), "epsilon": (1e-10, 1e-3)},
    "adadelta": DECAY | {"rho": (0.0, 0.9), "epsilon": (1e-6, 1e-3)},
    "rmsprop": DECAY | EPSILON | {"rho": (0.9, 0.99), "momentum": (0.0, 0.9), "centered": (False, True)},
    "rprop": {"eta_minus": (0.3, 0.5), "eta_plus": (1.1, 1.2), "min_step": (1e-6, 1e-3), "max_step": (0.05, 50.0)},
    "lion": {},
}
# Settings that PyTorch has not: tried below, or in tests/test_optimizers.py
OURS_ALONE = {
    "sgd": {"rate_in_velocity"},
    "adam": {"epsilon_hat"},
    "adamw": {"epsilon_hat", "decoupled_weight_decay"},
    "rprop": {"weight_decay"},
    "lion": {"beta_1", "beta_2", "weight_decay"},
}
OPTIONS = {field.name for field in fields(fp.optimizers.Optimizer)} - {"weight_decay"}
# Rates at which 200 steps go far and stay finite
RATES = {
    "adadelta": 1.0,
    "rprop": 0.01,
    "rmsprop": 0.001,
    "adamax": 0.01,
    "adam": 0.01,
    "adamw": 0.01,
    "nadam": 0.01,
    "radam": 0.01,
}


@pytest.fixture(autouse=True)
def _double_precision():
    """NAdam's product of momenta is a tensor of PyTorch's default type, whatever its parameters' type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def combinations(name):
    """Every combination of the settings of one optimizer, those that it refuses too."""
    values = VALUES.get(name, {})
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def rate(name):
    return RATES.get(name, LEARNING_RATE)


def ours(name, settings):
    return type(fp.optimizers.OPTIMIZERS[name])(rate(name), **settings)


def pytorchs(name, settings, parameters):
    return known(OPTIMIZERS, name, "optimizer")(parameters, lr=rate(name), **settings)


def possible(make):
    try:
        make()
    except ValueError:
        return False
    return True


RULES = [
    pytest.param(name, settings, id="-".join(map(str, (name, *settings.values()))))
    for name in fp.optimizers.OPTIMIZERS
    if name not in NOT_IN_PYTORCH
    for settings in combinations(name)
    if possible(lambda name=name, settings=settings: ours(name, settings))
]


def worst_error(name, settings, end=("cross_entropy", False, "softmax"), activation="tanh", dtype="float64", w=None):
    """max |theta - PyTorch's| / max |PyTorch's|, the largest of those at the end of each epoch."""
    loss, from_logits, last = end
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, 12)).astype(dtype)
    targets = {
        "values": rng.random((ROWS, 4)),
        "classes": np.eye(4)[rng.integers(0, 4, ROWS)],
        "probabilities": rng.random((ROWS, 4)).round(1),
    }[fp.losses.get(loss).targets].astype(dtype)
    layers = [fp.Dense(20, activation), fp.Dense(15, activation, use_bias=False), fp.Dense(4, last)]
    model = fp.Sequential(layers, n_inputs=12, dtype=dtype, seed=6)
    if activation in UNBOUNDED:
        model.theta *= 0.2
    net = twin(model)
    trainer = fp.Trainer(model, loss_of(loss, from_logits), ours(name, settings))
    optimizer = pytorchs(name, settings, net.parameters())
    if activation in UNBOUNDED:  # else they overflow, here as there
        optimizer.param_groups[0]["lr"] = 0.001
        trainer.optimizer = replace(trainer.optimizer, learning_rate=0.001)
    x, y, weights = (None if a is None else torch.from_numpy(a.astype(float)) for a in (X, targets, w))

    errors = []
    for epoch in range(EPOCHS):
        trainer.fit(X, targets, epochs=1, batch_size=BATCH, sample_weight=w, progress=False)
        for rows in torch.from_numpy(philox.permutation(6, epoch, ROWS)).split(BATCH):
            optimizer.zero_grad()
            share = None if weights is None else weights[rows]
            mean_loss(loss, from_logits, net(x[rows]), y[rows], share).backward()
            optimizer.step()
        errors.append(relative_error(model.theta.astype(float), theta_of(net)))
    assert trainer.step == 200
    return max(errors)


@pytest.mark.parametrize("name", fp.optimizers.OPTIMIZERS)
def test_every_setting_of_every_optimizer_is_tried(name):
    """The tests below iterate over what stands here."""
    settings = {field.name for field in fields(fp.optimizers.OPTIMIZERS[name])} - OPTIONS
    tried = set(VALUES.get(name, {})) | OURS_ALONE.get(name, set())
    assert settings == tried - OPTIONS, f"tests/oracles/test_optimizers.py has no VALUES to try for {name!r}"
    assert name in NOT_IN_PYTORCH or any(rule.values[0] == name for rule in RULES)


@pytest.mark.parametrize(("name", "settings"), RULES)
def test_two_hundred_steps_are_pytorchs(name, settings):
    """All settings together: to 1e-12 of the largest parameter, in float64, all the way."""
    assert worst_error(name, settings) <= 1e-12


UNBOUNDED = (fp.activations.Exponential(), fp.activations.LogSoftmax())
LOOKING_AHEAD = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: "-".join(map(str, end)))
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_two_hundred_steps_of_every_loss_are_pytorchs(end, weighted):
    """All of them on the way, not only at a single point."""
    w = np.random.default_rng(1).random(ROWS) if weighted else None
    assert worst_error("sgd", LOOKING_AHEAD, end, w=w) <= 1e-12


@pytest.mark.parametrize("activation", TRIED, ids=repr)
@pytest.mark.parametrize(
    "end", [("mse", False, "identity"), ("cross_entropy", False, "softmax")], ids=["mse", "classes"]
)
def test_two_hundred_steps_of_every_activation_are_pytorchs(end, activation):
    """Likewise, in hidden layers."""
    assert worst_error("sgd", LOOKING_AHEAD, end, activation) <= 1e-12


@pytest.mark.parametrize(("name", "settings"), RULES[::5])
def test_two_hundred_steps_in_float32_stay_close_to_pytorchs_in_float64(name, settings):
    """From the same rounded beginnings; 200 steps do not let 2**-24 grow beyond 1e-5."""
    assert worst_error(name, settings, dtype="float32") <= 1e-5


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_both_refuse_the_same_combinations(name):
    """What is impossible there is impossible here, and the other way round."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    for settings in combinations(name):
        here = possible(lambda settings=settings: ours(name, settings))
        assert here == possible(lambda settings=settings: pytorchs(name, settings, [parameter])), settings


@pytest.mark.parametrize("setting", ["momentum", "weight_decay"])
def test_both_refuse_negative_settings(setting):
    """The values beyond those above."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    assert not possible(lambda: ours("sgd", {setting: -1.0}))
    assert not possible(lambda: pytorchs("sgd", {setting: -1.0}, [parameter]))


if __name__ == "__main__":  # python -m oracles.test_optimizers, in tests/: the largest errors, for the record
    for real in ("float64", "float32"):
        found = [worst_error(*rule.values, dtype=real) for rule in RULES]
        print(f"{real}: largest error of {len(found)} optimizers and settings {max(found):.2e}")
    found = [worst_error("sgd", LOOKING_AHEAD, end) for end in ENDS]
    found += [worst_error("sgd", LOOKING_AHEAD, activation=f) for f in TRIED]
    print(f"float64: largest error of {len(found)} losses and activations {max(found):.2e}")
