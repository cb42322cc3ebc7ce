"""scikit-learn's multilayer perceptrons, trained by fastprop: change one import.

>>> from fastprop.sklearn import MLPClassifier                  # instead of sklearn.neural_network's

On the same data a fit with the same ``random_state`` follows scikit-learn's own trajectory to rounding. docs/sklearn.md
tells what differs, and what there is besides. Needs scikit-learn: ``pip install 'fastprop-nn[sklearn]'``.
"""

from fastprop.sklearn import _threads  # noqa: F401  so that threadpoolctl knows
from fastprop.sklearn.classifier import MLPClassifier
from fastprop.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
