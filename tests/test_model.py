"""The network as an object: its parameters as views, its initial weights, its copies and its texts."""

import copy
import math
import pickle

import numpy as np
import pytest

import fastprop as fp
from reference import relative_error

X = np.random.default_rng(0).standard_normal((20, 4))


def small(**settings) -> fp.Sequential:
    layers = [fp.Dense(5, "tanh"), fp.Dense(6, "relu", use_bias=False), fp.Dense(3, "softmax")]
    return fp.Sequential(layers, n_inputs=4, **{"seed": 3} | settings)


def test_mlp_is_sequential_in_short():
    """The same layers, the same weights."""
    short = fp.mlp(4, 5, 6, 3, activation="tanh", output="softmax", dtype="float64", seed=9)
    layers = [fp.Dense(5, "tanh"), fp.Dense(6, "tanh"), fp.Dense(3, "softmax")]
    long = fp.Sequential(layers, n_inputs=4, dtype="float64", seed=9)
    assert repr(short) == repr(long)
    assert short.theta.tobytes() == long.theta.tobytes()
    assert [layer.description for layer in fp.mlp(2, 1).layers] == [fp.Dense(1, "identity")]


def test_a_network_knows_its_sizes():
    """Counted by hand: 4 * 5 + 5, 5 * 6, 6 * 3 + 3."""
    model = small()
    assert (model.n_inputs, model.n_outputs, model.n_params) == (4, 3, 25 + 30 + 21)
    assert [layer.n_params for layer in model.layers] == [25, 30, 21]
    assert [(layer.n_in, layer.units, layer.activation.name) for layer in model.layers] == [
        (4, 5, "tanh"),
        (5, 6, "relu"),
        (6, 3, "softmax"),
    ]
    assert model.dtype == np.float32
    assert model.theta.dtype == np.float32
    assert small(dtype=np.float64).theta.dtype == np.float64


# Views


def test_weights_are_views_into_theta():
    """Layer by layer W row by row, then b: writing to either shows in the other."""
    model = small()
    model.theta[:] = np.arange(model.n_params)
    first, second, third = model.layers
    assert first.W.tolist() == np.arange(20).reshape(4, 5).tolist()
    assert first.b.tolist() == [20, 21, 22, 23, 24]
    assert second.W.tolist() == np.arange(25, 55).reshape(5, 6).tolist()
    assert second.b is None
    assert third.W.tolist() == np.arange(55, 73).reshape(6, 3).tolist()
    assert third.b.tolist() == [73, 74, 75]
    third.b[1] = -1
    second.W[0, 0] = -2
    assert (model.theta[74], model.theta[25]) == (-1, -2)
    for layer in model.layers:
        assert np.shares_memory(layer.W, model.theta)


def test_writing_into_theta_changes_what_is_predicted():
    """There is no second copy of the parameters."""
    model = fp.mlp(1, 1, dtype="float64")
    assert model.predict([[2.0]]) != 7
    model.theta[:] = 3, 1
    assert model.predict([[2.0]]) == 7  # 2 * 3 + 1


def test_assigning_weights_copies_them_into_the_view():
    """The caller's array stays the caller's; numbers of any type are cast."""
    model = small()
    W, b = np.arange(20.0).reshape(4, 5), [1, 2, 3, 4, 5]
    view = model.layers[0].W
    model.layers[0].W, model.layers[0].b = W, b
    assert model.layers[0].W is view
    assert model.theta[:25].tolist() == [*range(20), 1, 2, 3, 4, 5]
    W[0, 0] = 99
    assert model.theta[0] == 0


def test_assigning_to_theta_copies_into_it_too():
    """Layers are views into it, and the engine reads n_params numbers from it: it must stay the array that it is."""
    model = small()
    theta, view = model.theta, model.layers[0].W
    values = np.arange(model.n_params)
    model.theta = values
    assert model.theta is theta
    assert view.ravel().tolist() == list(range(20))
    model.theta -= values
    assert not view.any()
    for wrong in (np.zeros(1), np.zeros((1, model.n_params)), 0.0):
        with pytest.raises(ValueError, match="theta has shape"):
            model.theta = wrong
    assert model.theta is theta


# Copies


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "duplicate", [fp.Sequential.copy, copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_a_copy_predicts_the_same_and_is_independent(duplicate, dtype):
    """Whichever way it is made, trained weights go along and nothing is shared."""
    model = small(dtype=dtype)
    fp.Trainer(model, "cross_entropy").partial_fit(X, np.arange(20) % 3)
    model.predict(X)
    twin = duplicate(model)
    assert repr(twin) == repr(model)
    assert twin.dtype == model.dtype
    assert twin.predict(X).tobytes() == model.predict(X).tobytes()
    assert not np.shares_memory(twin.theta, model.theta)
    before = model.theta.tobytes()
    twin.layers[0].W[...] = 0
    assert model.theta.tobytes() == before
    assert twin.theta[:20].tolist() == [0] * 20


def test_every_protocol_of_pickle_carries_a_network():
    """Old protocols too."""
    model = small()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(model, protocol))
        assert twin.theta.tobytes() == model.theta.tobytes()


# Texts


@pytest.mark.parametrize(
    "model",
    [
        small(),
        small(dtype="float64", seed=2**64 - 1),
        fp.mlp(7, 1),
        fp.Sequential(
            [
                fp.Dense(3, fp.activations.Sigmoid(), kernel_initializer="he_uniform"),
                fp.Dense(2, kernel_initializer=fp.initializers.Zeros(), bias_initializer="glorot_uniform"),
            ],
            n_inputs=2,
        ),
    ],
    ids=repr,
)
def test_a_network_prints_as_the_code_that_makes_it(model):
    """eval(repr(model)) is the same network with the same initial weights."""
    twin = eval(repr(model), vars(fp))
    assert repr(twin) == repr(model)
    assert twin.theta.tobytes() == model.theta.tobytes()
    assert twin.dtype == model.dtype
    for layer in model.layers:
        assert eval(repr(layer.description), vars(fp)) == layer.description


def test_the_summary_counts_what_the_network_has(capsys):
    """A line for the inputs and each layer with its parameters; their sum, the type and the bytes."""
    model = small()
    model.summary()
    printed = capsys.readouterr().out
    lines = []
    model.summary(lines.append)
    assert "\n".join(lines) + "\n" == printed
    rows = [line.split() for line in printed.splitlines()]
    assert [row[-1] for row in rows if row[0] == "Dense,"] == ["25", "30", "21"]
    assert [row[-1] for row in rows if row[0] == "Total"] == ["76"]
    for part in ("tanh", "relu, no bias", "softmax", "(m, 4)", "(m, 5)", "(m, 6)", "(m, 3)", "float32", "304 bytes"):
        assert part in printed


def test_a_layer_prints_its_description_and_size():
    """What one sees at model.layers."""
    assert repr(small().layers[1]) == "<Dense(6, activation='relu', use_bias=False) on 5 inputs, 30 parameters>"


def test_descriptions_are_values():
    """They compare by what they say, serve as keys, and cannot be changed."""
    assert fp.Dense(3, "relu") == fp.Dense(3, fp.activations.ReLU(), use_bias=True) != fp.Dense(3)
    assert len({fp.Dense(3, "relu"), fp.Dense(3, "relu"), fp.Dense(4, "relu")}) == 2
    with pytest.raises(AttributeError):
        fp.Dense(3).units = 4
    assert fp.Dense(3).n_params(4) == 15
    assert fp.Dense(3, use_bias=False).n_params(4) == 12


# Initial weights


def test_weights_are_the_same_in_both_types_but_for_rounding():
    """Drawn in float64 and rounded once."""
    assert small().theta.tobytes() == small(dtype="float64").theta.astype(np.float32).tobytes()


def test_seeds_tell_networks_apart_and_layers_tell_weights_apart():
    """No two layers, and no two seeds, share their random numbers."""
    layers = [fp.Dense(6, use_bias=False)] * 3
    weights = {
        (seed, i): layer.W.tobytes()
        for seed in (0, 1, 2, 2**32, 2**63)
        for i, layer in enumerate(fp.Sequential(layers, n_inputs=6, seed=seed).layers)
    }
    assert len(set(weights.values())) == len(weights)
    assert small(seed=1).theta.tobytes() == small(seed=1).theta.tobytes()


def test_a_layers_weights_do_not_depend_on_the_layers_above():
    """Random numbers by address, not by the order of calls."""
    below = fp.mlp(4, 5, 3, seed=1).layers[0].W
    assert np.array_equal(below, fp.mlp(4, 5, 6, 7, 3, seed=1).layers[0].W)


@pytest.mark.parametrize(
    ("activation", "limit"),
    [
        ("relu", math.sqrt(6 / 120)),
        *((f, math.sqrt(6 / (120 + 250))) for f in ("identity", "sigmoid", "tanh", "softmax")),
    ],
)
def test_weights_begin_as_he_or_glorot_have_it(activation, limit):
    """U(-r, r), r = sqrt(6 / n_in) for relu (He et al. 2015, eq. 10), else sqrt(6 / (n_in + n_out)) (Glorot 2010, 16).

    The bounds hold exactly; mean and variance of 30,000 numbers within 5 standard errors; quarters are filled alike.
    """
    model = fp.Sequential([fp.Dense(250, activation)], n_inputs=120, dtype="float64", seed=11)
    W, n = model.layers[0].W, 120 * 250
    assert abs(W).max() <= limit
    assert abs(W).max() >= limit * (1 - 20 / n)
    assert abs(W.mean()) <= 5 * limit / math.sqrt(3 * n)
    assert abs(W.var() - limit**2 / 3) <= 5 * limit**2 * math.sqrt(4 / 45 / n)  # Var(U^2) = 4 r^4 / 45
    counts, _ = np.histogram(W, bins=20, range=(-limit, limit))
    assert abs(counts - n / 20).max() <= 5 * math.sqrt(n / 20)
    assert not model.layers[0].b.any()
    assert len(np.unique(W)) == n


def test_an_initializer_can_be_named():
    """Instead of the automatic one, for W and for b."""
    dense = fp.Dense(40, "relu", kernel_initializer="glorot_uniform", bias_initializer="he_uniform")
    layer = fp.Sequential([dense], n_inputs=60, dtype="float64").layers[0]
    assert 0.99 * math.sqrt(6 / 100) < abs(layer.W).max() <= math.sqrt(6 / 100)
    assert 0.5 * math.sqrt(6 / 60) < abs(layer.b).max() <= math.sqrt(6 / 60)
    zeros = fp.Sequential([fp.Dense(3, kernel_initializer="zeros")], n_inputs=2)
    assert not zeros.theta.any()
    assert not np.signbit(zeros.theta).any()


def test_biases_have_random_numbers_of_their_own():
    """Not those of their layer's weights, nor of the next layer's."""
    dense = fp.Dense(5, kernel_initializer="he_uniform", bias_initializer="he_uniform")
    first, second = fp.Sequential([dense, dense], n_inputs=5, dtype="float64").layers
    rows = {first.W[0].tobytes(), first.b.tobytes(), second.W[0].tobytes(), second.b.tobytes()}
    assert len(rows) == 4


def test_a_network_can_begin_anew():
    """initialize() undoes all training; with a seed it is the network of that seed."""
    model = small(seed=5)
    before = model.theta.tobytes()
    fp.Trainer(model, "cross_entropy").partial_fit(X, np.arange(20) % 3)
    assert model.theta.tobytes() != before
    model.initialize()
    assert model.theta.tobytes() == before
    model.initialize(6)
    assert model.theta.tobytes() == small(seed=6).theta.tobytes()


# Predict


def test_predict_takes_what_numpy_takes():
    """Lists, one row, integers; the result is a fresh array in the network's type."""
    model = small()
    one = model.predict([[0, 1, 2, 3]])
    assert one.shape == (1, 3)
    assert one.dtype == np.float32
    assert one.flags.owndata
    assert model.predict(((0.0, 1.0, 2.0, 3.0),)).tobytes() == one.tobytes()
    assert one.sum() == pytest.approx(1, rel=1e-6)


def test_predict_of_a_linear_network_is_a_product_of_matrices():
    """x W b in exact integers: no rounding, so the result is exact."""
    rng = np.random.default_rng(0)
    model = fp.Sequential([fp.Dense(7), fp.Dense(3)], n_inputs=5)
    W1, b1 = rng.integers(-4, 5, (5, 7)), rng.integers(-4, 5, 7)
    W2, b2 = rng.integers(-4, 5, (7, 3)), rng.integers(-4, 5, 3)
    model.layers[0].W, model.layers[0].b, model.layers[1].W, model.layers[1].b = W1, b1, W2, b2
    X = rng.integers(-9, 10, (30, 5))
    assert model.predict(X).tolist() == ((X @ W1 + b1) @ W2 + b2).tolist()


def test_extreme_inputs_saturate_and_do_not_fail():
    """The ends of every activation: no nan from exp's overflow."""
    model = fp.Sequential([fp.Dense(2, "sigmoid", use_bias=False)], n_inputs=2)
    model.layers[0].W = [[1, 0], [0, 1]]
    for f, expected in {
        "sigmoid": [[1, 0]],
        "tanh": [[1, -1]],
        "relu": [[1e38, 0]],
        "softmax": [[1, 0]],
        "identity": [[1e38, -1e38]],
    }.items():
        model = fp.Sequential([fp.Dense(2, f, use_bias=False)], n_inputs=2)
        model.layers[0].W = [[1, 0], [0, 1]]
        assert relative_error(model.predict([[1e38, -1e38]]), np.float32(expected)) == 0
