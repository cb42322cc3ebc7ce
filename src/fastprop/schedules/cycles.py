"""Schedules that go up and down: restarts, one cycle, many cycles, and RealMLP's two. t counts steps from 0."""

from dataclasses import KW_ONLY

import numpy as np

from fastprop import _arithmetic, _checks
from fastprop._values import frozen
from fastprop.schedules.base import Schedule, Values

__all__ = ["CosLog", "CosineRestarts", "Cyclic", "FlatCosine", "OneCycle", "OneCycleMomentum"]

MODES = ("triangular", "triangular2", "exp_range")
STRATEGIES = ("cos", "linear")


@frozen
class CosineRestarts(Schedule):
    """``minimum + (value - minimum) * (1 + cos(pi * c / T)) / 2``, where a cycle of T steps is in its step c.

    The first cycle is of `first_steps` steps, each one after it `multiplier` times as long as the one before.

    Parameters
    ----------
    value : float
        The value at the start of each cycle.
    first_steps : int
        PyTorch's ``T_0``.
    multiplier : int, default 1
        PyTorch's ``T_mult``; Keras's ``CosineDecayRestarts`` has 2 by default.
    minimum : float, default 0.0
        PyTorch's ``eta_min``.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    I. Loshchilov & F. Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR, eq. 5;
    ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``.

    Examples
    --------
    >>> CosineRestarts(1.0, 2, multiplier=2)(range(7))
    array([1.        , 0.5       , 1.        , 0.85355339, 0.5       ,
           0.14644661, 1.        ])
    """

    value: float
    first_steps: int
    _: KW_ONLY
    multiplier: int = 1
    minimum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            value=_checks.number("value", self.value),
            first_steps=_checks.integer("first_steps", self.first_steps),
            multiplier=_checks.integer("multiplier", self.multiplier),
            minimum=_checks.number("minimum", self.minimum),
        )

    def at(self, t: Values, total: int | None) -> Values:
        if self.multiplier == 1:
            share = t % self.first_steps / self.first_steps
        else:
            starts = self._starts(int(t.max(initial=0)))
            cycle = np.searchsorted(starts, t, side="right") - 1
            share = (t - starts[cycle]) / (self.first_steps * _arithmetic.whole_power(float(self.multiplier), cycle))
        return self.minimum + (self.value - self.minimum) * (1 + _arithmetic.cos_pi(share)) / 2

    def _starts(self, latest: int) -> Values:
        """The steps at which cycles begin, up to `latest`."""
        starts, length = [0], self.first_steps
        while starts[-1] + length <= latest:
            starts.append(starts[-1] + length)
            length *= self.multiplier
        return np.array(starts, dtype=float)


@frozen
class Cyclic(Schedule):
    """From `base` up to `maximum` in `step_size_up` steps, down again in `step_size_down`, and so on along lines.

    ``base + (maximum - base) * h * s``, h being the height in the cycle, 0..1, and s by `mode`:

    - "triangular": 1;
    - "triangular2": 1 / 2**c in cycle c, which counts from 0: half as high each time;
    - "exp_range": gamma**t.

    With `base` above `maximum` it goes down first: that is PyTorch's cycle of the momentum, say
    ``momentum=Cyclic(0.9, 0.8)``.

    Parameters
    ----------
    base, maximum : float
        PyTorch's ``base_lr`` and ``max_lr``.
    step_size_up : int, default 2000
    step_size_down : int, optional
        As many as up by default.
    mode : {"triangular", "triangular2", "exp_range"}, default "triangular"
    gamma : float, default 1.0
        For "exp_range".
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range, or an unknown mode.

    References
    ----------
    L. N. Smith (2017), "Cyclical Learning Rates for Training Neural Networks", WACV;
    ``torch.optim.lr_scheduler.CyclicLR``.

    Examples
    --------
    >>> Cyclic(0.0, 1.0, step_size_up=2, mode="triangular2")(range(9))
    array([0.  , 0.5 , 1.  , 0.5 , 0.  , 0.25, 0.5 , 0.25, 0.  ])
    """

    base: float
    maximum: float
    _: KW_ONLY
    step_size_up: int = 2000
    step_size_down: int | None = None
    mode: str = "triangular"
    gamma: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            base=_checks.number("base", self.base),
            maximum=_checks.number("maximum", self.maximum),
            step_size_up=_checks.integer("step_size_up", self.step_size_up),
            mode=_checks.choice("mode", self.mode, MODES),
            gamma=_checks.number("gamma", self.gamma, low=0),
        )
        if self.step_size_down is not None:
            self._set(step_size_down=_checks.integer("step_size_down", self.step_size_down))

    def at(self, t: Values, total: int | None) -> Values:
        up, down = self.step_size_up, self.step_size_up if self.step_size_down is None else self.step_size_down
        cycle, place = np.divmod(t, up + down)
        height = np.where(place <= up, place / up, (up + down - place) / down)
        return self.base + (self.maximum - self.base) * height * self._scale(t, cycle)

    def _scale(self, t: Values, cycle: Values) -> Values:
        if self.mode == "triangular2":
            return _arithmetic.whole_power(0.5, cycle)
        if self.mode == "exp_range":
            return _arithmetic.whole_power(self.gamma, t)
        return np.ones(t.shape)


@frozen
class _Phases(Schedule):
    """A cycle in two or three phases, each from one value to another; after its last step it stays."""

    _: KW_ONLY
    total_steps: int | None = None
    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    three_phase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_length(self.total_steps)
        self._set(
            pct_start=_checks.number("pct_start", self.pct_start, low=0, high=1),
            anneal_strategy=_checks.choice("anneal_strategy", self.anneal_strategy, STRATEGIES),
            three_phase=_checks.flag("three_phase", self.three_phase),
        )

    def _turns(self) -> tuple[float, float, float]:
        """The values at the start and again after the second of three phases, at the first turn, and at the end."""
        raise NotImplementedError

    def at(self, t: Values, total: int | None) -> Values:
        length = self._length(self.total_steps, total)
        start, turn, end = self._turns()
        rise = self.pct_start * length
        ends, values = [rise - 1, length - 1.0], [start, turn, end]
        if self.three_phase:
            ends, values = [rise - 1, 2 * rise - 2, length - 1.0], [start, turn, start, end]
        t = np.minimum(t, length - 1.0)
        result = np.empty(t.shape)
        begin, open_ = 0.0, np.ones(t.shape, dtype=bool)  # of the steps, which are in this phase or a later one
        for i, finish in enumerate(ends):
            here = open_ & (t <= finish) if i < len(ends) - 1 else open_
            share = (t[here] - begin) / (finish - begin) if finish != begin else np.ones(int(here.sum()))
            result[here] = self._between(values[i], values[i + 1], share)
            begin, open_ = finish, open_ & ~here
        return result

    def _between(self, start: float, end: float, share: Values) -> Values:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2 * (_arithmetic.cos_pi(share) + 1)


@frozen
class OneCycle(_Phases):
    """Up from ``maximum / div_factor`` to `maximum`, then down to ``maximum / div_factor / final_div_factor``.

    From a to b, p being the share of the way::

        b + (a - b) * (1 + cos(pi * p)) / 2         for "cos"
        a + (b - a) * p                             for "linear"

    The way up takes ``pct_start * total_steps`` steps, the way down the rest; with `three_phase` the way down first
    mirrors the way up, then goes on to the end. After its last step the value stays. In PyTorch a OneCycleLR moves the
    momentum too: here that is `OneCycleMomentum`.

    Parameters
    ----------
    maximum : float
        PyTorch's ``max_lr``.
    total_steps : int, optional
        The whole fit by default.
    pct_start : float, default 0.3
        The share of the way up, 0..1.
    anneal_strategy : {"cos", "linear"}, default "cos"
    three_phase : bool, default False
    div_factor : float, default 25.0
        Above 0.
    final_div_factor : float, default 1e4
        Above 0.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range, or an unknown strategy.

    References
    ----------
    L. N. Smith & N. Topin (2018), "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", arXiv:1708.07120; ``torch.optim.lr_scheduler.OneCycleLR``.

    Examples
    --------
    >>> OneCycle(1.0, total_steps=10, anneal_strategy="linear", div_factor=4.0)(range(10)).round(3)
    array([0.25 , 0.625, 1.   , 0.857, 0.714, 0.571, 0.429, 0.286, 0.143,
           0.   ])
    """

    maximum: float
    _: KW_ONLY
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            maximum=_checks.number("maximum", self.maximum),
            div_factor=_checks.positive("div_factor", self.div_factor),
            final_div_factor=_checks.positive("final_div_factor", self.final_div_factor),
        )

    def _turns(self) -> tuple[float, float, float]:
        start = self.maximum / self.div_factor
        return start, self.maximum, start / self.final_div_factor


@frozen
class OneCycleMomentum(_Phases):
    """A momentum, or Adam's beta_1, that goes down from ``maximum`` to ``base`` while a `OneCycle` goes up, and back.

    Parameters
    ----------
    base, maximum : float, default 0.85 and 0.95
        PyTorch's ``base_momentum`` and ``max_momentum``.
    total_steps, pct_start, anneal_strategy, three_phase, per
        As the `OneCycle` beside it.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range, or an unknown strategy.

    References
    ----------
    ``torch.optim.lr_scheduler.OneCycleLR`` with ``cycle_momentum=True``.

    Examples
    --------
    >>> OneCycleMomentum(total_steps=10, anneal_strategy="linear")(range(10)).round(3)
    array([0.95 , 0.9  , 0.85 , 0.864, 0.879, 0.893, 0.907, 0.921, 0.936,
           0.95 ])
    """

    base: float = 0.85
    maximum: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(base=_checks.number("base", self.base), maximum=_checks.number("maximum", self.maximum))

    def _turns(self) -> tuple[float, float, float]:
        return self.maximum, self.base, self.maximum


@frozen
class CosLog(Schedule):
    """``value * (1 - cos(2 pi log2(1 + (2**n - 1) * t / T))) / 2``: n cycles from 0 to `value` and back in T steps.

    Each is about twice as long as the one before. With n = 4 it is "coslog4", RealMLP's learning rate.

    Parameters
    ----------
    value : float
        The largest value.
    n_cycles : int, default 4
    total_steps : int, optional
        T; the whole fit by default.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    D. Holzmueller, L. Grinsztajn & I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
    Tabular Data", NeurIPS, appendix A; pytabkit's ``coslog4``.

    Examples
    --------
    >>> CosLog(1.0, n_cycles=2, total_steps=6)(range(7)).round(3)
    array([0.   , 0.93 , 0.   , 0.718, 0.93 , 0.324, 0.   ])
    """

    value: float
    _: KW_ONLY
    n_cycles: int = 4
    total_steps: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_length(self.total_steps)
        self._set(
            value=_checks.number("value", self.value), n_cycles=_checks.integer("n_cycles", self.n_cycles, high=50)
        )  # fmt: skip

    def at(self, t: Values, total: int | None) -> Values:
        share = t / self._length(self.total_steps, total)
        turns = _arithmetic.core("log", 1 + (2**self.n_cycles - 1) * share) / LOG_2
        return self.value * (1 - _arithmetic.cos_pi(2 * turns)) / 2


LOG_2 = 0.6931471805599453  # log(2), rounded to nearest


@frozen
class FlatCosine(Schedule):
    """`value` for the first half, then down to `minimum` along half a cosine: "flat_cos", RealMLP's dropout and decay.

    With u = (t / T - flat) / (1 - flat) from ``t / T = flat`` on::

        minimum + (value - minimum) * (1 + cos(pi * u)) / 2

    Parameters
    ----------
    value : float
        The value at the start.
    flat : float, default 0.5
        The share of the steps without change, 0..1, 1 excluded.
    total_steps : int, optional
        T; the whole fit by default. From there on the value is `minimum`.
    minimum : float, default 0.0
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    D. Holzmueller, L. Grinsztajn & I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
    Tabular Data", NeurIPS, appendix A; pytabkit's ``flat_cos``.

    Examples
    --------
    >>> FlatCosine(0.15, total_steps=8)(range(9)).round(3)
    array([0.15 , 0.15 , 0.15 , 0.15 , 0.15 , 0.128, 0.075, 0.022, 0.   ])
    """

    value: float
    _: KW_ONLY
    flat: float = 0.5
    total_steps: int | None = None
    minimum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_length(self.total_steps)
        self._set(
            value=_checks.number("value", self.value),
            flat=_checks.number("flat", self.flat, low=0, high=1, open_high=True),
            minimum=_checks.number("minimum", self.minimum),
        )

    def at(self, t: Values, total: int | None) -> Values:
        share = np.minimum(t / self._length(self.total_steps, total), 1)
        falling = np.maximum((share - self.flat) / (1 - self.flat), 0)
        return self.minimum + (self.value - self.minimum) * (1 + _arithmetic.cos_pi(falling)) / 2
