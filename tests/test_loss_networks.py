"""Every loss at the end of a network: its value, its gradient, both types, weights, and training with it."""

import re
import threading

import numpy as np
import pytest
from sklearn import metrics as sklearn

import fastprop as fp
from loss_cases import CASES, LossCase, data_of
from reference import relative_error

each_case = pytest.mark.parametrize("case", CASES, ids=str)
with_and_without_weights = pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])


def test_every_loss_is_tried():
    assert {case.loss.name for case in CASES} == set(fp.losses.LOSSES)


@each_case
@with_and_without_weights
def test_the_loss_of_a_network_is_the_descriptions_loss_of_its_outputs(case: LossCase, weighted: bool):
    """NumPy's definition of predict's o, and the core's of z: by evaluate, by gradient and by training's own figure."""
    X, y, w = data_of(case)
    w = w if weighted else None
    model = case.model(1)
    expected = case.loss(model.predict(X), y, w)
    assert fp.gradient(model, X, y, case.loss, sample_weight=w)[0] == pytest.approx(expected, rel=1e-12, abs=1e-13)
    trainer = fp.Trainer(model, case.loss, fp.SGD(0.01))
    assert trainer.evaluate(X, y, sample_weight=w)["loss"] == pytest.approx(expected, rel=1e-12, abs=1e-13)
    assert trainer.partial_fit(X, y, sample_weight=w)["loss"] == pytest.approx(expected, rel=1e-12, abs=1e-13)


@each_case
@with_and_without_weights
def test_gradients_are_the_limits_of_differences(case: LossCase, weighted: bool):
    X, y, w = data_of(case)
    check = fp.check_gradients(case.model(2), X, y, case.loss, sample_weight=w if weighted else None)
    assert check.relative_error < 2e-7


@each_case
def test_float32_is_float64_but_for_rounding(case: LossCase):
    X, y, w = data_of(case)
    loss, grad = fp.gradient(case.model(3, "float32"), X, y, case.loss, sample_weight=w)
    wide = case.model(3)
    wide.theta[:] = case.model(3, "float32").theta
    expected_loss, expected = fp.gradient(wide, X, y, case.loss, sample_weight=w)
    assert loss == pytest.approx(expected_loss, rel=1e-5, abs=1e-6)
    assert relative_error(grad, expected) <= 2e-5


@each_case
def test_training_lowers_it(case: LossCase):
    X, y, w = data_of(case)
    trainer = fp.Trainer(case.model(4), case.loss, fp.SGD(0.02))
    losses = trainer.fit(X, y, epochs=30, batch_size=7, sample_weight=w, progress=False)["loss"]
    assert losses[-1] < losses[0]


@each_case
def test_a_trainer_with_it_is_saved_and_resumed(case: LossCase, tmp_path):
    """The description with all of its numbers, and the bits that follow."""
    X, y, w = data_of(case)
    trainer = fp.Trainer(case.model(5), case.loss, fp.SGD(0.01))
    trainer.fit(X, y, batch_size=8, sample_weight=w, progress=False)
    trainer.save(tmp_path / "t.safetensors")
    again = fp.Trainer.resume(tmp_path / "t.safetensors")
    assert again.loss == case.loss == eval(repr(case.loss), vars(fp))
    for each in (trainer, again):
        each.fit(X, y, batch_size=8, sample_weight=w, progress=False)
    assert again.model.theta.tobytes() == trainer.model.theta.tobytes()


rng = np.random.default_rng(0)
OUT, Y, W = abs(rng.standard_normal((40, 2))) + 0.1, rng.poisson(2, (40, 2)) + 0.0, rng.random(40)


@pytest.mark.parametrize("w", [None, W], ids=["unweighted", "weighted"])
def test_losses_are_scikit_learns(w):
    """Of the same name or nearly; scikit-learn's deviances are of one output."""
    o, y, amounts = OUT[:, 0], Y[:, 0], Y[:, 1] + 0.5
    same = {
        sklearn.mean_absolute_error(Y, OUT, sample_weight=w): fp.MAE()(OUT, Y, w),
        sklearn.mean_pinball_loss(Y, OUT, alpha=0.8, sample_weight=w): fp.Quantile(0.8)(OUT, Y, w),
        sklearn.mean_poisson_deviance(y, o, sample_weight=w): fp.Tweedie(1, log_input=False)(o, y, w),
        sklearn.mean_gamma_deviance(amounts, o, sample_weight=w): fp.Gamma(log_input=False)(o, amounts, w),
        sklearn.mean_tweedie_deviance(y, o, power=1.4, sample_weight=w): fp.Tweedie(1.4, False)(o, y, w),
        sklearn.mean_tweedie_deviance(amounts, o, power=3, sample_weight=w): fp.Tweedie(3, False)(o, amounts, w),
        sklearn.hinge_loss(y > 1, o - 1, sample_weight=w): fp.Hinge()(o - 1, y > 1, w),
    }
    for expected, found in same.items():
        assert found == pytest.approx(expected, rel=1e-13)


def test_quantiles_stand_target_by_target():
    """Two targets of three quantiles: o.reshape(m, 2, 3); the best constants are the data's quantiles."""
    loss = fp.Quantile([0.25, 0.5, 0.75])
    y = rng.standard_normal((1000, 2)) * [1, 10]
    best = np.quantile(y, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf").T.ravel()
    least = loss(np.tile(best, (1000, 1)), y)
    for j in range(6):
        for step in (-0.2, 0.2):
            assert loss(np.tile(best + step * np.eye(6)[j], (1000, 1)), y) > least
    model = fp.mlp(1, 6, dtype="float64", seed=0)
    trainer = fp.Trainer(model, loss)
    assert trainer.evaluate(np.ones((1000, 1)), y)["loss"] == pytest.approx(loss(model.predict(np.ones((1000, 1))), y))


def test_ignored_rows_change_nothing():
    """Neither the loss nor its gradient nor the metrics; labels of theirs are out of range otherwise."""
    case = LossCase(fp.CrossEntropy(class_weight=[1, 2, 3], ignore_index=-100), "softmax", "labels")
    X, y, w = rng.standard_normal((20, 4)), rng.integers(0, 3, 20), rng.random(20)
    some = np.where(np.arange(20) % 3 == 0, -100, y)
    kept = some >= 0
    model = case.model(0)
    for weights in (None, w):
        loss, grad = fp.gradient(model, X, some, case.loss, sample_weight=weights)
        left = None if weights is None else weights[kept]
        expected_loss, expected = fp.gradient(model, X[kept], y[kept], case.loss, sample_weight=left)
        assert loss == pytest.approx(expected_loss, rel=1e-14)
        assert relative_error(grad, expected) <= 1e-14
    scores = fp.Trainer(model, case.loss, metrics=["accuracy", "f1"]).evaluate(X, some)
    assert scores == pytest.approx(fp.Trainer(model, case.loss, metrics=["accuracy", "f1"]).evaluate(X[kept], y[kept]))
    weighed = fp.Trainer(case.model(0), case.loss, fp.SGD(0.1))
    weighed.fit(X, some, class_weight="balanced", batch_size=20, shuffle=False, progress=False)
    without = fp.Trainer(case.model(0), case.loss, fp.SGD(0.1))
    without.fit(X[kept], y[kept], class_weight="balanced", batch_size=kept.sum(), shuffle=False, progress=False)
    assert relative_error(weighed.model.theta, without.model.theta) <= 1e-14


def test_the_losss_own_class_weights_leave_the_metrics_alone():
    """Unlike those of fit, which weigh rows."""
    X, y = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    model = LossCase(fp.CrossEntropy(), "softmax").model(0)
    plain = fp.Trainer(model, "cross_entropy", metrics=["accuracy"]).evaluate(X, y)
    weighed = fp.Trainer(model, fp.CrossEntropy(class_weight=[1, 5, 9]), metrics=["accuracy"]).evaluate(X, y)
    assert weighed["accuracy"] == plain["accuracy"]
    assert weighed["loss"] != pytest.approx(plain["loss"], rel=1e-3)


def test_batches_of_an_epoch_add_up_by_their_classes_weights():
    """With a rate of 0 the epoch's loss is that of all rows at once."""
    X, y = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    loss = fp.CrossEntropy(class_weight=[1, 5, 9])
    trainer = fp.Trainer(LossCase(loss, "softmax").model(0), loss, fp.SGD(0.0))
    whole = trainer.evaluate(X, y)["loss"]
    assert trainer.fit(X, y, batch_size=7, progress=False)["loss"] == pytest.approx([whole], rel=1e-14)


# What losses refuse

REFUSALS = {
    "delta": (lambda: fp.Huber(0), ["delta must be above 0", "0"]),
    "beta": (lambda: fp.SmoothL1(-1), ["beta", "0 or more", "-1"]),
    "a quantile of 1": (lambda: fp.Quantile([0.5, 1]), ["quantiles[1]", "between 0 and 1"]),
    "no quantiles": (lambda: fp.Quantile([]), ["quantiles is empty"]),
    "a power between 0 and 1": (lambda: fp.Tweedie(0.5), ["power", "1 or more", "0.5"]),
    "a kind of variance": (lambda: fp.GaussianNLL("logs"), ["variance", "'logs'", "'log'"]),
    "a smoothing": (lambda: fp.CrossEntropy(label_smoothing=2), ["label_smoothing", "0..1", "2"]),
    "a class's weight": (lambda: fp.CrossEntropy(class_weight=[1, -1]), ["class_weight[1]", "-1"]),
    "classes' weights of 0": (lambda: fp.NLL(class_weight=[0, 0]), ["class_weight is 0"]),
    "a weight of yes": (lambda: fp.BinaryCrossEntropy(pos_weight=-3), ["pos_weight", "-3"]),
    "gamma": (lambda: fp.Focal(gamma=-1), ["gamma", "-1"]),
    "alpha": (lambda: fp.BinaryFocal(alpha=1.5), ["alpha", "0..1", "1.5"]),
    "counts below 0": (lambda: fp.Poisson()([[1.0]], [[-1.0]]), ["y[0, 0] = -1", "Poisson", "0 or more"]),
    "amounts of 0": (lambda: fp.Gamma()([[1.0]], [[0.0]]), ["y[0, 0] = 0", "Gamma", "above 0"]),
    "amounts of 0 for a power of 3": (lambda: fp.Tweedie(3)([[1.0]], [[0.0]]), ["Tweedie(power=3)", "above 0"]),
    "a third side": (lambda: fp.Hinge()([[1.0]], [[2.0]]), ["y[0, 0] = 2", "1 on its one side"]),
    "a mean below 0": (lambda: fp.Gamma(False)([[-1.0]], [[1.0]]), ["o[0, 0] = -1", "log_input=True"]),
    "a positive logarithm": (lambda: fp.NLL()([[1.0, -1.0]], [0]), ["o[0, 0] = 1"]),
    "nothing but ignored": (lambda: fp.NLL(ignore_index=9)([[-1.0, -1.0]], [9]), ["y holds nothing but 9"]),
    "an odd number of outputs": (lambda: fp.Trainer(fp.mlp(1, 3), "gaussian_nll"), ["2 outputs for each", "3 outputs"]),
    "outputs that are no multiple": (lambda: fp.Trainer(fp.mlp(1, 3), fp.Quantile([0.1, 0.9])), ["2 outputs", "has 3"]),
    "a mean that may be negative": (
        lambda: fp.Trainer(fp.mlp(1, 3), fp.Poisson(log_input=False)),
        ["above 0", "'identity'", "'softplus'", "log_input=True"],
    ),
    "NLL of probabilities": (
        lambda: fp.Trainer(fp.mlp(1, 3, output="softmax"), "nll"),
        ["'log_softmax'", "'softmax'", "CrossEntropy"],
    ),
    "too many weights": (
        lambda: fp.Trainer(fp.mlp(1, 3, output="softmax"), fp.CrossEntropy(class_weight=[1, 2])),
        ["class_weight has 2 numbers", "3 outputs"],
    ),
    "too many weights of yes": (
        lambda: fp.Trainer(fp.mlp(1, 3, output="sigmoid"), fp.BinaryCrossEntropy(pos_weight=[1, 2])),
        ["pos_weight has 2 numbers", "3 outputs"],
    ),
    "focal after a sigmoid": (lambda: fp.Trainer(fp.mlp(1, 3, output="sigmoid"), "focal"), ["Focal", "'softmax'"]),
    "a metric beside quantiles": (
        lambda: fp.Trainer(fp.mlp(1, 2), fp.Quantile([0.1, 0.9]), metrics=["mae"]),
        ["'mae'", "2 outputs for 1", "function"],
    ),
    "balanced misspelt": (
        lambda: fp.Trainer(fp.mlp(1, 2, output="softmax"), "cross_entropy").fit(
            [[1.0], [2.0]], [0, 1], class_weight="ballanced"
        ),
        ["class_weight", "did you mean 'balanced'?"],
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_is_no_loss_is_refused(refusal: str):
    call, words = REFUSALS[refusal]
    with pytest.raises(ValueError, match=re.escape(words[0])) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_a_function_is_no_loss_by_itself():
    with pytest.raises(TypeError, match=r"CustomLoss\(\.\.\.\)"):
        fp.Trainer(fp.mlp(1, 1), lambda o, y: (0, o))


# Losses that are Python functions


def quartic(o, y):
    return ((o - y) ** 4).mean(axis=1), 4 * (o - y) ** 3 / o.shape[1]


def quartic_mean(o, y):
    return ((o - y) ** 4).mean(), 4 * (o - y) ** 3 / o.size


def test_a_custom_loss_trains_as_its_kernel_would():
    """The squared error as a function gives the squared error's training, but for rounding: weighted and by threads."""
    X, y, w = rng.standard_normal((64, 4)), rng.standard_normal((64, 3)), rng.random(64)
    custom = fp.CustomLoss(lambda o, y: (((o - y) ** 2).mean(axis=1), 2 * (o - y) / o.shape[1]), name="squares")
    for weights in (None, w):
        thetas = []
        for loss in (custom, fp.MSE()):
            trainer = fp.Trainer(LossCase(loss).model(0), loss, fp.SGD(0.1, momentum=0.9), metrics=["mae"])
            history = trainer.fit(X, y, epochs=5, batch_size=10, sample_weight=weights, progress=False)
            thetas.append((trainer.model.theta, history["loss"], history["mae"]))
        for found, expected in zip(*thetas, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("function", [quartic, quartic_mean])
def test_a_custom_losss_gradient_is_checked_like_any(function):
    X, y = rng.standard_normal((9, 4)), rng.standard_normal((9, 3))
    loss = fp.CustomLoss(function)
    assert fp.check_gradients(LossCase(loss).model(0), X, y, loss).relative_error < 1e-7
    model = LossCase(loss).model(0, "float32")
    expected = loss(model.predict(X), y)
    assert fp.gradient(model, X, y, loss)[0] == pytest.approx(expected, rel=1e-6)
    assert fp.Trainer(model, loss).evaluate(X, y)["loss"] == pytest.approx(expected, rel=1e-6)
    assert "quartic" in repr(fp.Trainer(model, loss))


def test_a_custom_loss_gets_arrays_of_its_own():
    """Of the network's type; what it keeps is not written over, and what it writes does no harm."""
    seen = []

    def loss(o, y):
        seen.append((o, y))
        return quartic(o, y)

    X, y = rng.standard_normal((9, 4)), rng.standard_normal((9, 3))
    model = LossCase(fp.CustomLoss(loss)).model(0, "float32")
    trainer = fp.Trainer(model, fp.CustomLoss(loss), fp.SGD(0.0))
    trainer.fit(X, y, batch_size=4, shuffle=False, progress=False)
    assert [o.shape for o, _ in seen] == [(4, 3), (4, 3), (1, 3)]
    assert {a.dtype for pair in seen for a in pair} == {np.dtype(np.float32)}
    assert np.concatenate([o for o, _ in seen]).tobytes() == model.predict(X).tobytes()
    assert np.concatenate([y for _, y in seen]).tobytes() == y.astype(np.float32).tobytes()


def test_a_custom_loss_of_classes_gets_one_hot_rows():
    def loss(o, y):
        assert set(y.ravel().tolist()) == {0.0, 1.0}
        return -(y * np.log(o)).sum(axis=1), -y / o

    X, y = rng.standard_normal((9, 4)), np.arange(9) % 3
    custom = fp.CustomLoss(loss, targets="classes")
    model = LossCase(custom, "softmax").model(0)
    found, grad = fp.gradient(model, X, y, custom)
    expected_loss, expected = fp.gradient(model, X, y, "cross_entropy")
    assert found == pytest.approx(expected_loss, rel=1e-13)
    assert relative_error(grad, expected) < 1e-13


class EnoughError(Exception):
    pass


@pytest.mark.parametrize("error", [EnoughError("enough"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("threads", [1, 3])
def test_what_a_custom_loss_raises_comes_out_unchanged(error, threads, monkeypatch):
    """After the last whole batch, and the trainer goes on afterwards."""
    calls = []

    def loss(o, y):
        calls.append(0)
        if len(calls) == 4:
            raise error
        return quartic(o, y)

    X, y = rng.standard_normal((40, 4)), rng.standard_normal((40, 3))
    model = LossCase(fp.CustomLoss(loss)).model(0)
    trainer = fp.Trainer(model, fp.CustomLoss(loss), fp.SGD(0.01))
    before = fp.num_threads()
    fp.set_num_threads(threads)
    from fastprop._native import engine
    from fastprop._native import threads as native_threads

    monkeypatch.setattr(native_threads, "STEP_WORK_PER_THREAD", 1)
    monkeypatch.setattr(native_threads, "CALL_WORK", 0)
    monkeypatch.setattr(engine, "CALL_WORK", 0)
    try:
        with pytest.raises(type(error)) as caught:
            trainer.fit(X, y, batch_size=8, shuffle=False, progress=False)
        assert caught.value is error
        assert trainer.step == 3
        trainer.fit(X, y, batch_size=8, progress=False)
        assert trainer.step == 8
    finally:
        fp.set_num_threads(before)


def test_a_custom_loss_that_raises_leaves_no_helper_behind(monkeypatch):
    """Who is last to hear of it may find the network's plan at work on the next job already."""
    from fastprop._native import engine
    from fastprop._native import threads as native_threads

    monkeypatch.setattr(native_threads, "STEP_WORK_PER_THREAD", 1)
    monkeypatch.setattr(engine, "CALL_WORK", 0)
    X, y = rng.standard_normal((40, 4)), rng.standard_normal((40, 3))
    before = fp.num_threads()
    fp.set_num_threads(3)
    try:
        for _ in range(300):
            calls = iter(range(100))

            def loss(o, y, calls=calls):
                if next(calls) == 3:
                    raise EnoughError
                return quartic(o, y)

            model = LossCase(fp.CustomLoss(loss)).model(0)
            trainer = fp.Trainer(model, fp.CustomLoss(loss), fp.SGD(0.01))
            with pytest.raises(EnoughError):
                trainer.fit(X, y, batch_size=8, progress=False)
            trainer.fit(X, y, batch_size=8, progress=False)
        together = threading.Barrier(2)
        at_gate = [native_threads._crew.executor.submit(together.wait, 60) for _ in range(2)]
        assert sorted(helper.result() for helper in at_gate) == [0, 1]
    finally:
        fp.set_num_threads(before)


WRONG = {
    "one thing": (lambda o, y: o, TypeError, ["(losses, gradient)"]),
    "a gradient's shape": (lambda o, y: (0.0, o[:, :1]), ValueError, ["gradient of shape (5, 1)", "(5, 3)"]),
    "losses' shape": (lambda o, y: (o, o), ValueError, ["losses of shape (5, 3)", "(5,)"]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_a_custom_loss_may_not_return_is_refused(wrong):
    function, kind, words = WRONG[wrong]
    loss = fp.CustomLoss(function, name="mine")
    with pytest.raises(kind) as caught:
        fp.gradient(LossCase(loss).model(0), np.ones((5, 4)), np.ones((5, 3)), loss)
    for word in ["mine", *words]:
        assert word in str(caught.value)


def test_a_mean_cannot_be_weighted():
    loss = fp.CustomLoss(quartic_mean)
    with pytest.raises(ValueError, match="returned a mean, but rows have weights"):
        fp.gradient(LossCase(loss).model(0), np.ones((5, 4)), np.ones((5, 3)), loss, sample_weight=np.ones(5))


def test_a_trainer_with_a_function_is_not_saved(tmp_path):
    loss = fp.CustomLoss(quartic)
    trainer = fp.Trainer(LossCase(loss).model(0), loss)
    with pytest.raises(TypeError, match="is a Python function, which no file can hold"):
        trainer.save(tmp_path / "t.safetensors")
    trainer.model.save(tmp_path / "m.safetensors")


def test_a_custom_loss_is_a_function():
    for arguments, words in (((3,), "cannot be"), ((quartic, 5), "name is a text")):
        with pytest.raises(TypeError, match=words):
            fp.CustomLoss(*arguments)
    with pytest.raises(ValueError, match="targets"):
        fp.CustomLoss(quartic, targets="numbers")
