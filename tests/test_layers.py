"""Layers beyond Dense: what they compute, their gradients, and that everything else works with them as with Dense."""

import pickle

import numpy as np
import pytest

import fastprop as fp
from fastprop.layers import (
    LAYERS,
    Activate,
    AlphaDropout,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    LayerNorm,
    Residual,
    RMSNorm,
    Scale,
)  # fmt: skip

N_INPUTS, N_CLASSES, N_ROWS = 5, 3, 41

# Networks that between them hold every layer: each several times, at the start, in the middle and at the end.
NETWORKS = {
    "activations": [Dense(7), "tanh", Dense(6), fp.activations.Sigmoid(), Dense(N_CLASSES), "softmax"],
    "activations upon each other": [Dense(7), "tanh", "sigmoid", "tanh", Dense(N_CLASSES), "softmax"],
    "activations of x": ["tanh", "sigmoid", Dense(N_CLASSES, "softmax")],
    "dropout": [Dense(7, "tanh"), Dropout(0.3), Dense(8, "sigmoid"), AlphaDropout(0.2), Dense(N_CLASSES, "softmax")],
    "dropout of x": [Dropout(0.25), Dense(N_CLASSES), "softmax"],
    "residual": [Residual([Dense(6, "tanh"), Dropout(0.1), Dense(5)]), Dense(N_CLASSES, "softmax")],
    "residuals": [
        Dense(6, "tanh"),
        Residual([Dense(5, "tanh"), Dense(4)], shortcut=[Dense(4, use_bias=False)]),
        "tanh",
        Residual(["tanh", Dropout(0.2), Dense(4), Residual([Dense(4, "sigmoid")])]),
        Dense(N_CLASSES, "softmax"),
    ],
    "batch norm": [Dense(7), BatchNorm(), "tanh", BatchNorm(affine=False), Dense(N_CLASSES, "softmax")],
    "batch norm of x": [BatchNorm(momentum=None, epsilon=0.01), Dense(N_CLASSES), BatchNorm(), "softmax"],
    "layer norm": [Dense(7), LayerNorm(), "tanh", LayerNorm(use_bias=False), Dense(N_CLASSES, "softmax")],
    "layer norm of x": [LayerNorm(affine=False), Dense(N_CLASSES), LayerNorm(0.1), "softmax"],
    "rms norm": [RMSNorm(), Dense(7, "tanh"), RMSNorm(0.01, affine=False), Dense(N_CLASSES), RMSNorm(), "softmax"],
    "scale": [Scale(), Dense(7, "tanh"), Scale(), Dense(N_CLASSES), Scale(), "softmax"],
    "wide norms": [Dense(40), BatchNorm(), "tanh", LayerNorm(), Dense(33), RMSNorm(), Dense(N_CLASSES, "softmax")],
    "norms in branches": [
        Residual([BatchNorm(), Dense(6, "tanh"), Scale(), Dense(5)]),
        Concatenate([[LayerNorm()], [BatchNorm(), "tanh", RMSNorm()]]),
        Dense(N_CLASSES, "softmax"),
    ],
    "branches": [
        Concatenate([[], [Dense(4, "tanh")], ["sigmoid"], [Dense(2), Residual(["tanh"])]]),
        Dense(N_CLASSES, "softmax"),
    ],
    "branches of branches": [
        Dense(4),
        Concatenate([["tanh"]]),
        Concatenate([[], [Concatenate([[Dense(2)], []]), "tanh"], ["sigmoid"]]),
        Dense(N_CLASSES),
        "softmax",
    ],
}
each_network = pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS.keys())


def network(layers, dtype="float64", seed=3):
    return fp.Sequential(layers, n_inputs=N_INPUTS, dtype=dtype, seed=seed)


def data(rows=N_ROWS):
    rng = np.random.default_rng(1)
    return rng.standard_normal((rows, N_INPUTS)), rng.integers(0, N_CLASSES, rows)


def inside(layers):
    """Every description in a list of layers."""
    for layer in layers:
        yield type(layer) if isinstance(layer, fp.layers.Layer) else Activate
        if isinstance(layer, fp.layers.Layer):
            for children in layer.children.values():
                yield from inside(children)


def test_the_networks_hold_every_layer():
    assert {cls for layers in NETWORKS.values() for cls in inside(layers)} == set(LAYERS)


@each_network
@pytest.mark.parametrize("training", [False, True])
def test_gradients_are_those_of_differences(layers, training):
    """Through every layer, as at prediction and as in training."""
    X, y = data()
    check = fp.check_gradients(network(layers), X, y, "cross_entropy", training=training)
    assert check.relative_error < 1e-8


@each_network
def test_input_gradients_are_those_of_differences(layers):
    X, y = data(3)
    model, h = network(layers), 1e-6
    _, found = fp.input_gradient(model, X, y, "cross_entropy")
    for at in np.ndindex(X.shape):
        above, below = X.copy(), X.copy()
        above[at] += h
        below[at] -= h
        (C1, _), (C0, _) = (fp.gradient(model, each, y, "cross_entropy") for each in (above, below))
        assert (C1 - C0) / (2 * h) == pytest.approx(found[at], rel=1e-6, abs=1e-9)


@each_network
def test_a_row_gives_the_same_bits_in_any_batch(layers):
    model, (X, _) = network(layers, "float32"), data()
    whole = model.predict(X)
    for size in (1, 7):
        assert np.array_equal(np.vstack([model.predict(X[i : i + size]) for i in range(0, N_ROWS, size)]), whole)


@each_network
def test_everything_that_carries_a_network_carries_its_layers(layers, tmp_path):
    """copy, pickle, save and load, a state dict, repr: the same predictions, and the same training from there on."""
    model, (X, y) = network(layers, "float32"), data()
    fp.Trainer(model, "cross_entropy", fp.SGD(0.1)).fit(X, y, epochs=2, progress=False)
    model.save(tmp_path / "model")
    by_state = network(layers, "float32", seed=9)
    by_state.load_state_dict(model.state_dict())
    by_repr = eval(repr(model), {**vars(fp), **vars(fp.layers), **vars(fp.activations)})
    by_repr.load_state_dict(model.state_dict())
    twins = [model.copy(), pickle.loads(pickle.dumps(model)), fp.load(tmp_path / "model"), by_state, by_repr]
    expected = model.predict(X)
    for twin in twins:
        assert np.array_equal(twin.predict(X), expected)
        assert repr(twin.layers) == repr(model.layers)
    histories = []
    for twin in [model, *twins]:
        trainer = fp.Trainer(twin, "cross_entropy", fp.SGD(0.1, momentum=0.9), seed=5)
        histories.append(trainer.fit(X, y, epochs=2, batch_size=8, progress=False)["loss"])
    assert all(history == histories[0] for history in histories)


@each_network
def test_a_resumed_run_equals_one_never_stopped(layers, tmp_path):
    """Masks are addressed by the step, so that they do not begin anew."""
    X, y = data()
    whole = fp.Trainer(network(layers, "float32"), "cross_entropy", fp.SGD(0.1, momentum=0.9))
    whole.fit(X, y, epochs=4, batch_size=8, progress=False)
    half = fp.Trainer(network(layers, "float32"), "cross_entropy", fp.SGD(0.1, momentum=0.9))
    half.fit(X, y, epochs=2, batch_size=8, progress=False)
    half.save(tmp_path / "half")
    rest = fp.Trainer.resume(tmp_path / "half")
    rest.fit(X, y, epochs=2, batch_size=8, progress=False)
    assert rest.model.theta.tobytes() == whole.model.theta.tobytes()
    assert rest.model.buffers.tobytes() == whole.model.buffers.tobytes()


@each_network
def test_every_number_of_threads_gives_the_same_bits(layers, monkeypatch):
    from fastprop._native import engine, threads

    monkeypatch.setattr(threads, "STEP_WORK_PER_THREAD", 1)
    monkeypatch.setattr(threads, "CALL_WORK", 0)
    monkeypatch.setattr(engine, "CALL_WORK", 0)
    X, y = data()
    before = fp.num_threads()
    results = set()
    try:
        for number in (1, 2, 3, 7):
            fp.set_num_threads(number)
            trainer = fp.Trainer(network(layers, "float32"), "cross_entropy", fp.SGD(0.1, momentum=0.9))
            trainer.fit(X, y, epochs=2, batch_size=16, progress=False)
            results.add(trainer.model.theta.tobytes() + trainer.model.buffers.tobytes())
    finally:
        fp.set_num_threads(before)
    assert len(results) == 1


def test_an_activation_layer_is_the_activation_of_the_layer_below():
    """The same bits, initial weights included: "auto" sees the activation that follows."""
    X, y = data()
    thetas = []
    for layers in ([Dense(8, "relu"), Dense(3, "softmax")], [Dense(8), Dropout(0.0), "relu", Dense(3), "softmax"]):
        trainer = fp.Trainer(network(layers, "float32"), "cross_entropy", fp.SGD(0.1))
        trainer.fit(X, y, epochs=2, batch_size=8, progress=False)
        thetas.append(trainer.model.theta.tobytes())
    assert thetas[0] == thetas[1]


# Masks


def dropped_of(rate, rows=400, width=250, *, layer=Dropout, seed=0, dtype="float64"):
    """What a training step makes of ones: seen through a linear network's gradient, dW = x'ᵀ delta with delta 1 / m."""
    model = fp.Sequential([layer(rate), Dense(1, use_bias=False)], n_inputs=width, dtype=dtype, seed=seed)
    model.theta = np.zeros(width)
    masks = np.empty((rows, width))
    for i in range(rows):
        x = np.zeros((rows, width))
        x[i] = 1
        _, grad = fp.gradient(model, x, np.full(rows, -0.5 * rows), "mse", training=True)
        masks[i] = grad
    return masks


def test_dropout_keeps_each_input_with_its_probability_and_scales_it():
    """A mask is 0 or 1 / (1 - rate); the share of zeros is the rate's, within five standard deviations; no row and no
    column of the mask is like another."""
    rate = 0.3
    masks = dropped_of(rate)
    zeros = masks == 0
    assert masks[~zeros] == pytest.approx(1 / (1 - rate), rel=1e-13)
    assert zeros.mean() == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / zeros.size))
    assert len({row.tobytes() for row in zeros}) == len(zeros)
    assert len({column.tobytes() for column in zeros.T}) == zeros.shape[1]


def test_masks_are_philoxs_words_at_their_addresses():
    """Position p = row n + column, p = 64 g + 16 w + i: word w of the block with counter (16 g + i, 0, step, 2)."""
    from fastprop._native.philox import philox_block

    rate, rows, width, seed = 0.4, 3, 50, 2**40 + 7
    zeros = dropped_of(rate, rows, width, seed=seed) == 0
    for row, column in np.ndindex(rows, width):
        g, rest = divmod(row * width + column, 64)
        w, i = divmod(rest, 16)
        words = philox_block((16 * g + i, 0, 0, 2), (seed % 2**32, seed // 2**32))
        assert zeros[row, column] == (words[w] < round(rate * 2**32))


def test_each_dropout_and_each_step_has_masks_of_its_own():
    X, y = np.ones((64, 20)), np.zeros(64)
    model = fp.Sequential([Dropout(0.5), Dropout(0.5), Dense(1, use_bias=False)], n_inputs=20, dtype="float64")
    model.theta = np.ones(20)
    trainer = fp.Trainer(model, "mse", fp.SGD(0.0))
    losses = [trainer.partial_fit(X, y)["loss"] for _ in range(4)]
    assert len(set(losses)) == 4
    _, grad = fp.gradient(model, X, y, "mse", training=True)
    single = fp.Sequential([Dropout(0.5), Dense(1, use_bias=False)], n_inputs=20, dtype="float64")
    single.theta = np.ones(20)
    _, of_one = fp.gradient(single, X, y, "mse", training=True)
    assert not np.allclose(grad, of_one)


def test_masks_differ_by_the_trainers_seed():
    X, y = data()
    layers = [Dense(16, "tanh"), Dropout(0.5), Dense(N_CLASSES, "softmax")]
    losses = set()
    for seed in (0, 0, 1):
        trainer = fp.Trainer(network(layers), "cross_entropy", fp.SGD(0.0), seed=seed)
        losses.add(trainer.fit(X, y, shuffle=False, progress=False)["loss"][0])
    assert len(losses) == 2


def test_alpha_dropout_keeps_mean_and_variance():
    """Of standard normal inputs: the outputs' mean is 0 and their variance 1 (Klambauer et al. 2017, section 3)."""
    rate, n = 0.3, 200_000
    s, kept, dropped = AlphaDropout(rate).settings()
    x = np.random.default_rng(0).standard_normal(n)
    a = np.where(np.random.default_rng(1).random(n) < rate, dropped, s * x + kept)
    assert a.mean() == pytest.approx(0, abs=0.01)
    assert a.std() == pytest.approx(1, abs=0.01)
    assert dropped == pytest.approx(s * (-1.7580993408473766) + kept)
