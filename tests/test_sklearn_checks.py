"""scikit-learn's check_estimator, for several settings of both classes."""

import pytest
from sklearn import neural_network
from sklearn.utils.estimator_checks import check_estimator

from fastprop.sklearn import MLPClassifier, MLPRegressor

QUICK = [{}]
SETTINGS = [
    {"solver": "lbfgs", "max_iter": 50},
    {"solver": "sgd", "learning_rate": "adaptive"},
    {"solver": "sgd", "learning_rate_init": 0.01},
    {"activation": "logistic"},
    {"activation": ["tanh", "gelu"], "hidden_layer_sizes": (30, 20)},
    {"solver": "nadam", "learning_rate_init": 0.01},
    {"alpha": 0.1, "activation": "silu"},
    {"beta_2": 0.99, "n_threads": 1},
    {"categorical_features": "from_dtype"},
    {"categorical_features": [1]},  # with 0, the checks ask for nan to be refused there, which is a category
]
EITHER = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])


def assert_passes(estimator):
    """Nothing fails, and no more is skipped than for scikit-learn's own class."""
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {result["check_name"]: result["exception"] for result in results if result["status"] == "failed"}
    assert not failed
    assert not [result for result in results if result["status"] == "xfail"]
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    assert skipped <= {"check_array_api_input", "check_classifiers_multilabel_output_format_decision_function"}


@EITHER
@pytest.mark.parametrize("settings", QUICK, ids=str)
@pytest.mark.filterwarnings("ignore")
def test_check_estimator_quickly(cls, settings):
    assert_passes(cls(**settings))


@EITHER
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_check_estimator(cls, settings):
    assert_passes(cls(**settings))


# What scikit-learn's own classes are not asked: it checks their weights with solver="lbfgs" alone, and they have no
# class_weight.
NOT_ASKED = {"check_sample_weight_equivalence_on_dense_data", "check_class_weight_classifiers"}


@EITHER
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("settings", [{"early_stopping": True}, {"warm_start": True}, {"batch_size": 16}], ids=str)
def test_no_check_fails_that_scikit_learns_own_class_passes(cls, settings):
    """Settings with which the checks ask for what nobody gives, such as the same fit of weights and of repeated rows
    batch by batch.
    """

    def failed(estimator):
        results = check_estimator(estimator, on_fail=None, on_skip=None)
        return {result["check_name"] for result in results if result["status"] == "failed"}

    assert failed(cls(**settings)) - NOT_ASKED <= failed(getattr(neural_network, cls.__name__)(**settings))
