"""Frames and series of pandas and polars, in every place where scikit-learn's estimators take arrays."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.inspection import permutation_importance
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastprop.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 150
rng = np.random.default_rng(0)
X = np.column_stack([rng.standard_normal((N, 2)), rng.integers(0, 5, N)])
names = np.array(["no", "yes"])[(X[:, 0] + X[:, 2] / 5 > 0.4).astype(int)]
weights = rng.uniform(0.5, 2, N)


@pytest.fixture(params=["pandas", "polars"])
def library(request):
    return pytest.importorskip(request.param)


@pytest.fixture
def frame(library):
    return library.DataFrame({"a": X[:, 0], "b": X[:, 1], "whole": X[:, 2].astype(int)})


def bits(model):
    return [array.tobytes() for array in (*model.coefs_, *model.intercepts_)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"solver": "lbfgs"},
        {"class_weight": "balanced"},
        {"class_weight": {"no": 2.0}},
        {"early_stopping": True},
        {"early_stopping": True, "scoring": "roc_auc"},
    ],
    ids=str,
)
def test_frames_and_series_are_as_arrays(settings, library, frame):
    """X, y, weights and held-out rows; nothing warns of names that are missing."""
    model, other = (MLPClassifier(random_state=0, max_iter=8, **settings) for _ in range(2))
    y, w = library.Series(names), library.Series(weights)
    model.fit(frame, y, w)
    other.fit(X, names, weights)
    assert bits(model) == bits(other)
    np.testing.assert_array_equal(model.feature_names_in_, ["a", "b", "whole"])
    np.testing.assert_array_equal(model.predict_proba(frame), other.predict_proba(X))
    assert model.score(frame, y, w) == other.score(X, names, weights)
    model.fit(frame, y, X_val=frame[:50], y_val=y[:50], sample_weight_val=w[:50])
    other.fit(X, names, X_val=X[:50], y_val=names[:50], sample_weight_val=weights[:50])
    assert bits(model) == bits(other)


def test_names_are_asked_for(frame):
    model = MLPRegressor(random_state=0, max_iter=2).fit(frame, X[:, 0])
    for columns in (["b", "a", "whole"], ["a", "b"]):
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame[columns])
    with pytest.warns(UserWarning, match="valid feature names"):
        model.predict(X)


def test_targets_of_several_columns_may_be_frames(library, frame):
    numbers = MLPRegressor(random_state=0, max_iter=5, early_stopping=True)
    assert bits(clone(numbers).fit(frame, frame[["a", "b"]])) == bits(numbers.fit(X, X[:, :2]))
    labels = library.DataFrame({"no": names == "no", "many": X[:, 2] > 2})
    several = MLPClassifier(random_state=0, max_iter=5, early_stopping=True)
    assert bits(clone(several).fit(frame, labels)) == bits(several.fit(X, labels.to_numpy()))


def test_partial_fits_take_frames(library, frame):
    model, other = (MLPClassifier(random_state=0, batch_size=40) for _ in range(2))
    for rows in (slice(0, 100), slice(50, 150)):
        model.partial_fit(frame[rows], library.Series(names[rows]), library.Series(weights[rows]), ["no", "yes"])
        other.partial_fit(X[rows], names[rows], weights[rows], ["no", "yes"])
    assert bits(model) == bits(other)


def test_missing_numbers_are_refused(library, frame):
    holed = library.DataFrame({"a": X[:, 0], "b": [None, *X[1:, 1]], "whole": [*X[1:, 2].astype(int), None]})
    with pytest.raises(ValueError, match="NaN"):
        MLPRegressor(random_state=0).fit(holed, X[:, 0])
    model = MLPRegressor(random_state=0, max_iter=1).fit(frame, X[:, 0])
    with pytest.raises(ValueError, match="NaN"):
        model.predict(holed)


def test_transformers_hand_frames_on(library, frame):
    """`set_output` of the pipeline; the model itself, without a `transform`, has none and gives arrays."""
    model = MLPClassifier(8, random_state=0, max_iter=60, learning_rate_init=0.02)
    columns = make_column_transformer((StandardScaler(), ["whole", "a"]), ("drop", ["b"]))
    pipeline = make_pipeline(columns, model).set_output(transform=library.__name__)
    assert cross_val_score(pipeline, frame, names, cv=3).mean() > 0.9
    pipeline.fit(frame, names)
    np.testing.assert_array_equal(
        pipeline[-1].feature_names_in_, ["standardscaler__whole", "standardscaler__a"]
    )  # fmt: skip
    assert isinstance(pipeline.predict(frame), np.ndarray)
    assert not hasattr(model, "set_output")


def test_columns_are_permuted_in_their_frames():
    frame = pd.DataFrame(X, columns=list("abc")).assign(word=np.where(X[:, 2] > 2, "much", "little"))
    model = MLPClassifier(20, random_state=0, max_iter=60, learning_rate_init=0.02, categorical_features=["word"])
    found = permutation_importance(model.fit(frame, names), frame, names, n_repeats=3, random_state=0)
    assert found.importances_mean.argmax() == 0
    selected = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include=float)), remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")  # fmt: skip
    assert cross_val_score(make_pipeline(selected, model), frame, names, cv=3).mean() > 0.85
