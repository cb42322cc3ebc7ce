"""Layers beyond Dense: what they compute, their gradients, and that everything else works with them as with Dense."""

import pickle

import numpy as np
import pytest

import fastprop as fp
from fastprop._native import engine, threads
from fastprop.layers import (
    LAYERS,
    Activate,
    AlphaDropout,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    ParametricActivation,
    PeriodicEmbedding,
    PReLU,
    Residual,
    RMSNorm,
    RobustScale,
    Scale,
    Select,
    Standardize,
)

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
    "batch norm below all parameters": [
        BatchNorm(affine=False),
        "tanh",
        BatchNorm(affine=False),
        Dense(N_CLASSES, "softmax"),
    ],
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
    "slopes": [Dense(7), PReLU(), Dense(6), PReLU(shared=False), Dense(N_CLASSES), PReLU(-0.5), "softmax"],
    "parametric": [
        ParametricActivation("tanh"),
        Dense(7),
        ParametricActivation("selu"),
        Dense(6),
        ParametricActivation("mish"),
        Dense(N_CLASSES),
        ParametricActivation("sigmoid"),
        "softmax",
    ],
    "ntk": [
        Dense(7, "tanh", parametrization="ntk"),
        Dense(6, use_bias=False, parametrization="ntk"),
        "tanh",
        Dense(N_CLASSES, "softmax", parametrization="ntk"),
    ],
    "periodic": [PeriodicEmbedding(sigma=0.5), Dense(N_CLASSES, "softmax")],
    "periodic, as PLR": [
        Dense(3),
        PeriodicEmbedding(5, 7, sigma=0.3, phases=False, activation="tanh", keep_inputs=False),
        Dense(N_CLASSES, "softmax"),
    ],
    "data": [Standardize(), Dense(4, "tanh"), RobustScale(), Dense(N_CLASSES), Standardize(), "softmax"],
    "biases from the data": [Dense(6, "tanh", bias_initializer="he_plus"), Dense(N_CLASSES, "softmax")],
    "data without clipping": [RobustScale(clip=None), Dense(N_CLASSES, "softmax")],
    "categories": [Embedding({1: 4, 3: 2}, dim=3), Dense(N_CLASSES, "softmax")],
    "categories, of several widths": [Embedding({3: 2, 1: 4}, dim=[1, 5]), Dense(N_CLASSES, "softmax")],
    "categories beside numbers": [
        Concatenate(
            [
                [Select([0, 2]), Standardize(), PeriodicEmbedding(3, 2)],
                [Select([3, 1]), Embedding({0: 2, 1: 4}, dim=2, initializer="random_uniform")],
                [Select([4]), Dense(3, "tanh"), Embedding({2: 2}, 2), Select([3, 0])],
            ]
        ),
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
    """With numbers from the data where it takes some."""
    model = fp.Sequential(layers, n_inputs=N_INPUTS, dtype=dtype, seed=seed)
    model.adapt(data()[0])
    return model


def data(rows=N_ROWS):
    """Columns 1 and 3 hold categories, of 4 and of 2."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((rows, N_INPUTS))
    X[:, 1], X[:, 3] = rng.integers(0, 4, rows), rng.integers(0, 2, rows)
    return X, rng.integers(0, N_CLASSES, rows)


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
        if at[1] in (1, 3) and any(cls is Embedding for cls in inside(layers)):
            continue  # a category has no neighbours
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


def alone(layer, n_in):
    """A network of the one layer, with numbers unlike those at first."""
    model = fp.Sequential([layer], n_inputs=n_in, dtype="float64", seed=2)
    rng = np.random.default_rng(4)
    model.theta = model.theta + 0.3 * rng.standard_normal(model.n_params)
    model.buffers = model.buffers + rng.random(model.buffers.size)
    return model


DEFINED = [
    Dense(4, "tanh"),
    Dense(4, use_bias=False, parametrization="ntk"),
    Activate("selu"),
    Dropout(0.5),
    AlphaDropout(0.5),
    BatchNorm(epsilon=0.1),
    BatchNorm(affine=False),
    LayerNorm(),
    LayerNorm(use_bias=False),
    RMSNorm(),
    RMSNorm(0.1, affine=False),
    Scale(),
    PReLU(),
    PReLU(shared=False),
    ParametricActivation("mish"),
    PeriodicEmbedding(),
    PeriodicEmbedding(5, 3, phases=False, activation="relu", keep_inputs=False),
    Standardize(),
    RobustScale(),
    RobustScale(clip=None),
    Embedding({1: 4, 3: 2}, dim=3),
    Embedding({1: 4, 3: 2}, dim=[2, 7]),
    Select([3, 0]),
]


@pytest.mark.parametrize("layer", DEFINED, ids=repr)
def test_the_core_computes_what_the_description_says(layer):
    """`layer(x, **numbers)` is its definition in NumPy, of every layer but those made of layers."""
    assert {type(each) for each in DEFINED} == set(LAYERS) - {Residual, Concatenate}
    X, model = data()[0], alone(layer, N_INPUTS)
    numbers = {**model.layers[0].parameters, **model.layers[0].buffers}
    assert model.predict(X) == pytest.approx(layer(X, **numbers), rel=1e-12, abs=1e-13)


def test_a_summary_shows_the_layers_within_layers():
    lines = []
    model = fp.Sequential([Residual([Dense(5, "relu"), Dropout(0.1)]), BatchNorm(), Dense(1)], n_inputs=5)
    model.summary(lines.append)
    text = "\n".join(lines)
    rows = [line.split()[0] for line in text.splitlines()[2:]]
    assert rows[:6] == ["Input", "Residual", "Dense,", "Dropout,", "BatchNorm", "Dense,"]
    assert "11 numbers that are not trained" in text


def test_parameters_have_kinds_and_the_layer_that_they_are_in():
    """For optimizers that treat them differently."""
    model = fp.Sequential([Scale(), Residual([Dense(3), PReLU()]), Embedding({0: 2}, 2), Dense(1)], n_inputs=3)
    found = [(array.layer, array.kind, array.shape) for array in model.parameter_arrays]
    assert found == [
        (0, "scale", (3,)),
        (1, "weight", (3, 3)),
        (1, "bias", (3,)),
        (1, "slope", (1,)),
        (2, "embedding", (2, 2)),
        (3, "weight", (4, 1)),
        (3, "bias", (1,)),
    ]
    starts = [array.start for array in model.parameter_arrays]
    assert starts == [0, 3, 12, 15, 16, 20, 24]


def test_a_diverging_epoch_leaves_the_running_means_as_they_were():
    X, y = data()
    model = fp.Sequential([BatchNorm(), Dense(4), BatchNorm(), Dense(1)], n_inputs=N_INPUTS, dtype="float64")
    trainer = fp.Trainer(model, "mse", fp.SGD(0.01))
    trainer.fit(X, y, progress=False)
    before = model.theta.copy(), model.buffers.copy()
    trainer.optimizer = fp.SGD(1e200)
    with pytest.raises(fp.DivergedError):
        trainer.fit(X, y, epochs=3, batch_size=8, progress=False)
    assert np.array_equal(model.theta, before[0])
    assert np.array_equal(model.buffers, before[1])
    with pytest.raises(fp.DivergedError):
        trainer.partial_fit(1e200 * X, 1e200 * y)
    assert np.array_equal(model.buffers, before[1])


@pytest.mark.parametrize("option", [{"clip_global_norm": 1e9}, {"accumulate": 3}, {"ema_decay": 0.9}], ids=str)
def test_running_means_are_kept_whatever_becomes_of_the_gradient(option):
    """Every batch counts, also where several make a step."""
    X, y = data(40)
    model = fp.Sequential([BatchNorm(), Dense(N_CLASSES, "softmax")], n_inputs=N_INPUTS, dtype="float64")
    fp.Trainer(model, "cross_entropy", fp.SGD(0.1, **option)).fit(
        X, y, epochs=2, batch_size=10, shuffle=False, progress=False
    )
    mean, variance = np.zeros(N_INPUTS), np.ones(N_INPUTS)
    for start in [0, 10, 20, 30] * 2:
        batch = X[start : start + 10]
        mean = 0.9 * mean + 0.1 * batch.mean(axis=0)
        variance = 0.9 * variance + 0.1 * batch.var(axis=0, ddof=1)
    assert model.layers[0].running_mean == pytest.approx(mean, rel=1e-12, abs=1e-14)
    assert model.layers[0].running_var == pytest.approx(variance, rel=1e-12)
    assert model.layers[0].num_batches_tracked == 8


def test_a_batch_norm_without_parameters_is_one_with_frozen_ones():
    X, y = data()
    trained = []
    for affine, groups in ((False, []), (True, [fp.ParameterGroup(layers=0, frozen=True)])):
        model = fp.Sequential([BatchNorm(affine=affine), Dense(N_CLASSES, "softmax")], n_inputs=N_INPUTS)
        model.layers[1].W[:] = fp.mlp(N_INPUTS, N_CLASSES, output="softmax", seed=1).layers[0].W
        trainer = fp.Trainer(model, "cross_entropy", fp.SGD(0.1, groups=groups))
        trainer.fit(X, y, epochs=3, batch_size=7, progress=False)
        trained.append((model.layers[1].W, model.buffers))
    np.testing.assert_array_equal(trained[0][0], trained[1][0])
    np.testing.assert_array_equal(trained[0][1], trained[1][1])


def test_a_batch_of_one_row_has_no_variance_and_is_not_counted():
    model = fp.Sequential([BatchNorm(), Dense(1)], n_inputs=2, dtype="float64")
    trainer = fp.Trainer(model, "mse", fp.SGD(0.1))
    trainer.partial_fit([[1.0, 2.0]], [3.0])
    assert np.array_equal(model.buffers, [0, 0, 1, 1, 0])
    trainer.partial_fit([[1.0, 2.0], [3.0, 2.0]], [3.0, 4.0])
    assert model.buffers == pytest.approx([0.2, 0.2, 0.9 + 0.1 * 2, 0.9, 1])


# What the data give


def test_standardize_is_scikit_learns_scaler():
    from sklearn.preprocessing import StandardScaler

    X = np.random.default_rng(0).standard_normal((700, 5)) * [1, 10, 0.1, 5, 0] + [0, 3, -20, 1, 7]
    model = fp.Sequential([Standardize()], n_inputs=5, dtype="float64")
    model.adapt(X)
    assert model.predict(X) == pytest.approx(StandardScaler().fit_transform(X), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("unit", "becomes"), [(1e-25, "0.0"), (1e30, "inf")])
def test_a_spread_that_the_type_cannot_hold_is_refused(unit, becomes):
    """Of the squares, though X itself is finite; the layers below stay as they were, too."""
    model = fp.Sequential([Standardize(), Dense(1)], n_inputs=1)
    before = model.buffers.copy()
    X = unit * np.array([[1.0], [2.0], [5.0]])
    with pytest.raises(ValueError, match=rf"the variance for Standardize\(\) would be {becomes} in number 0"):
        model.adapt(X)
    assert np.array_equal(model.buffers, before)
    wide = fp.Sequential([Standardize()], n_inputs=1, dtype="float64")
    wide.adapt(X)
    assert wide.predict(X)[:, 0] == pytest.approx(np.array([-5, -2, 7]) / np.sqrt(26))


def test_robust_scale_is_scikit_learns_scaler_and_a_smooth_clip():
    from sklearn.preprocessing import RobustScaler

    X = np.random.default_rng(0).standard_cauchy((203, 3))
    plain, clipped = (fp.Sequential([RobustScale(clip)], n_inputs=3, dtype="float64") for clip in (None, 3.0))
    for model in (plain, clipped):
        model.adapt(X)
    t = RobustScaler().fit_transform(X)
    assert plain.predict(X) == pytest.approx(t, rel=1e-12, abs=1e-12)
    assert clipped.predict(X) == pytest.approx(t / np.sqrt(1 + t**2 / 9), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("column", "factor"), [([5, 5, 5, 5, 5], 0), ([5, 5, 5, 5, 9], 0.5)])
def test_robust_scale_of_columns_without_an_interquartile_range(column, factor):
    """Half the whole range stands in, and a constant column becomes 0."""
    model = fp.Sequential([RobustScale()], n_inputs=1, dtype="float64")
    model.adapt(np.array(column, float)[:, np.newaxis])
    assert model.layers[0].factor == [factor]


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
def test_he_plus_puts_each_corner_among_the_rows(parametrization):
    """-b is a mixture of a unit's products over rows: for one row, one of them; for more, between the least and the
    largest. Another seed draws others."""
    X = np.random.default_rng(0).standard_normal((30, 4)) + 10
    for n_rows in (1, 5):
        biases = []
        for seed in (0, 0, 1):
            layers = [
                Dense(50, "relu", bias_initializer=fp.initializers.HePlus(n_rows), parametrization=parametrization)
            ]
            model = fp.Sequential(layers, n_inputs=4, dtype="float64", seed=seed)
            model.adapt(X)
            z = X @ model.layers[0].W / (2 if parametrization == "ntk" else 1)
            b = model.layers[0].b
            assert (z.min(axis=0) - 1e-12 <= -b).all()
            assert (-b <= z.max(axis=0) + 1e-12).all()
            nearest = abs(z + b).min(axis=0)
            assert (nearest < 1e-12).all() if n_rows == 1 else (nearest > 1e-12).all()
            biases.append(b.tobytes())
        assert biases[0] == biases[1] != biases[2]


def test_adapt_goes_through_the_layers_in_order():
    """Each sees what those below it make of X, inside branches too."""
    X = np.random.default_rng(0).standard_normal((50, 2)) * 7 + 3
    layers = [Standardize(), Dense(3, "tanh"), Concatenate([[Standardize()], ["tanh", Standardize()]])]
    model = fp.Sequential(layers, n_inputs=2, dtype="float64")
    model.adapt(X)
    out = model.predict(X)
    assert out.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert out.std(axis=0) == pytest.approx(1, rel=1e-12)


def test_categories_that_are_none_get_zeros_and_are_refused_in_training():
    model = fp.Sequential([Embedding({1: 3}, dim=2)], n_inputs=2, dtype="float64")
    X = np.array([[1.0, 3.0], [2.0, -1.0], [3.0, 0.5], [4.0, 2.0]])
    assert np.array_equal(model.predict(X)[:3], [[1, 0, 0], [2, 0, 0], [3, 0, 0]])
    assert np.array_equal(model.predict(X)[3, 1:], model.layers[0].W0[2])
    with pytest.raises(ValueError, match=r"X\[0, 1\] is 3, but .* whole numbers in 0..2 there \(3 such values\)"):
        fp.Trainer(model, "mse").fit(X, np.zeros((4, 3)), progress=False)


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
    s, kept, dropped = (factor[0] for factor in AlphaDropout(rate).factors(np.array([rate])))
    x = np.random.default_rng(0).standard_normal(n)
    a = np.where(np.random.default_rng(1).random(n) < rate, dropped, s * x + kept)
    assert a.mean() == pytest.approx(0, abs=0.01)
    assert a.std() == pytest.approx(1, abs=0.01)
    assert dropped == pytest.approx(s * (-1.7580993408473766) + kept)


# Rates that change while the network is trained


def with_dropouts(layer, rate):
    return network([Dense(16, "tanh"), Residual([layer(rate), Dense(16)]), layer(0.1), Dense(N_CLASSES, "softmax")])


def one_step(model, step, x, y):
    """Of a training's step of that number."""
    trainer = fp.Trainer(model, "cross_entropy", fp.SGD(0.0), seed=5)
    for _ in range(step):
        trainer.partial_fit(x, y)
    trainer.optimizer = fp.SGD(0.1)
    trainer.partial_fit(x, y)


@pytest.mark.parametrize("layer", [Dropout, AlphaDropout])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("per", ["step", "epoch"])
def test_a_rate_may_be_a_schedule(layer, n_threads, per, monkeypatch):
    """Each batch gets what a fixed rate of its value would give it, wherever an epoch is cut, on any threads."""
    monkeypatch.setattr(engine, "CALL_WORK", 0)
    monkeypatch.setattr(threads, "CALL_WORK", 0)
    monkeypatch.setattr(threads, "STEP_WORK_PER_THREAD", 1)
    X, y = data(40)
    course = fp.LinearRamp(0.6, start_factor=0.0, total_steps=8, per=per)
    scheduled = with_dropouts(layer, course)
    trainer = fp.Trainer(scheduled, "cross_entropy", fp.SGD(0.1), seed=5)
    before = fp.num_threads()
    fp.set_num_threads(n_threads)
    try:
        trainer.fit(X, y, batch_size=10, epochs=3, shuffle=False, progress=False)
    finally:
        fp.set_num_threads(before)
    theta = with_dropouts(layer, 0.0).theta.copy()
    for step in range(12):
        model = with_dropouts(layer, float(course(step if per == "step" else step // 4)))
        model.theta = theta
        one_step(model, step, X[step % 4 * 10 :][:10], y[step % 4 * 10 :][:10])
        theta = model.theta.copy()
    np.testing.assert_array_equal(scheduled.theta, theta)


def test_a_scheduled_rate_goes_on_after_a_resume(tmp_path):
    """And without a length of its own it ends with the fit."""
    X, y = data(40)
    whole, parts = (
        fp.Trainer(with_dropouts(Dropout, fp.FlatCosine(0.4)), "cross_entropy", fp.SGD(0.1)) for _ in range(2)
    )
    whole.fit(X, y, batch_size=10, epochs=4, progress=False)

    class Leave(fp.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.trainer.save(tmp_path / "half")
                self.trainer.stop_training = True

    parts.fit(X, y, batch_size=10, epochs=4, callbacks=[Leave()], progress=False)
    resumed = fp.Trainer.resume(tmp_path / "half")
    resumed.fit(X, y, batch_size=10, epochs=2, progress=False)
    np.testing.assert_array_equal(resumed.model.theta, whole.model.theta)


def test_a_gradient_has_the_first_rate():
    """Also after a training in which the rate was another."""
    X, y = data(40)
    model = with_dropouts(Dropout, fp.ExponentialDecay(0.5, 0.5))
    fixed = with_dropouts(Dropout, 0.5)
    for _ in range(2):
        fp.Trainer(model, "cross_entropy", fp.SGD(0.0)).fit(X, y, batch_size=40, epochs=3, progress=False)
        loss, grad = fp.gradient(model, X, y, "cross_entropy", training=True)
        expected, grad_of_fixed = fp.gradient(fixed, X, y, "cross_entropy", training=True)
        assert loss == expected
        np.testing.assert_array_equal(grad, grad_of_fixed)


def test_a_scheduled_rate_is_shown_and_kept_in_bounds():
    layer = Dropout(fp.CosineDecay(0.5))
    assert repr(layer) == "Dropout(CosineDecay(0.5))"
    assert layer.label == "Dropout, CosineDecay(0.5)"
    model = network([Dropout(fp.LinearRamp(0.5, end_factor=2.0, total_steps=3)), Dense(N_CLASSES, "softmax")])
    X, y = data(40)
    trainer = fp.Trainer(model, "cross_entropy", fp.SGD(0.1))
    with pytest.raises(ValueError, match=r"rate at step 3, from its LinearRamp, must be in 0\.\.1, 1 excluded"):
        trainer.fit(X, y, batch_size=4, progress=False)
    with pytest.raises(TypeError, match="rate is a number, not 'cosine'"):
        Dropout("cosine")


# What is refused, each with the argument, what is wanted, and what came

REFUSED = {
    "rate 1": (lambda: Dropout(1.0), ValueError, ["rate", "0..1, 1 excluded", "1.0"]),
    "rate negative": (lambda: AlphaDropout(-0.1), ValueError, ["rate", "-0.1"]),
    "rate a text": (lambda: Dropout("0.1"), TypeError, ["rate", "number", "'0.1'"]),
    "momentum 2": (lambda: BatchNorm(2), ValueError, ["momentum", "0..1", "2"]),
    "epsilon 0": (lambda: BatchNorm(epsilon=0), ValueError, ["epsilon", "above 0", "0"]),
    "affine 1": (lambda: LayerNorm(affine=1), TypeError, ["affine", "True or False", "1"]),
    "epsilon None": (lambda: LayerNorm(None), TypeError, ["epsilon", "None"]),
    "epsilon negative": (lambda: RMSNorm(-1e-5), ValueError, ["epsilon", "-1e-05"]),
    "initializer of a scale": (lambda: Scale("one"), ValueError, ["initializer", "'one'", "did you mean 'ones'?"]),
    "slope nan": (lambda: PReLU(float("nan")), ValueError, ["initial", "nan"]),
    "softmax, parametric": (lambda: ParametricActivation("softmax"), ValueError, ["activation", "'softmax'"]),
    "unknown, parametric": (lambda: ParametricActivation("rellu"), ValueError, ["did you mean 'relu'?"]),
    "an unknown activation layer": (lambda: network(["rellu"]), ValueError, ["'rellu'", "did you mean 'relu'?"]),
    "parametrization mup": (lambda: Dense(3, parametrization="mup"), ValueError, ["parametrization", "'mup'", "'ntk'"]),
    "dim 1 beside inputs": (lambda: PeriodicEmbedding(1), ValueError, ["dim", "2 or more", "1"]),
    "no frequencies": (lambda: PeriodicEmbedding(n_frequencies=0), ValueError, ["n_frequencies", "0"]),
    "sigma 0": (lambda: PeriodicEmbedding(sigma=0), ValueError, ["sigma", "above 0"]),
    "clip 0": (lambda: RobustScale(0), ValueError, ["clip", "above 0"]),
    "columns a list": (lambda: Embedding([1, 2], 3), TypeError, ["columns", "dict", "[1, 2]"]),
    "no columns": (lambda: Embedding({}, 3), ValueError, ["columns", "empty"]),
    "no categories": (lambda: Embedding({2: 0}, 3), ValueError, ["columns[2]", "0"]),
    "dims for other columns": (lambda: Embedding({2: 3}, [1, 2]), ValueError, ["dim has 2 numbers", "1 columns"]),
    "dims of 0": (lambda: Embedding({2: 3, 4: 2}, [1, 0]), ValueError, ["dim[1]", "0"]),
    "a column that is not there": (lambda: network([Embedding({7: 2}, 3)]), ValueError, ["column 7", "5 columns"]),
    "a column twice": (lambda: Select([1, 1]), ValueError, ["columns", "once", "[1, 1]"]),
    "a selected column that is not there": (lambda: network([Select([5])]), ValueError, ["column 5", "5 columns"]),
    "a residual of nothing": (lambda: Residual([]), ValueError, ["layers", "empty"]),
    "a residual of other widths": (lambda: network([Residual([Dense(4)])]), ValueError, ["4 outputs to 5", "shortcut"]),
    "a residual of a layer": (lambda: Residual(Dense(5)), TypeError, ["layers", "list", "Dense(5)"]),
    "a residual of a number": (lambda: Residual([Dense(5), 3]), TypeError, ["layers[1]", "3"]),
    "no branches": (lambda: Concatenate([]), ValueError, ["branches", "empty"]),
    "a branch that is a layer": (lambda: Concatenate([[], Dense(3)]), TypeError, ["branches[1]", "Dense(3)"]),
    "branches a layer": (lambda: Concatenate(Dense(3)), TypeError, ["branches", "Dense(3)"]),
    "no rows to adapt to": (lambda: network(["tanh"]).adapt(np.zeros((0, 5))), ValueError, ["X", "rows"]),
    "nan to adapt to": (lambda: network(["tanh"]).adapt(np.full((2, 5), np.nan)), ValueError, ["X[0, 0]", "nan"]),
    "another width to adapt to": (lambda: network(["tanh"]).adapt(np.zeros((2, 4))), ValueError, ["4 columns", "5"]),
    "training a number": (
        lambda: fp.gradient(network(["softmax"]), *data(), "cross_entropy", training=1),
        TypeError,
        ["training"],
    ),
    "a parameter of another shape": (
        lambda: setattr(network([Scale()]).layers[0], "scale", [1.0]),
        ValueError,
        ["scale", "(5,)", "(1,)"],
    ),
    "a parameter that is not there": (
        lambda: setattr(network([Scale()]).layers[0], "W", [1.0]),
        AttributeError,
        ["'W'", "Scale()", "scale"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_in_words(case):
    call, error, parts = REFUSED[case]
    with pytest.raises(error) as caught:
        call()
    assert all(part in str(caught.value) for part in parts), str(caught.value)
