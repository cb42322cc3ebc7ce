"""Layers: frozen descriptions without numbers. `Sequential` owns the numbers."""

from fastprop.layers.base import Activate, Layer, Parameter
from fastprop.layers.branches import Concatenate, Residual
from fastprop.layers.dense import Dense
from fastprop.layers.normalization import BatchNorm, LayerNorm, RMSNorm, Scale
from fastprop.layers.random import AlphaDropout, Dropout

__all__ = [
    "Activate",
    "AlphaDropout",
    "BatchNorm",
    "Concatenate",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "Parameter",
    "RMSNorm",
    "Residual",
    "Scale",
]

LAYERS: tuple[type[Layer], ...] = (
    Dense,
    Activate,
    Dropout,
    AlphaDropout,
    BatchNorm,
    LayerNorm,
    RMSNorm,
    Scale,
    Residual,
    Concatenate,
)
