"""Streams: training, scoring and predicting from iterables of batches, and from data larger than memory."""

import io
import itertools
import sys
import warnings

import numpy as np
import pytest
from scipy import sparse

import fastprop as fp
from processes import run_python

BATCH = 16


def rows(m=80, seed=0):
    """X, labels and weights."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, 5)), rng.integers(0, 3, m), rng.random(m)


def cut(*arrays, size=BATCH):
    """Batches of the rows, in order."""
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, len(arrays[0]), size)]


def trainer(**options):
    model = fp.mlp(5, 7, 3, activation="tanh", output="softmax", dtype="float64", seed=3)
    return fp.Trainer(model, "cross_entropy", fp.SGD(0.1, momentum=0.9), ["accuracy"], **options)


def bits(trainer):
    return (
        trainer.model.theta.tobytes(),
        trainer._memory.vectors.tobytes(),
        trainer.epoch,
        trainer.step,
        repr(trainer.history),
    )


class Anew:
    """Begins anew each time, as a DataLoader does; tells how often."""

    def __init__(self, batches):
        self.batches, self.rounds = batches, 0

    def __iter__(self):
        self.rounds += 1
        return iter(self.batches)


# Training


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("wrap", [list, tuple, Anew], ids=["list", "tuple", "iterable"])
def test_a_stream_trains_as_the_rows_it_holds(wrap, weighted):
    """In order, unshuffled, to the last bit: each batch is one step."""
    X, y, w = rows()
    streamed, stood = trainer(), trainer()
    streamed.fit(wrap(cut(X, y, w) if weighted else cut(X, y)), epochs=3, progress=False)
    stood.fit(X, y, sample_weight=w if weighted else None, epochs=3, batch_size=BATCH, shuffle=False, progress=False)
    assert bits(streamed) == bits(stood)


def test_batches_may_be_of_any_size():
    """Each is one step of its rows."""
    X, y, _ = rows(400)
    ends = [0, 1, 4, 300, 302, 400]
    batches = [(X[i:j], y[i:j]) for i, j in itertools.pairwise(ends)]
    streamed, by_hand = trainer(), trainer()
    streamed.fit(batches, epochs=2, progress=False)
    for _ in range(2):
        for x_batch, y_batch in batches:
            by_hand.partial_fit(x_batch, y_batch)
    assert streamed.model.theta.tobytes() == by_hand.model.theta.tobytes()
    assert streamed.step == 10


def test_a_generator_goes_on_from_epoch_to_epoch():
    """Of steps_per_epoch batches each, also from one call of fit to the next."""
    X, y, _ = rows()
    endless = itertools.cycle(cut(X, y))
    streamed, listed = trainer(), trainer()
    streamed.fit(endless, epochs=2, steps_per_epoch=3, progress=False)
    history = streamed.fit(endless, epochs=1, steps_per_epoch=4, progress=False)
    assert (streamed.epoch, streamed.step, history.n_epochs) == (3, 10, 1)
    listed.fit([*cut(X, y), *cut(X, y)], progress=False)
    assert streamed.model.theta.tobytes() == listed.model.theta.tobytes()


def test_a_stream_that_can_begins_anew_at_its_end():
    """With steps_per_epoch it is gone through round and round; without, once an epoch."""
    X, y, _ = rows()
    round_and_round, listed, once_each = trainer(), trainer(), trainer()
    stream = Anew(cut(X, y))
    round_and_round.fit(stream, epochs=3, steps_per_epoch=4, progress=False)
    assert (round_and_round.step, stream.rounds) == (12, 3)
    listed.fit(list(itertools.islice(itertools.cycle(cut(X, y)), 12)), progress=False)
    assert round_and_round.model.theta.tobytes() == listed.model.theta.tobytes()
    once_each.fit(stream, epochs=2, progress=False)
    assert stream.rounds == 5


@pytest.mark.parametrize(("count", "epochs", "steps"), [(7, 3, 7), (6, 2, 6), (3, 1, 3)])
def test_where_an_iterator_ends_training_ends(count, epochs, steps):
    """With a warning; an epoch that was cut short counts, with the scores of its batches."""
    X, y, _ = rows()
    batches = itertools.islice(itertools.cycle(cut(X, y)), count)
    streamed = trainer()
    with pytest.warns(UserWarning, match="X ended before 5 epochs were done"):
        history = streamed.fit(batches, epochs=5, steps_per_epoch=3, progress=False)
    assert (streamed.epoch, streamed.step, history.n_epochs) == (epochs, steps, epochs)
    assert len(history["loss"]) == epochs


def test_an_iterator_that_is_just_long_enough_ends_nothing():
    X, y, _ = rows()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer().fit(iter(cut(X, y)), epochs=1, progress=False)
        trainer().fit(iter(cut(X, y)), epochs=5, steps_per_epoch=1, progress=False)


def test_class_weights_hold_for_each_batch():
    X, y, _ = rows()
    streamed, stood = trainer(), trainer()
    streamed.fit(cut(X, y), class_weight={0: 2.0, 1: 0.5}, progress=False)
    stood.fit(X, y, class_weight={0: 2.0, 1: 0.5}, batch_size=BATCH, shuffle=False, progress=False)
    assert bits(streamed) == bits(stood)


def test_schedules_know_where_a_stream_ends():
    """By its length, by steps_per_epoch, or not at all."""
    X, y, _ = rows()
    seen = []

    class Looking(fp.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(self.trainer._clock()[2:])

    trainer().fit(cut(X, y), epochs=2, progress=False, callbacks=[Looking()])
    trainer().fit(Anew(cut(X, y)), epochs=3, steps_per_epoch=2, progress=False, callbacks=[Looking()])
    trainer().fit(Anew(cut(X, y)), epochs=1, progress=False, callbacks=[Looking()])
    assert seen == [(10, 2)] * 2 + [(6, 3)] * 3 + [(None, 1)]


def test_an_error_of_the_stream_comes_out_unchanged():
    """And what was trained until then stands, as after Ctrl-C."""
    X, y, _ = rows()

    def breaking():
        yield from cut(X, y)[:2]
        raise OSError("the disk is gone")

    streamed = trainer()
    with pytest.raises(OSError, match="the disk is gone"):
        streamed.fit(breaking(), progress=False)
    assert (streamed.epoch, streamed.step, streamed.history.n_epochs) == (0, 2, 0)
    streamed.fit(cut(X, y), progress=False)
    assert streamed.epoch == 1


# Scores and predictions


@pytest.mark.parametrize("weighted", [False, True])
def test_a_stream_is_scored_as_the_rows_it_holds(weighted):
    X, y, w = rows(1000)
    scoring = trainer()
    whole = scoring.evaluate(X, y, sample_weight=w if weighted else None)
    for size in (1000, 7, 300):
        assert scoring.evaluate(iter(cut(X, y, w, size=size) if weighted else cut(X, y, size=size))) == whole
    endless = itertools.cycle(cut(X, y))
    assert scoring.evaluate(endless, steps=10) == scoring.evaluate(X[: 10 * BATCH], y[: 10 * BATCH])


@pytest.mark.parametrize("make", [Anew, list], ids=["iterable", "list"])
def test_validation_data_may_be_a_stream(make):
    X, y, _ = rows()
    streamed, stood = trainer(), trainer()
    settings = {"epochs": 3, "batch_size": BATCH, "progress": False}
    streamed.fit(X, y, validation_data=make(cut(X, y, size=30)), **settings)
    stood.fit(X, y, validation_data=(X, y), **settings)
    assert bits(streamed) == bits(stood)


def test_validation_steps_take_part_of_a_stream_each_time():
    X, y, _ = rows()
    streamed = trainer()
    endless = itertools.cycle(cut(X, y))
    history = streamed.fit(X, y, epochs=2, validation_data=endless, validation_steps=5, progress=False)
    stood = trainer().fit(X, y, epochs=2, validation_data=(X, y), progress=False)
    assert history["val_loss"] == stood["val_loss"]


def test_validation_may_be_less_often_than_each_epoch():
    X, y, _ = rows()
    history = trainer().fit(X, y, epochs=5, validation_data=(X, y), validation_freq=2, progress=False)
    every = trainer().fit(X, y, epochs=5, validation_data=(X, y), progress=False)
    assert np.isnan(history["val_loss"]).tolist() == [True, False, True, False, True]
    assert history["val_loss"][1::2] == every["val_loss"][1::2]


@pytest.mark.parametrize(
    "form", [lambda x, y: x, lambda x, y: (x, y), lambda x, y: [x, y]], ids=["X", "(X, y)", "[X, y]"]
)
def test_a_stream_is_predicted_as_the_rows_it_holds(form):
    X, y, _ = rows(1000)
    model = trainer().model
    whole = model.predict(X)
    for size in (1000, 7, 300):
        batches = (form(x, labels) for x, labels in cut(X, y, size=size))
        assert model.predict(batches).tobytes() == whole.tobytes()
    assert model.predict(iter([])).shape == (0, 3)


def test_batches_may_be_sparse():
    """Of any of SciPy's forms; and a sparse matrix is no stream of its rows."""
    X, y, _ = rows()
    X = X * (np.abs(X) > 1)
    dense, streamed = trainer(), trainer()
    dense.fit(cut(X, y), epochs=2, progress=False)
    batches = [(sparse.coo_array(x), labels) for x, labels in cut(X, y)]
    streamed.fit(batches, epochs=2, progress=False)
    assert bits(dense) == bits(streamed)
    assert dense.evaluate(iter(batches)) == dense.evaluate(X, y)
    assert dense.model.predict(x for x, _ in batches).tobytes() == dense.model.predict(X).tobytes()
    assert dense.model.predict(sparse.coo_array(X)).tobytes() == dense.model.predict(X).tobytes()
    with pytest.raises(TypeError, match="y is missing"):
        trainer().fit(sparse.coo_array(X), progress=False)


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_progress_bar_bears_an_unknown_length(monkeypatch):
    """It counts rows, and knows the rest from the first epoch on."""
    X, y, _ = rows()
    monkeypatch.setattr(sys, "stderr", Terminal())
    trainer().fit(Anew(cut(X, y)), epochs=3)
    shown = sys.stderr.getvalue()
    for part in ("epoch 1/3", "epoch 3/3", "rows/s", "loss="):
        assert part in shown


# Data larger than memory

LARGE = """
import resource, sys
import numpy as np
import fastprop as fp

path, m = sys.argv[1], 300_000
X = np.memmap(path, np.float32, "r", shape=(m, 500))             # 600 MB, a hole in the file: zeros
y = np.arange(m) % 2
trainer = fp.Trainer(fp.mlp(500, 4, 2, output="softmax"), "cross_entropy", fp.SGD(0.1), ["accuracy"])
trainer.fit(X[:1000], y[:1000], batch_size=250, progress=False)                  # what is imported late is there
limit = 250 << 20                                                # bytes of private memory: far less than X
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    np.array(X)
except MemoryError:
    pass
else:
    sys.exit("the limit does not hold")
history = trainer.fit(X, y, batch_size=256, validation_split=0.1, progress=False)
assert trainer.step == 4 + -(-270_000 // 256), trainer.step
trainer.evaluate(X, y)
assert trainer.model.predict(X).shape == (m, 2)
batches = ((X[i : i + 1000], y[i : i + 1000]) for i in range(0, m, 1000))
trainer.fit(batches, progress=False)
print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_DATA counts what is allocated only on Linux")
def test_data_larger_than_memory_are_trained_on_shuffled(tmp_path):
    """A memory map of 600 MB with 250 MB allowed: rows are gathered a batch at a time."""
    path = tmp_path / "X.bin"
    with path.open("wb") as file:
        file.truncate(300_000 * 500 * 4)
    done = run_python(f"import sys; sys.argv = ['-c', {str(path)!r}]\n{LARGE}", FASTPROP_NUM_THREADS="1")
    assert done.stdout == "done\n", done.stderr


# Refusals


X, Y, W = rows()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"X": X}, r"y is missing: fit\(X, y\) for arrays, fit\(batches\) for an iterable of batches"),
        ({"X": 3}, "X is arrays, or an iterable of batches"),
        ({"X": "data.csv"}, "X is arrays, or an iterable of batches"),
        ({"X": iter(cut(X, Y)), "y": Y}, r"X gives batches \(X, y\), so that no y stands beside it"),
        ({"X": []}, "X gave no batches"),
        ({"X": iter([]), "steps_per_epoch": 3}, "X gave no batches"),
        ({"X": [X, Y]}, r"batch 0 of X is \(X, y\) or \(X, y, sample_weight\), not array"),
        ({"X": [(X,)]}, r"batch 0 of X is \(X, y\) or"),
        ({"X": [(X, Y), (X[:, :3], Y)]}, "X in batch 1 of X has 3 columns, but the network takes 5 inputs"),
        ({"X": [(X, Y + 7)]}, r"y in batch 0 of X\[\d+\] = \d+ is not a class label"),
        ({"X": [(X, Y, -W)]}, r"sample_weight in batch 0 of X\[0\] = -.* is negative"),
        ({"X": [(X[:0], Y[:0])]}, "X in batch 0 of X has no rows"),
        (
            {"X": iter(cut(X, Y)), "epochs": 2},
            "can be gone through once: give steps_per_epoch, or an",
        ),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be 1 or more"),
        ({"batch_size": 3}, "batch_size is for arrays"),
        ({"sample_weight": W}, "sample_weight is for arrays"),
        ({"validation_split": 0.1}, "validation_split is for arrays"),
        ({"class_weight": "balanced"}, "class_weight='balanced' needs all labels at once"),
        ({"X": X, "y": Y, "steps_per_epoch": 3}, "steps_per_epoch is for a stream of batches"),
        ({"validation_steps": 3}, "validation_steps is for a stream as validation_data"),
        (
            {"validation_data": (X, Y), "validation_steps": 3},
            "validation_steps is for a stream; arrays are",
        ),
        (
            {"validation_data": iter(cut(X, Y)), "epochs": 2},
            "validation_data is .* once: give validation_steps",
        ),
        ({"validation_data": []}, "validation_data gave no batches"),
        ({"validation_data": (X,)}, r"validation_data is \(X, y\), \(X, y, sample_weight\) or an iterable"),
        ({"validation_freq": 0}, "validation_freq must be 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        trainer().fit(**{"X": cut(X, Y), "progress": False} | options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.evaluate(X), r"y is missing: evaluate\(X, y\) for arrays"),
        (lambda t: t.evaluate(iter(cut(X, Y)), Y), r"no y stands beside it: evaluate\(X\)"),
        (lambda t: t.evaluate(cut(X, Y), sample_weight=W), "sample_weight is for arrays"),
        (lambda t: t.evaluate(X, Y, steps=3), "steps is for a stream"),
        (lambda t: t.evaluate([]), "X gave no batches"),
        (lambda t: t.model.predict(iter([X[:, :2]])), "X has 2 columns"),
        (lambda t: t.model.predict(iter([3])), "X is 0-dimensional"),
    ],
)
def test_what_makes_no_sense_to_score_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(trainer())
