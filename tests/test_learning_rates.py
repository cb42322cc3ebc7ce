"""The learning-rate finder: its rates and losses against a training by hand, and that it leaves no trace."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest

import fastprop as fp
from fastprop._native import philox

BATCH = 32


def digits():
    X, y = fp.datasets.load_digits()
    return X / 16, y


def trainer(momentum=0.9, seed=0):
    model = fp.mlp(64, 32, 10, activation="relu", output="softmax", dtype="float64", seed=seed)
    return fp.Trainer(model, "cross_entropy", fp.SGD(0.1, momentum=momentum), ["accuracy"])


def bits(trainer):
    return (
        trainer.model.theta.tobytes(),
        trainer._memory.vectors.tobytes(),
        trainer.epoch,
        trainer.step,
        repr(trainer.history),
    )


def test_the_rates_rise_evenly_in_their_logarithm():
    search = fp.find_learning_rate(trainer(), *digits(), start=1e-5, end=1e-2, steps=31)
    np.testing.assert_allclose(search.rates, 10 ** np.linspace(-5, -2, 31), rtol=1e-14)
    assert not search.diverged


def test_each_loss_is_that_of_a_step_at_its_rate():
    """As partial_fit takes them by hand, over more than one epoch; the state goes on from step to step."""
    X, y = (part[:100] for part in digits())
    search = fp.find_learning_rate(trainer(), X, y, start=1e-3, end=0.3, steps=10, batch_size=BATCH)
    by_hand, expected = trainer(), []
    orders = [philox.permutation(0, epoch, 100) for epoch in range(3)]
    batches = [order[i : i + BATCH] for order in orders for i in range(0, 100, BATCH)]
    for rate, batch in zip(search.rates, batches, strict=False):
        by_hand.optimizer = fp.SGD(float(rate), momentum=0.9)
        expected.append(by_hand.partial_fit(X[batch], y[batch])["loss"])
    assert search.losses.tolist() == expected


def test_nothing_is_left_behind():
    """Neither where the sweep ends well nor where it diverges."""
    trained = trainer()
    trained.fit(*digits(), epochs=1, progress=False)
    before = bits(trained)
    fp.find_learning_rate(trained, *digits(), end=1e-3)
    search = fp.find_learning_rate(trained, *digits(), end=1e30)
    assert search.diverged
    assert bits(trained) == before
    assert trained.optimizer == fp.SGD(0.1, momentum=0.9)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_suggestion_trains_well(momentum):
    """Five epochs at it come below a tenth of the loss at the start, which a tenth of it does not."""
    found = fp.find_learning_rate(trainer(momentum), *digits()).suggestion
    losses = []
    for rate in (found, found / 100):
        trained = trainer(momentum)
        trained.optimizer = fp.SGD(rate, momentum=momentum)
        losses.append(trained.fit(*digits(), epochs=5, progress=False)["loss"][-1])
    assert losses[0] < 0.1 * np.log(10) < losses[1]


def test_a_known_valley_is_found():
    """Losses that fall along a logistic curve, most steeply at 0.01, and rise again from 1 on."""
    rates = 10 ** np.linspace(-6, 1, 200)
    losses = 2 - 1 / (1 + (0.01 / rates) ** 2) + 0.01 * rates**3
    noise = 0.02 * np.random.default_rng(0).standard_normal(200)
    search = fp.LearningRateSearch(rates, losses + noise, losses, diverged=False)
    assert 0.005 < search.suggestion < 0.02


def test_the_sweep_ends_where_the_loss_blows_up():
    """By a factor, or past the largest number."""
    search = fp.find_learning_rate(trainer(0.0), *digits(), end=100.0, divergence=1.5)
    assert search.diverged
    assert len(search.rates) == len(search.losses) == len(search.smoothed) < 200
    longer = fp.find_learning_rate(trainer(0.0), *digits(), end=100.0, divergence=3.0)
    assert len(longer.rates) >= len(search.rates)
    model = fp.mlp(64, 8, 1, activation="relu", dtype="float64")
    X, y = digits()
    overflowing = fp.find_learning_rate(model, X, y, loss="mse", start=1e-3, end=1e200, divergence=1e300)
    assert overflowing.diverged
    assert np.isfinite(overflowing.losses).all()


def test_smoothing_shifts_nothing():
    """A straight line stays one, but for its ends; without smoothing all stays."""
    from fastprop.learning_rates import _smooth

    line = np.arange(200.0)
    np.testing.assert_allclose(_smooth(line, 0.5)[30:-30], line[30:-30], rtol=1e-6)
    np.testing.assert_array_equal(_smooth(line, 0.0), line)


def test_a_network_alone_needs_a_loss():
    model = trainer().model
    before = model.theta.copy()
    search = fp.find_learning_rate(model, *digits(), loss="cross_entropy", optimizer=fp.SGD(0.1, momentum=0.9))
    again = fp.find_learning_rate(trainer(), *digits())
    np.testing.assert_array_equal(search.losses, again.losses)
    np.testing.assert_array_equal(model.theta, before)
    with pytest.raises(TypeError, match="a network alone needs a loss beside it"):
        fp.find_learning_rate(model, *digits())


def test_a_stream_may_be_searched():
    """An iterable round and round; of an iterator what it has."""
    X, y = digits()
    batches = [(X[i : i + BATCH], y[i : i + BATCH]) for i in range(0, 320, BATCH)]
    search = fp.find_learning_rate(trainer(), batches, end=0.1, steps=50)
    rows = fp.find_learning_rate(trainer(), X[:320], y[:320], end=0.1, steps=50, shuffle=False)
    assert search.losses.tolist() == rows.losses.tolist()
    endless = fp.find_learning_rate(trainer(), itertools.cycle(batches), end=0.1, steps=50)
    assert endless.losses.tolist() == rows.losses.tolist()
    short = fp.find_learning_rate(trainer(), iter(batches), end=0.1, steps=50)
    assert short.losses.tolist() == rows.losses[:10].tolist()


def test_where_the_loss_does_not_fall_nothing_is_suggested():
    X, y = digits()
    search = fp.find_learning_rate(trainer(), X, y, start=1e-300, end=1e-290, steps=20, batch_size=len(X))
    assert search.suggestion is None
    assert repr(search) == "<LearningRateSearch over 20 rates, 1e-300..1e-290: no suggestion>"


def test_the_picture_shows_losses_and_suggestion():
    mpl.use("Agg")
    search = fp.find_learning_rate(trainer(), *digits())
    axis = search.plot().axes[0]
    each, smoothed, suggested = axis.lines
    np.testing.assert_array_equal(each.get_ydata(), search.losses)
    np.testing.assert_array_equal(smoothed.get_xdata(), search.rates)
    assert suggested.get_xdata()[0] == search.suggestion
    assert (axis.get_xscale(), axis.get_xlabel(), axis.get_ylabel()) == ("log", "learning rate", "loss")
    assert search.plot(axis) is axis.figure


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 0.0}, "start must be above 0"),
        ({"start": 1.0, "end": 0.1}, "start must be below end, but start is 1.0 and end is 0.1"),
        ({"steps": 5}, "steps must be 10 or more"),
        ({"smoothing": 1.0}, r"smoothing must be in 0\.\.1, 1 excluded"),
        ({"divergence": 0.5}, "divergence must be 1 or more"),
        ({"loss": "mse"}, "the trainer has a loss and an optimizer; give none beside it"),
        ({"sample_weight": [1.0]}, "sample_weight has 1 rows, but X has 1797"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fp.find_learning_rate(trainer(), *digits(), **options)


def test_only_trainers_and_networks_are_searched():
    with pytest.raises(TypeError, match="trainer is a Trainer or a Sequential, not 3"):
        fp.find_learning_rate(3, *digits())
