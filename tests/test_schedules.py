"""Schedules: against closed forms where PyTorch has none (tests/oracles/test_schedules.py compares the others), their
counts, and what they refuse.
"""

import hashlib
import math
import pickle

import numpy as np
import pytest

import fastprop as fp
from fastprop import _arithmetic, serialization
from fastprop.schedules import SCHEDULES, Clock, Schedule, values_of

# One of each, with settings of its own.
SCHEDULE_EXAMPLES = [
    fp.ConstantFactor(0.3, factor=0.2, total_steps=50),
    fp.StepDecay(0.3, 7, gamma=0.9),
    fp.MultiStepDecay(0.3, [80, 30, 30], gamma=0.7),
    fp.ExponentialDecay(0.3, 0.97),
    fp.LinearRamp(0.3, start_factor=0.1, end_factor=0.9, total_steps=99),
    fp.PolynomialDecay(0.3, total_steps=300, power=2.5, minimum=0.01),
    fp.CosineDecay(0.3, total_steps=150, minimum=0.01),
    fp.CosineRestarts(0.3, 10, multiplier=2, minimum=0.01),
    fp.OneCycle(0.3, total_steps=400, three_phase=True),
    fp.OneCycleMomentum(total_steps=400, pct_start=0.4),
    fp.Cyclic(0.01, 0.3, step_size_up=20, step_size_down=9, mode="exp_range", gamma=0.99),
    fp.InverseTimeDecay(0.3, rate=0.7, decay_steps=20),
    fp.CosLog(0.3, total_steps=400),
    fp.FlatCosine(0.3, total_steps=400),
    fp.Warmup(fp.CosineDecay(0.3, total_steps=100), 20),
    fp.SequentialSchedule([0.1, fp.ExponentialDecay(0.3, 0.99), fp.StepDecay(0.3, 10)], [20, 150]),
    fp.ProductSchedule([fp.ExponentialDecay(0.3, 0.99), fp.LinearRamp(1.0, total_steps=30)]),
]
each_schedule = pytest.mark.parametrize("schedule", SCHEDULE_EXAMPLES, ids=lambda s: type(s).__name__)
STEPS = 400


def test_there_is_an_example_of_each():
    assert {type(schedule) for schedule in SCHEDULE_EXAMPLES} == set(SCHEDULES) - {fp.FunctionSchedule}


# Values


def test_inverse_time_is_kerass_formula():
    t = np.arange(STEPS)
    np.testing.assert_allclose(fp.InverseTimeDecay(0.3, rate=0.7, decay_steps=20)(t), 0.3 / (1 + 0.7 * t / 20), 1e-15)
    stairs = fp.InverseTimeDecay(0.3, rate=0.7, decay_steps=20, staircase=True)(t)
    np.testing.assert_allclose(stairs, 0.3 / (1 + 0.7 * np.floor(t / 20)), 1e-15)


def test_realmlps_schedules_are_pytabkits_formulas():
    """Its progress is a share of the fit, t / T."""
    share = np.arange(STEPS + 1) / STEPS
    coslog4 = 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * share)))
    np.testing.assert_allclose(fp.CosLog(0.3, total_steps=STEPS)(range(STEPS + 1)), 0.3 * coslog4, atol=1e-15)
    falling = 0.5 * (1 + np.cos(np.pi * (share - 0.5) / 0.5))
    flat_cos = np.where(share < 0.5, 1.0, falling)
    np.testing.assert_allclose(fp.FlatCosine(0.3, total_steps=STEPS)(range(STEPS + 1)), 0.3 * flat_cos, atol=1e-15)


def test_a_floor_of_a_polynomial_is_kerass_formula():
    share = np.minimum(np.arange(STEPS) / 300, 1)
    expected = 0.01 + 0.29 * (1 - share) ** 2.5
    np.testing.assert_allclose(
        fp.PolynomialDecay(0.3, total_steps=300, power=2.5, minimum=0.01)(range(STEPS)), expected
    )


def test_values_hold_still_after_the_end():
    """A fit may go on longer than was planned."""
    late = np.array([400, 401, 10_000])
    assert (fp.OneCycle(1.0, total_steps=400)(late) == 1 / 25 / 1e4).all()
    assert (fp.OneCycleMomentum(total_steps=400)(late) == 0.95).all()
    assert (fp.LinearRamp(1.0, total_steps=400)(late) == 1.0).all()
    assert (fp.PolynomialDecay(1.0, total_steps=400)(late) == 0).all()
    assert (fp.FlatCosine(1.0, total_steps=400)(late) == 0).all()


@each_schedule
def test_values_have_the_shape_of_the_steps(schedule):
    t = np.arange(60).reshape(3, 20)
    np.testing.assert_array_equal(schedule(t).ravel(), schedule(t.ravel()))
    assert schedule(7) == schedule([7])[0]
    assert schedule([]).shape == (0,)


GOLDEN = "2a5be99d0d234b9d8c643f8648a98c672e77b8e172e7684ab2ef94fafd254797"


def test_the_bits_are_the_same_everywhere():
    """The digest holds for every target, compiler and C library: FP-1."""
    values = np.concatenate([schedule(range(STEPS)) for schedule in SCHEDULE_EXAMPLES])
    assert hashlib.sha256(values.astype("<f8").tobytes()).hexdigest() == GOLDEN


@pytest.mark.parametrize("exponent", [0.3, 1.0, 2.0, 2.5, 7.0])
def test_powers_are_right(exponent):
    x = np.linspace(0, 3, 301)
    np.testing.assert_allclose(_arithmetic.power(x, exponent), x**exponent, rtol=1e-14)


def test_whole_powers_are_right():
    """By repeated squaring; each multiplication rounds, so that n of them err by n units at most."""
    n = np.array([0, 1, 2, 3, 10, 399, 2**40])
    for base in (0.0, 0.5, 0.97, 1.0, 1.01):
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(_arithmetic.whole_power(base, n), base ** n.astype(float), rtol=1e-13)
    exact = [math.ldexp(1.0, -k) for k in range(1075)]
    np.testing.assert_array_equal(_arithmetic.whole_power(0.5, np.arange(1075)), exact)


# Counts


@each_schedule
def test_a_slice_of_the_steps_gives_their_values(schedule):
    whole = schedule.values(Clock(0, 0), STEPS)
    np.testing.assert_array_equal(whole, schedule(range(STEPS)))
    parts = [schedule.values(Clock(first, 0), count) for first, count in ((0, 1), (1, 100), (101, STEPS - 101))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_per_epoch_the_epochs_are_counted():
    by_epoch = fp.StepDecay(1.0, 2, gamma=0.5, per="epoch")
    np.testing.assert_array_equal(by_epoch.values(Clock(1000, 3), 5), [0.5] * 5)
    np.testing.assert_array_equal(fp.CosineDecay(1.0, per="epoch").values(Clock(77, 1, 1000, 2), 2), [0.5] * 2)


@pytest.mark.parametrize(
    "make", [fp.CosineDecay, fp.OneCycle, fp.FlatCosine, fp.CosLog, lambda v: fp.LinearRamp(v, total_steps=None)]
)
def test_without_a_length_a_schedule_ends_with_the_fit(make):
    schedule = make(0.3)
    name = type(schedule).__name__
    lasting = getattr(fp, name)(0.3, total_steps=100)
    np.testing.assert_array_equal(schedule.values(Clock(40, 2, 100, 5), 20), lasting.values(Clock(40, 2), 20))
    np.testing.assert_array_equal(schedule(range(100), total_steps=100), lasting(range(100)))
    with pytest.raises(ValueError, match=f"{name} ends with the fit, and where this one ends is not known"):
        schedule.values(Clock(40, 2), 1)


def test_parts_end_at_their_milestones():
    """And the last with the fit."""
    chain = fp.SequentialSchedule([fp.CosineDecay(1.0), fp.CosineDecay(0.5)], [10])
    expected = np.concatenate([fp.CosineDecay(1.0, total_steps=10)(range(10)),
                               fp.CosineDecay(0.5, total_steps=30)(range(30))])  # fmt: skip
    np.testing.assert_array_equal(chain(range(40), total_steps=40), expected)
    warm = fp.Warmup(fp.CosineDecay(1.0), 10, start_factor=0.0)
    np.testing.assert_array_equal(warm(range(40), total_steps=40)[10:], fp.CosineDecay(1.0, total_steps=30)(range(30)))
    np.testing.assert_allclose(warm(range(10), total_steps=40), np.arange(10) / 10, rtol=1e-15)


def test_a_product_may_count_both_steps_and_epochs():
    both = fp.ProductSchedule([fp.StepDecay(1.0, 1, gamma=0.5, per="epoch"), fp.LinearRamp(1.0, total_steps=4)])
    np.testing.assert_array_equal(both.values(Clock(4, 2), 3), [0.25] * 3)
    with pytest.raises(ValueError, match="a ProductSchedule must all be per step, or all per epoch"):
        both(range(3))


def test_what_is_made_of_schedules_counts_as_they_do():
    by_epoch = fp.StepDecay(1.0, 2, per="epoch")
    assert fp.Warmup(by_epoch, 3).per == "epoch"
    assert fp.SequentialSchedule([0.1, by_epoch], [3]).per == "epoch"
    assert fp.Warmup(0.1, 3, per="epoch").per == "epoch"
    assert fp.Warmup(0.1, 3).per == "step"


# At work


def digits():
    X, y = fp.datasets.load_digits()
    return X[:192] / 16, y[:192]


def trainer(optimizer):
    model = fp.mlp(64, 8, 10, activation="tanh", output="softmax", dtype="float64", seed=1)
    return fp.Trainer(model, "cross_entropy", optimizer)


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_a_training_takes_each_value_at_its_step(per):
    """Rate, momentum and decay at once, as if the optimizer had been assigned anew before each step."""
    X, y = digits()
    rate = fp.OneCycle(0.5, total_steps=9, per=per)
    momentum = fp.OneCycleMomentum(total_steps=9, per=per)
    decay = fp.FlatCosine(0.01, total_steps=9, per=per)
    scheduled = trainer(fp.SGD(rate, momentum=momentum, weight_decay=decay))
    scheduled.fit(X, y, batch_size=64, epochs=3, shuffle=False, progress=False)
    by_hand = trainer(fp.SGD(0.1, momentum=0.5))
    for step in range(9):
        count = step if per == "step" else step // 3
        by_hand.optimizer = fp.SGD(
            float(rate(count)), momentum=float(momentum(count)), weight_decay=float(decay(count))
        )  # fmt: skip
        by_hand.partial_fit(X[step % 3 * 64 :][:64], y[step % 3 * 64 :][:64])
    np.testing.assert_array_equal(scheduled.model.theta, by_hand.model.theta)


@pytest.mark.parametrize("rate", [fp.CosineDecay(0.5), fp.Warmup(fp.CosLog(0.5), 4), fp.StepDecay(0.5, 1, per="epoch")])
def test_a_resumed_training_goes_on_with_the_next_value(rate, tmp_path):
    """Also where the schedule ends with the fit: the rest of it ends there too."""
    X, y = digits()

    class Leave(fp.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.trainer.save(tmp_path / "half")

    whole = trainer(fp.SGD(rate, momentum=0.9))
    whole.fit(X, y, epochs=5, callbacks=[Leave()], progress=False)
    resumed = fp.Trainer.resume(tmp_path / "half")
    assert resumed.optimizer == whole.optimizer
    resumed.fit(X, y, epochs=3, progress=False)
    np.testing.assert_array_equal(resumed.model.theta, whole.model.theta)


def test_without_an_end_a_schedule_that_needs_one_is_refused():
    X, y = digits()
    with pytest.raises(ValueError, match="CosineDecay ends with the fit, and where this one ends is not known"):
        trainer(fp.SGD(fp.CosineDecay(0.1))).partial_fit(X, y)
    with pytest.raises(ValueError, match="is not known: give it a total_steps"):
        trainer(fp.SGD(fp.CosineDecay(0.1))).fit((batch for batch in [(X, y)]), progress=False)


# Descriptions


@each_schedule
def test_a_schedule_is_a_value(schedule):
    """It prints as the code that makes it, compares, hashes, and passes through files and pickles."""
    made = eval(repr(schedule), vars(fp).copy())  # the text is our own
    assert made == schedule
    assert hash(made) == hash(schedule)
    assert serialization.decode(serialization.encode(schedule)) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_no_file_holds_a_function(tmp_path):
    with pytest.raises(TypeError, match="is a Python function, which no file can hold"):
        trainer(fp.SGD(fp.FunctionSchedule(abs))).save(tmp_path / "x")
    assert not list(tmp_path.iterdir())
    with pytest.raises(TypeError, match="is a Python function, which no file can hold"):
        serialization.encode(fp.FunctionSchedule(abs))


# Refusals


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fp.StepDecay("0.1", 2), "value is a number, not '0.1'"),
        (lambda: fp.StepDecay(0.1, 0), "step_size must be 1 or more, but is 0"),
        (lambda: fp.StepDecay(0.1, 2.0), "step_size is a whole number"),
        (lambda: fp.StepDecay(0.1, 2, gamma=-1), "gamma must be 0 or more"),
        (lambda: fp.StepDecay(0.1, 2, per="batch"), "unknown per 'batch'; known: 'epoch', 'step'"),
        (lambda: fp.StepDecay(0.1, 2, per=1), "per is one of 'step', 'epoch', not 1"),
        (lambda: fp.MultiStepDecay(0.1, 3), "milestones is a list of steps, not 3"),
        (lambda: fp.MultiStepDecay(0.1, [3, -1]), r"milestones\[1\] must be 0 or more, but is -1"),
        (lambda: fp.ExponentialDecay(float("nan"), 0.9), "value must be finite, but is nan"),
        (lambda: fp.PolynomialDecay(0.1, power=0.0), "power must be above 0"),
        (lambda: fp.CosineDecay(0.1, total_steps=0), "total_steps must be 1 or more, but is 0"),
        (lambda: fp.CosineDecay(0.1, total_steps=1.5), "total_steps is a whole number"),
        (lambda: fp.CosineRestarts(0.1, 0), "first_steps must be 1 or more"),
        (lambda: fp.CosineRestarts(0.1, 3, multiplier=0), "multiplier must be 1 or more"),
        (lambda: fp.Cyclic(0.1, 0.2, mode="square"), "unknown mode 'square'"),
        (lambda: fp.Cyclic(0.1, 0.2, step_size_down=0), "step_size_down must be 1 or more"),
        (lambda: fp.OneCycle(0.1, pct_start=1.5), r"pct_start must be in 0\.\.1, but is 1.5"),
        (lambda: fp.OneCycle(0.1, anneal_strategy="sin"), "unknown anneal_strategy 'sin'"),
        (lambda: fp.OneCycle(0.1, div_factor=0), "div_factor must be above 0"),
        (lambda: fp.InverseTimeDecay(0.1, staircase=1), "staircase is True or False"),
        (lambda: fp.FlatCosine(0.1, flat=1), r"flat must be in 0\.\.1, 1 excluded"),
        (lambda: fp.CosLog(0.1, n_cycles=0), r"n_cycles must be in 1\.\.50"),
        (lambda: fp.Warmup("cosine", 3), "schedule is a number, not 'cosine'"),
        (lambda: fp.Warmup(0.1, 0), "steps must be 1 or more"),
        (lambda: fp.SequentialSchedule([], []), "schedules is empty"),
        (lambda: fp.SequentialSchedule(0.1, []), "schedules is a list of schedules, not 0.1"),
        (lambda: fp.SequentialSchedule([0.1, 0.2], []), "2 schedules meet at 1 milestones, but 0 are given"),
        (lambda: fp.SequentialSchedule([0.1, 0.2, 0.3], [5, 5]), r"milestones must rise, but are \[5, 5\]"),
        (
            lambda: fp.SequentialSchedule([fp.StepDecay(0.1, 2), fp.StepDecay(0.1, 2, per="epoch")], [3]),
            "the schedules of a SequentialSchedule must all be per step, or all per epoch",
        ),
        (lambda: fp.ProductSchedule([0.1, None]), r"schedules\[1\] is a number, not None"),
        (lambda: fp.ProductSchedule([fp.StepDecay(1, 2)], per="row"), "unknown per 'row'"),
        (lambda: fp.Warmup(0.1, 3, per=["step"]), "per is one of 'step', 'epoch', not"),
        (lambda: fp.FunctionSchedule(0.1), "function takes a step and gives a number, but is 0.1"),
        (lambda: fp.FunctionSchedule(str)(range(2)), r"the schedule's function\(0\) is a number, not '0'"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_values_out_of_a_settings_bounds_are_refused_where_they_come():
    falling = fp.FunctionSchedule(lambda step: 0.05 - 0.01 * step)
    np.testing.assert_allclose(
        values_of("learning_rate", falling, Clock(0, 0), 5, low=0), [0.05, 0.04, 0.03, 0.02, 0.01]
    )
    with pytest.raises(ValueError, match="learning_rate at step 6, from its FunctionSchedule, must be 0 or more"):
        values_of("learning_rate", falling, Clock(4, 0), 5, low=0)
    with pytest.raises(ValueError, match=r"momentum at step 3, from its Cyclic, must be in 0\.\.1, 1 excluded"):
        values_of("momentum", fp.Cyclic(0.4, 1.0, step_size_up=3), Clock(0, 0), 9, low=0, high=1, open_high=True)
    np.testing.assert_array_equal(values_of("momentum", 0.9, Clock(0, 0), 2), [0.9, 0.9])


def test_the_base_class_is_no_schedule():
    with pytest.raises(NotImplementedError):
        Schedule()(0)
