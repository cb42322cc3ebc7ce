"""Dense neural networks on the CPU, trained by backpropagation in a small native core.

>>> import fastprop as fp
>>> X, y = fp.datasets.load_digits()
>>> model = fp.mlp(64, 64, 10, activation="relu", output="softmax", seed=0)
>>> trainer = fp.Trainer(model, loss="cross_entropy", optimizer=fp.SGD(0.1, momentum=0.9), metrics=["accuracy"])
>>> history = trainer.fit(X[:1500] / 16, y[:1500], epochs=20)
>>> bool(trainer.evaluate(X[1500:] / 16, y[1500:])["accuracy"] > 0.9)
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from fastprop.losses import (
    MAE,
    MSE,
    NLL,
    BinaryCrossEntropy,
    BinaryFocal,
    CosineSimilarity,
    CrossEntropy,
    CustomLoss,
    Focal,
    Gamma,
    GaussianNLL,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    Poisson,
    Quantile,
    SmoothL1,
    SquaredHinge,
    Tweedie,
)
from fastprop.machine import limit_threads, num_threads, set_num_threads, show_config, target, targets
from fastprop.model import Sequential, load, mlp
from fastprop.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    NAdam,
    ParameterGroup,
    RAdam,
    RMSprop,
    Rprop,
)
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

if TYPE_CHECKING:  # what few programs need is imported when it is asked for
    from fastprop.derivatives import (
        hessian_vector_product,
        input_gradient,
        jacobian,
        row_gradient_norms,
        row_gradients,
    )
    from fastprop.gradients import GradientCheck, check_gradients, gradient
    from fastprop.learning_rates import LearningRateSearch, find_learning_rate
    from fastprop.minimization import Minimization, minimize

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "MAE",
    "MSE",
    "NLL",
    "SGD",
    "Activate",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AlphaDropout",
    "BatchNorm",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "CSVLogger",
    "Callback",
    "Concatenate",
    "ConstantFactor",
    "CosLog",
    "CosineDecay",
    "CosineRestarts",
    "CosineSimilarity",
    "CrossEntropy",
    "CustomActivation",
    "CustomLoss",
    "Cyclic",
    "Dense",
    "DivergedError",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "ExponentialDecay",
    "FlatCosine",
    "Focal",
    "FunctionSchedule",
    "Gamma",
    "GaussianNLL",
    "GradientCheck",
    "HardTanh",
    "Hinge",
    "History",
    "Huber",
    "InverseTimeDecay",
    "KLDivergence",
    "LambdaCallback",
    "LayerNorm",
    "LeakyReLU",
    "LearningRateScheduler",
    "LearningRateSearch",
    "LinearRamp",
    "Lion",
    "LogCosh",
    "Minimization",
    "ModelCheckpoint",
    "MultiStepDecay",
    "NAdam",
    "OneCycle",
    "OneCycleMomentum",
    "PReLU",
    "ParameterGroup",
    "ParametricActivation",
    "PeriodicEmbedding",
    "Poisson",
    "PolynomialDecay",
    "ProductSchedule",
    "Quantile",
    "RAdam",
    "RMSNorm",
    "RMSprop",
    "ReduceLROnPlateau",
    "Residual",
    "RobustScale",
    "Rprop",
    "Scale",
    "Select",
    "Sequential",
    "SequentialSchedule",
    "SmoothL1",
    "Softplus",
    "SquaredHinge",
    "Standardize",
    "StepDecay",
    "TerminateOnNaN",
    "TimeBudget",
    "Trainer",
    "Tweedie",
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
    "limit_threads",
    "load",
    "losses",
    "metrics",
    "minimize",
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

_ON_DEMAND = ("derivatives", "gradients", "learning_rates", "minimization")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module_name in _ON_DEMAND:
            module = import_module(f"{__name__}.{module_name}")
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
