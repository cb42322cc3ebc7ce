"""Fits with the same random_state follow scikit-learn's own, epoch by epoch."""

import warnings
from inspect import signature

import numpy as np
import pytest
import scipy.sparse
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import fastprop.sklearn
from fastprop.sklearn import MLPClassifier, MLPRegressor

EPOCHS = 20


def digits():
    X, y = datasets.load_digits(return_X_y=True)
    return X[:700] / 16, y[:700]


def iris():
    X, y = datasets.load_iris(return_X_y=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


def diabetes():
    X, y = datasets.load_diabetes(return_X_y=True)
    return X / X.std(axis=0), y / y.std()


def words():
    """A sparse matrix as of words in texts, and whether some of them occur."""
    X = scipy.sparse.random(400, 1000, 0.01, format="csr", random_state=0)
    return X, (np.asarray(X[:, :50].sum(axis=1)).ravel() > 0.2).astype(int)


def labels():
    X, y = digits()
    return X[:300], np.column_stack([y % 2 == 0, y > 4, y == 3]).astype(int)[:300]


SETTINGS = [
    {"solver": "adam"},
    {"solver": "adam", "alpha": 1.0, "batch_size": 33, "activation": "tanh"},
    {"solver": "adam", "early_stopping": True},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "nesterovs_momentum": False, "activation": "logistic", "hidden_layer_sizes": (20, 10)},
    {"solver": "sgd", "momentum": 0, "shuffle": False, "activation": "identity"},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 2},
]


def fitted(ours, X, y, weights=None, **settings):
    """Both, after the same epochs."""
    theirs = getattr(neural_network, ours.__name__)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [cls(max_iter=EPOCHS, random_state=3, **settings).fit(X, y, weights) for cls in (ours, theirs)]


def assert_same_path(ours, theirs):
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    for mine, other in zip((*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-9)
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    if theirs.validation_scores_ is None:
        assert ours.validation_scores_ is None
    else:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-9)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("data", [digits, iris, words, labels], ids=lambda data: data.__name__)
def test_a_classifier_follows_scikit_learn(data, settings):
    X, y = data()
    ours, theirs = fitted(MLPClassifier, X, y, **settings)
    assert_same_path(ours, theirs)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-7)
    assert accuracy_score(ours.predict(X), theirs.predict(X)) == 1


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_regressor_follows_scikit_learn(settings):
    X, y = diabetes()
    ours, theirs = fitted(MLPRegressor, X, y, **settings)
    assert_same_path(ours, theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)


@pytest.mark.parametrize("settings", [{"solver": "adam"}, {"solver": "sgd", "learning_rate_init": 0.01}], ids=str)
def test_poisson_and_weights_follow_scikit_learn(settings):
    """Its batches' losses are weighted means, and an epoch's is their mean by rows."""
    X, y = diabetes()
    weights = np.random.default_rng(0).uniform(0.1, 2, len(y))
    assert_same_path(*fitted(MLPRegressor, X, np.round(y), weights, loss="poisson", batch_size=33, **settings))
    assert_same_path(*fitted(MLPRegressor, X, y, weights, batch_size=33, alpha=0.1, **settings))
    assert_same_path(*fitted(MLPRegressor, X, y, weights, early_stopping=True, **settings))


@pytest.mark.parametrize(
    ("given", "made_up"),
    [
        ({"solver": "sgd", "learning_rate_init": 0.01, "alpha": 0.3}, {"learning_rate_init": 0.03, "alpha": 0.1}),
        ({"solver": "adam", "epsilon": 3e-8, "alpha": 0.3}, {"epsilon": 1e-8, "alpha": 0.1}),
    ],
    ids=str,
)
def test_several_outputs_follow_scikit_learn_where_its_factor_is_made_up_for(given, made_up):
    """Its gradient is three times that of its loss: docs/sklearn.md says how to go its way all the same."""
    X, Y = (StandardScaler().fit_transform(part) for part in datasets.load_linnerud(return_X_y=True))
    (_, theirs), (ours, _) = (fitted(MLPRegressor, X, Y, **settings) for settings in (given, given | made_up))
    for mine, other in zip((*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


def test_partial_fit_follows_scikit_learn():
    X, y = iris()
    pair = [cls(solver="sgd", random_state=1) for cls in (MLPClassifier, neural_network.MLPClassifier)]
    for _ in range(3):
        for rows in (slice(0, 70), slice(70, 150), slice(0, 150, 3)):
            for model in pair:
                model.partial_fit(X[rows], y[rows], classes=np.unique(y))
    assert_same_path(*pair)


def test_lbfgs_finds_scikit_learns_minimum():
    """Both follow L-BFGS-B; small differences grow along the way, so what they reach is compared."""
    X, y = diabetes()
    ours, theirs = fitted(MLPRegressor, X, y, solver="lbfgs", hidden_layer_sizes=5, alpha=1.0, activation="tanh")
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)
    assert not hasattr(ours, "loss_curve_")


def test_float32_is_trained_in_float32():
    X, y = iris()
    ours, theirs = fitted(MLPClassifier, X.astype(np.float32), y)
    assert ours.coefs_[0].dtype == ours.predict_proba(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-4)


def test_the_constructors_have_scikit_learns_parameters():
    """In its order, with its defaults, before those of fastprop alone."""
    for cls in (MLPClassifier, MLPRegressor):
        theirs, ours = (
            list(signature(one).parameters.values()) for one in (getattr(neural_network, cls.__name__), cls)
        )
        assert [(p.name, p.default, p.kind) for p in ours[: len(theirs)]] == [
            (p.name, p.default, p.kind) for p in theirs
        ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud"])
def test_whole_fits_score_as_scikit_learns(name, dtype):
    """On held-out rows, with the defaults: the mean over seeds is within the spread of scikit-learn's.

    `python benchmarks --parts fits` does so on larger data too.
    """
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype(dtype)
    classes = y.ndim == 1 and y.dtype.kind == "i"
    if not classes:
        y = ((y - y.mean(axis=0)) / y.std(axis=0)).astype(dtype)
    scores = []
    for seed in range(5):
        train, test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y if classes else None)
        for library in (fastprop.sklearn, neural_network):
            model = (library.MLPClassifier if classes else library.MLPRegressor)(random_state=seed)
            with threadpool_limits(1):
                scores.append(model.fit(train, y_train).score(test, y_test))
    ours, theirs = scores[::2], scores[1::2]
    assert abs(np.mean(ours) - np.mean(theirs)) <= np.std(theirs, ddof=1)
