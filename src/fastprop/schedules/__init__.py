"""Schedules: numbers that change while a network is trained, for the rate or any other number of an optimizer."""

from fastprop.schedules.base import Clock, Schedule, number_or_schedule, values_of
from fastprop.schedules.combined import FunctionSchedule, ProductSchedule, SequentialSchedule, Warmup
from fastprop.schedules.cycles import CosineRestarts, CosLog, Cyclic, FlatCosine, OneCycle, OneCycleMomentum
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

SCHEDULES: tuple[type[Schedule], ...] = (
    ConstantFactor,
    StepDecay,
    MultiStepDecay,
    ExponentialDecay,
    LinearRamp,
    PolynomialDecay,
    CosineDecay,
    CosineRestarts,
    OneCycle,
    OneCycleMomentum,
    Cyclic,
    InverseTimeDecay,
    CosLog,
    FlatCosine,
    Warmup,
    SequentialSchedule,
    ProductSchedule,
    FunctionSchedule,
)

__all__ = [
    "Clock",
    "ConstantFactor",
    "CosLog",
    "CosineDecay",
    "CosineRestarts",
    "Cyclic",
    "ExponentialDecay",
    "FlatCosine",
    "FunctionSchedule",
    "InverseTimeDecay",
    "LinearRamp",
    "MultiStepDecay",
    "OneCycle",
    "OneCycleMomentum",
    "PolynomialDecay",
    "ProductSchedule",
    "Schedule",
    "SequentialSchedule",
    "StepDecay",
    "Warmup",
    "number_or_schedule",
    "values_of",
]
