"""Callbacks: what `fit` tells how training goes on, and what may stop it, save it or change its rate."""

from fastprop.callbacks.base import Callback, CallbackList, LambdaCallback
from fastprop.callbacks.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from fastprop.callbacks.others import CSVLogger, TerminateOnNaN, TimeBudget
from fastprop.callbacks.rates import LearningRateScheduler

CALLBACKS: tuple[type[Callback], ...] = (
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
    LearningRateScheduler,
    TimeBudget,
    TerminateOnNaN,
    CSVLogger,
    LambdaCallback,
)

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
    "TimeBudget",
]
