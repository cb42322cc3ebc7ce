"""What stands around optimizers' rules, against PyTorch: clipping, decay, groups, accumulation, averages; 200 steps."""

import numpy as np
import pytest
import torch

import fastprop as fp
from fastprop._native import philox
from oracles.test_optimizers import BATCH, EPOCHS, RATES, ROWS, ours, pytorchs
from oracles.twins import mean_loss, theta_of, twin
from reference import relative_error


@pytest.fixture(autouse=True)
def _small_rates(monkeypatch):
    """l1 jumps where a weight passes 0, and rules that divide by a gradient's size take long steps there: at larger
    rates weights go to and fro, and the last bit of a step decides when."""
    for name, rate in (("adam", 0.0005), ("adamw", 0.0005), ("rmsprop", 0.0001)):
        monkeypatch.setitem(RATES, name, rate)


AROUND = [
    {"l1": 1e-3},
    {"clip_value": 0.01},
    {"clip_norm": 0.05},
    {"clip_global_norm": 0.1},
    {"max_norm": 0.8},
    {"accumulate": 3},
    {"ema_decay": 0.9},
    {"clip_value": 0.02, "clip_norm": 0.05, "clip_global_norm": 0.08, "l1": 1e-3, "weight_decay": 0.01},
    {"accumulate": 4, "clip_global_norm": 0.1, "max_norm": 0.8, "ema_decay": 0.9},
    {"accumulate": 2, "l1": 1e-3, "clip_value": 0.01, "ema_decay": 0.5, "weight_decay": 0.01},
    {"max_norm": 0.8, "ema_decay": 0.99, "l1": 1e-3},
]
INNER = [
    ("sgd", {"momentum": 0.9, "nesterov": True}),
    ("sgd", {}),
    ("adam", {"amsgrad": True}),
    ("adamw", {}),
    ("rmsprop", {"momentum": 0.9}),
]
GROUPED = [  # layers, kinds, what PyTorch's group gets
    fp.ParameterGroup(kinds="bias", weight_decay=0.0, rate_factor=0.5),
    fp.ParameterGroup(layers=-1, learning_rate=0.001, weight_decay=0.1, max_norm=0.5),
    fp.ParameterGroup(layers=0, frozen=True),
]


class Around:
    """PyTorch's own functions around PyTorch's own rule, in the order that `fastprop.optimizers` tells."""

    def __init__(self, name, settings, options, net, groups=()):
        self.options, self.net = options, net
        self.weights = [p for p in net.parameters() if p.dim() == 2]
        numbers = [
            (layer, kind, p)
            for layer, module in enumerate(m for m in net if isinstance(m, torch.nn.Linear))
            for kind, p in (("weight", module.weight), ("bias", module.bias))
            if p is not None
        ]
        n_layers = 1 + max(layer for layer, _, _ in numbers)
        inner = {key: options[key] for key in ("weight_decay",) if key in options}
        base = ours(name, settings | inner)
        param_groups = []
        for layer, kind, p in numbers:
            rate_, decay, frozen = base.learning_rate, base.weight_decay, False
            for group in groups:
                if group.holds(layer, kind, n_layers):
                    rate_ = rate_ if group.learning_rate is None else group.learning_rate
                    decay = decay if group.weight_decay is None else group.weight_decay
                    frozen = group.frozen
            for group in groups:
                rate_ *= group.rate_factor if group.holds(layer, kind, n_layers) else 1
            if frozen:
                p.requires_grad_(False)
            else:
                param_groups.append({"params": [p], "lr": rate_, "weight_decay": decay})
        self.optimizer = pytorchs(name, settings | inner, param_groups)
        self.max_norm = {id(p): options.get("max_norm") for _, _, p in numbers}
        for layer, kind, p in numbers:
            for group in groups:
                if group.max_norm is not None and group.holds(layer, kind, n_layers):
                    self.max_norm[id(p)] = group.max_norm
        self.batches = 0
        self.average = None
        if "ema_decay" in options:
            averaging = torch.optim.swa_utils.get_ema_multi_avg_fn(options["ema_decay"])
            self.average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=averaging)

    def step(self, loss):
        """A batch; its gradients wait until a step is due."""
        accumulate = self.options.get("accumulate", 1)
        (loss / accumulate).backward()
        self.batches += 1
        if self.batches % accumulate:
            return
        learning = [p for p in self.net.parameters() if p.requires_grad]
        if "clip_value" in self.options:
            torch.nn.utils.clip_grad_value_(learning, self.options["clip_value"])
        if "clip_norm" in self.options:
            for p in learning:
                torch.nn.utils.clip_grad_norm_([p], self.options["clip_norm"])
        if "clip_global_norm" in self.options:
            torch.nn.utils.clip_grad_norm_(learning, self.options["clip_global_norm"])
        with torch.no_grad():
            for p in learning:
                p.grad += self.options.get("l1", 0) * p.sign()
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            for p in self.weights:
                if self.max_norm[id(p)] is not None and p.requires_grad:
                    p.copy_(torch.renorm(p, 2, 0, self.max_norm[id(p)]))  # (n_out, n_in): a unit's weights are a row
        if self.average is not None:
            self.average.update_parameters(self.net)


def errors_around(name, settings, options, groups=(), dtype="float64"):
    """As worst_error, of theta and of its moving average."""
    rng = np.random.default_rng(0)
    X, targets = rng.standard_normal((ROWS, 12)), np.eye(4)[rng.integers(0, 4, ROWS)]
    layers = [fp.Dense(20, "tanh"), fp.Dense(15, "tanh", use_bias=False), fp.Dense(4, "softmax")]
    model = fp.Sequential(layers, n_inputs=12, dtype=dtype, seed=6)
    net = twin(model)
    around = Around(name, settings, options, net, groups)
    trainer = fp.Trainer(model, "cross_entropy", ours(name, settings | options | {"groups": groups}))
    x, y = torch.from_numpy(X), torch.from_numpy(targets)
    errors = []
    for epoch in range(EPOCHS):
        trainer.fit(X, targets, epochs=1, batch_size=BATCH, progress=False)
        for rows in torch.from_numpy(philox.permutation(6, epoch, ROWS)).split(BATCH):
            around.step(mean_loss("cross_entropy", False, net(x[rows]), y[rows]))
        errors.append(relative_error(model.theta.astype(float), theta_of(net)))
    if around.average is not None:
        errors.append(relative_error(trainer.ema_model().theta.astype(float), theta_of(around.average.module)))
    return max(errors)


@pytest.mark.parametrize("inner", INNER, ids=lambda inner: "-".join(map(str, (inner[0], *inner[1]))))
@pytest.mark.parametrize("options", AROUND, ids=lambda options: "-".join(options))
def test_two_hundred_steps_with_options_are_pytorchs(inner, options):
    """Its functions for clipping, renorm for max-norm, AveragedModel; l1 by hand."""
    assert errors_around(*inner, options) <= 1e-12


@pytest.mark.parametrize("inner", INNER, ids=lambda inner: "-".join(map(str, (inner[0], *inner[1]))))
@pytest.mark.parametrize(
    "options", [{}, {"weight_decay": 0.01}, AROUND[7], AROUND[8]], ids=lambda options: "-".join(options)
)
def test_two_hundred_steps_of_parameter_groups_are_pytorchs(inner, options):
    """Biases, the last layer, and a frozen one: param_groups, and parameters that require no gradient."""
    assert errors_around(*inner, options, GROUPED) <= 1e-12


@pytest.mark.parametrize("options", AROUND, ids=lambda options: "-".join(options))
def test_two_hundred_steps_with_options_in_float32_stay_close(options):
    """To PyTorch's in float64."""
    assert errors_around("sgd", {"momentum": 0.9}, options, dtype="float32") <= 1e-5
