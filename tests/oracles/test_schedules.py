"""Every value of every schedule beside torch.optim.lr_scheduler's, over hundreds of steps.

PyTorch's chainable forms multiply the last value, so that their rounding errors grow; where it has a closed form, that
is compared, through `step(t)`. The bound is 1e-12 of the largest value.
"""

import warnings

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

import fastprop as fp
from fastprop.schedules import SCHEDULES

STEPS = 400


def optimizer(value: float) -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=value, momentum=0.9)


def rates(make, value: float, *, closed: bool = True, key: str = "lr") -> np.ndarray:
    """PyTorch's values at the steps 0..STEPS - 1."""
    rule = optimizer(value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a scheduler that is stepped without its optimizer
        scheduler = make(rule)
        found = []
        for t in range(STEPS):
            found.append(rule.param_groups[0][key])
            if closed:
                scheduler.step(t + 1)
            elif t < STEPS - 1:
                scheduler.step()
    return np.array(found)


ONE_CYCLE = [
    {},
    {"pct_start": 0.1},
    {"pct_start": 0.5, "anneal_strategy": "linear"},
    {"three_phase": True},
    {"three_phase": True, "pct_start": 0.25, "anneal_strategy": "linear"},
    {"pct_start": 0.0},
    {"pct_start": 1.0},
]
CYCLIC = [
    {"step_size_up": 7},
    {"step_size_up": 7, "step_size_down": 12},
    {"step_size_up": 7, "step_size_down": 3, "mode": "triangular2"},
    {"step_size_up": 20, "mode": "exp_range", "gamma": 0.99},
]
T = lr_scheduler
# (ours, PyTorch's scheduler of an optimizer, the optimizer's rate, whether PyTorch has a closed form)
TWINS = [
    (fp.ConstantFactor(0.3), lambda o: T.ConstantLR(o), 0.3, True),
    (fp.ConstantFactor(0.3, factor=0.2, total_steps=50), lambda o: T.ConstantLR(o, 0.2, 50), 0.3, True),
    (fp.StepDecay(0.3, 30), lambda o: T.StepLR(o, 30), 0.3, True),
    (fp.StepDecay(0.3, 7, gamma=0.9), lambda o: T.StepLR(o, 7, 0.9), 0.3, True),
    (fp.MultiStepDecay(0.3, [30, 80]), lambda o: T.MultiStepLR(o, [30, 80]), 0.3, True),
    (fp.MultiStepDecay(0.3, [80, 30, 30], gamma=0.7), lambda o: T.MultiStepLR(o, [30, 30, 80], 0.7), 0.3, True),
    (fp.ExponentialDecay(0.3, 0.97), lambda o: T.ExponentialLR(o, 0.97), 0.3, True),
    (fp.LinearRamp(0.3), lambda o: T.LinearLR(o), 0.3, True),
    (fp.LinearRamp(0.3, start_factor=0.1, end_factor=0.9, total_steps=99), lambda o: T.LinearLR(o, 0.1, 0.9, 99), 0.3,
     True),
    (fp.PolynomialDecay(0.3), lambda o: T.PolynomialLR(o), 0.3, True),
    (fp.PolynomialDecay(0.3, total_steps=300, power=2.5), lambda o: T.PolynomialLR(o, 300, 2.5), 0.3, True),
    (fp.PolynomialDecay(0.3, total_steps=300, power=3.0), lambda o: T.PolynomialLR(o, 300, 3.0), 0.3, True),
    (fp.CosineDecay(0.3, total_steps=150), lambda o: T.CosineAnnealingLR(o, 150), 0.3, True),
    (fp.CosineDecay(0.3, total_steps=150, minimum=0.01), lambda o: T.CosineAnnealingLR(o, 150, 0.01), 0.3, True),
    (fp.CosineRestarts(0.3, 30), lambda o: T.CosineAnnealingWarmRestarts(o, 30), 0.3, False),
    (fp.CosineRestarts(0.3, 10, multiplier=2, minimum=0.01),
     lambda o: T.CosineAnnealingWarmRestarts(o, 10, 2, 0.01), 0.3, False),
    (fp.CosineRestarts(0.3, 5, multiplier=3), lambda o: T.CosineAnnealingWarmRestarts(o, 5, 3), 0.3, False),
    *[(fp.OneCycle(0.3, total_steps=STEPS, **options), lambda o, p=options: T.OneCycleLR(o, 0.3, STEPS, **p), 0.3,
       False) for options in ONE_CYCLE],
    *[(fp.Cyclic(0.01, 0.3, **options), lambda o, p=options: T.CyclicLR(o, 0.01, 0.3, **p), 0.3, False)
      for options in CYCLIC],
    (fp.FunctionSchedule(lambda step: 0.3 * 0.95**step), lambda o: T.LambdaLR(o, lambda step: 0.95**step), 0.3, False),
    (fp.Warmup(fp.StepDecay(0.3, 30), 20),
     lambda o: T.SequentialLR(o, [T.LinearLR(o, total_iters=20), T.StepLR(o, 30)], [20]), 0.3, False),
    (fp.Warmup(fp.CosineRestarts(0.3, 50), 20, start_factor=0.01),
     lambda o: T.SequentialLR(o, [T.LinearLR(o, 0.01, total_iters=20), T.CosineAnnealingWarmRestarts(o, 50)], [20]),
     0.3, False),
    (fp.SequentialSchedule([fp.ConstantFactor(0.3, factor=0.1, total_steps=1000), fp.ExponentialDecay(0.3, 0.99),
                            fp.StepDecay(0.3, 10, gamma=0.5)], [20, 150]),
     lambda o: T.SequentialLR(o, [T.ConstantLR(o, 0.1, 1000), T.ExponentialLR(o, 0.99), T.StepLR(o, 10, 0.5)],
                              [20, 150]), 0.3, False),
    (fp.ProductSchedule([fp.ExponentialDecay(0.3, 0.99), fp.ConstantFactor(1.0, factor=0.1, total_steps=20)]),
     lambda o: T.ChainedScheduler([T.ExponentialLR(o, 0.99), T.ConstantLR(o, 0.1, 20)]), 0.3, False),
]  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs", "value", "closed"), TWINS, ids=[repr(twin[0]) for twin in TWINS])
def test_every_value_is_pytorchs(ours, theirs, value, closed):
    found, expected = ours(range(STEPS)), rates(theirs, value, closed=closed)
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("options", ONE_CYCLE, ids=str)
def test_one_cycles_momentum_is_pytorchs(options):
    expected = rates(lambda o: T.OneCycleLR(o, 0.3, STEPS, **options), 0.3, closed=False, key="momentum")
    found = fp.OneCycleMomentum(total_steps=STEPS, **options)(range(STEPS))
    assert np.abs(found - expected).max() <= 1e-12


@pytest.mark.parametrize("options", CYCLIC, ids=str)
def test_the_cycle_of_the_momentum_is_pytorchs(options):
    expected = rates(lambda o: T.CyclicLR(o, 0.01, 0.3, **options), 0.3, closed=False, key="momentum")
    assert np.abs(fp.Cyclic(0.9, 0.8, **options)(range(STEPS)) - expected).max() <= 1e-12


def test_every_schedule_that_pytorch_has_is_compared():
    compared = {type(ours) for ours, *_ in TWINS} | {fp.OneCycleMomentum}
    assert set(SCHEDULES) - compared == {fp.InverseTimeDecay, fp.CosLog, fp.FlatCosine}
