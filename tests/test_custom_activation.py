"""Activations from two Python functions: the same networks as with the core's own, and every way in which they fail."""

import copy
import pickle
import re
import threading
import traceback

import numpy as np
import pytest

import fastprop as fp
from fastprop._native import engine, threads
from reference_activations import TRIED, corners

X = np.random.default_rng(0).standard_normal((300, 6))
Y = np.tanh(X[:, :3])


def tanh_slope(z):
    return 1 - np.tanh(z) ** 2


BY_HAND = fp.CustomActivation(np.tanh, tanh_slope, name="by_hand")


def network(f, dtype="float64", last="identity"):
    return fp.Sequential([fp.Dense(8, f), fp.Dense(7, f), fp.Dense(3, last)], n_inputs=6, dtype=dtype, seed=1)


def fitted(f, dtype="float64", last="identity"):
    model = network(f, dtype, last)
    model.layers[0].W = network("tanh", dtype).layers[0].W
    model.layers[1].W = network("tanh", dtype).layers[1].W
    trainer = fp.Trainer(model, "mse", fp.SGD(0.05, momentum=0.9), metrics=["mae"])
    history = trainer.fit(X, Y, epochs=3, batch_size=32, progress=False)
    return model, trainer, history


@pytest.fixture
def many_threads():
    """Work is shared however small it is."""
    before = threads.STEP_WORK_PER_THREAD, threads.CALL_WORK, engine.CALL_WORK, fp.num_threads()
    threads.STEP_WORK_PER_THREAD, threads.CALL_WORK, engine.CALL_WORK = 1, 0, 0
    fp.set_num_threads(3)
    yield
    threads.STEP_WORK_PER_THREAD, threads.CALL_WORK, engine.CALL_WORK = before[:3]
    fp.set_num_threads(before[3])


@pytest.mark.parametrize("last", ["identity", "custom"])
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-12), ("float32", 1e-4)])
def test_training_is_that_of_the_cores_own(dtype, bound, last):
    """tanh by NumPy: to rounding the same weights, history, scores and predictions; at the last layer too."""
    ours, trainer, history = fitted(BY_HAND, dtype, BY_HAND if last == "custom" else last)
    theirs, other, expected = fitted("tanh", dtype, "tanh" if last == "custom" else last)
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=bound, atol=bound)
    for name, series in expected.items():
        np.testing.assert_allclose(history[name], series, rtol=bound)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=bound, atol=bound)
    np.testing.assert_allclose(ours.predict(X[:1]), theirs.predict(X[:1]), rtol=bound, atol=bound)
    assert trainer.evaluate(X, Y) == pytest.approx(other.evaluate(X, Y), rel=bound)


@pytest.mark.parametrize("f", [f for f in TRIED if "softmax" not in f.name], ids=repr)
def test_every_definition_serves_as_a_custom_one(f):
    """The NumPy definitions, through the engine: the gradients of the kernels."""
    twin = fp.CustomActivation(f, f.slope)
    model = fp.Sequential([fp.Dense(5, f), fp.Dense(3, f)], n_inputs=6, dtype="float64", seed=2)
    custom = fp.Sequential([fp.Dense(5, twin), fp.Dense(3, twin)], n_inputs=6, dtype="float64", seed=2)
    custom.theta = model.theta
    C, grad = fp.gradient(custom, X, Y, "mse")
    expected, exact = fp.gradient(model, X, Y, "mse")
    assert pytest.approx(expected, rel=1e-13) == C
    np.testing.assert_allclose(grad, exact, rtol=1e-12, atol=1e-13)
    if not corners(f):
        assert fp.check_gradients(custom, X[:20], Y[:20], "mse").relative_error < 1e-7


@pytest.mark.usefixtures("many_threads")
def test_it_works_with_threads():
    """Each calls with its rows; tanh of a row is the same whoever computes it."""
    shared, _, history = fitted(BY_HAND)
    fp.set_num_threads(1)
    alone, _, expected = fitted(BY_HAND)
    np.testing.assert_allclose(shared.theta, alone.theta, rtol=1e-12)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-12)


def test_it_stands_among_other_layers():
    """After a dropout, in a branch, and as a layer of its own."""
    layers = [fp.Dense(6), BY_HAND, fp.Dropout(0.2), fp.Residual([fp.Dense(6, BY_HAND)]), BY_HAND, fp.Dense(3)]
    with_tanh = [fp.Dense(6), "tanh", fp.Dropout(0.2), fp.Residual([fp.Dense(6, "tanh")]), "tanh", fp.Dense(3)]
    thetas = []
    for each in (layers, with_tanh):
        model = fp.Sequential(each, n_inputs=6, dtype="float64", seed=3)
        fp.Trainer(model, "mse", fp.SGD(0.05)).fit(X, Y, epochs=2, progress=False)
        thetas.append(model.theta)
    np.testing.assert_allclose(*thetas, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("place", ["first", "alone", "in a branch"])
def test_derivatives_go_through_it(place):
    """Down to the inputs, and of second order; where it stands on the batch itself too."""
    found = []
    for f in (BY_HAND, "tanh"):
        layers = {
            "first": [f, fp.Dense(3)],
            "alone": [fp.Dense(6), f, fp.Dense(3)],
            "in a branch": [fp.Concatenate([[f], [fp.Dense(3, f)]]), fp.Dense(3)],
        }[place]
        model = fp.Sequential(layers, n_inputs=6, dtype="float64", seed=3)
        product = fp.hessian_vector_product(model, X, Y, "mse", np.ones(model.n_params))
        found.append([fp.jacobian(model, X), fp.row_gradients(model, X, Y, "mse"), product])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_it_gets_arrays_of_its_own():
    """Rows of z in the network's type; what it keeps, or writes to, is nobody else's."""
    kept = []

    def function(z):
        kept.append(z)
        a = np.tanh(z)
        z[:] = np.nan
        return a

    f = fp.CustomActivation(function, tanh_slope)
    model, _, _ = fitted(f, "float32")
    assert np.isfinite(model.theta).all()
    assert {z.dtype for z in kept} == {np.dtype(np.float32)}
    assert {z.shape[1] for z in kept} == {7, 8}
    assert all(np.isnan(z).all() for z in kept)


class Failing:
    """tanh, which raises at a call that is counted."""

    def __init__(self, at, error):
        self.left, self.error = at, error

    def __call__(self, z):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return np.tanh(z)


class StrangeError(BaseException):
    """None that anyone would catch by chance."""


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("where", ["function", "derivative"])
@pytest.mark.parametrize("error", [ZeroDivisionError("here"), KeyboardInterrupt(), StrangeError()], ids=repr)
def test_an_error_ends_training_unchanged(where, error, n_threads, many_threads):
    """The same object comes out, with the function in its traceback; theta is as after the last whole step."""
    fp.set_num_threads(n_threads)
    failing = Failing(11, error)  # of 2 calls a batch by each thread
    f = fp.CustomActivation(*((failing, tanh_slope) if where == "function" else (np.tanh, failing)))
    model = network(f)
    trainer = fp.Trainer(model, "mse", fp.SGD(0.05, momentum=0.9))
    with pytest.raises(type(error)) as caught:
        trainer.fit(X, Y, batch_size=32, shuffle=False, progress=False)
    assert caught.value is error
    assert "__call__" in [frame.name for frame in traceback.extract_tb(caught.tb)]
    assert trainer.step in (range(1, 6) if n_threads > 1 else (5,))  # some may come late
    twin = network(fp.CustomActivation(np.tanh, np.tanh if where == "derivative" else tanh_slope))
    other = fp.Trainer(twin, "mse", fp.SGD(0.05, momentum=0.9))
    for i in range(trainer.step):
        other.partial_fit(X[32 * i : 32 * (i + 1)], Y[32 * i : 32 * (i + 1)])
    np.testing.assert_allclose(model.theta, twin.theta, rtol=1e-12, atol=1e-14)
    trainer.partial_fit(X, Y)  # and it goes on


@pytest.mark.parametrize("n_threads", [1, 3])
def test_an_error_ends_every_other_call_too(n_threads, many_threads):
    fp.set_num_threads(n_threads)
    error = ZeroDivisionError("here")
    failing = Failing(0, error)
    model = network(fp.CustomActivation(failing, tanh_slope), last="tanh")
    trainer = fp.Trainer(model, "mse")
    before = model.theta.tobytes()
    for call in (
        lambda: model.predict(X),
        lambda: model.predict(X[:1]),
        lambda: trainer.evaluate(X, Y),
        lambda: trainer.partial_fit(X, Y),
        lambda: fp.gradient(model, X, Y, "mse"),
        lambda: fp.jacobian(model, X[:5]),
    ):
        call()
        failing.left = 1
        now = model.theta.tobytes()
        with pytest.raises(ZeroDivisionError) as caught:
            call()
        assert caught.value is error
        assert model.theta.tobytes() == now
    assert before != now


BAD = {
    "a scalar": (lambda z: 1.0, ValueError, [r"gave an array of shape \(\)", r"\(10, [78]\) is wanted"]),
    "a row": (lambda z: z[0], ValueError, [r"shape \([78],\)", r"\(10, [78]\) is wanted"]),
    "transposed": (lambda z: z.T, ValueError, [r"shape \([78], 10\)"]),
    "nothing": (lambda z: None, TypeError, ["gave object", "real numbers"]),
    "complex": (lambda z: z * 1j, TypeError, ["gave complex128", "real numbers"]),
    "texts": (lambda z: z.astype(str), TypeError, ["gave <U32", "real numbers"]),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("where", ["function", "derivative"])
def test_results_that_do_not_fit_are_refused(what, where):
    """By a message that says which function, what it gave, and what is wanted."""
    bad, error, parts = BAD[what]
    f = fp.CustomActivation(*((bad, tanh_slope) if where == "function" else (np.tanh, bad)), name="mine")
    model = network(f)
    with pytest.raises(error) as caught:
        fp.gradient(model, X[:10], Y[:10], "mse")
    for part in [f"the {where} of <CustomActivation 'mine'>", *parts]:
        assert re.search(part, str(caught.value)), (part, str(caught.value))


def test_other_real_types_are_taken():
    """A step of booleans is a slope; integers and lists are numbers."""
    step = fp.CustomActivation(lambda z: np.maximum(z, 0).astype(np.longdouble), lambda z: (z > 0).tolist())
    C, grad = fp.gradient(network(step, "float32"), X, Y, "mse")
    model = network("relu", "float32")
    model.theta = network(step, "float32").theta
    expected, exact = fp.gradient(model, X, Y, "mse")
    assert expected == C
    assert grad.tobytes() == exact.tobytes()


def test_copies_and_pickles_go_with_the_functions(tmp_path):
    model, trainer, _ = fitted(BY_HAND)
    for twin in (model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.predict(X).tobytes() == model.predict(X).tobytes()
    assert pickle.loads(pickle.dumps(BY_HAND)) == BY_HAND
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(network(fp.CustomActivation(lambda z: z, np.ones_like)))
    for save in (model.save, trainer.save):
        with pytest.raises(TypeError, match="'by_hand'> is made of Python functions, which no file can hold"):
            save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_its_parameters_have_pytorchs_names():
    """It counts as a module, as every activation but identity."""
    assert network(BY_HAND).state_dict().keys() == network("tanh").state_dict().keys()
    model = network(BY_HAND)
    model.load_state_dict(network("tanh").state_dict())
    assert model.theta.tobytes() == network("tanh").theta.tobytes()


def test_several_networks_call_at_once():
    """Threads of the user's, each with a network of its own, and one that all predict with."""
    shared = network(BY_HAND)
    expected, results = shared.predict(X), {}

    def work(number):
        model, _, _ = fitted(BY_HAND)
        results[number] = model.theta.tobytes(), [shared.predict(X) for _ in range(20)]

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({theta for theta, _ in results.values()}) == 1
    assert all((o == expected).all() for _, outputs in results.values() for o in outputs)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fp.CustomActivation("tanh", np.tanh), TypeError, "function takes an array and gives one, .* 'tanh'"),
        (lambda: fp.CustomActivation(np.tanh, None), TypeError, "derivative takes an array .* None"),
        (lambda: fp.CustomActivation(np.tanh, np.tanh, name=3), TypeError, "name is a text, not 3"),
        (lambda: fp.CustomActivation(np.tanh, np.tanh, name="softmax"), ValueError, "'softmax', which is another"),
        (lambda: fp.Trainer(network("tanh", last=BY_HAND), "cross_entropy"), ValueError, "network's is 'by_hand'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_when_it_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()
