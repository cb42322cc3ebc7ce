"""Gradient descent: against recurrences worked out by hand."""

import copy
import pickle

import numpy as np
import pytest

import fastprop as fp

SETTINGS = [
    {},
    {"weight_decay": 0.1},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.5},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.9, "dampening": 1.0, "weight_decay": 0.1},
    {"momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
]


def one_weight(w: float = 1.0) -> fp.Sequential:
    """o = w x: with x = 1 and y = 0 the loss is w**2 and its slope 2 w."""
    model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=1, dtype="float64")
    model.theta[:] = w
    return model


def descend(steps: int, **settings) -> list[float]:
    model = one_weight()
    trainer = fp.Trainer(model, "mse", fp.SGD(**settings))
    path = []
    for _ in range(steps):
        trainer.partial_fit([[1.0]], [0.0])
        path.append(float(model.theta[0]))
    return path


def test_plain_descent_on_a_parabola_is_a_geometric_sequence():
    """w <- w - r 2 w, so w_k = (1 - 2 r)^k."""
    assert descend(20, learning_rate=0.125) == [0.75**k for k in range(1, 21)]  # exact in binary
    assert descend(20, learning_rate=0.1) == pytest.approx([0.8**k for k in range(1, 21)], rel=1e-14)


def test_weight_decay_on_a_parabola_steepens_it():
    """The slope 2 w + d w: w_k = (1 - r (2 + d))^k."""
    path = descend(20, learning_rate=0.1, weight_decay=0.5)
    assert path == pytest.approx([0.75**k for k in range(1, 21)], rel=1e-14)


def test_weight_decay_alone_shrinks_every_parameter_biases_too():
    """Where the loss is flat, theta <- theta (1 - r d), as in PyTorch."""
    model = fp.Sequential([fp.Dense(2, "relu")], n_inputs=3, dtype="float64")
    model.theta[:] = -1.0 - np.arange(8)  # all units are off
    before = model.theta.copy()
    trainer = fp.Trainer(model, "mse", fp.SGD(0.5, weight_decay=0.25))
    for _ in range(3):
        trainer.partial_fit(np.ones((1, 3)), np.zeros((1, 2)))
    assert model.theta.tolist() == (before * 0.875**3).tolist()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_setting_follows_its_recurrence(settings):
    """The rule in scalars, as torch.optim.SGD's documentation writes it."""
    s = {"momentum": 0.0, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0} | settings
    w, v, expected = 1.0, None, []
    for _ in range(30):
        g = 2 * w + s["weight_decay"] * w
        if s["momentum"]:
            v = g if v is None else s["momentum"] * v + (1 - s["dampening"]) * g
            g = g + s["momentum"] * v if s["nesterov"] else v
        w -= 0.05 * g
        expected.append(w)
    np.testing.assert_allclose(descend(30, learning_rate=0.05, **settings), expected, rtol=1e-12, atol=1e-15)


def test_momentum_under_a_constant_slope_reaches_its_final_speed():
    """v_k = g (1 - u^k) / (1 - u): without dampening, g / (1 - u) in the end."""
    rule = fp.SGD(0.1, momentum=0.75)
    theta, state, g = np.zeros(1), np.zeros((1, 1)), np.array([2.0])
    for k in range(1, 60):
        before = theta.copy()
        rule.update(theta, g, state, k - 1)
        assert (before - theta)[0] == pytest.approx(0.1 * 2 * (1 - 0.75**k) / 0.25, rel=1e-12)


def test_the_first_step_is_not_dampened():
    """PyTorch's way: v begins as g itself, even with a dampening of 1, which then keeps out all later gradients."""
    path = descend(3, learning_rate=0.125, momentum=0.5, dampening=1.0)
    assert path == [1 - 0.25, 1 - 0.25 - 0.125, 1 - 0.25 - 0.125 - 0.0625]


def test_nesterov_looks_one_step_ahead():
    """Step 1: g + u g, half as much again with u = 1/2."""
    assert descend(1, learning_rate=0.125, momentum=0.5, nesterov=True) == [1 - 0.25 * 1.5]


def test_a_learning_rate_of_zero_moves_nothing():
    """0 is a step size; it does not divide."""
    assert descend(3, learning_rate=0.0, momentum=0.9, weight_decay=0.1) == [1.0] * 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_definition_in_numpy_is_what_the_core_does(settings, dtype):
    """Steps of a whole network, against SGD.update on the gradients that fp.gradient gives."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 4)), rng.standard_normal((20, 2))
    model = fp.mlp(4, 5, 2, activation="tanh", dtype=dtype, seed=1)
    rule = fp.SGD(0.1, **settings)
    trainer = fp.Trainer(model, "mse", rule)
    theta = model.theta.astype(float)
    state, twin = np.zeros((len(rule.states), theta.size)), model.copy()
    for step in range(10):
        _, grad = fp.gradient(twin, X, y, "mse")
        rule.update(theta, grad.astype(float), state, step)
        trainer.partial_fit(X, y)
        twin.theta[:] = theta
    close = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(model.theta, theta, rtol=close, atol=close)


def test_only_momentum_needs_memory():
    """Without it, a trainer holds no second vector."""
    assert fp.SGD(0.1, weight_decay=0.1).states == ()
    assert fp.SGD(0.1, momentum=0.1).states == ("velocity",)


def test_an_optimizer_is_a_value():
    """It compares by its numbers, prints as the code that makes it, is frozen, and survives copies."""
    rule = fp.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
    assert eval(repr(rule), vars(fp)) == rule == copy.deepcopy(rule) == pickle.loads(pickle.dumps(rule))
    assert rule != fp.SGD(0.1)
    assert len({rule, copy.copy(rule), fp.SGD(0.1)}) == 2
    with pytest.raises(AttributeError):
        rule.learning_rate = 1.0


def test_numbers_of_any_kind_are_numbers():
    """NumPy's, whole ones; they are kept as floats of Python."""
    assert fp.SGD(np.float32(0.5), momentum=np.float64(0.5)) == fp.SGD(0.5, momentum=0.5)
    assert fp.SGD(1) == fp.SGD(1.0)
    assert type(fp.SGD(np.float32(0.5)).learning_rate) is float
    assert fp.optimizers.get("sgd") == fp.SGD()
    assert fp.SGD().learning_rate == 0.01


FORESEEN = [
    fp.Adam(0.01),
    fp.RAdam(0.01, accumulate=3),
    fp.Adam(0.01, clip_norm=0.5, ema_decay=0.9, groups=[fp.ParameterGroup(kinds=["bias"], rate_factor=0.5)]),
    fp.Adam(fp.CosineDecay(0.01, total_steps=600)),
    fp.Adam(fp.StepDecay(0.01, step_size=100, per="step"), weight_decay=fp.CosineDecay(0.1, total_steps=400)),
]


@pytest.mark.parametrize("optimizer", FORESEEN, ids=repr)
def test_many_epochs_of_one_batch_are_one_epoch_of_many(optimizer):
    """The rule's numbers are the step's, whether they are computed for 600 batches or for one, or some calls before."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(7, 3)), rng.normal(size=7)
    ends = []
    for epochs, times in [(600, 1), (1, 600), (40, 15)]:
        trainer = fp.Trainer(fp.mlp(3, 5, 1, dtype="float64", seed=1), "mse", optimizer)
        for part in (epochs // 2, epochs - epochs // 2):  # the second goes on from the middle
            trainer.fit(
                np.tile(X, (times, 1)), np.tile(y, times), batch_size=7, epochs=part, shuffle=False, progress=False
            )
        ends.append(trainer.model.theta.tobytes())
    assert ends[0] == ends[1] == ends[2]


class Listed(fp.schedules.Schedule):
    """A rate for each of 30 steps, and none for others."""

    def at(self, t, total):
        return np.array([0.1] * 30)[t.astype(int)]


def test_a_schedule_is_asked_for_no_step_beyond_the_fit():
    """Though the numbers of some batches to come are computed at once."""
    trainer = fp.Trainer(fp.mlp(1, 1), "mse", fp.SGD(Listed()))
    trainer.fit([[1.0], [2.0]], [1.0, 2.0], batch_size=1, epochs=15, progress=False)
    assert trainer.step == 30
    with pytest.raises(IndexError):
        trainer.fit([[1.0]], [1.0], batch_size=1, progress=False)


def test_a_product_of_steps_and_epochs_follows_both():
    """w starts from 1 under a slope of -1, and moves by the sum of the rates: 0.1 / (1 + step), halved each epoch."""
    by_step = fp.schedules.FunctionSchedule(lambda step: 0.1 / (1 + step))
    by_epoch = fp.ExponentialDecay(1.0, 0.5, per="epoch")
    trainer = fp.Trainer(one_weight(), "mae", fp.SGD(fp.schedules.ProductSchedule([by_step, by_epoch])))
    trainer.fit([[1.0]] * 2, [9.0] * 2, batch_size=1, epochs=6, progress=False)
    moved = sum(0.1 / (1 + step) * 0.5 ** (step // 2) for step in range(12))
    assert trainer.model.theta[0] == pytest.approx(1 + moved, rel=1e-14)


@pytest.mark.parametrize(
    "optimizer", [fp.SGD(0.1), fp.SGD(0.1, momentum=0.9), fp.Adam(), fp.AdamW(clip_global_norm=1.0)]
)
def test_a_network_without_parameters_stays_as_it_is(optimizer, tmp_path):
    """Its loss is still told, and its trainer saved."""
    trainer = fp.Trainer(fp.Sequential(["tanh"], n_inputs=2), "mse", optimizer)
    X, y = np.ones((4, 2)), np.zeros((4, 2))
    history = trainer.fit(X, y, epochs=2, batch_size=2, progress=False)
    np.testing.assert_allclose(history["loss"], np.tanh(1) ** 2, rtol=1e-6)
    trainer.save(tmp_path / "trainer")
    assert fp.Trainer.resume(tmp_path / "trainer").evaluate(X, y) == trainer.evaluate(X, y)
