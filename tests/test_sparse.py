"""Sparse X: whatever is done with it gives the bits that the same numbers give as a dense matrix."""

import numpy as np
import pytest
import scipy.sparse as sp

import fastprop as fp
from fastprop._native import engine

FORMATS = {
    "csr": sp.csr_matrix,
    "csc": sp.csc_matrix,
    "coo": sp.coo_array,
    "csr array": sp.csr_array,
}


def sparse_data(rng, m=300, n=700, density=0.03):
    """Some rows and columns empty, over more than one block of 256 both ways."""
    X = rng.standard_normal((m, n)) * (rng.random((m, n)) < density)
    X[5], X[:, 7], X[m - 1] = 0, 0, 0
    return X, rng.integers(0, 3, m)


def network(n, units=(33,), dtype="float32"):
    return fp.mlp(n, *units, 3, activation="tanh", output="softmax", dtype=dtype, seed=1)


def trained(X, y, dtype="float32", units=(33,), batch_size=64, optimizer=None, **options):
    model = network(X.shape[1], units, dtype)
    trainer = fp.Trainer(model, "cross_entropy", optimizer or fp.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    history = trainer.fit(X, y, epochs=2, batch_size=batch_size, progress=False, **options)
    return trainer, history


def assert_same(sparse, dense):
    (ours, history), (twin, expected) = sparse, dense
    np.testing.assert_array_equal(ours.model.theta, twin.model.theta)
    assert history == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1, 3, 64, 285], ids=lambda size: f"batches of {size}")
@pytest.mark.parametrize("units", [(1,), (10,), (33, 5), (150,)], ids=str)
def test_training_gives_the_bits_of_the_dense_matrix(rng, dtype, batch_size, units):
    X, y = sparse_data(rng)
    sparse = trained(sp.csr_matrix(X), y, dtype, units, batch_size, validation_split=0.05)
    assert_same(sparse, trained(X, y, dtype, units, batch_size, validation_split=0.05))


@pytest.mark.parametrize("target", fp.targets())
def test_every_target_gives_the_same_bits(rng, monkeypatch, target):
    X, y = sparse_data(rng)
    expected = trained(sp.csr_matrix(X), y)
    monkeypatch.setattr("fastprop._native.dispatch.chosen", lambda: target)
    assert_same(trained(sp.csr_matrix(X), y), expected)


@pytest.mark.parametrize("number", [2, 3, 5])
def test_any_number_of_threads_gives_the_same_bits(rng, monkeypatch, number):
    X, y = sparse_data(rng)
    expected = trained(sp.csr_matrix(X), y, batch_size=290)
    monkeypatch.setattr("fastprop._native.threads.STEP_WORK_PER_THREAD", 1)
    monkeypatch.setattr("fastprop._native.threads.CALL_WORK", 0)
    monkeypatch.setattr(engine, "CALL_WORK", 0)
    before = fp.num_threads()
    fp.set_num_threads(number)
    try:
        found = trained(sp.csr_matrix(X), y, batch_size=290)
        predicted = found[0].model.predict(sp.csr_matrix(X))
    finally:
        fp.set_num_threads(before)
    assert_same(found, expected)
    np.testing.assert_array_equal(predicted, expected[0].model.predict(X))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["f4", "f8", "i4", "u1", "?"])
def test_every_form_and_type_is_taken(rng, form, kind):
    """As it lies where it is compressed by rows and holds reals; through SciPy's own conversion otherwise."""
    X = rng.integers(0, 2, (40, 30)).astype(kind)
    model = network(30)
    matrix = FORMATS[form](X)
    np.testing.assert_array_equal(model.predict(matrix), model.predict(X))
    assert matrix.dtype == X.dtype


def test_the_callers_matrix_is_as_it_was(rng):
    """One whose columns do not ascend and come twice is put in order in a copy."""
    data, columns, starts = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2, 0, 2, 1]), np.array([0, 3, 4])
    X = sp.csr_matrix((data, columns, starts), shape=(2, 3))
    model = network(3)
    np.testing.assert_array_equal(model.predict(X), model.predict([[2.0, 0.0, 4.0], [0.0, 4.0, 0.0]]))
    np.testing.assert_array_equal(X.indices, [2, 0, 2, 1])
    np.testing.assert_array_equal(X.data, [1.0, 2.0, 3.0, 4.0])


def test_indices_of_64_bits(rng):
    X, _ = sparse_data(rng)
    matrix = sp.csr_matrix(X)
    wide = sp.csr_matrix(X)
    wide.indices, wide.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    model = network(X.shape[1])
    np.testing.assert_array_equal(model.predict(wide), model.predict(X))


def test_scores_and_derivatives_give_the_same_bits(rng):
    X, y = sparse_data(rng, m=40)
    model, matrix = network(X.shape[1]), sp.csr_matrix(X)
    w = rng.random(len(y))
    trainer = fp.Trainer(model, "cross_entropy")
    assert trainer.evaluate(matrix, y, sample_weight=w) == trainer.evaluate(X, y, sample_weight=w)
    for ours, dense in zip(
        fp.gradient(model, matrix, y, "cross_entropy"), fp.gradient(model, X, y, "cross_entropy"), strict=True
    ):
        np.testing.assert_array_equal(ours, dense)
    np.testing.assert_array_equal(
        fp.input_gradient(model, matrix, y, "cross_entropy")[1], fp.input_gradient(model, X, y, "cross_entropy")[1]
    )
    np.testing.assert_array_equal(fp.jacobian(model, matrix[:5]), fp.jacobian(model, X[:5]))
    np.testing.assert_array_equal(
        fp.row_gradients(model, matrix[:5], y[:5], "cross_entropy"),
        fp.row_gradients(model, X[:5], y[:5], "cross_entropy"),
    )


def test_empty_matrices(rng):
    model = network(6)
    assert model.predict(sp.csr_matrix((0, 6))).shape == (0, 3)
    np.testing.assert_array_equal(model.predict(sp.csr_matrix((4, 6))), model.predict(np.zeros((4, 6))))


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, r"X\[1, 4\] is nan \(1 such value\)"), (1e300, r"X\[1, 4\] = 1e\+300 overflows float32")],
)
def test_elements_that_are_no_numbers_are_named(value, message):
    X = sp.lil_matrix((3, 6))
    X[0, 0], X[1, 2], X[1, 4] = 1.0, 2.0, value
    with pytest.raises(ValueError, match=message):
        network(6).predict(X.tocsr())
    with pytest.raises(ValueError, match=message):
        fp.Trainer(network(6), "cross_entropy").fit(X, [0, 1, 2], progress=False)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"X has 4 columns, but the network takes 6 inputs"):
        network(6).predict(sp.csr_matrix((3, 4)))
    with pytest.raises(TypeError, match=r"X holds complex128; real numbers are wanted"):
        network(6).predict(sp.csr_matrix((3, 6), dtype=complex))
    with pytest.raises(TypeError, match=r"y is a sparse matrix; pass y.toarray\(\)"):
        fp.Trainer(network(6), "cross_entropy").fit(np.zeros((3, 6)), sp.csr_matrix((3, 3)), progress=False)


def test_a_large_matrix_is_never_made_dense():
    """200,000 x 1,000,000 with ten elements a row: dense it would take 800 GB."""
    rng = np.random.default_rng(0)
    m, n = 20_000, 1_000_000
    X = sp.csr_matrix((np.ones(10 * m, "f4"), rng.integers(0, n, 10 * m), np.arange(m + 1) * 10), shape=(m, n))
    model = fp.mlp(n, 2, activation="identity", output="softmax", seed=0)
    trainer = fp.Trainer(model, "cross_entropy", fp.SGD(0.1))
    history = trainer.fit(X, rng.integers(0, 2, m), batch_size=10_000, progress=False)
    assert np.isfinite(history["loss"][0])


def test_a_damaged_matrix_is_refused():
    X = sp.csr_matrix(np.eye(3))
    X.indices[0] = 10**6
    with pytest.raises(ValueError, match="X has an element outside its 3 columns"):
        fp.mlp(3, 1).predict(X)
