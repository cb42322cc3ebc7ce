"""Columns of categories in scikit-learn's estimators: what an embedding is beside one-hot columns, and all it meets."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastprop as fp
from fastprop.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 240
rng = np.random.default_rng(0)
KIND, PLACE = rng.integers(0, 4, N), rng.integers(0, 7, N)
NUMBERS = rng.standard_normal((N, 2))
X = np.column_stack([NUMBERS[:, 0], KIND, NUMBERS[:, 1], PLACE])  # categories in columns 1 and 3
EFFECT = np.array([-1.0, 2.0, 0.5, -0.5])[KIND] + np.array([0.0, 1.0, -1.0, 0.3, 0.7, -0.2, 0.1])[PLACE]
yr = EFFECT + NUMBERS[:, 0]
y = np.digitize(yr, [-1, 1])

KINDS = np.array(["air", "earth", "fire", "water"], object)[KIND]
FRAME = pd.DataFrame({"a": NUMBERS[:, 0], "kind": KINDS, "b": NUMBERS[:, 1], "place": PLACE})


def bits(model):
    return [array.tobytes() for array in (*model.coefs_, *model.intercepts_, *model.embeddings_)]


def one_hot(columns=(1, 3)):
    """The columns of numbers, then of 0 and 1 for each category, by scikit-learn."""
    encoder = make_column_transformer((OneHotEncoder(sparse_output=False), list(columns)))
    return np.column_stack([np.delete(X, columns, axis=1), encoder.fit_transform(X)])


# What an embedding is


def test_training_is_that_of_a_layer_over_one_hot_columns():
    """scikit-learn's SGD by hand: a first layer without bias for the one-hot columns, block by block, and all numbers
    drawn in the order of the layers; 4 batches of 64 rows, the last of 48.
    """
    settings = {"alpha": 0.3, "learning_rate_init": 0.05, "momentum": 0.9, "batch_size": 64, "shuffle": False}
    model = MLPRegressor(
        hidden_layer_sizes=5, solver="sgd", random_state=7, max_iter=6, categorical_features=[1, 3],
        embedding_dim=[2, 3], **settings,
    ).fit(X, yr)  # fmt: skip

    draw = np.random.RandomState(7)
    E = np.zeros((2 + 4 + 7, 2 + 2 + 3))  # the numbers pass as they are
    E[:2, :2] = np.eye(2)
    blocks = [(slice(2, 6), slice(2, 4)), (slice(6, 13), slice(4, 7))]
    free = np.zeros(E.shape)  # where E is learnt
    for block in blocks:
        shape = E[block].shape
        bound = np.sqrt(6 / sum(shape))
        E[block], free[block] = draw.uniform(-bound, bound, shape), 1
    theta = [E]
    for n_in, n_out in ((7, 5), (5, 1)):
        bound = np.sqrt(6 / (n_in + n_out))
        theta += [draw.uniform(-bound, bound, (n_in, n_out)), draw.uniform(-bound, bound, n_out)]
    H, losses, velocity = one_hot(), [], [np.zeros_like(p) for p in theta]
    for _ in range(6):
        total = 0.0
        for start in range(0, N, 64):
            h, t = H[start : start + 64], yr[start : start + 64, np.newaxis]
            m, (E, W1, b1, W2, b2) = len(h), theta
            e = h @ E
            a = np.maximum(e @ W1 + b1, 0)
            error = a @ W2 + b2 - t
            penalty = 0.3 / 2 * (np.sum(free * E**2) + np.sum(W1**2) + np.sum(W2**2))
            total += 0.5 * np.sum(error**2) + penalty
            da = error @ W2.T * (a > 0)
            gradients = [free * (h.T @ (da @ W1.T) + 0.3 * E), e.T @ da + 0.3 * W1, da.sum(axis=0)]
            gradients += [a.T @ error + 0.3 * W2, error.sum(axis=0)]
            for p, v, gradient in zip(theta, velocity, gradients, strict=True):
                v[...] = 0.9 * v - 0.05 * gradient / m
                p += 0.9 * v - 0.05 * gradient / m
        losses.append(total / N)

    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-12)
    for table, block in zip(model.embeddings_, blocks, strict=True):
        np.testing.assert_allclose(table[:-2], theta[0][block], rtol=1e-10)
        assert not table[-2:].any()  # nothing missing, nothing unknown
    for ours, hand in zip((model.coefs_[0], model.intercepts_[0], *model.coefs_[1:]), theta[1:4], strict=True):
        np.testing.assert_allclose(ours, hand, rtol=1e-10)


def test_one_layer_finds_the_categories_means():
    """Least squares over one column of categories."""
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", alpha=0, tol=1e-10, random_state=0, categorical_features=[0]
    ).fit(X[:, 1:2], yr)
    means = [yr[kind == KIND].mean() for kind in range(4)]
    np.testing.assert_allclose(model.predict(np.arange(4.0)[:, np.newaxis]), means, atol=1e-4)


def test_alpha_pulls_embeddings_as_it_pulls_weights():
    """Of all T w = v the least (|T|^2 + |w|^2) / 2 is |v|, so that one layer's penalty is alpha |v|, a group lasso's:
    with n rows for each category v = (1 - alpha / (n |c|)) c, c being the centred means (Yuan & Lin 2006, eq. 2.4).
    """
    n, alpha = 30, 20.0
    rows = np.concatenate([np.flatnonzero(kind == KIND)[:n] for kind in range(4)])
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", alpha=alpha, tol=1e-10, random_state=0, categorical_features=[0],
        embedding_dim=3,
    ).fit(X[rows, 1:2], yr[rows])  # fmt: skip
    means = yr[rows].reshape(4, n).mean(axis=1)
    centred = means - means.mean()
    expected = means.mean() + centred * (1 - alpha / (n * np.linalg.norm(centred)))
    np.testing.assert_allclose(model.predict(np.arange(4.0)[:, np.newaxis]), expected, atol=1e-4)


@pytest.mark.parametrize(("columns", "widths"), [((1, 3), (2, 3)), ((0, 1, 3), (3, 3, 1)), ((0, 1, 2, 3), 2)], ids=str)
def test_predictions_are_made_of_coefs_and_embeddings(columns, widths):
    """The other columns first, then the vectors, whatever their widths."""
    whole = np.column_stack([PLACE % 3, KIND, KIND % 2, PLACE])
    model = MLPRegressor(hidden_layer_sizes=6, random_state=0, max_iter=3, embedding_dim=widths)
    model.set_params(categorical_features=columns).fit(whole, yr)
    others = np.delete(whole, columns, axis=1).astype(float)
    vectors = [table[whole[:, column]] for column, table in zip(columns, model.embeddings_, strict=True)]
    a = np.maximum(np.hstack([others, *vectors]) @ model.coefs_[0] + model.intercepts_[0], 0)
    np.testing.assert_allclose(model.predict(whole), (a @ model.coefs_[1] + model.intercepts_[1])[:, 0], rtol=1e-12)
    assert model.n_features_in_ == 4


def test_widths_are_fastais():
    """The seven columns of the adult data in fastai's tutorial "Tabular training", missing counted among them."""
    sizes = {10: 6, 17: 8, 8: 5, 16: 8, 7: 5, 6: 4, 3: 3}
    data = np.column_stack([np.arange(100) % (n - 1) for n in sizes])
    model = MLPRegressor(random_state=0, max_iter=1, categorical_features=range(7)).fit(data, np.arange(100.0))
    assert [table.shape for table in model.embeddings_] == [(n + 1, width) for n, width in sizes.items()]


# Which columns, and in what


def frames():
    polars = pytest.importorskip("polars")
    return FRAME, polars.DataFrame({name: FRAME[name].tolist() for name in FRAME})


@pytest.mark.parametrize("library", [0, 1], ids=["pandas", "polars"])
@pytest.mark.parametrize("wanted", [["kind", "place"], np.array([3, 1]), [False, True, False, True]], ids=str)
def test_frames_and_arrays_train_the_same_bits(library, wanted):
    frame = frames()[library]
    settings = {"random_state": 0, "max_iter": 4}
    model = MLPClassifier(categorical_features=wanted, **settings).fit(frame, y)
    as_array = MLPClassifier(categorical_features=[1, 3], **settings)
    assert bits(model) == bits(as_array.fit(FRAME.to_numpy(object), y)) == bits(as_array.fit(X, y))
    np.testing.assert_array_equal(model.feature_names_in_, FRAME.columns)
    np.testing.assert_array_equal(model.is_categorical_, [False, True, False, True])
    assert [known.tolist() for known in model.categories_] == [sorted(set(KINDS)), list(range(7))]
    np.testing.assert_array_equal(model.predict_proba(frame), as_array.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["kind", "a", "b", "place"]])


@pytest.mark.parametrize("dtype", ["category", "Categorical", "Enum"])
def test_types_of_frames_name_their_columns(dtype):
    if dtype == "category":
        frame = FRAME.astype({"kind": "category"})
    else:
        polars = pytest.importorskip("polars")
        wanted = polars.Categorical() if dtype == "Categorical" else polars.Enum(sorted(set(KINDS), reverse=True))
        frame = frames()[1].with_columns(polars.col("kind").cast(wanted))
    model = MLPClassifier(categorical_features="from_dtype", random_state=0, max_iter=3).fit(frame, y)
    named = MLPClassifier(categorical_features=["kind"], random_state=0, max_iter=3).fit(FRAME, y)
    assert bits(model) == bits(named)
    np.testing.assert_array_equal(model.predict(frame), named.predict(FRAME))


@pytest.mark.parametrize("setting", [[], "from_dtype", [False] * 4], ids=str)
def test_no_categories_cost_nothing(setting):
    """The model is that without the parameter."""
    plain, other = (MLPClassifier(categorical_features=c, random_state=0, max_iter=3) for c in (None, setting))
    assert bits(plain.fit(X, y)) == bits(other.fit(X, y))
    assert other.is_categorical_ is None
    assert other.embeddings_ == other.categories_ == []
    if setting == "from_dtype":
        assert bits(other.fit(scipy.sparse.csr_array(X), y)) == bits(plain)


def test_columns_may_be_of_any_type():
    """Dates, true and false, whole numbers with gaps: each value is a category of its own, in pandas as in polars."""
    days = pd.to_datetime(pd.Series(["2024-02-29", "2025-01-01"])).iloc[KIND % 2].reset_index(drop=True)
    frame = pd.DataFrame({
        "day": days, "yes": KIND > 1, "whole": pd.Series(KIND, dtype="Int64").mask(KIND == 2),
        "word": pd.Series(KINDS, dtype="string").mask(KIND == 3),
    })  # fmt: skip
    model = MLPClassifier(categorical_features=[0, 1, 2, 3], random_state=0, max_iter=3).fit(frame, KIND)
    assert [known.tolist() for known in model.categories_] == [
        sorted(set(days)), [False, True], [0, 1, 3], ["air", "earth", "fire"]
    ]  # fmt: skip
    polars = pytest.importorskip("polars")
    other = polars.DataFrame({name: [None if pd.isna(value) else value for value in frame[name]] for name in frame})
    assert bits(clone(model).fit(other, KIND)) == bits(model)


# Missing and unknown


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=str)
def test_missing_is_a_category_of_its_own(missing):
    """Beside the same data with a word in its place; only the draw of its vector differs, which begins at 0."""
    frame = FRAME.assign(kind=pd.Series(KINDS, dtype=object).where(KIND != 2, missing))
    model = MLPRegressor(random_state=0, max_iter=200, learning_rate_init=0.01, categorical_features=["kind", "place"])
    model.fit(frame, yr)
    assert model.categories_[0].tolist() == ["air", "earth", "water"]
    assert model.embeddings_[0][3].any()
    assert not model.embeddings_[0][4].any()
    assert model.score(frame, yr) > 0.99
    objects = frame.to_numpy(object)
    np.testing.assert_array_equal(model.predict(frame), clone(model).set_params(
        categorical_features=[1, 3]).fit(objects, yr).predict(objects))  # fmt: skip


def test_nan_is_missing_among_numbers():
    holed = np.where(np.isin(X, [2]) & [False, True, False, False], np.nan, X)
    model = MLPRegressor(random_state=0, max_iter=5, categorical_features=[1, 3]).fit(holed, yr)
    assert model.categories_[0].tolist() == [0, 1, 3]
    assert model.embeddings_[0][3].any()
    holed[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        model.predict(holed)


@pytest.mark.parametrize("value", ["void", 12, None], ids=str)
def test_what_training_did_not_see_counts_as_nothing(value):
    """Its vector is 0, as OneHotEncoder(handle_unknown="ignore") has no 1 for it."""
    model = MLPClassifier(random_state=0, max_iter=20, categorical_features=["kind", "place"]).fit(FRAME, y)
    frame = FRAME.assign(kind=pd.Series([value] * N, dtype=object))
    predicted = model.predict_proba(frame)
    model.embeddings_[0][:] = 0
    np.testing.assert_array_equal(predicted, model.predict_proba(FRAME))


@pytest.mark.parametrize("dtype", [float, object], ids=str)
@pytest.mark.parametrize("value", [-1, 1.5, 2, 99])
def test_unknown_numbers_are_neither_missing_nor_their_neighbours(value, dtype):
    """Below, between and above those of training, among which 2 was missing."""
    holed = np.where(np.isin(X, [2]) & [False, True, False, False], np.nan, X).astype(dtype)
    model = MLPRegressor(random_state=0, max_iter=5, categorical_features=[1, 3]).fit(holed, yr)
    assert model.embeddings_[0][:-1].any(axis=1).all()
    unknown = holed.copy()
    unknown[:, 1] = value
    predicted = model.predict(unknown)
    model.embeddings_[0][:] = 0
    np.testing.assert_array_equal(predicted, model.predict(holed))


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_categories_that_come_later_share_the_entry_for_unknown(solver):
    """They are fixed at the first call; the entry for the others learns from then on, as one category would."""
    model = MLPRegressor(solver=solver, random_state=0, shuffle=False, categorical_features=[1, 3])
    early, late = X[KIND < 2], X[KIND >= 2]
    model.partial_fit(early, yr[KIND < 2])
    assert model.categories_[0].tolist() == [0, 1]
    assert not model.embeddings_[0][-1].any()
    twin = pickle.loads(pickle.dumps(model))
    as_one = late.copy()
    as_one[:, 1] = 99
    for one, data in ((model, late), (twin, as_one)):
        one.partial_fit(data, yr[KIND >= 2])
    assert bits(model) == bits(twin)
    assert model.embeddings_[0][-1].any()
    assert not model.embeddings_[0][-2].any()
    assert model.categories_[0].tolist() == [0, 1]
    assert model.predict(late)[0] == model.predict(as_one)[0]


def test_rows_of_weight_0_bring_no_categories():
    weights = np.where(KIND == 3, 0.0, 1.0)
    settings = {"solver": "lbfgs", "max_iter": 30, "random_state": 0, "categorical_features": [1, 3]}
    weighted = MLPClassifier(**settings).fit(X, y, weights)
    without = MLPClassifier(**settings).fit(X[KIND < 3], y[KIND < 3])
    np.testing.assert_allclose(weighted.predict_proba(X), without.predict_proba(X), atol=1e-6)


# With all else


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "sgd", "learning_rate_init": 0.1},
        {"solver": "lbfgs"},
        {"solver": fp.AdamW(0.02, weight_decay=0.01)},
        {"solver": "nadam", "embedding_dim": 1},
        {"early_stopping": True, "scoring": "neg_log_loss", "validation_fraction": 0.2},
        {"dropout": 0.1, "batch_norm": True, "batch_size": 32},
        {"class_weight": "balanced", "n_threads": 1, "embedding_dim": [4, 2]},
        {"activation": ["gelu", "tanh"], "hidden_layer_sizes": (16, 8), "loss": "focal"},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_embeddings_go_with_the_other_settings(settings, dtype):
    common = {"hidden_layer_sizes": 16, "learning_rate_init": 0.02, "random_state": 0, "max_iter": 120}
    model = MLPClassifier(**(common | {"categorical_features": [1, 3]} | settings))
    data, weights = X.astype(dtype), np.random.default_rng(1).uniform(0.5, 2, N)
    model.fit(data, y, weights, X_val=data[:50], y_val=y[:50])
    assert model.score(data, y) > 0.9
    assert bits(clone(model).fit(data, y, weights, X_val=data[:50], y_val=y[:50])) == bits(model)
    copy = pickle.loads(pickle.dumps(model))
    assert bits(copy) == bits(model)
    np.testing.assert_array_equal(copy.predict_proba(data), model.predict_proba(data))
    precision = np.float64 if settings.get("solver") == "lbfgs" else dtype
    assert {array.dtype.type for array in (*model.embeddings_, *model.coefs_)} == {precision}


def test_warm_starts_go_on_with_embeddings():
    settings = {"random_state": 0, "shuffle": False, "categorical_features": [1, 3]}
    whole = MLPRegressor(max_iter=10, **settings).fit(X, yr)
    parts = MLPRegressor(max_iter=5, warm_start=True, **settings).fit(X, yr).fit(X, yr)
    assert bits(whole) == bits(parts)


@pytest.mark.parametrize("scoring", [None, "accuracy", lambda model, X, y: model.score(X, y)], ids=str)
def test_early_stopping_scores_frames(scoring):
    """Held-out rows are scored as they are when the model is done, and its best weights are kept."""
    model = MLPClassifier(
        early_stopping=True, scoring=scoring, random_state=0, max_iter=40, learning_rate_init=0.02,
        categorical_features=["kind", "place"],
    ).fit(FRAME[:180], y[:180], X_val=FRAME[180:], y_val=y[180:])  # fmt: skip
    assert model.best_validation_score_ == model.score(FRAME[180:], y[180:]) == max(model.validation_scores_)


def test_embeddings_are_views_and_may_be_replaced():
    model = MLPRegressor(random_state=0, max_iter=5, categorical_features=[1, 3]).fit(X, yr)
    before = model.predict(X)
    model.embeddings_[0] = np.zeros_like(model.embeddings_[0])
    zeroed = model.predict(X)
    assert (zeroed != before).any()
    assert not pickle.loads(pickle.dumps(model)).embeddings_[0].any()
    model.embeddings_[1] = np.zeros((2, 2))
    with pytest.raises(ValueError, match="shape"):
        model.predict(X)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_pipelines_hand_frames_on(library):
    """`set_output` names the columns that a model behind it asks for; a search clones all of it."""
    pytest.importorskip(library)
    frame = frames()[library == "polars"]
    columns = make_column_transformer(
        (StandardScaler(), ["a", "b"]), remainder="passthrough", verbose_feature_names_out=False
    )
    model = MLPClassifier(20, random_state=0, max_iter=60, learning_rate_init=0.02)
    model.set_params(categorical_features=["kind", "place"])
    pipeline = make_pipeline(columns, model).set_output(transform=library)
    search = GridSearchCV(pipeline, {"mlpclassifier__embedding_dim": ["auto", 2]}, cv=3).fit(frame, y)
    assert search.best_score_ > 0.8
    fitted = search.best_estimator_[-1]
    np.testing.assert_array_equal(fitted.feature_names_in_, ["a", "b", "kind", "place"])
    assert fitted.categories_[0].tolist() == sorted(set(KINDS))


# Refusals


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"categorical_features": [4]}, "names column 4, but X has n_features=4"),
        ({"categorical_features": [-1]}, "names column -1"),
        ({"categorical_features": [True, False]}, "mask of 2, but X has n_features=4"),
        ({"categorical_features": [0.5]}, "holds float64"),
        ({"categorical_features": ["kind"]}, "no feature names"),
        ({"categorical_features": [[1, 3]]}, r"shape \(1, 2\)"),
        ({"categorical_features": "kind"}, "categorical_features"),
        ({"categorical_features": [1], "embedding_dim": 0}, "embedding_dim"),
        ({"categorical_features": [1, 3], "embedding_dim": [2, 0.5]}, "embedding_dim must be of whole numbers"),
        ({"categorical_features": [1], "embedding_dim": [2, 2]}, "names 2 widths, but there are 1"),
    ],
    ids=str,
)
def test_settings_that_name_no_columns_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**settings).fit(X, y)


def test_data_that_hold_no_categories_are_refused():
    with pytest.raises(ValueError, match=r"names 'colour', which X has not; its features are \['a'"):
        MLPClassifier(categorical_features=["colour"]).fit(FRAME, y)
    mixed = FRAME.assign(kind=[1, *KINDS[1:]])
    with pytest.raises(TypeError, match=r"column 'kind' of X is of categories, .* but it holds int, str"):
        MLPClassifier(categorical_features=["kind"]).fit(mixed, y)
    model = MLPClassifier(categorical_features=[1], max_iter=1, random_state=0)
    with pytest.raises(TypeError, match="Sparse data"):
        model.fit(scipy.sparse.csr_array(X), y)
    with pytest.raises(TypeError, match="Sparse data"):
        model.fit(X, y).predict(scipy.sparse.csr_array(X))
    with pytest.raises(ValueError, match="could not convert string"):
        MLPClassifier(categorical_features=["place"]).fit(FRAME, y)
