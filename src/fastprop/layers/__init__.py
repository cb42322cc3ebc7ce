"""Layers: frozen descriptions without numbers. `Sequential` owns the numbers."""

from fastprop.layers.base import Activate, Layer, Parameter
from fastprop.layers.branches import Concatenate, Residual
from fastprop.layers.columns import Embedding, Select
from fastprop.layers.data import RobustScale, Standardize
from fastprop.layers.dense import Dense
from fastprop.layers.learnt import ParametricActivation, PeriodicEmbedding, PReLU
from fastprop.layers.normalization import BatchNorm, LayerNorm, RMSNorm, Scale
from fastprop.layers.random import AlphaDropout, Dropout

__all__ = [
    "Activate",
    "AlphaDropout",
    "BatchNorm",
    "Concatenate",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "PReLU",
    "Parameter",
    "ParametricActivation",
    "PeriodicEmbedding",
    "RMSNorm",
    "Residual",
    "RobustScale",
    "Scale",
    "Select",
    "Standardize",
]

LAYERS: tuple[type[Layer], ...] = (
    Dense,
    Activate,
    PReLU,
    ParametricActivation,
    Dropout,
    AlphaDropout,
    BatchNorm,
    LayerNorm,
    RMSNorm,
    Scale,
    Standardize,
    RobustScale,
    Embedding,
    PeriodicEmbedding,
    Select,
    Residual,
    Concatenate,
)
