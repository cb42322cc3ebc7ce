"""Dense neural networks on the CPU, trained by backpropagation in a small native core.

>>> import fastprop as fp
>>> X, y = fp.datasets.load_digits()
>>> model = fp.mlp(64, 64, 10, activation="relu", output="softmax", seed=0)
>>> trainer = fp.Trainer(model, loss="cross_entropy", optimizer=fp.SGD(0.1, momentum=0.9), metrics=["accuracy"])
>>> history = trainer.fit(X[:1500] / 16, y[:1500], epochs=20)
>>> bool(trainer.evaluate(X[1500:] / 16, y[1500:])["accuracy"] > 0.9)
True
"""

from fastprop import activations, callbacks, datasets, initializers, layers, losses, metrics, optimizers, schedules
from fastprop._version import __version__
from fastprop.activations import CELU, ELU, GELU, CustomActivation, HardTanh, LeakyReLU, Softplus
from fastprop.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
    TimeBudget,
)
from fastprop.derivatives import (
    hessian_vector_product,
    input_gradient,
    jacobian,
    row_gradient_norms,
    row_gradients,
)
from fastprop.gradients import GradientCheck, check_gradients, gradient
from fastprop.history import History
from fastprop.layers import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    ParametricActivation,
    PeriodicEmbedding,
    PReLU,
    Residual,
    RMSNorm,
    RobustScale,
    Scale,
    Select,
    Standardize,
)
from fastprop.learning_rates import LearningRateSearch, find_learning_rate
from fastprop.losses import MSE, BinaryCrossEntropy, CrossEntropy
from fastprop.machine import num_threads, set_num_threads, show_config, target, targets
from fastprop.model import Sequential, load, mlp
from fastprop.optimizers import SGD
from fastprop.schedules import (
    ConstantFactor,
    CosineDecay,
    CosineRestarts,
    CosLog,
    Cyclic,
    ExponentialDecay,
    FlatCosine,
    FunctionSchedule,
    InverseTimeDecay,
    LinearRamp,
    MultiStepDecay,
    OneCycle,
    OneCycleMomentum,
    PolynomialDecay,
    ProductSchedule,
    SequentialSchedule,
    StepDecay,
    Warmup,
)
from fastprop.trainer import DivergedError, Trainer

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "MSE",
    "SGD",
    "Activate",
    "AlphaDropout",
    "BatchNorm",
    "BinaryCrossEntropy",
    "CSVLogger",
    "Callback",
    "Concatenate",
    "ConstantFactor",
    "CosLog",
    "CosineDecay",
    "CosineRestarts",
    "CrossEntropy",
    "CustomActivation",
    "Cyclic",
    "Dense",
    "DivergedError",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "ExponentialDecay",
    "FlatCosine",
    "FunctionSchedule",
    "GradientCheck",
    "HardTanh",
    "History",
    "InverseTimeDecay",
    "LambdaCallback",
    "LayerNorm",
    "LeakyReLU",
    "LearningRateScheduler",
    "LearningRateSearch",
    "LinearRamp",
    "ModelCheckpoint",
    "MultiStepDecay",
    "OneCycle",
    "OneCycleMomentum",
    "PReLU",
    "ParametricActivation",
    "PeriodicEmbedding",
    "PolynomialDecay",
    "ProductSchedule",
    "RMSNorm",
    "ReduceLROnPlateau",
    "Residual",
    "RobustScale",
    "Scale",
    "Select",
    "Sequential",
    "SequentialSchedule",
    "Softplus",
    "Standardize",
    "StepDecay",
    "TerminateOnNaN",
    "TimeBudget",
    "Trainer",
    "Warmup",
    "__version__",
    "activations",
    "callbacks",
    "check_gradients",
    "datasets",
    "find_learning_rate",
    "gradient",
    "hessian_vector_product",
    "initializers",
    "input_gradient",
    "jacobian",
    "layers",
    "load",
    "losses",
    "metrics",
    "mlp",
    "num_threads",
    "optimizers",
    "row_gradient_norms",
    "row_gradients",
    "schedules",
    "set_num_threads",
    "show_config",
    "target",
    "targets",
]
