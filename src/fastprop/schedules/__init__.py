"""Schedules: numbers that change while a network is trained, for the rate or any other number of an optimizer."""

from fastprop.schedules.base import Clock, Schedule, number_or_schedule, values_of
from fastprop.schedules.decays import (
    ConstantFactor,
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    LinearRamp,
    MultiStepDecay,
    PolynomialDecay,
    StepDecay,
)

__all__ = [
    "Clock",
    "ConstantFactor",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LinearRamp",
    "MultiStepDecay",
    "PolynomialDecay",
    "Schedule",
    "StepDecay",
    "number_or_schedule",
    "values_of",
]

SCHEDULES: tuple[type[Schedule], ...] = (
    ConstantFactor,
    StepDecay,
    MultiStepDecay,
    ExponentialDecay,
    LinearRamp,
    PolynomialDecay,
    CosineDecay,
    InverseTimeDecay,
)
