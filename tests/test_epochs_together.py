"""Short epochs enter the engine several in one slice: whatever comes of it is what comes of one after the other."""

import numpy as np
import pytest

import fastprop as fp
from fastprop import schedules
from fastprop._slices import Slicer

ROWS = 37


class OneByOne(fp.Callback):
    """Hears of each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        pass


class Told(fp.Callback):
    """Hears of several in a row."""

    def __init__(self, ahead=1000):
        self.ahead, self.heard, self.asked = ahead, [], 0

    def epochs_ahead(self):
        self.asked += 1
        return self.ahead

    def on_epoch_end(self, epoch, logs=None):
        assert self.trainer.epoch == epoch + 1 == self.trainer.history.n_epochs
        self.heard.append((epoch, logs["loss"]))


class Ahead:
    """A sampler whose orders do not depend on training, but on when they are asked for."""

    knows_ahead = True

    def __init__(self):
        self.rng = np.random.default_rng(5)

    def __call__(self, epoch):
        return self.rng.integers(0, ROWS, ROWS)


def data(dtype=np.float32):
    rng = np.random.default_rng(3)
    return rng.standard_normal((ROWS, 3)).astype(dtype), rng.standard_normal((ROWS, 2))


def trainer_of(optimizer=None, loss="mse", metrics=(), layers=(), together=True, seed=1):
    model = fp.Sequential([fp.Dense(5, "tanh"), *layers, fp.Dense(2)], n_inputs=3, seed=seed)
    trainer = fp.Trainer(model, loss, optimizer or fp.SGD(0.05, momentum=0.9), metrics)
    trainer._slicer = Slicer(size=10**6 if together else 1, largest=10**6 if together else 1)
    return trainer


def calls_of(trainer, monkeypatch):
    """How many batches each call of the engine takes."""
    calls, take_steps = [], trainer._take_steps

    def counted(batches, scores):
        calls.append(batches.last - batches.first)
        take_steps(batches, scores)

    monkeypatch.setattr(trainer, "_take_steps", counted)
    return calls


def assert_same(actual, expected):
    for mine, other in zip(actual._live(), expected._live(), strict=True):
        assert np.array_equal(mine, other)
    assert (actual.epoch, actual.step) == (expected.epoch, expected.step)
    assert dict(actual.history) == dict(expected.history)


@pytest.mark.parametrize("batch_size", [1, 8, 37])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    "optimizer",
    [
        fp.SGD(0.05, momentum=0.9),
        fp.Adam(0.01, weight_decay=1e-2, ema_decay=0.9, clip_norm=1.0),
        fp.Adam(schedules.CosineDecay(0.02), accumulate=3),
        fp.SGD(schedules.InverseTimeDecay(0.05, rate=0.5, decay_steps=7), l1=1e-3),
    ],
    ids=["sgd", "options", "schedule", "inverse time"],
)
def test_several_are_as_one_by_one(batch_size, shuffle, optimizer, monkeypatch):
    X, y = data()
    w = np.random.default_rng(1).uniform(0.5, 2, ROWS)
    together, one_by_one = (
        trainer_of(optimizer, metrics=["mae", "objective"], layers=[fp.Dropout(0.2)], together=each)
        for each in (True, False)
    )
    calls = calls_of(together, monkeypatch)
    for trainer in (together, one_by_one):
        trainer.fit(X, y, epochs=9, batch_size=batch_size, shuffle=shuffle, sample_weight=w)
    assert calls == [9 * -(-ROWS // batch_size)]
    assert_same(together, one_by_one)


def test_layers_schedules_follow_the_epochs(monkeypatch):
    X, y = data()
    rate = schedules.MultiStepDecay(0.1, [1, 4], gamma=2.0, per="epoch")
    trainers = [trainer_of(layers=[fp.Dropout(rate)], together=each) for each in (True, False)]
    calls = calls_of(trainers[0], monkeypatch)
    for trainer in trainers:
        trainer.fit(X, y, epochs=6, batch_size=8)
    assert calls == [30]
    assert_same(*trainers)


def test_orders_known_ahead(monkeypatch):
    X, y = data()
    trainers = [trainer_of(together=each) for each in (True, False)]
    calls = calls_of(trainers[0], monkeypatch)
    for trainer in trainers:
        trainer.fit(X, y, epochs=6, batch_size=8, sampler=Ahead())
    assert calls == [30]
    assert_same(*trainers)


def what_wants_to_be_between(name, X, y):
    metric = {"whole metric": ["r2"]}.get(name, [])
    optimizer = fp.SGD(schedules.ExponentialDecay(0.05, 0.5, per="epoch")) if name == "rate" else None
    options = {
        "callback": {"callbacks": [OneByOne()]},
        "begin": {"callbacks": [fp.LambdaCallback(on_epoch_begin=lambda epoch, logs: None)]},
        "sampler": {"sampler": lambda epoch: np.arange(ROWS)},
        "validation": {"validation_data": (X, y)},
    }
    return trainer_of(optimizer, metrics=metric), options.get(name, {})


@pytest.mark.parametrize("name", ["callback", "begin", "sampler", "validation", "whole metric", "rate"])
def test_who_wants_to_be_between_is(name, monkeypatch):
    X, y = data()
    trainer, options = what_wants_to_be_between(name, X, y)
    calls = calls_of(trainer, monkeypatch)
    trainer.fit(X, y, epochs=4, batch_size=8, **options)
    assert calls == [5] * 4


def test_a_callback_says_how_far_ahead(monkeypatch):
    X, y = data()
    trainer, other = trainer_of(), trainer_of(together=False)
    calls, told, also = calls_of(trainer, monkeypatch), Told(3), Told(1000)
    trainer.fit(X, y, epochs=7, batch_size=8, callbacks=[told, also])
    assert calls == [15, 15, 5]
    other.fit(X, y, epochs=7, batch_size=8)
    assert_same(trainer, other)
    assert told.heard == also.heard == list(enumerate(other.history["loss"]))


def test_what_a_callback_adds_stands_at_its_epoch():
    class Adds(Told):
        def on_epoch_end(self, epoch, logs=None):
            logs["twice"] = 2.0 * epoch

    X, y = data()
    history = trainer_of().fit(X, y, epochs=4, callbacks=[Adds()])
    assert history["twice"] == [0.0, 2.0, 4.0, 6.0]


def diverging(epochs_before):
    """X, y and an optimizer whose rate explodes after so many epochs of 5 batches, in the midst of the next."""
    X, y = data()
    rates = schedules.FunctionSchedule(lambda step: 1e30 if step >= 5 * epochs_before + 2 else 0.01)
    return X, y, fp.SGD(rates)


@pytest.mark.parametrize("forgive", [False, True])
def test_divergence_goes_back_to_its_own_epoch(forgive):
    X, y, optimizer = diverging(3)

    class Forgives(Told):
        def on_diverged(self, error):
            return forgive

    ends = []
    for together in (True, False):
        trainer = trainer_of(optimizer, together=together)
        if forgive:
            trainer.fit(X, y, epochs=9, batch_size=8, callbacks=[Forgives()])
        else:
            with pytest.raises(fp.DivergedError) as caught:
                trainer.fit(X, y, epochs=9, batch_size=8, callbacks=[Forgives()])
            ends.append((caught.value.epoch, caught.value.step))
        assert trainer.epoch == trainer.history.n_epochs == 3
        ends.append(trainer)
    if forgive:
        assert_same(*ends)
    else:
        assert ends[0] == ends[2]
        assert_same(ends[1], ends[3])


@pytest.mark.parametrize("first", [2, 3, 4])
@pytest.mark.parametrize("replaced", [False, True])
def test_the_last_step_of_several_did_the_harm(first, replaced):
    """Finite weights whose loss is not: the network goes back to before the epoch that made them."""
    X, y = data()
    y[:] *= 1e-3
    rates = schedules.FunctionSchedule(lambda step: 1e25 if step == 5 * first - 1 else 0.01)

    class Replaces(Told):
        """After the first epochs, by one of the same numbers but for the last."""

        def on_epoch_end(self, epoch, logs=None):
            if replaced and epoch + 1 == first:
                self.trainer.optimizer = fp.SGD(0.5, momentum=0.5)

    ends = []
    for ahead in (first, 1):
        trainer = trainer_of(fp.SGD(rates, momentum=0.5))
        with pytest.raises(fp.DivergedError) as caught:
            trainer.fit(X, y, epochs=9, batch_size=8, callbacks=[Replaces(ahead)])
        assert (caught.value.epoch, caught.value.step) == (first, 5 * first)
        assert trainer.epoch == trainer.history.n_epochs == first - 1
        ends.append(trainer)
    assert_same(*ends)
    expected = trainer_of(fp.SGD(0.01, momentum=0.5))
    expected.fit(X, y, epochs=first - 1, batch_size=8)
    assert np.array_equal(ends[0].model.theta, expected.model.theta)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("steps", [0, 3, 17])
def test_an_interrupt_keeps_the_epochs_that_are_over(steps, told, monkeypatch):
    X, y = data()
    trainer, other = trainer_of(), trainer_of()
    take_steps = trainer._take_steps

    def interrupted(batches, scores):
        if steps:
            take_steps(batches._replace(last=steps), scores)
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "_take_steps", interrupted)
    hears = Told()
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, y, epochs=9, batch_size=8, callbacks=[hears] * told)
    assert (trainer.epoch, trainer.step) == (steps // 5, steps)
    other.fit(X, y, epochs=steps // 5, batch_size=8)
    assert dict(trainer.history) == dict(other.history)
    assert len(hears.heard) == told * (steps // 5)


def test_long_orders_are_cut():
    X, y = np.zeros((9000, 3)), np.zeros((9000, 2))
    trainer = trainer_of()
    orders = []
    source_rows = trainer._rows(X, y)
    assert len(source_rows) == 9000
    take_steps = trainer._take_steps
    trainer._take_steps = lambda batches, scores: (orders.append(len(batches.order)), take_steps(batches, scores))
    trainer.fit(X, y, epochs=3, batch_size=100)
    assert orders == [9000] * 3


def test_bar_counts_all_rows(monkeypatch):
    X, y = data()

    class Bar:
        disable, total, n = False, None, 0

        def __init__(self, **options):
            type(self).total = options["total"]

        def set_postfix(self, scores, refresh):
            pass

        def set_description(self, title, refresh):
            type(self).title = title

        def update(self, n):
            type(self).n += n

        def close(self):
            pass

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    trainer_of().fit(X, y, epochs=7, batch_size=8)
    assert Bar.total == Bar.n == 7 * ROWS
    assert Bar.title == "epoch 7/7"
