"""Predict's two ways: a few rows of a plain matrix are answered at once, all else is checked and laid out first.

Nobody may notice which way was gone, but by the clock: the same bits, refusals and promises. The long way's results are
the other files' matter.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastprop as fp
from bounds import assert_same_bits
from fastprop import model as model_module
from fastprop._native import threads
from processes import run_python

rng = np.random.default_rng(0)
REALS = ["float32", "float64"]
PLAIN = "?bhilqBHILQfd"  # NumPy's letters


def network(dtype="float32") -> fp.Sequential:
    return fp.mlp(5, 7, 3, activation="tanh", output="softmax", dtype=dtype, seed=1)


def ready(dtype="float32") -> fp.Sequential:
    """With a plan at hand, as after any first call."""
    model = network(dtype)
    model.predict(np.zeros((1, 5)))
    return model


def answered(model: fp.Sequential, X: object) -> bool:
    """Whether X goes the short way."""
    return model._plan_at_hand.answer(model.theta, None, X) is not None


@pytest.fixture
def the_long_way(monkeypatch: pytest.MonkeyPatch):
    """Predictions by a network that has no plan at hand and makes none."""

    def predict(X, dtype="float32"):
        with monkeypatch.context() as patch:
            patch.setattr(model_module, "ANSWER_WORK", 0)
            model = network(dtype)
            model.predict(np.zeros((1, 5)))
            assert model._plan_at_hand is None
            return model.predict(X)

    return predict


def unaligned(X: np.ndarray) -> np.ndarray:
    shifted = np.empty(X.nbytes + 1, np.uint8)[1:].view(X.dtype).reshape(X.shape)
    shifted[...] = X
    return shifted


def read_only(X: np.ndarray) -> np.ndarray:
    copied = X.copy()
    copied.flags.writeable = False
    return copied


LAYOUTS = {
    "in C's order": np.ascontiguousarray,
    "in Fortran's order": np.asfortranarray,
    "every other row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every other column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "backwards": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "one row many times": lambda X: np.broadcast_to(X[0], X.shape),
    "unaligned": unaligned,
    "read-only": read_only,
}
OTHER_KINDS = {
    "lists": lambda X: X.tolist(),
    "memory map": lambda X: X.view(np.memmap),
    "subclass": lambda X: X.view(np.matrix),
    "masked, but nothing is": lambda X: np.ma.MaskedArray(X),
    "float16": lambda X: X.astype("f2"),
    "long double": lambda X: X.astype("g"),
    "objects": lambda X: X.astype(object),
    "another order of bytes": lambda X: X.astype(X.dtype.newbyteorder()),
    "no rows": lambda X: X[:0],
    "many rows": lambda X: np.tile(X, (1000, 1)),
}


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("letter", PLAIN)
@pytest.mark.parametrize("n_rows", [1, 2, 13, 256])
def test_every_plain_type_is_answered_with_the_same_bits(the_long_way, dtype, letter, n_rows):
    """Cast to the network's type as on the long way."""
    X = (100 * rng.random((n_rows, 5))).astype(letter)
    model = ready(dtype)
    assert answered(model, X)
    assert_same_bits(model.predict(X), the_long_way(X, dtype))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("kind", ["f4", "f8", "i2"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_is_answered_with_the_same_bits(the_long_way, dtype, kind, layout):
    """Strides and alignment do not matter."""
    X = layout((10 * rng.standard_normal((4, 5))).astype(kind))
    model = ready(dtype)
    assert answered(model, X)
    assert_same_bits(model.predict(X), the_long_way(X, dtype))


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("make", OTHER_KINDS.values(), ids=OTHER_KINDS)
def test_what_is_not_answered_goes_the_long_way(the_long_way, kind, make):
    """Anything but a few rows of a plain matrix."""
    X = make(rng.standard_normal((4, 5)).astype(kind))
    model = ready()
    assert not answered(model, X)
    assert_same_bits(model.predict(X), the_long_way(X))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_rows", [1, 3, 700])
def test_a_value_that_is_no_number_is_refused_wherever_it_stands(dtype, kind, value, n_rows):
    """In the first and the last row, and once only: the next call is served."""
    X = rng.standard_normal((n_rows, 5)).astype(kind)
    model = ready(dtype)
    expected = model.predict(X)
    for place in (0, 0), (n_rows - 1, 4):
        changed = X.copy()
        changed[place] = value
        with pytest.raises(ValueError, match=rf"X\[{place[0]}, {place[1]}\] is {value} \(1 such value\)"):
            model.predict(changed)
        assert_same_bits(model.predict(X), expected)


@pytest.mark.parametrize("n_rows", [1, 700])
def test_a_value_too_large_for_the_network_is_refused(n_rows):
    """Finite as it came, infinite once cast."""
    X = np.zeros((n_rows, 5))
    X[-1, 2] = 1e39
    with pytest.raises(ValueError, match=rf"X\[{n_rows - 1}, 2\] = 1e\+39 overflows float32"):
        ready("float32").predict(X)
    assert np.isfinite(ready("float64").predict(X)).all()


@pytest.mark.parametrize("weight", [0.0, -0.0, 1.0, np.nan, -np.inf])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("n_rows", [1, 700])
def test_a_value_that_is_no_number_is_seen_through_any_weights(weight, value, n_rows):
    """Through a product that is 0 elsewhere, or no number anyway."""
    X = np.ones((n_rows, 300))
    model = fp.mlp(300, 4, 1, activation="relu")
    model.layers[0].W[...] = weight
    model.predict(X)
    X[-1, 170] = value
    with pytest.raises(ValueError, match=rf"X\[{n_rows - 1}, 170\] is {value}"):
        model.predict(X)


@pytest.mark.parametrize("n_rows", [1, 700])
def test_an_overflow_within_the_network_is_answered(n_rows):
    """X is not to blame."""
    model = fp.mlp(2, 4, 1, activation="relu", dtype="float32")
    model.layers[0].W[...] = 3e38
    model.layers[1].W[...] = 1
    assert np.all(model.predict(np.ones((n_rows, 2))) == np.inf)


def test_each_worker_looks_at_its_rows(monkeypatch):
    """Whoever meets the value, the caller hears of it."""
    monkeypatch.setattr(threads, "CALL_WORK", 0)
    monkeypatch.setattr("fastprop._native.engine.CALL_WORK", 0)
    before = fp.num_threads()
    fp.set_num_threads(3)
    try:
        X, model = rng.standard_normal((2000, 5)), ready()
        for row in range(0, 2000, 97):
            changed = X.copy()
            changed[row, 1] = np.nan
            with pytest.raises(ValueError, match=rf"X\[{row}, 1\] is nan"):
                model.predict(changed)
        model.predict(X)
    finally:
        fp.set_num_threads(before)


def test_masked_values_are_refused_though_those_below_are_finite():
    """A subclass may mean something else by its elements."""
    X = np.ma.MaskedArray(np.zeros((1, 5)), [[0, 0, 1, 0, 0]])
    with pytest.raises(ValueError, match="1 masked value"):
        ready().predict(X)


def test_answers_are_new_arrays():
    """The next one leaves them as they are."""
    model = ready()
    first = model.predict(np.zeros((1, 5)))
    kept = first.copy()
    second = model.predict(np.ones((1, 5)))
    assert first.flags.owndata
    assert not np.shares_memory(first, second)
    assert_same_bits(first, kept)


def test_answers_follow_the_weights():
    """The plan at hand holds no copy of them."""
    model = fp.mlp(1, 1)
    for W, b in (2, 1), (5, -3):
        model.theta = [W, b]
        assert [model.predict(np.array([[3.0]])).item() for _ in range(2)] == [3 * W + b] * 2


def test_a_large_network_has_no_plan_at_hand():
    """Its answers take so long that other threads must be let in."""
    model = fp.mlp(1000, 1000)
    model.predict(np.zeros((1, 1000)))
    assert model._plan_at_hand is None


def test_a_copy_has_a_plan_of_its_own():
    """Two networks never share working memory."""
    model = ready()
    twin = model.copy()
    assert twin._plan_at_hand is None
    x = rng.standard_normal((1, 5))
    assert_same_bits(twin.predict(x), model.predict(x))
    assert twin._plan_at_hand is not model._plan_at_hand


def test_threads_share_a_network():
    """Each gets the answers to its own rows, in whatever order they come."""
    model = network()
    X = [rng.standard_normal((n_rows, 5)).astype(kind) for n_rows in (1, 2, 200, 700) for kind in REALS]
    expected = [network().predict(x).tobytes() for x in X]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(X)) as pool:
            answers = pool.map(lambda x: {model.predict(x).tobytes() for _ in range(500)}, X)
            assert list(answers) == [{one} for one in expected]
    finally:
        sys.setswitchinterval(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_of_a_fork_answers_too():
    """From its own copy of the plan at hand."""
    code = """
import os, numpy as np, fastprop as fp
model, x = fp.mlp(5, 7, 3, seed=1), np.ones((1, 5))
model.predict(x)
expected = model.predict(x).tobytes()
child = os.fork()
if not child:
    os._exit(model.predict(x).tobytes() != expected)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), model.predict(x).tobytes() == expected)
"""
    assert run_python(code).stdout == "0 True\n"
