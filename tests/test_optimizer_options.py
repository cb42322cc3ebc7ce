"""All optimizers: their definitions, what stands around a rule, and what goes on from call to call."""

import copy
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

import fastprop as fp

RULES = [
    fp.SGD(0.05, momentum=0.9, rate_in_velocity=True),
    fp.SGD(0.05, momentum=0.9, nesterov=True, rate_in_velocity=True),
    fp.Adam(0.01),
    fp.Adam(0.01, amsgrad=True, epsilon_hat=True, epsilon=1e-3),
    fp.AdamW(0.01, weight_decay=0.1),
    fp.NAdam(0.01),
    fp.RAdam(0.01, beta_2=0.9),
    fp.Adamax(0.01),
    fp.Adagrad(0.05, rate_decay=0.1, initial_accumulator=0.1),
    fp.Adadelta(1.0, weight_decay=0.01),
    fp.RMSprop(0.001),
    fp.RMSprop(0.001, momentum=0.5, centered=True),
    fp.Rprop(0.01),
    fp.Lion(0.001, weight_decay=0.1),
    fp.Lion(0.001, l1=0.01, clip_value=0.01),
    fp.SGD(0.1, clip_value=0.02, l1=0.001, weight_decay=0.1, decoupled_weight_decay=True),
]
WITH_OPTIONS = [
    fp.Adam(0.01, accumulate=3, ema_decay=0.9, clip_global_norm=0.1),
    fp.SGD(0.1, momentum=0.9, accumulate=2, max_norm=0.5, groups=[fp.ParameterGroup(kinds="bias", rate_factor=0.1)]),
    fp.Adam(fp.CosineDecay(0.01, total_steps=20), beta_1=fp.LinearRamp(0.9, total_steps=20), ema_decay=0.5),
]


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((40, 4)), rng.standard_normal((40, 2))


def network(dtype="float64"):
    return fp.mlp(4, 5, 2, activation="tanh", dtype=dtype, seed=1)


def trained(rule, epochs=3, dtype="float64", batch_size=16):
    trainer = fp.Trainer(network(dtype), "mse", rule)
    trainer.fit(*data(), epochs=epochs, batch_size=batch_size, progress=False)
    return trainer


def bits(trainer):
    return trainer.model.theta.tobytes(), trainer._memory.vectors.tobytes(), trainer._memory.steps.tobytes()


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_definition_in_numpy_is_what_the_core_does(rule):
    """Steps of a whole network, against `update` on the gradients that fp.gradient gives."""
    X, y = data()
    model = network()
    trainer = fp.Trainer(model, "mse", rule)
    theta, twin = model.theta.copy(), model.copy()
    state = np.repeat(np.array(rule.initial)[:, np.newaxis], theta.size, axis=1)
    for step in range(10):
        _, grad = fp.gradient(twin, X, y, "mse")
        rule.update(theta, grad, state, step)
        trainer.partial_fit(X, y)
        twin.theta[:] = theta
    np.testing.assert_allclose(model.theta, theta, rtol=1e-11, atol=1e-12)


def test_lion_is_its_papers_algorithm():
    """Algorithm 2, line by line, with a decay."""
    X, y = data()
    model, rate, decay, beta_1, beta_2 = network(), 0.01, 0.3, 0.8, 0.95
    trainer = fp.Trainer(model, "mse", fp.Lion(rate, beta_1=beta_1, beta_2=beta_2, weight_decay=decay))
    theta, m, twin = model.theta.copy(), 0.0, model.copy()
    for _ in range(50):
        twin.theta[:] = theta
        g = fp.gradient(twin, X, y, "mse")[1]
        update = beta_1 * m + (1 - beta_1) * g
        theta = theta - rate * (np.sign(update) + decay * theta)
        m = beta_2 * m + (1 - beta_2) * g
        trainer.partial_fit(X, y)
        np.testing.assert_allclose(model.theta, theta, rtol=1e-12, atol=1e-14)


def slope_of(w):
    """o = w x with x = 1, y = 0: the loss is w**2."""
    return 2 * w


def path(rule, steps, w=1.0):
    model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=1, dtype="float64")
    model.theta[:] = w
    trainer = fp.Trainer(model, "mse", rule)
    found = []
    for _ in range(steps):
        trainer.partial_fit([[1.0]], [0.0])
        found.append(float(model.theta[0]))
    return found


@pytest.mark.parametrize("nesterov", [False, True])
def test_scikit_learns_velocity_holds_steps(nesterov):
    """Its recurrence under a rate that changes, where it is not PyTorch's."""
    rates = [0.1 * 0.8**k for k in range(20)]
    w, v, expected = 1.0, 0.0, []
    for rate in rates:
        g = slope_of(w)
        v = 0.9 * v - rate * g
        w += 0.9 * v - rate * g if nesterov else v
        expected.append(w)
    rate = fp.ExponentialDecay(0.1, gamma=0.8)
    found = path(fp.SGD(rate, momentum=0.9, nesterov=nesterov, rate_in_velocity=True), 20)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert not np.allclose(path(fp.SGD(rate, momentum=0.9, nesterov=nesterov), 20), expected, rtol=1e-3)


def test_epsilon_hat_is_scikit_learns_and_keras_adam():
    """Their recurrence, with an epsilon large enough to be seen."""
    w, m, v, expected = 1.0, 0.0, 0.0, []
    for t in range(1, 31):
        g = slope_of(w)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.1 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (math.sqrt(v) + 0.1)
        expected.append(w)
    np.testing.assert_allclose(path(fp.Adam(0.1, epsilon=0.1, epsilon_hat=True), 30), expected, rtol=1e-12, atol=1e-14)
    assert not np.allclose(path(fp.Adam(0.1, epsilon=0.1), 30), expected, rtol=1e-3)


def test_bias_corrections_hold_for_a_hundred_thousand_steps():
    """Under a slope of 1, Adam's step is the learning rate, whatever the step: m and v are corrected to 1."""
    rule = fp.Adam(1.0)
    for t in (1, 2, 255, 256, 257, 20_000, 44_999, 45_001, 100_000):
        (row,) = rule.settings(fp.schedules.Clock(t, 0), np.array([t]))[:1]
        m, v = 1 - 0.9**t, 1 - 0.999**t
        assert -row[-1] * m / (row[-3] * math.sqrt(v) + row[-2]) == pytest.approx(1, rel=1e-7)


@pytest.mark.parametrize("rule", [*RULES, *WITH_OPTIONS], ids=repr)
def test_a_run_saved_and_resumed_is_one_never_stopped(rule, tmp_path):
    """Also in the middle of an accumulation: 3 batches an epoch."""
    whole, halves = trained(rule, 5), trained(rule, 2)
    halves.save(tmp_path / "trainer")
    resumed = fp.Trainer.resume(tmp_path / "trainer")
    assert resumed.optimizer == rule
    resumed.fit(*data(), epochs=3, batch_size=16, progress=False)
    assert bits(resumed)[0] == bits(whole)[0]
    assert resumed._memory.steps.tolist() == whole._memory.steps.tolist()
    for name, vector in whole._memory.named().items():
        assert vector.tobytes() == resumed._memory.named()[name].tobytes()


@pytest.mark.parametrize("rule", [*RULES, *WITH_OPTIONS], ids=repr)
def test_an_optimizer_is_a_value(rule):
    assert rule == copy.deepcopy(rule) == pickle.loads(pickle.dumps(rule))
    assert eval(repr(rule), vars(fp)) == rule
    assert hash(rule) == hash(copy.copy(rule))


@pytest.mark.parametrize("rule", RULES[:-2], ids=repr)
def test_a_gradient_that_is_written_down_gives_the_same_bits(rule):
    """A limit that is never reached: the step goes the other way, in blocks, and changes nothing."""
    limited = replace(rule, clip_global_norm=1e30)
    for dtype in ("float32", "float64"):
        assert bits(trained(rule, dtype=dtype))[0] == bits(trained(limited, dtype=dtype))[0]


def test_accumulated_batches_are_one_batch():
    """Of equal sizes: the mean of their gradients is that of all rows."""
    X, y = data()
    rule = fp.Adam(0.01)
    whole = fp.Trainer(network(), "mse", rule)
    whole.fit(X, y, epochs=6, batch_size=40, shuffle=False, progress=False)
    parts = fp.Trainer(network(), "mse", fp.Adam(0.01, accumulate=4))
    parts.fit(X, y, epochs=6, batch_size=10, shuffle=False, progress=False)
    np.testing.assert_allclose(parts.model.theta, whole.model.theta, rtol=1e-10)
    assert (parts.step, whole.step) == (24, 6)
    assert parts._memory.steps[3:].tolist() == [6] * 4


def test_no_step_is_taken_until_all_batches_are_there():
    """Across the ends of epochs too."""
    X, y = data()
    trainer = fp.Trainer(network(), "mse", fp.SGD(0.1, accumulate=4))
    before = trainer.model.theta.copy()
    trainer.fit(X, y, batch_size=16, progress=False)  # 3 batches
    assert trainer.model.theta.tolist() == before.tolist()
    trainer.partial_fit(X, y)
    assert (trainer.model.theta != before).all()


def test_columns_longer_than_max_norm_are_shortened_to_it():
    """Of the weights into each unit; biases are free, shorter columns untouched."""
    X, y = data()
    model = network()
    model.layers[0].W = np.array([[3.0, 0.1, 0, 0, 0], [4.0, 0.1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    model.layers[0].b = np.full(5, 7.0)
    fp.Trainer(model, "mse", fp.SGD(0.0, max_norm=2.0)).partial_fit(X, y)
    expected = np.array([[1.2, 0.1, 0, 0, 0], [1.6, 0.1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    np.testing.assert_allclose(model.layers[0].W, expected, rtol=1e-7)
    assert model.layers[0].b.tolist() == [7.0] * 5


def test_the_moving_average_is_its_sum():
    """a_k = d a_{k-1} + (1 - d) w_k from a_1 = w_1; training is as without it."""
    X, y = data()
    plain, trainer = (fp.Trainer(network(), "mse", fp.SGD(0.1, ema_decay=d)) for d in (None, 0.75))
    expected = None
    for _ in range(10):
        plain.partial_fit(X, y)
        trainer.partial_fit(X, y)
        theta = trainer.model.theta.copy()
        expected = theta if expected is None else 0.75 * expected + 0.25 * theta
    assert trainer.model.theta.tobytes() == plain.model.theta.tobytes()
    np.testing.assert_allclose(trainer.ema_model().theta, expected, rtol=1e-13)
    with pytest.raises(RuntimeError, match="keeps no moving average"):
        plain.ema_model()


def test_frozen_parameters_stay_as_they_are():
    """No step, no decay, nothing remembered; and their norms do not count."""
    X, y = data()
    frozen = fp.ParameterGroup(layers=0, frozen=True)
    rule = fp.Adam(0.01, weight_decay=0.5, l1=0.1, max_norm=0.01, ema_decay=0.5, groups=[frozen])
    trainer = fp.Trainer(network(), "mse", rule)
    before = trainer.model.theta.copy()
    for _ in range(5):
        trainer.partial_fit(X, y)
    held = 4 * 5 + 5
    assert trainer.model.theta[:held].tolist() == before[:held].tolist()
    assert (trainer.model.theta[held:] != before[held:]).all()
    assert not trainer._memory.named()["v"][:held].any()
    assert trainer.ema_model().theta[:held].tolist() == before[:held].tolist()
    assert trainer._memory.steps[3:].tolist() == [0, 0, 5, 5]


def test_what_is_set_free_begins_with_its_first_step():
    """Its moments are corrected by its own count: Adam's first step is the rate long."""
    X, y = data()
    rate = 0.01
    trainer = fp.Trainer(network(), "mse", fp.Adam(rate, groups=[fp.ParameterGroup(layers=0, frozen=True)]))
    for _ in range(100):
        trainer.partial_fit(X, y)
    before = trainer.model.layers[0].W.copy()
    trainer.optimizer = fp.Adam(rate)
    trainer.partial_fit(X, y)
    np.testing.assert_allclose(abs(trainer.model.layers[0].W - before), rate, rtol=1e-4)
    assert trainer._memory.steps[3:].tolist() == [1, 1, 101, 101]


def test_what_an_optimizer_remembers_goes_on_to_one_of_its_kind():
    """Another rate or decay, Adam to AdamW; not to another kind, nor to other states."""
    X, y = data()

    def remembered(first, second):
        trainer = trained(first)
        trainer.optimizer = second
        return trainer._memory.steps[3] > 0, any(v.any() for n, v in trainer._memory.named().items() if n != "average")

    assert remembered(fp.Adam(0.01), fp.AdamW(0.1)) == (True, True)
    assert remembered(fp.SGD(0.01, momentum=0.9), fp.SGD(0.1, momentum=0.5, nesterov=True)) == (True, True)
    assert remembered(fp.Adam(0.01), fp.NAdam(0.01)) == (False, False)
    assert remembered(fp.Adam(0.01), fp.Adam(0.01, amsgrad=True)) == (False, False)
    assert remembered(fp.SGD(0.01, momentum=0.9), fp.SGD(0.1, momentum=0.5, rate_in_velocity=True)) == (False, False)
    assert X.shape[0] == len(y)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_what_is_remembered_of_a_weight_without_gradient_is_no_subnormal(rule):
    """It would make every step slower: a unit that dies leaves moments that halve for ever."""
    model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=2, dtype="float32")
    trainer = fp.Trainer(model, "mse", rule)
    trainer.partial_fit([[1.0, 1.0]], [1.0])
    for _ in range(40):
        trainer.fit(np.tile(np.float32([[1.0, 0.0]]), (50, 1)), np.zeros(50), batch_size=1, progress=False)
    tiny = np.finfo(np.float32).smallest_normal
    for vector in trainer._memory.vectors[:, 1]:
        assert vector == 0 or abs(vector) >= tiny


def test_groups_change_rates_decays_and_limits_in_their_order():
    """Of several that hold for an array the last one's numbers; factors multiply."""
    groups = [
        fp.ParameterGroup(kinds="bias", weight_decay=0, rate_factor=0.5),
        fp.ParameterGroup(layers=[-1], learning_rate=0.2, rate_factor=0.5, l1=0.3),
    ]
    rule = fp.SGD(0.1, weight_decay=0.01, groups=groups)
    chosen, factors, frozen = rule.for_array(1, "bias", 2)
    assert (chosen.learning_rate, chosen.weight_decay, chosen.l1, factors, frozen) == (0.05, 0.0, 0.3, (), False)
    chosen, _, _ = rule.for_array(0, "weight", 2)
    assert (chosen.learning_rate, chosen.weight_decay, chosen.l1) == (0.1, 0.01, 0.0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fp.Adam(-1), ValueError, "learning_rate must be 0 or more"),
        (lambda: fp.Adam("fast"), TypeError, "learning_rate is a number"),
        (lambda: fp.Adam(beta_1=1.0), ValueError, "beta_1 must be in 0..1, 1 excluded"),
        (lambda: fp.Adam(epsilon=0), ValueError, "epsilon must be above 0"),
        (lambda: fp.Adam(amsgrad=1), TypeError, "amsgrad is True or False"),
        (lambda: fp.NAdam(beta_1=fp.CosineDecay(0.9)), TypeError, "beta_1 is a number that stays the same"),
        (lambda: fp.Rprop(fp.CosineDecay(0.1)), TypeError, "learning_rate is a number that stays the same"),
        (lambda: fp.Rprop(min_step=2.0, max_step=1.0), ValueError, "min_step must be max_step or less"),
        (lambda: fp.Rprop(eta_plus=1.0), ValueError, "eta_plus must be above 1"),
        (lambda: fp.Rprop(decoupled_weight_decay=True), ValueError, "Rprop has not"),
        (lambda: fp.SGD(rate_in_velocity=True), ValueError, "rate_in_velocity=True needs a momentum"),
        (lambda: fp.SGD(clip_value=0), ValueError, "clip_value must be above 0"),
        (lambda: fp.SGD(clip_norm=-1), ValueError, "clip_norm must be"),
        (lambda: fp.SGD(clip_norm=np.zeros(3)), TypeError, "clip_norm is a number, not array"),
        (lambda: fp.SGD(accumulate=0), ValueError, "accumulate must be 1 or more"),
        (lambda: fp.SGD(ema_decay=1), ValueError, "ema_decay must be in 0..1, 1 excluded"),
        (lambda: fp.SGD(groups="bias"), TypeError, r"groups\[0\] is a ParameterGroup"),
        (lambda: fp.SGD(groups=fp.ParameterGroup()), TypeError, "groups is a list of ParameterGroup"),
        (lambda: fp.ParameterGroup(layers=1.5), TypeError, "layers is a whole number"),
        (lambda: fp.ParameterGroup(kinds=3), TypeError, "kinds is a name, or several"),
        (lambda: fp.ParameterGroup(rate_factor=-1), ValueError, "rate_factor must be 0 or more"),
    ],
)
def test_bad_settings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (fp.ParameterGroup(layers=2), r"groups\[0\] names layer 2, but the network's are 0..1"),
        (fp.ParameterGroup(kinds="biases"), r"groups\[0\] names the kind 'biases', but .* 'bias', 'weight'"),
    ],
)
def test_groups_that_a_network_has_not_are_refused(group, message):
    with pytest.raises(ValueError, match=message):
        fp.Trainer(network(), "mse", fp.SGD(groups=[group]))
    trainer = trained(fp.Adam(0.01))
    before = bits(trainer)
    with pytest.raises(ValueError, match=message):
        trainer.optimizer = fp.SGD(groups=[group])
    assert bits(trainer) == before
    assert trainer.optimizer == fp.Adam(0.01)
