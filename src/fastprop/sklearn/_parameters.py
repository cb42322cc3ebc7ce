"""What the estimators' parameters may be. Checked when a model is fitted, as scikit-learn does, not when it is made."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from fastprop.activations import ACTIVATIONS, Activation
from fastprop.losses import LOSSES, Loss
from fastprop.optimizers import OPTIMIZERS, Optimizer
from fastprop.schedules import Schedule

__all__ = ["CLASSIFIER", "REGRESSOR"]

POSITIVE_WHOLE = Interval(Integral, 1, None, closed="left")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
SHARE = Interval(Real, 0, 1, closed="left")

COMMON: dict[str, list[Any]] = {
    # scikit-learn's
    "hidden_layer_sizes": ["array-like", POSITIVE_WHOLE],
    "activation": [StrOptions({"logistic", *ACTIVATIONS}), Activation, list, tuple],
    "solver": [StrOptions({"lbfgs", *OPTIMIZERS}), Optimizer],
    "alpha": [NOT_NEGATIVE],
    "batch_size": [StrOptions({"auto"}), POSITIVE_WHOLE],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), Schedule],
    "learning_rate_init": [POSITIVE],
    "power_t": [NOT_NEGATIVE],
    "max_iter": [POSITIVE_WHOLE],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [NOT_NEGATIVE],
    "verbose": ["verbose", StrOptions({"progress"})],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [SHARE],
    "beta_1": [SHARE],
    "beta_2": [SHARE],
    "epsilon": [POSITIVE],
    "n_iter_no_change": [POSITIVE_WHOLE, Options(Real, {np.inf})],
    "max_fun": [POSITIVE_WHOLE],
    # fastprop's own
    "dropout": [SHARE],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "embedding_dim": [StrOptions({"auto"}), POSITIVE_WHOLE, "array-like"],
    "batch_norm": ["boolean"],
    "scoring": [str, callable, None],
    "callbacks": [None, HasMethods("__iter__")],
    "max_seconds": [None, POSITIVE],
    "n_threads": [None, POSITIVE_WHOLE],
}

CLASSIFIER = COMMON | {
    "loss": [StrOptions({"log_loss", *LOSSES}), Loss],
    "class_weight": [dict, list, StrOptions({"balanced"}), None],
}
REGRESSOR = COMMON | {"loss": [StrOptions({"squared_error", *LOSSES}), Loss]}
