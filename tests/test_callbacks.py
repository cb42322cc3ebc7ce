"""Callbacks: what they are told and when, what they may do, and what is left when one of them fails."""

import csv
import itertools
import math
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest

import fastprop as fp
from fastprop._native import philox
from fastprop.callbacks.base import HOOKS

ROWS, BATCH = 50, 16  # four batches an epoch


def rows(m=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, 5)), rng.integers(0, 3, m)


def trainer(learning_rate=0.1, momentum=0.9, **options):
    model = fp.mlp(5, 7, 3, activation="tanh", output="softmax", dtype="float64", seed=3)
    return fp.Trainer(model, "cross_entropy", fp.SGD(learning_rate, momentum=momentum), ["accuracy"], **options)


def regressor():
    """One that a steep enough rate makes diverge: relu and squares know no bounds."""
    model = fp.mlp(5, 4, 1, activation="relu", dtype="float64", seed=1)
    model.theta[:] = abs(model.theta) + 0.01
    return fp.Trainer(model, "mse", fp.SGD(0.001, momentum=0.9))


def fit(trainer, *callbacks, data=None, **options):
    X, y = rows() if data is None else data
    return trainer.fit(X, y, callbacks=callbacks, **{"batch_size": BATCH, "progress": False} | options)


def bits(trainer):
    return (
        trainer.model.theta.tobytes(),
        trainer._memory.vectors.tobytes(),
        trainer.epoch,
        trainer.step,
        repr(trainer.history),
    )


def recorder(*hooks):
    """A callback of these hooks, and the list of what they are told."""
    told = []

    def hook(name):
        return lambda *arguments: told.append((name, *arguments))

    return fp.LambdaCallback(**{name: hook(name) for name in hooks}), told


class Scripted(fp.Callback):
    """Puts a score of its own into each epoch's logs, for those after it."""

    def __init__(self, scores, name="score"):
        self.scores, self.name = iter(scores), name

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = next(self.scores)


# What is told


def test_hooks_come_in_kerass_order():
    listening, told = recorder(*(hook for hook in HOOKS if hook != "on_slice_end"))
    trained = trainer()
    history = fit(trained, listening, epochs=2, validation_split=0.2)
    epoch = ["on_epoch_begin", *["on_train_batch_begin", "on_train_batch_end"] * 3, "on_test_begin", "on_test_end",
             "on_epoch_end"]  # fmt: skip
    assert [call[0] for call in told] == ["on_train_begin", *epoch, *epoch, "on_train_end"]
    assert [call[1] for call in told if "batch" in call[0]] == [0, 0, 1, 1, 2, 2] * 2
    ends = [call for call in told if call[0] == "on_epoch_end"]
    assert [call[1] for call in ends] == [0, 1]
    assert [call[2]["val_loss"] for call in told if call[0] == "on_epoch_end"][-1] == history["val_loss"][-1]
    tests = [call[1] for call in told if call[0] == "on_test_end"]
    assert [t["loss"] for t in tests] == history["val_loss"]
    assert told[-1][1] == {name: series[-1] for name, series in history.items()}


def test_a_batchs_scores_are_the_means_so_far():
    listening, told = recorder("on_train_batch_end")
    history = fit(trainer(), listening, epochs=1)
    X, y = rows()
    by_hand, losses, counts = trainer(), [], []
    order = philox.permutation(3, 0, ROWS)
    for start in range(0, ROWS, BATCH):
        part = order[start : start + BATCH]
        losses.append(by_hand.partial_fit(X[part], y[part])["loss"])
        counts.append(len(part))
    means = np.cumsum(np.multiply(losses, counts)) / np.cumsum(counts)
    np.testing.assert_allclose([logs["loss"] for _, _, logs in told], means, rtol=1e-14)
    assert told[-1][2]["loss"] == history["loss"][0]


def test_batch_hooks_change_no_bit():
    """They cut the epoch into slices of one batch each."""
    plain, heard, other = trainer(), trainer(), trainer()
    fit(plain, epochs=3)
    fit(heard, recorder("on_train_batch_end")[0], epochs=3)
    fit(other, recorder("on_epoch_end")[0], epochs=3)
    assert bits(plain) == bits(heard) == bits(other)


def test_only_those_who_define_a_batch_hook_pay_for_it():
    """Without one, the engine is entered for many batches at a time."""

    class Epochs(fp.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pass

    class Batches(Epochs):
        def on_train_batch_begin(self, batch, logs=None):
            pass

    for callback, wanted in ((fp.Callback(), False), (Epochs(), False), (Batches(), True)):
        assert fp.callbacks.CallbackList([callback]).wants_batches == wanted
    counts = []
    for callback in (Epochs(), Batches()):
        slices = itertools.count()
        counting = fp.LambdaCallback(on_slice_end=lambda slices=slices: next(slices))
        fit(trainer(), callback, counting, data=rows(3200), epochs=3)
        counts.append(next(slices))
    assert counts[1] == 600
    assert counts[0] < 300


def test_a_callback_knows_for_whom_it_works():
    seen = []

    class Looking(fp.Callback):
        def on_train_begin(self, logs=None):
            seen.append((self.trainer, self.model, self.params["epochs"], self.params["steps"]))

    trained = trainer()
    fit(trained, Looking(), epochs=2)
    assert seen == [(trained, trained.model, 2, 4)]


def test_what_a_callback_adds_to_the_scores_is_history():
    listening, told = recorder("on_epoch_end")
    trained = trainer()
    fit(trained, epochs=1)
    history = fit(trained, Scripted([1.0, 2.0]), listening, epochs=2)
    assert history["score"] == [1.0, 2.0]
    assert [logs["score"] for _, _, logs in told] == [1.0, 2.0]
    assert repr(trained.history["score"]) == "[nan, 1.0, 2.0]"


# What a callback may do


def test_stopping_after_an_epoch():
    trained, shorter = trainer(), trainer()
    stop = fp.LambdaCallback(on_epoch_end=lambda epoch, logs: trained.stop() if epoch == 1 else None)
    assert fit(trained, stop, epochs=10).n_epochs == 2
    fit(shorter, epochs=2)
    assert bits(trained) == bits(shorter)
    assert fit(trained, epochs=2).n_epochs == 2  # each fit begins anew


def test_stopping_within_an_epoch():
    """The epoch counts, with the scores of its batches; what comes after is a new epoch."""
    trained = trainer()

    def stop(batch, logs):
        trained.stop_training = (trained.epoch, batch) == (1, 1)

    history = fit(trained, fp.LambdaCallback(on_train_batch_end=stop), epochs=10, validation_split=0.2)
    assert (trained.epoch, trained.step, history.n_epochs) == (2, 5, 2)
    assert not np.isnan(history["val_loss"]).any()


def test_stopping_before_the_first_batch_leaves_no_epoch():
    trained, untrained = trainer(), trainer()
    for hook in ("on_train_begin", "on_epoch_begin"):
        history = fit(trained, fp.LambdaCallback(**{hook: lambda *_: trained.stop()}), epochs=10)
        assert history.n_epochs == 0
    assert bits(trained) == bits(untrained)


def test_stopping_from_another_thread():
    trained = trainer()
    started = threading.Event()

    def stop():
        started.wait(60)
        trained.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    listening = fp.LambdaCallback(on_slice_end=started.set)
    history = fit(trained, listening, epochs=10**9)
    thread.join()
    assert 0 < history.n_epochs == trained.epoch


def test_another_optimizer_in_the_midst_of_training():
    """As if it had been assigned between two calls of fit; the velocity stays."""
    trained, twice = trainer(), trainer()

    def change(epoch, logs):
        if epoch == 1:
            trained.optimizer = fp.SGD(0.01, momentum=0.9)

    fit(trained, fp.LambdaCallback(on_epoch_begin=change), epochs=3)
    fit(twice, epochs=1)
    twice.optimizer = fp.SGD(0.01, momentum=0.9)
    fit(twice, epochs=2)
    assert bits(trained) == bits(twice)


def test_an_optimizer_of_another_kind_in_the_midst_of_an_epoch_can_diverge():
    """Then there is only its own start to go back to."""
    trained = regressor()

    def change(batch, logs):
        if batch == 2:
            trained.optimizer = fp.SGD(1e200)

    with pytest.raises(fp.DivergedError):
        fit(trained, fp.LambdaCallback(on_train_batch_begin=change), epochs=3)
    assert np.isfinite(trained.model.theta).all()
    assert trained.step == 2


def test_training_anew_from_a_callback_is_refused():
    trained = trainer()
    nested = fp.LambdaCallback(on_epoch_end=lambda *_: fit(trained))
    with pytest.raises(RuntimeError, match="or by the fit whose callback asks for it"):
        fit(trained, nested, epochs=3)
    assert trained.epoch == 1


def test_scoring_and_saving_from_a_callback(tmp_path):
    """What is saved after an epoch goes on with the next."""
    X, y = rows()
    trained, resumed = trainer(), None
    scores = []

    class Saving(fp.Callback):
        def on_epoch_end(self, epoch, logs=None):
            scores.append(self.trainer.evaluate(X, y)["loss"])
            self.trainer.save(tmp_path / f"{epoch}.safetensors")

    fit(trained, Saving(), epochs=3)
    resumed = fp.Trainer.resume(tmp_path / "1.safetensors")
    assert resumed.evaluate(X, y)["loss"] == scores[1]
    fit(resumed, epochs=1)
    assert bits(resumed) == bits(trained)


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook != "on_slice_end"])
def test_what_a_callback_raises_comes_out_unchanged(hook):
    """And epoch, history and weights belong together."""
    trained, twin = trainer(), trainer()

    def fail(*arguments):
        if trained.step >= 4 or hook == "on_train_begin":
            raise ZeroDivisionError(hook)

    with pytest.raises(ZeroDivisionError, match=hook):
        fit(trained, fp.LambdaCallback(**{hook: fail}), epochs=3, validation_split=0.2)
    assert trained.history.n_epochs == trained.epoch
    fit(twin, epochs=trained.epoch, validation_split=0.2)
    if trained.step == twin.step:
        assert bits(trained) == bits(twin)
    fit(trained, epochs=1)  # free again
    assert trained.history.n_epochs == trained.epoch


def test_ctrl_c_in_a_callback():
    trained, twin = trainer(), trainer()
    interrupt = fp.LambdaCallback(
        on_epoch_end=lambda epoch, logs: signal.raise_signal(signal.SIGINT) if epoch == 1 else None
    )
    with pytest.raises(KeyboardInterrupt):
        fit(trained, interrupt, epochs=5)
    fit(twin, epochs=2)
    assert bits(trained) == bits(twin)


# EarlyStopping


def stopping_epochs(scores, **options):
    """How many epochs it lets pass."""
    stopping = fp.EarlyStopping("score", **options)
    history = fit(trainer(), Scripted(scores), stopping, epochs=len(scores))
    return history.n_epochs, stopping


@pytest.mark.parametrize(
    ("scores", "options", "epochs", "best"),
    [
        ([3, 2, 1, 1.5, 1.4], {"patience": 2}, 5, 2),
        ([3, 2, 2.5, 1, 1.5, 1.4, 0], {"patience": 2}, 6, 3),
        ([3, 2, 1, 1, 0], {"patience": 0}, 4, 2),
        ([3, 2.9, 2.8, 2.7], {"patience": 1, "min_delta": 0.15}, 2, 0),
        ([1, 2, 3, 2], {"patience": 1, "mode": "max"}, 4, 2),
        ([1, 2, 3, 2], {"patience": 1}, 2, 0),
        ([3, 3.1, 3.2, 1, 5, 6], {"patience": 2, "start_from_epoch": 3}, 6, 3),
        ([3, 2.9, 2.8, 1], {"patience": 2, "baseline": 2}, 2, 1),
        ([3, 1.9, 2.8, 1.8], {"patience": 2, "baseline": 2}, 4, 3),
        ([math.nan, math.nan, 1, math.nan, 2, 3], {"patience": 3}, 6, 2),
        ([math.nan] * 4, {"patience": 2}, 2, None),
    ],
)
def test_early_stopping_waits_as_kerass(scores, options, epochs, best):
    found, stopping = stopping_epochs([float(s) for s in scores], **options)
    assert (found, stopping.best_epoch) == (epochs, best)
    assert stopping.stopped_epoch == (epochs - 1 if epochs < len(scores) else stopping.stopped_epoch)


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_puts_the_best_weights_back(restore):
    scores = [3.0, 1.0, 2.0, 2.0, 2.0]
    trained, best, last = trainer(), trainer(), trainer()
    stopping = fp.EarlyStopping("score", patience=2, restore_best_weights=restore)
    fit(trained, Scripted(scores), stopping, epochs=5)
    fit(best, epochs=2)
    fit(last, epochs=4)
    assert trained.model.theta.tobytes() == (best if restore else last).model.theta.tobytes()
    assert (trained.epoch, trained.step, stopping.best, stopping.stopped_epoch) == (4, 16, 1.0, 3)
    assert trained._memory.vectors.tobytes() == last._memory.vectors.tobytes()


def test_early_stopping_puts_them_back_also_where_it_does_not_stop():
    trained, best = trainer(), trainer()
    stopping = fp.EarlyStopping("score", patience=9)
    fit(trained, Scripted([3.0, 1.0, 2.0]), stopping, epochs=3)
    fit(best, epochs=2)
    assert trained.model.theta.tobytes() == best.model.theta.tobytes()
    assert stopping.stopped_epoch is None


def test_early_stopping_begins_anew_with_each_fit():
    trained = trainer()
    stopping = fp.EarlyStopping("score", patience=1)
    for _ in range(2):
        history = fit(trained, Scripted([1.0, 2.0, 3.0]), stopping, epochs=3)
        assert history.n_epochs == 2


def test_early_stopping_knows_which_way_is_better():
    """From the metrics: the larger accuracy, the smaller loss or error."""
    model = fp.mlp(5, 1, dtype="float64")
    trained = fp.Trainer(model, "mse", fp.SGD(0.01), ["mae"])
    X, y = rows()
    mae, loss = fp.EarlyStopping("val_mae", patience=50), fp.EarlyStopping("loss", patience=50)
    trained.fit(X, y, validation_split=0.2, callbacks=[mae, loss], progress=False)
    accuracy = fp.EarlyStopping("val_accuracy", patience=50)
    fit(trainer(), accuracy, validation_split=0.2)
    assert (mae.larger_is_better, loss.larger_is_better, accuracy.larger_is_better) == (False, False, True)


def test_early_stopping_waits_for_the_next_validation():
    """An epoch without validation is no bad one."""
    trained = trainer(learning_rate=0.0)
    stopping = fp.EarlyStopping(patience=2)
    history = fit(trained, stopping, epochs=30, validation_split=0.2, validation_freq=3)
    assert history.n_epochs == 9


# ModelCheckpoint


def test_checkpoints_are_saved_after_each_epoch(tmp_path):
    trained = trainer()
    saving = fp.ModelCheckpoint(tmp_path / "{epoch:03d}-{val_loss:.3f}.safetensors")
    history = fit(trained, saving, epochs=3, validation_split=0.2)
    names = [f"{i + 1:03d}-{loss:.3f}.safetensors" for i, loss in enumerate(history["val_loss"])]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert saving.paths == [str(tmp_path / name) for name in names]
    resumed = fp.Trainer.resume(tmp_path / names[0])
    fit(resumed, epochs=2, validation_split=0.2)
    assert bits(resumed) == bits(trained)


def test_a_checkpoint_may_hold_the_network_alone(tmp_path):
    trained = trainer()
    fit(trained, fp.ModelCheckpoint(str(tmp_path / "m"), save_weights_only=True), epochs=2)
    assert fp.load(tmp_path / "m").theta.tobytes() == trained.model.theta.tobytes()


@pytest.mark.parametrize(("threshold", "saved"), [(None, [1, 2, 4]), (2.5, [2, 4])])
def test_only_better_checkpoints_are_saved(tmp_path, threshold, saved):
    saving = fp.ModelCheckpoint(tmp_path / "{epoch}", "score", save_best_only=True, initial_value_threshold=threshold)
    fit(trainer(), Scripted([3.0, 2.0, 2.0, 1.0, math.nan]), saving, epochs=5)
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == saved
    assert saving.best == 1.0


def test_some_checkpoints_are_kept(tmp_path):
    saving = fp.ModelCheckpoint(tmp_path / "{epoch}", period=2, keep=2)
    (tmp_path / "foreign").touch()
    fit(trainer(), saving, epochs=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["6", "8", "foreign"]


def test_one_file_may_hold_the_latest(tmp_path):
    trained = trainer()
    saving = fp.ModelCheckpoint(tmp_path / "latest", keep=1)
    fit(trained, saving, epochs=3)
    assert bits(fp.Trainer.resume(tmp_path / "latest")) == bits(trained)


# CSVLogger


def test_a_csv_file_reads_back_as_the_history(tmp_path):
    path = tmp_path / "log.csv"
    trained = trainer()
    history = fit(trained, fp.CSVLogger(path), epochs=3, validation_split=0.2)
    table = pd.read_csv(path, engine="python")
    assert table["epoch"].tolist() == [0, 1, 2]
    assert {name: table[name].tolist() for name in history} == dict(history)
    fit(trained, fp.CSVLogger(path, append=True), epochs=1, validation_split=0.2)
    assert pd.read_csv(path)["epoch"].tolist() == [0, 1, 2, 3]
    fit(trained, fp.CSVLogger(path, ";"), epochs=1)
    assert pd.read_csv(path, sep=";")["epoch"].tolist() == [4]


def test_a_score_that_an_epoch_lacks_is_left_empty(tmp_path):
    path = tmp_path / "log.csv"
    first = fp.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=1.0) if epoch == 0 else None)
    fit(trainer(), first, fp.CSVLogger(path), epochs=2)
    with path.open(newline="") as file:
        assert [row["extra"] for row in csv.DictReader(file)] == ["1.0", ""]
    late = fp.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(other=1.0) if epoch == 1 else None)
    with pytest.raises(ValueError, match="has no column for 'other'; it has epoch, loss, accuracy"):
        fit(trainer(), late, fp.CSVLogger(path), epochs=2)


# Time and divergence


def test_a_time_budget_ends_training_within_an_epoch():
    """An epoch of hours is cut off; no time is asserted but that it did not take those hours."""
    X = np.broadcast_to(np.ones(32), (10_000_000, 32))
    trained = fp.Trainer(fp.mlp(32, 64, 64, 1), "mse", fp.SGD(1e-6))
    budget = fp.TimeBudget(0.2)
    history = trained.fit(X, np.zeros(len(X)), batch_size=1, shuffle=False, epochs=1000, callbacks=[budget],
                          progress=False)  # fmt: skip
    assert budget.stopped
    assert history.n_epochs == 1
    assert 0 < trained.step < len(X)


def test_a_time_budget_that_is_not_needed_changes_nothing():
    plain, timed, budget = trainer(), trainer(), fp.TimeBudget(3600)
    fit(plain, epochs=2)
    fit(timed, budget, epochs=2)
    assert bits(plain) == bits(timed)
    assert not budget.stopped


def test_a_time_budget_is_of_the_clock_that_nobody_sets(monkeypatch):
    now = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
    budget = fp.TimeBudget(3)
    assert fit(trainer(), budget, epochs=10**6).n_epochs <= 3


@pytest.mark.parametrize("batch_size", [10, 50])
def test_terminate_on_nan_ends_as_the_error_would_have(batch_size):
    """The same state, without the error; with one batch an epoch the one before is taken back as well."""
    steep = fp.SGD(1e200)
    trained, failed = regressor(), regressor()

    def change(trainer):
        return fp.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: setattr(trainer, "optimizer", steep) if epoch == 2 else None
        )

    ending = fp.TerminateOnNaN()
    with pytest.warns(UserWarning, match="training ends: the loss is not finite at step"):
        history = fit(trained, change(trained), ending, epochs=9, batch_size=batch_size)
    with pytest.raises(fp.DivergedError) as caught:
        fit(failed, change(failed), epochs=9, batch_size=batch_size)
    assert bits(trained) == bits(failed)
    assert str(ending.error) == str(caught.value)
    assert history.n_epochs == trained.epoch == trained.history.n_epochs


# The rate


def test_a_plateau_lowers_the_rate():
    trained = trainer(learning_rate=0.1)
    plateau = fp.ReduceLROnPlateau("score", factor=0.5, patience=1, cooldown=1, threshold_mode="abs", threshold=0.0)
    history = fit(trained, Scripted([1.0] * 10), plateau, epochs=10)
    # bad epochs 1, 2 -> reduced after the third; one of cooldown, then 2 bad ones again
    assert history["learning_rate"] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.0125]
    assert trained.optimizer == fp.SGD(0.0125, momentum=0.9)


def test_the_rate_goes_no_lower_than_it_may():
    trained = trainer(learning_rate=0.1)
    plateau = fp.ReduceLROnPlateau("score", patience=0, min_learning_rate=0.03)
    fit(trained, Scripted([1.0] * 5), plateau, epochs=5)
    assert trained.optimizer.learning_rate == 0.03


def test_a_function_may_set_the_rate():
    trained, twin = trainer(learning_rate=0.1), trainer(learning_rate=0.1)
    history = fit(trained, fp.LearningRateScheduler(lambda epoch, rate: rate * (0.5 if epoch else 1)), epochs=3)
    assert history["learning_rate"] == [0.1, 0.05, 0.025]
    for rate in history["learning_rate"]:
        twin.optimizer = fp.SGD(rate, momentum=0.9)
        fit(twin, epochs=1)
    assert trained.model.theta.tobytes() == twin.model.theta.tobytes()


# Refusals


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (fp.EarlyStopping(), r"callbacks is a list, as in callbacks=\[EarlyStopping\(\)\], not"),
        (fp.EarlyStopping, r"callbacks is a list"),
        (3, "callbacks is a list"),
        ([fp.EarlyStopping], r"callbacks\[0\] is the class EarlyStopping; make one of it: EarlyStopping\(...\)"),
        ([fp.Callback(), print], r"callbacks\[1\] is a Callback, not <built-in function print>"),
        (
            [fp.EarlyStopping()],
            "EarlyStopping monitors 'val_loss', but there are no val.* or monitor='loss'",
        ),
        ([fp.EarlyStopping("los")], "EarlyStopping monitors 'los', but the scores of this fit are 'loss', 'accuracy'"),
        (
            [fp.ReduceLROnPlateau("acc")],
            "ReduceLROnPlateau monitors 'acc', but the scores of this fit are",
        ),
        ([fp.ModelCheckpoint("x", "acc", save_best_only=True)], "ModelCheckpoint monitors 'acc'"),
        (
            [fp.ModelCheckpoint("{val_los}")],
            r"filepath '\{val_los\}' names 'val_los', but there is only 'epoch'",
        ),
        ([fp.LearningRateScheduler(lambda epoch, rate: -1.0)], "the learning rate of epoch 0 must be 0 or more"),
    ],
)
def test_what_makes_no_sense_in_fit_is_refused(callbacks, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = rows()
    with pytest.raises((TypeError, ValueError), match=message):
        trainer().fit(X, y, callbacks=callbacks, progress=False)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fp.EarlyStopping(3), "monitor is the name of a score, as 'val_loss', not 3"),
        (lambda: fp.EarlyStopping(patience=-1), "patience must be 0 or more"),
        (lambda: fp.EarlyStopping(mode="maximum"), "unknown mode 'maximum'"),
        (lambda: fp.EarlyStopping(min_delta=-0.1), "min_delta must be 0 or more"),
        (lambda: fp.EarlyStopping(restore_best_weights=1), "restore_best_weights is True or False"),
        (lambda: fp.ModelCheckpoint(3), "filepath is a path, not 3"),
        (lambda: fp.ModelCheckpoint("x", keep=0), "keep must be 1 or more"),
        (lambda: fp.ModelCheckpoint("x", period=0), "period must be 1 or more"),
        (lambda: fp.ReduceLROnPlateau(factor=1.0), r"factor must be in 0\.\.1, 1 excluded"),
        (lambda: fp.ReduceLROnPlateau(threshold_mode="relative"), "unknown threshold_mode 'relative'"),
        (lambda: fp.LearningRateScheduler(0.1), "function takes an epoch and a rate, but is 0.1"),
        (lambda: fp.CSVLogger(3), "filename is a path, not 3"),
        (lambda: fp.CSVLogger("x", ""), "separator is one character, but is ''"),
        (lambda: fp.TimeBudget(0), "seconds must be above 0"),
        (lambda: fp.TimeBudget("1h"), "seconds is a number, not '1h'"),
        (lambda: fp.LambdaCallback(on_epoch=print), "unknown hook 'on_epoch'"),
        (lambda: fp.LambdaCallback(on_epoch_end=3), "on_epoch_end is a function, not 3"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
