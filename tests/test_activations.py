"""Activations as users meet them: by name and by object, printed, compared, saved, trained with."""

import pickle

import numpy as np
import pytest

import fastprop as fp
from reference_activations import TRIED, activate, through

of_every_activation = pytest.mark.parametrize("f", TRIED, ids=repr)
WITH_NUMBERS = [f for f in TRIED if fp.activations.short(f) is f]


def small(f, dtype="float64"):
    return fp.Sequential([fp.Dense(6, f), fp.Dense(5, f), fp.Dense(3)], n_inputs=4, dtype=dtype, seed=5)


@of_every_activation
def test_the_definition_is_the_papers_formula(f, rng):
    """Values and steps back in NumPy, against the tests' own formulas."""
    z, da = 3 * rng.standard_normal((2, 50, 4))
    np.testing.assert_allclose(f(z), activate(f, z), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(f.backward(z, da), through(f, z, da), rtol=1e-13, atol=1e-14)


@of_every_activation
def test_a_network_computes_what_the_definition_says(f, rng):
    """A layer that passes z on unchanged."""
    model = fp.Sequential([fp.Dense(4, f, use_bias=False)], n_inputs=4, dtype="float64")
    model.layers[0].W = np.eye(4)
    z = 3 * rng.standard_normal((50, 4))
    np.testing.assert_allclose(model.predict(z), f(z), rtol=1e-13, atol=1e-15)


@of_every_activation
def test_each_is_its_own_description(f):
    """The repr makes it again; by its name where the name says all."""
    assert eval(repr(f), vars(fp.activations)) == f
    dense = fp.Dense(3, f)
    assert eval(repr(dense), vars(fp) | vars(fp.activations)) == dense
    assert pickle.loads(pickle.dumps(f)) == f
    assert hash(f) == hash(pickle.loads(pickle.dumps(f)))


@pytest.mark.parametrize("f", WITH_NUMBERS, ids=repr)
def test_numbers_of_an_activation_are_part_of_it(f):
    """Another number, another activation, in what is printed as well."""
    default = fp.activations.get(f.name)
    assert f != default
    assert repr(f) in repr(fp.Dense(3, f))
    assert repr(fp.Dense(3, default)) == (f"Dense(3, activation={f.name!r})")
    X = np.random.default_rng(0).standard_normal((20, 4))
    assert (small(f).predict(X) != small(default).predict(X)).any()


def test_settings_are_floats_whatever_came():
    """So that equal descriptions print equally, and files hold numbers."""
    assert fp.LeakyReLU(1) == fp.LeakyReLU(1.0) == fp.LeakyReLU(np.float32(1))
    assert repr(fp.HardTanh(-2, np.int64(3))) == "HardTanh(min_val=-2.0, max_val=3.0)"


@of_every_activation
def test_a_saved_network_comes_back_with_its_numbers(f, tmp_path):
    model = small(f, "float32")
    model.save(tmp_path / "model.safetensors")
    loaded = fp.load(tmp_path / "model.safetensors")
    assert [layer.description for layer in loaded.layers] == [layer.description for layer in model.layers]
    X = np.random.default_rng(0).standard_normal((20, 4))
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()


@of_every_activation
def test_a_network_learns_with_it(f):
    """The loss falls."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((64, 4))
    y = np.tanh(X[:, :3])
    model = fp.Sequential([fp.Dense(6, f), fp.Dense(3)], n_inputs=4, dtype="float64", seed=5)
    before = fp.Trainer(model, "mse").evaluate(X, y)["loss"]
    fp.Trainer(model, "mse", fp.SGD(0.002)).fit(X, y, epochs=20, batch_size=16, progress=False)
    assert fp.Trainer(model, "mse").evaluate(X, y)["loss"] < before


@of_every_activation
def test_evaluate_and_predict_agree_with_a_last_layer_of_it(f):
    """Scoring keeps z apart where the step back reads it; predicting does not: the same o."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 4)), rng.standard_normal((30, 3))
    model = fp.Sequential([fp.Dense(5, "tanh"), fp.Dense(3, f)], n_inputs=4, dtype="float64", seed=2)
    score = fp.Trainer(model, "mse", metrics=["mae"]).evaluate(X, y)
    o = model.predict(X)
    assert score["loss"] == pytest.approx(((o - y) ** 2).mean(), rel=1e-14)
    assert score["mae"] == pytest.approx(abs(o - y).mean(), rel=1e-14)


@pytest.mark.parametrize(
    ("name", "variance"),
    [("leaky_relu", 2), ("relu6", 2), ("elu", 2), ("celu", 2), ("gelu", 2), ("silu", 2), ("mish", 2),
     ("hard_swish", 2), ("selu", 1), ("softsign", None), ("softplus", None), ("hard_tanh", None)],
)  # fmt: skip
def test_auto_begins_by_the_family(name, variance):
    """n_in times the weights' variance: 2 by He, 1 by LeCun, and by Glorot 2 n_in / (n_in + n_out)."""
    model = fp.Sequential([fp.Dense(400, name)], n_inputs=200, dtype="float64", seed=1)
    found = 200 * model.layers[0].W.var()
    assert found == pytest.approx(variance or 2 * 200 / 600, rel=0.02)


def test_selu_keeps_mean_and_variance_through_many_layers():
    """What it is made for: 30 layers deep, and nothing fades or explodes."""
    layers = [fp.Dense(200, "selu") for _ in range(30)]
    model = fp.Sequential(layers, n_inputs=200, seed=3)
    o = model.predict(np.random.default_rng(0).standard_normal((500, 200)))
    assert abs(o.mean()) < 0.1
    assert 0.7 < o.std() < 1.3


def test_of_rows_there_is_no_slope_of_one_output():
    for f in (fp.activations.Softmax(), fp.activations.LogSoftmax()):
        with pytest.raises(TypeError, match=rf"{f.name}\.backward"):
            f.slope([[0.0, 1.0]])


def test_cross_entropy_says_what_to_do_after_log_softmax():
    """It takes the softmax itself."""
    model = fp.mlp(4, 3, output="log_softmax")
    with pytest.raises(ValueError, match="end it with activation='softmax'"):
        fp.Trainer(model, "cross_entropy")
