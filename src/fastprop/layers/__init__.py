"""Layers: frozen descriptions without numbers. `Sequential` owns the numbers."""

from fastprop.layers.base import Activate, Layer, Parameter
from fastprop.layers.branches import Concatenate, Residual
from fastprop.layers.dense import Dense
from fastprop.layers.random import AlphaDropout, Dropout

__all__ = ["Activate", "AlphaDropout", "Concatenate", "Dense", "Dropout", "Layer", "Parameter", "Residual"]

LAYERS: tuple[type[Layer], ...] = (Dense, Activate, Dropout, AlphaDropout, Residual, Concatenate)
