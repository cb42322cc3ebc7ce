"""fit's sampler: the rows of each epoch in an order that a function gives."""

import numpy as np
import pytest

import fastprop as fp


def trainer():
    return fp.Trainer(fp.mlp(4, 5, 1, activation="tanh", seed=3), "mse", fp.SGD(0.1, momentum=0.9))


@pytest.fixture
def data(rng):
    return rng.standard_normal((10, 4)), rng.standard_normal(10)


def test_it_stands_for_rows_in_that_order(data):
    """As training, without shuffling, on the rows gathered: those left out, and those that come twice, too."""
    X, y = data
    orders = np.array([[3, 3, 9, 0, 1, 2, 8, 7, 6, 5], np.arange(10)[::-1]])
    sampled = trainer()
    history = sampled.fit(X, y, epochs=2, batch_size=4, sampler=lambda epoch: orders[epoch], progress=False)
    twin = trainer()
    losses = [twin.fit(X[order], y[order], batch_size=4, shuffle=False, progress=False)["loss"][0] for order in orders]
    np.testing.assert_array_equal(sampled.model.theta, twin.model.theta)
    assert history["loss"] == losses


def test_the_epochs_number_goes_on_from_call_to_call(data):
    """Also in a resumed trainer, so that a sampler may be a function of a seed and that number."""
    seen = []

    def sampler(epoch):
        seen.append(epoch)
        return range(10)

    one = trainer()
    one.fit(*data, epochs=2, sampler=sampler, progress=False, batch_size=5)
    one.fit(*data, epochs=1, sampler=sampler, progress=False, batch_size=5)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (range(9), r"sampler\(0\) has shape \(9,\) and type int64, but the whole numbers of 10 rows are wanted"),
        (np.arange(10.0), r"sampler\(0\) has shape \(10,\) and type float64"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 10], r"sampler\(0\)\[9\] = 10 is no row's number, which are 0..9"),
        ([0, -1, 2, 3, 4, 5, 6, 7, 8, 9], r"sampler\(0\)\[1\] = -1 is no row's number"),
    ],
)
def test_what_is_no_order_is_refused(data, rows, message):
    one = trainer()
    before = one.model.theta.copy()
    with pytest.raises(ValueError, match=message):
        one.fit(*data, sampler=lambda epoch: rows, progress=False, batch_size=5)
    np.testing.assert_array_equal(one.model.theta, before)


def test_it_is_a_function_for_arrays(data):
    with pytest.raises(TypeError, match=r"sampler is a function of the epoch's number, not 'random' \(str\)"):
        trainer().fit(*data, sampler="random", progress=False)
    with pytest.raises(ValueError, match=r"sampler is for arrays; the batches of a stream are as they come"):
        trainer().fit([data], sampler=range, progress=False)
